//! Everything that a request may read, as one value: the plan in force, and all that runs by it.
//!
//! A request loads it once and sees nothing else until it is answered, on either listener. Another plan
//! is another generation, which takes the place of the one before in one step. What both plans say in
//! the same way is the same in both: an upstream with its snapshots, token, breaker, limiter and
//! connections; what each client has used of its rate limit; views. Answers that are ready are made
//! again, for they hold what any part of the plan may have changed.
//!
//! What no plan can change while the process runs is in [`crate::plan::Server::fixed_at_start`].

mod read_by_layers;

use std::iter;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderName;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinError;
use tokio::time::{Instant, timeout};

use crate::catalog::Catalog;
use crate::clock::WallClock;
use crate::gateway::Gateway;
use crate::gateway::cursor::Keys;
use crate::gateway::pool::BlockingPool;
use crate::metrics::Metrics;
use crate::observe::{Event, Observer, Observers};
use crate::plan::{Plan, Server};
use crate::reload::Reloads;
use crate::telemetry::{self, AccessLines};
use crate::upstream::Adapter;

use super::answers::AnswerCache;
use super::audit::AuditLog;
use super::bodies::BodyMemory;
use super::caller_gate::CallerGate;
use super::connections::ConnectionTable;
use super::entrance::Entrance;
use super::layers::AccessLog;
use super::openapi::Description;
use super::rate_limiter::CallerRateLimiter;
use super::request_places::RequestPlaces;
use super::templates;
use super::varies_by::VariesBy;

/// How long lists may take to be read from disk while the process serves.
const DISK_PATIENCE: Duration = Duration::from_secs(10);

/// What part of the requests that may be under way may besides wait until their callers are known.
const STRANGERS: usize = 8;

/// Where the configuration is loaded again.
pub(super) const RELOAD: &str = "/reload";

/// All that a request may read.
#[derive(Debug)]
pub struct Generation<G = Gateway> {
    pub(super) plan: Arc<Plan>,
    /// What answers queries, over the upstreams and their lists.
    pub(super) gateway: G,
    /// What cursors are verified with.
    pub(super) keys: Keys,
    /// What each client has asked.
    rate_limiter: Arc<CallerRateLimiter>,
    /// What knows callers, where they are told apart.
    gate: Option<Arc<CallerGate>>,
    /// Where requests are recorded, if they are.
    pub(super) audit: Option<Arc<AuditLog>>,
    /// The headers of callers that upstreams forward.
    forwarded_headers: Vec<HeaderName>,
    /// The request headers on which answers depend.
    varies_by: VariesBy,
    /// Who is told of each request, the access log among them.
    observers: Observers,
    pub(super) answers: AnswerCache,
    pub(super) process: Arc<Process>,
}

/// What is the same in every generation.
#[derive(Debug)]
pub(super) struct Process {
    /// When it began to serve.
    pub(super) begun: Instant,
    /// The same by the wall clock.
    pub(super) started: Timestamp,
    /// Whether it is about to stop.
    pub(super) draining: AtomicBool,
    /// Whether it was ready once.
    pub(super) was_ready: AtomicBool,
    /// Where walks run: not on the thread of the admin listener.
    pub(super) walks: Handle,
    /// Where answers are rendered and compressed.
    pub(super) pool: BlockingPool,
    /// Where answers stand until callers have read them.
    pub(super) bodies: BodyMemory,
    /// The connections of callers.
    pub(super) connections: Arc<ConnectionTable>,
    /// A place for each request that may wait for its answer.
    under_way: Arc<RequestPlaces>,
    /// A place for each that may wait until its caller is known.
    strangers: Arc<RequestPlaces>,
    /// How new connections are met.
    pub(super) entrance: Arc<ArcSwap<Entrance>>,
    pub(super) description: Description,
    /// Who is told of all that happens but requests: of those, the generation's are told.
    observers_of_all_else: Observers,
    /// The short way to the log, where there is one.
    access_lines: Option<AccessLines>,
    pub(super) metrics: Arc<Metrics>,
    /// How the configuration stands, and the way to have it loaded again.
    pub(super) reloads: Reloads,
}

/// The generation in force. Its clones are one.
#[derive(Debug, Clone)]
pub struct Live {
    present: Arc<ArcSwap<Generation>>,
    /// Held while one takes the place of another, so that each follows exactly one.
    swapping: Arc<Mutex<Swapping>>,
}

/// Whether generations still follow each other.
#[derive(Debug, Default)]
struct Swapping {
    is_over: bool,
}

impl<G> Generation<G> {
    /// The first generation of a process.
    pub(super) fn first(plan: Arc<Plan>, keys: Keys, gateway: G, process: Process) -> Self {
        Self {
            rate_limiter: Arc::new(CallerRateLimiter::new(&plan.rate_limit, "client")),
            gate: gate_of(&plan, &process, None),
            audit: AuditLog::new(&plan.audit).map(Arc::new),
            varies_by: VariesBy::new(&plan),
            forwarded_headers: plan.forwarded_headers(),
            observers: observers_of(&plan, &process),
            answers: AnswerCache::new(plan.cache.answers(), process.observers_of_all_else.clone()),
            plan,
            gateway,
            keys,
            process: Arc::new(process),
        }
    }

    /// The plan.
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }
}

impl Generation {
    /// The upstreams and their snapshots.
    pub fn catalog(&self) -> &Catalog {
        self.gateway.catalog()
    }

    /// Gives the memory of verified credentials to the next generation, if that has some of its own: long answers
    /// of this one may be read for some time. Requests that loaded this one and are verified later are few.
    fn forget_callers_for(&self, next: &Self) {
        if let Some(gate) = &self.gate
            && (next.gate.as_ref()).is_none_or(|kept| !Arc::ptr_eq(gate, kept))
        {
            gate.authenticator.forget();
        }
    }

    fn succeed(&self, plan: Arc<Plan>, catalog: Catalog) -> Self {
        let keys = self.keys.succeed(&plan);
        self.process.bodies.resize(&plan.cache);
        let rate_limiter = if plan.rate_limit == self.plan.rate_limit {
            Arc::clone(&self.rate_limiter)
        } else {
            Arc::new(CallerRateLimiter::new(&plan.rate_limit, "client"))
        };
        let has_equal_gate = plan.callers == self.plan.callers
            && plan.cache.credentials() == self.plan.cache.credentials();
        let gate = if has_equal_gate {
            self.gate.clone()
        } else {
            gate_of(&plan, &self.process, self.gate.as_deref())
        };
        let audit = if plan.audit == self.plan.audit {
            self.audit.clone()
        } else {
            AuditLog::new(&plan.audit).map(Arc::new)
        };
        Self {
            audit,
            gateway: self.gateway.succeed(catalog, &plan, keys.clone()),
            keys,
            rate_limiter,
            gate,
            varies_by: VariesBy::new(&plan),
            forwarded_headers: plan.forwarded_headers(),
            observers: observers_of(&plan, &self.process),
            answers: AnswerCache::new(
                plan.cache.answers(),
                self.process.observers_of_all_else.clone(),
            ),
            plan,
            process: Arc::clone(&self.process),
        }
    }
}

impl Process {
    /// A process that begins to serve now, on the runtime that this is called in.
    pub(super) fn new(plan: &Plan, metrics: Arc<Metrics>, reloads: Reloads) -> Self {
        let limits = plan.server.connections;
        let requests = [limits.requests, limits.requests_per_client].map(|most| most as usize);
        let [total, per_client] = requests;
        let [strangers, of_client] = requests.map(|most| most.div_ceil(STRANGERS));
        Self {
            reloads,
            bodies: BodyMemory::new(&plan.cache),
            connections: Arc::new(ConnectionTable::new(plan.server.connections)),
            under_way: RequestPlaces::new(total, per_client),
            strangers: RequestPlaces::new(strangers, of_client),
            entrance: Arc::default(),
            begun: Instant::now(),
            started: WallClock::system().now(),
            draining: AtomicBool::new(false),
            was_ready: AtomicBool::new(false),
            walks: Handle::current(),
            pool: BlockingPool::new(),
            description: Description::default(),
            observers_of_all_else: Observers::from(Arc::clone(&metrics)),
            access_lines: telemetry::access_lines(),
            metrics,
        }
    }

    /// Has new connections met as a plan says.
    fn meet_as(&self, server: &Server) {
        match Entrance::of(server) {
            Ok(entrance) => self.entrance.store(Arc::new(entrance)),
            // The plan was refused if it could not be served.
            Err(error) => tracing::error!(%error, "new connections are met as before"),
        }
    }
}

impl Live {
    /// Begins with a first generation, whose requests `metrics` count. Must be called within a tokio runtime.
    pub fn new(plan: Arc<Plan>, catalog: Catalog, metrics: Arc<Metrics>, reloads: Reloads) -> Self {
        let keys = Keys::from(&*plan);
        let gateway = Gateway::new(catalog, &plan, keys.clone());
        let process = Process::new(&plan, metrics, reloads);
        let first = Generation::first(plan, keys, gateway, process);
        Self {
            present: Arc::new(ArcSwap::from_pointee(first)),
            swapping: Arc::default(),
        }
    }

    /// The generation in force. A request calls this once.
    pub fn load(&self) -> Arc<Generation> {
        self.present.load_full()
    }

    /// Tells those who watch the process of an event.
    pub fn notify(&self, event: &Event<'_>) {
        self.load().process.observers_of_all_else.notify(event);
    }

    /// Where a listener loads the generation of each request.
    pub(super) const fn present(&self) -> &Arc<ArcSwap<Generation>> {
        &self.present
    }

    /// Puts another plan in force. Requests that loaded the generation before are answered by it;
    /// whoever waits in it for a walk that ends with it is told at once. It runs to its end though
    /// nobody waits for it any more. Once closed, nothing changes.
    pub async fn swap(
        &self,
        plan: Arc<Plan>,
        adapters: Vec<Arc<Adapter>>,
    ) -> Result<(), JoinError> {
        let live = self.clone();
        tokio::spawn(async move { live.swap_to_the_end(plan, adapters).await }).await
    }

    /// Ends what goes on behind the generation in force, and lets none follow it.
    pub async fn close(&self) {
        // A swap waits for the disk at most as long.
        if let Ok(mut swapping) = timeout(2 * DISK_PATIENCE, self.swapping.lock()).await {
            swapping.is_over = true;
        } else {
            tracing::warn!("the gateway stops while a plan is put in force");
        }
        let last = self.load();
        last.catalog().close().await;
        if let Some(audit) = &last.audit {
            audit.close();
        }
    }

    async fn swap_to_the_end(&self, plan: Arc<Plan>, adapters: Vec<Arc<Adapter>>) {
        let swapping = self.swapping.lock().await;
        if swapping.is_over {
            return;
        }
        let before = self.load();
        let catalog = before.catalog().succeed(adapters, &plan.cache);
        // Before anybody is answered by it.
        if timeout(DISK_PATIENCE, catalog.load()).await.is_err() {
            tracing::warn!("the disk does not answer: lists kept there are not read");
        }
        catalog.take_over(before.catalog());
        let next = Arc::new(before.succeed(plan, catalog));
        // What a new connection shows is judged by the plan that it was met by.
        if before.plan.server != next.plan.server {
            before.process.meet_as(&next.plan.server);
        }
        self.present.store(Arc::clone(&next));
        before.forget_callers_for(&next);
        before.catalog().retire_for(next.catalog()).await;
        next.catalog().start(Some(before.catalog()));
    }
}

/// Who is told of each request under a plan.
fn observers_of(plan: &Plan, process: &Process) -> Observers {
    let lines = process.access_lines.clone();
    let access_log = AccessLog::new(&plan.access_log, templates::PROBES, lines);
    let others = process.observers_of_all_else.each().cloned();
    iter::once(Arc::new(access_log) as Arc<dyn Observer>)
        .chain(others)
        .collect()
}

/// What lets callers in. Keys of tokens are fetched where everything else is.
fn gate_of(plan: &Plan, process: &Process, before: Option<&CallerGate>) -> Option<Arc<CallerGate>> {
    let callers = plan.callers.as_ref()?;
    let _in_runtime = process.walks.enter();
    let gate = CallerGate::new(
        callers,
        plan.cache.credentials(),
        &process.observers_of_all_else,
        before,
    );
    Some(Arc::new(gate))
}

#[cfg(test)]
mod tests;
