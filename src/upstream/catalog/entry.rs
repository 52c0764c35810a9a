//! One upstream and credential scope in the catalog: what to serve, when to walk, who waits.
//!
//! Freshness is decided by plain functions of the snapshot's age; a lock is held only to decide,
//! never while anything waits. moka has no refresh-ahead and runs its loaders in the caller's
//! future, so coalescing and stale-while-revalidate are kept here.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use futures_util::future::BoxFuture;
use jiff::{Timestamp, Unit};

use crate::clock::WallClock;
use crate::upstream::adapter::Freshness;
use crate::upstream::error::{ErrorKind, Fault, UpstreamError};
use crate::upstream::snapshot::Snapshot;
use crate::upstream::walk::Progress;

use super::shelf::{Shelf, Stored};
use super::{Counts, Demand, Held, Key, Lookup, State};

/// The longest that an upstream rests after failures, unless it asks for more.
const LONGEST_REST: Duration = Duration::from_mins(1);
/// The longest that it rests after it refused our credentials: trying those again and again locks
/// accounts.
const LONGEST_LOCKED_REST: Duration = Duration::from_mins(10);

/// What one walk brings.
pub(super) type Brought = Result<(Snapshot, Counts), UpstreamError>;

/// Makes one walk. The entry decides when; what a walk is, it does not know.
pub(super) type Fetch = Box<dyn Fn(Arc<Progress>) -> BoxFuture<'static, Brought> + Send + Sync>;

/// On what terms an entry's snapshots serve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) freshness: Freshness,
    pub(super) required: bool,
}

/// One upstream and credential scope.
pub(super) struct Entry {
    key: Key,
    terms: Terms,
    fetch: Fetch,
    shelf: Arc<Shelf>,
    wall: WallClock,
    walks: Mutex<Walks>,
}

/// The walks of one entry: at most one is under way, and at most one waits behind it.
#[derive(Debug, Default)]
struct Walks {
    running: Option<Run>,
    queued: Option<Run>,
    last_begun: Option<Instant>,
    failure: Option<Failure>,
}

/// A walk that somebody can wait for.
#[derive(Debug, Clone)]
struct Run {
    finished: Arc<watch::Sender<bool>>,
    progress: Arc<Progress>,
}

#[derive(Debug, Clone)]
struct Failure {
    error: Arc<UpstreamError>,
    at: Instant,
    /// How many walks failed in a row, with this one.
    count: u32,
}

/// What to do for one caller.
enum Plan {
    Serve(Held),
    Wait(Run, Lookup),
}

/// How far a snapshot is past its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// Within its time to live, for so long still.
    Fresh(Duration),
    /// Served at once, while a refresh runs.
    Revalidating,
    /// Served only if a refresh fails.
    IfError,
    /// Served no more.
    Expired,
}

impl Age {
    fn of(stored: &Stored, freshness: Freshness, now: Instant) -> Self {
        let age = now.saturating_duration_since(stored.at);
        let Some(past) = age.checked_sub(freshness.ttl) else {
            return Self::Fresh(freshness.ttl.saturating_sub(age));
        };
        if past < freshness.stale_while_revalidate {
            Self::Revalidating
        } else if past < freshness.stale_if_error {
            Self::IfError
        } else {
            Self::Expired
        }
    }
}

impl Failure {
    /// How long the upstream is left alone after this failure, from now on: twice as long with
    /// each one that follows, and as long as it asks for.
    fn rest(&self, freshness: Freshness, now: Instant) -> Option<Duration> {
        let longest = if self.error.kind == ErrorKind::Unauthorized {
            LONGEST_LOCKED_REST
        } else {
            LONGEST_REST
        };
        let doubled = 2_u32.saturating_pow(self.count.saturating_sub(1));
        let rest = freshness.min_refresh.saturating_mul(doubled).min(longest);
        let rest = rest
            .max(freshness.min_refresh)
            .max(self.error.retry_after.unwrap_or_default());
        let until = self.at + rest;
        (until > now).then(|| until - now)
    }
}

impl Run {
    fn new() -> Self {
        Self {
            finished: Arc::new(watch::Sender::new(false)),
            progress: Arc::default(),
        }
    }

    /// Waits for the walk's end, at most until `deadline`; says whether it came.
    async fn end(&self, deadline: Instant) -> bool {
        let mut finished = self.finished.subscribe();
        timeout_at(deadline, finished.wait_for(|&finished| finished))
            .await
            .is_ok()
    }
}

impl Lookup {
    const HIT: Self = Self {
        forwarded: None,
        collapsed: false,
        detail: None,
    };
}

impl Entry {
    pub(super) fn new(
        key: Key,
        terms: Terms,
        fetch: Fetch,
        shelf: Arc<Shelf>,
        wall: WallClock,
    ) -> Self {
        Self {
            key,
            terms,
            fetch,
            shelf,
            wall,
            walks: Mutex::default(),
        }
    }

    pub(super) const fn required(&self) -> bool {
        self.terms.required
    }

    /// Begins a first walk, unless one was begun already.
    pub(super) fn warm(self: &Arc<Self>) {
        let mut walks = self.lock();
        if walks.last_begun.is_none() {
            self.begin(&mut walks, Run::new());
        }
    }

    /// Serves what the cache rules allow, after a walk where they demand one.
    pub(super) async fn get(self: &Arc<Self>, demand: Demand, deadline: Instant) -> Held {
        match self.plan(demand) {
            Plan::Serve(held) => held,
            Plan::Wait(run, lookup) => {
                let ended = run.end(deadline).await;
                self.waited(ended, lookup)
            }
        }
    }

    /// What there is right now.
    pub(super) fn peek(&self) -> Held {
        let walks = self.lock();
        let now = Instant::now();
        match self.shelf.get(&self.key) {
            Some(stored) => self.stored(&stored, &walks, now, Lookup::HIT),
            None => self.nothing(&walks, now, Lookup::HIT),
        }
    }

    pub(super) fn progress(&self) -> Option<Arc<Progress>> {
        let walks = self.lock();
        walks.running.as_ref().map(|run| Arc::clone(&run.progress))
    }

    fn plan(self: &Arc<Self>, demand: Demand) -> Plan {
        let mut walks = self.lock();
        let now = Instant::now();
        match demand {
            Demand::Cached => self.plan_cached(&mut walks, now, None),
            Demand::Revalidate if self.walked_just_now(&walks, now) => {
                self.plan_cached(&mut walks, now, Some("min_refresh"))
            }
            Demand::Revalidate => {
                let (run, collapsed) = self.begin_or_queue(&mut walks);
                let lookup = Lookup {
                    forwarded: Some("request"),
                    collapsed,
                    detail: None,
                };
                Plan::Wait(run, lookup)
            }
        }
    }

    fn plan_cached(
        self: &Arc<Self>,
        walks: &mut Walks,
        now: Instant,
        detail: Option<&'static str>,
    ) -> Plan {
        let freshness = self.terms.freshness;
        let stored = self.shelf.get(&self.key);
        let age = stored
            .as_ref()
            .map_or(Age::Expired, |stored| Age::of(stored, freshness, now));
        let hit = Lookup {
            detail,
            ..Lookup::HIT
        };
        // An upstream that is known to fail is asked behind the callers: the first of them has
        // waited for the failure, and one bad source must not take its time from every answer.
        let failing = walks.failure.is_some();
        let serve_now = match age {
            Age::Fresh(_) | Age::Revalidating => true,
            Age::IfError | Age::Expired => failing,
        };
        if !matches!(age, Age::Fresh(_)) && !self.is_resting(walks, now) {
            let (run, collapsed) = self.begin_or_join(walks);
            if !serve_now {
                let forwarded = if stored.is_some() { "stale" } else { "miss" };
                let lookup = Lookup {
                    forwarded: Some(forwarded),
                    collapsed,
                    detail,
                };
                return Plan::Wait(run, lookup);
            }
        }
        Plan::Serve(match stored {
            Some(stored) if age != Age::Expired => self.stored(&stored, walks, now, hit),
            Some(_) | None => self.nothing(walks, now, hit),
        })
    }

    fn is_resting(&self, walks: &Walks, now: Instant) -> bool {
        let failure = walks.failure.as_ref();
        failure.is_some_and(|failure| failure.rest(self.terms.freshness, now).is_some())
    }

    fn walked_just_now(&self, walks: &Walks, now: Instant) -> bool {
        walks
            .last_begun
            .is_some_and(|begun| now < begun + self.terms.freshness.min_refresh)
    }

    /// What to serve to a caller that waited for a walk.
    fn waited(&self, ended: bool, mut lookup: Lookup) -> Held {
        let walks = self.lock();
        let now = Instant::now();
        if !ended {
            lookup.detail = Some("deadline");
        } else if walks.failure.is_some() {
            lookup.detail = Some("failed");
        }
        let Some(stored) = self.shelf.get(&self.key) else {
            return self.nothing(&walks, now, lookup);
        };
        if ended && walks.failure.is_none() {
            // Just walked for this caller: good even where the time to live is zero.
            let mut held = self.stored(&stored, &walks, now, lookup);
            held.state = State::Fresh;
            return held;
        }
        match Age::of(&stored, self.terms.freshness, now) {
            Age::Fresh(_) | Age::Revalidating | Age::IfError => {
                self.stored(&stored, &walks, now, lookup)
            }
            Age::Expired => self.nothing(&walks, now, lookup),
        }
    }

    fn stored(&self, stored: &Stored, walks: &Walks, now: Instant, lookup: Lookup) -> Held {
        let (state, fresh_for) = match Age::of(stored, self.terms.freshness, now) {
            Age::Fresh(left) => (State::Fresh, left),
            Age::Revalidating | Age::IfError | Age::Expired => (State::Stale, Duration::ZERO),
        };
        Held {
            state,
            snapshot: Some(Arc::clone(&stored.snapshot)),
            as_of: Some(stored.as_of),
            fresh_for,
            counts: stored.counts,
            ..self.bare(walks, now, lookup)
        }
    }

    fn nothing(&self, walks: &Walks, now: Instant, lookup: Lookup) -> Held {
        let held = self.bare(walks, now, lookup);
        let state = if held.error.is_some() {
            State::Failed
        } else {
            State::Pending
        };
        Held { state, ..held }
    }

    fn bare(&self, walks: &Walks, now: Instant, lookup: Lookup) -> Held {
        let error = walks.failure.as_ref().map(|failure| {
            let rest = failure.rest(self.terms.freshness, now);
            let mut error = UpstreamError::clone(&failure.error);
            error.retry_after = rest;
            Arc::new(error)
        });
        Held {
            source: Arc::clone(&self.key.upstream),
            required: self.terms.required,
            state: State::Pending,
            snapshot: None,
            as_of: None,
            fresh_for: Duration::ZERO,
            error,
            counts: Counts::default(),
            lookup,
        }
    }

    /// The running walk, or a new one; and whether another had begun it.
    fn begin_or_join(self: &Arc<Self>, walks: &mut Walks) -> (Run, bool) {
        if let Some(run) = &walks.running {
            return (run.clone(), true);
        }
        let run = Run::new();
        self.begin(walks, run.clone());
        (run, false)
    }

    /// A walk that begins now, or once the running one has ended: never the running one, which
    /// began before the caller came.
    fn begin_or_queue(self: &Arc<Self>, walks: &mut Walks) -> (Run, bool) {
        if walks.running.is_none() {
            return self.begin_or_join(walks);
        }
        if let Some(run) = &walks.queued {
            return (run.clone(), true);
        }
        let run = Run::new();
        walks.queued = Some(run.clone());
        (run, false)
    }

    fn begin(self: &Arc<Self>, walks: &mut Walks, run: Run) {
        walks.running = Some(run.clone());
        walks.last_begun = Some(Instant::now());
        let entry = Arc::clone(self);
        tokio::spawn(async move {
            let as_of = whole_milliseconds(entry.wall.now());
            // A task within the task: its panic is this walk's failure, and nobody waits for ever.
            let walked = tokio::spawn((entry.fetch)(Arc::clone(&run.progress)))
                .await
                .unwrap_or_else(|cut| {
                    Err(UpstreamError::ours(format!(
                        "the walk was cut short: {cut}"
                    )))
                });
            entry.end(walked, as_of);
            run.finished.send_replace(true);
        });
    }

    /// Keeps what a walk brought, and begins the one that waits behind it.
    fn end(self: &Arc<Self>, walked: Brought, as_of: Timestamp) {
        let kept = walked.and_then(|(snapshot, counts)| self.keep(snapshot, counts, as_of));
        let mut walks = self.lock();
        let taken = walks.last_begun.map(|begun| begun.elapsed());
        let before = walks.failure.as_ref().map_or(0, |failure| failure.count);
        walks.running = None;
        walks.failure = match kept {
            Ok((groups, counts)) => {
                tracing::info!(
                    source = %self.key.upstream,
                    groups,
                    skipped = counts.skipped,
                    repeated = counts.repeated,
                    unread_times = counts.unread_times,
                    drifted = counts.drifted,
                    taken = ?taken.unwrap_or_default(),
                    "walk finished"
                );
                None
            }
            Err(error) => {
                if error.fault() == Fault::Gateway {
                    tracing::error!(
                        source = %self.key.upstream,
                        error.detail = error.detail,
                        "walk failed by our own fault"
                    );
                }
                tracing::warn!(
                    source = %self.key.upstream,
                    error.type = error.kind.as_str(),
                    error.detail = error.detail,
                    failures = before + 1,
                    taken = ?taken.unwrap_or_default(),
                    "walk failed"
                );
                if error.kind == ErrorKind::Unauthorized {
                    // What we may no longer see, we may no longer show.
                    self.shelf.remove(&self.key);
                }
                Some(Failure {
                    error: Arc::new(error),
                    at: Instant::now(),
                    count: before + 1,
                })
            }
        };
        if let Some(queued) = walks.queued.take() {
            self.begin(&mut walks, queued);
        }
    }

    fn keep(
        &self,
        snapshot: Snapshot,
        counts: Counts,
        as_of: Timestamp,
    ) -> Result<(usize, Counts), UpstreamError> {
        let groups = snapshot.len();
        // The same content keeps the same memory.
        let snapshot = match self.shelf.get(&self.key) {
            Some(before) if before.snapshot.hash() == snapshot.hash() => {
                Arc::clone(&before.snapshot)
            }
            Some(_) | None => Arc::new(snapshot),
        };
        let stored = Stored {
            snapshot,
            counts,
            as_of,
            at: Instant::now(),
        };
        self.shelf.put(&self.key, stored)?;
        Ok((groups, counts))
    }

    fn lock(&self) -> MutexGuard<'_, Walks> {
        self.walks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A walk's beginning is known no finer than this, and clients read it.
fn whole_milliseconds(time: Timestamp) -> Timestamp {
    time.round(Unit::Millisecond).unwrap_or(time)
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Entry")
            .field("key", &self.key)
            .field("terms", &self.terms)
            .field("walks", &self.walks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::time::{advance, sleep};

    use crate::upstream::adapter::AdapterDigest;
    use crate::upstream::catalog::Scope;
    use crate::upstream::snapshot::tests::group;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What the next walks do: how long each takes, and what comes of it.
    type Script = VecDeque<(Duration, Result<&'static str, ErrorKind>)>;

    struct Scripted {
        entry: Arc<Entry>,
        walks: Arc<AtomicUsize>,
        script: Arc<Mutex<Script>>,
    }

    impl Scripted {
        fn new(freshness: Freshness, capacity: u64) -> Self {
            let walks = Arc::new(AtomicUsize::new(0));
            let script = Arc::new(Mutex::new(Script::new()));
            let fetch: Fetch = {
                let (walks, script) = (Arc::clone(&walks), Arc::clone(&script));
                Box::new(move |_| {
                    walks.fetch_add(1, Ordering::SeqCst);
                    let step = script.lock().unwrap().pop_front();
                    Box::pin(async move {
                        let (takes, outcome) = step.expect("an unexpected walk");
                        sleep(takes).await;
                        outcome
                            .map(|name| {
                                let groups = vec![group("u", "1", name)];
                                (Snapshot::new("u".into(), groups), Counts::default())
                            })
                            .map_err(|kind| UpstreamError::new(kind, "scripted"))
                    })
                })
            };
            let key = Key {
                upstream: "u".into(),
                adapter: AdapterDigest::default(),
                scope: Scope::Shared,
            };
            let terms = Terms {
                freshness,
                required: false,
            };
            let shelf = Arc::new(Shelf::reserved(capacity));
            let wall = WallClock::fixed("2026-11-21T09:30:00Z".parse().unwrap());
            Self {
                entry: Arc::new(Entry::new(key, terms, fetch, shelf, wall)),
                walks,
                script,
            }
        }

        fn usual() -> Self {
            Self::new(USUAL, 1 << 20)
        }

        fn then(self, takes: Duration, outcome: Result<&'static str, ErrorKind>) -> Self {
            self.script.lock().unwrap().push_back((takes, outcome));
            self
        }

        async fn ask(&self, demand: Demand) -> Held {
            self.entry.get(demand, Instant::now() + 10 * SECOND).await
        }

        async fn get(&self) -> Held {
            self.ask(Demand::Cached).await
        }

        fn walks(&self) -> usize {
            self.walks.load(Ordering::SeqCst)
        }
    }

    const USUAL: Freshness = Freshness {
        ttl: Duration::from_secs(30),
        stale_while_revalidate: Duration::from_mins(5),
        stale_if_error: Duration::from_hours(1),
        min_refresh: Duration::from_secs(5),
    };

    fn name(held: &Held) -> Option<&str> {
        held.snapshot
            .as_ref()
            .map(|snapshot| snapshot.row(0).name())
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_wait_one_walk_runs() {
        let upstream = Scripted::usual().then(SECOND, Ok("a"));
        let held = join_all((0..100).map(|_| upstream.get())).await;
        assert!(
            held.iter()
                .all(|held| held.state == State::Fresh && name(held) == Some("a"))
        );
        assert_eq!(upstream.walks(), 1);
        assert_eq!(held.iter().filter(|held| !held.lookup.collapsed).count(), 1);
        assert_eq!(upstream.get().await.lookup, Lookup::HIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_gives_up_does_not_cancel_the_walk() {
        let upstream = Scripted::usual().then(15 * SECOND, Ok("a"));
        let held = upstream.get().await;
        assert_eq!(held.state, State::Pending);
        assert_eq!(upstream.get().await.state, State::Fresh);
        assert_eq!(upstream.walks(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stale_snapshot_is_served_while_one_refresh_runs() {
        let upstream = Scripted::usual()
            .then(SECOND, Ok("a"))
            .then(SECOND, Ok("b"));
        upstream.get().await;
        advance(31 * SECOND).await;
        for _ in 0..3 {
            let held = upstream.get().await;
            assert_eq!((held.state, name(&held)), (State::Stale, Some("a")));
            assert_eq!(held.fresh_for, Duration::ZERO);
        }
        sleep(2 * SECOND).await;
        let held = upstream.get().await;
        assert_eq!((held.state, name(&held)), (State::Fresh, Some("b")));
        assert_eq!(upstream.walks(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn past_its_stale_time_a_caller_waits_for_the_refresh() {
        let upstream = Scripted::usual()
            .then(SECOND, Ok("a"))
            .then(SECOND, Ok("b"));
        upstream.get().await;
        advance(331 * SECOND).await;
        let held = upstream.get().await;
        assert_eq!((held.state, name(&held)), (State::Fresh, Some("b")));
        assert_eq!(held.lookup.forwarded, Some("stale"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_refresh_serves_the_stale_one_until_its_time_is_over() {
        let upstream = Scripted::usual()
            .then(SECOND, Ok("a"))
            .then(SECOND, Err(ErrorKind::Connect))
            .then(SECOND, Err(ErrorKind::Connect));
        upstream.get().await;
        advance(400 * SECOND).await;
        let held = upstream.get().await;
        assert_eq!((held.state, name(&held)), (State::Stale, Some("a")));
        assert_eq!(held.error.unwrap().kind, ErrorKind::Connect);
        advance(3600 * SECOND).await;
        let held = upstream.get().await;
        assert_eq!((held.state, name(&held)), (State::Failed, None));
        sleep(2 * SECOND).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_credential_evicts_what_it_showed() {
        let upstream = Scripted::usual()
            .then(SECOND, Ok("a"))
            .then(SECOND, Err(ErrorKind::Unauthorized));
        upstream.get().await;
        advance(400 * SECOND).await;
        let held = upstream.get().await;
        assert_eq!((held.state, name(&held)), (State::Failed, None));
    }

    #[tokio::test(start_paused = true)]
    async fn an_upstream_that_is_known_to_fail_takes_no_time_from_answers() {
        let hangs = 60 * SECOND;
        let upstream = Scripted::usual()
            .then(SECOND, Ok("a"))
            .then(hangs, Err(ErrorKind::Timeout))
            .then(hangs, Err(ErrorKind::Timeout));
        upstream.get().await;
        advance(400 * SECOND).await;
        let start = Instant::now();
        let held = upstream.get().await;
        assert_eq!(held.lookup.detail, Some("deadline"));
        assert_eq!(start.elapsed(), 10 * SECOND);
        sleep(100 * SECOND).await;
        for _ in 0..3 {
            let start = Instant::now();
            let held = upstream.get().await;
            assert_eq!((held.state, name(&held)), (State::Stale, Some("a")));
            assert_eq!(start.elapsed(), Duration::ZERO);
        }
        sleep(SECOND).await;
        assert_eq!(upstream.walks(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn each_failure_in_a_row_doubles_the_rest_up_to_a_bound() {
        let upstream = Scripted::usual();
        let mut rests = Vec::new();
        for _ in 0..7 {
            let upstream = &upstream;
            upstream
                .script
                .lock()
                .unwrap()
                .push_back((Duration::ZERO, Err(ErrorKind::Connect)));
            upstream.get().await;
            sleep(Duration::from_millis(1)).await;
            let rest = upstream.get().await.error.unwrap().retry_after.unwrap();
            rests.push(rest.as_secs_f64().round() as u64);
            advance(rest).await;
        }
        assert_eq!(rests, [5, 10, 20, 40, 60, 60, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_upstream_that_failed_rests_before_it_is_asked_again_and_then_heals() {
        let upstream = Scripted::usual()
            .then(SECOND, Err(ErrorKind::Connect))
            .then(SECOND, Ok("a"));
        for _ in 0..50 {
            let held = upstream.get().await;
            assert_eq!(held.state, State::Failed);
            assert!(held.error.unwrap().retry_after.unwrap() <= 5 * SECOND);
        }
        assert_eq!(upstream.walks(), 1);
        advance(5 * SECOND).await;
        assert_eq!(upstream.get().await.state, State::Failed);
        sleep(2 * SECOND).await;
        let held = upstream.get().await;
        assert_eq!(held.state, State::Fresh);
        assert!(held.error.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_revalidation_waits_for_a_walk_begun_after_it_and_at_most_one_is_queued() {
        let upstream = Scripted::usual()
            .then(8 * SECOND, Ok("a"))
            .then(SECOND, Ok("b"));
        let later = async {
            sleep(6 * SECOND).await;
            join_all((0..10).map(|_| upstream.ask(Demand::Revalidate))).await
        };
        let (first, later) = tokio::join!(upstream.get(), later);
        assert_eq!(name(&first), Some("a"));
        assert!(later.iter().all(|held| name(held) == Some("b")));
        assert_eq!(upstream.walks(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_revalidation_right_after_a_walk_is_answered_from_the_cache_and_says_so() {
        let upstream = Scripted::usual().then(SECOND, Ok("a"));
        upstream.get().await;
        let held = upstream.ask(Demand::Revalidate).await;
        assert_eq!(name(&held), Some("a"));
        assert_eq!(held.lookup.detail, Some("min_refresh"));
        assert_eq!(upstream.walks(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_walk_that_panics_is_a_failure_of_ours_and_nobody_waits_for_ever() {
        let held = Scripted::usual().get().await;
        assert_eq!(held.state, State::Failed);
        let error = held.error.unwrap();
        assert_eq!(error.fault(), Fault::Gateway);
        assert!(error.detail.contains("panicked"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_snapshot_that_does_not_fit_is_an_error_and_the_one_before_stays() {
        let room = Snapshot::new("u".into(), vec![group("u", "1", "a")]).bytes() as u64 + 10;
        let upstream = Scripted::new(USUAL, room)
            .then(SECOND, Ok("a"))
            .then(SECOND, Ok("a name that needs more room than there is"));
        assert_eq!(upstream.get().await.state, State::Fresh);
        advance(400 * SECOND).await;
        let held = upstream.get().await;
        assert_eq!((held.state, name(&held)), (State::Stale, Some("a")));
        assert_eq!(held.error.unwrap().kind, ErrorKind::LimitExceeded);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refresh_that_brings_the_same_content_keeps_the_same_memory() {
        let upstream = Scripted::usual()
            .then(SECOND, Ok("a"))
            .then(SECOND, Ok("a"));
        let before = upstream.get().await.snapshot.unwrap();
        advance(400 * SECOND).await;
        let after = upstream.get().await.snapshot.unwrap();
        assert!(Arc::ptr_eq(&before, &after));
        assert_eq!(upstream.walks(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_time_to_live_every_caller_gets_a_fresh_walk() {
        let freshness = Freshness {
            ttl: Duration::ZERO,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            ..USUAL
        };
        let upstream = Scripted::new(freshness, 1 << 20)
            .then(SECOND, Ok("a"))
            .then(SECOND, Ok("b"));
        assert_eq!(upstream.get().await.state, State::Fresh);
        let held = upstream.get().await;
        assert_eq!((held.state, name(&held)), (State::Fresh, Some("b")));
    }
}
