//! One cell of the table: one gateway in front of five upstreams, of which one has a fault.

use std::fmt;
use std::time::Duration;

use groupgate::error::ErrorKind;
use groupgate::tools::demo::InjectedFault;
use http::StatusCode;
use serde_json::Value;
use tokio::time::{interval, timeout};

use crate::rows::{
    Expected, GROUPS, expected, faults, is_from_the_start, is_heavy, settings, setup,
};
use crate::support::client::source;
use crate::support::deployment::{Deployment, SOURCES, Setup};

/// How long anything that must happen may take, on a machine that does much else. Nothing takes so
/// long on an idle one: a cell goes on as soon as what it waits for is there.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// Every group on one page, those marked deleted too.
const ALL: &str = "/groups?limit=1000&deleted=include";

/// What the gateway holds when the fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// Nothing: the fault is there from the start.
    Cold,
    /// The whole list, past its time.
    Warm,
}

/// One cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) fault: InjectedFault,
    pub(crate) upstream: &'static str,
    pub(crate) cache: Cache,
}

impl Cell {
    /// All cells, also those that cannot happen.
    pub(crate) fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for fault in faults() {
            for cache in [Cache::Cold, Cache::Warm] {
                cells.extend(SOURCES.map(|upstream| Self {
                    fault,
                    upstream,
                    cache,
                }));
            }
        }
        cells
    }

    /// Whether it is about memory.
    pub(crate) fn is_heavy(&self) -> bool {
        is_heavy(self.fault)
    }

    /// Why it cannot happen, if it cannot.
    pub(crate) fn reason(self) -> Option<String> {
        let applies = self.fault.applies_to(self.upstream);
        applies.err().map(|reason| reason.to_string())
    }

    /// Lives through the fault. What comes back is what was seen, in a word.
    pub(crate) async fn run(self) -> Result<String, String> {
        let gateway = match self.cache {
            Cache::Cold => self.cold().await?,
            Cache::Warm => self.warm().await?,
        };
        let seen = timeout(PATIENCE, self.settled(&gateway))
            .await
            .map_err(|_| format!("not settled within {PATIENCE:?}"))??;
        let elsewhere = gateway.emulation(self.upstream).stats().foreign_host;
        if elsewhere > 0 {
            return Err(format!("{elsewhere} requests went to another host"));
        }
        self.heal(&gateway).await?;
        gateway.stop().await;
        Ok(seen)
    }

    /// A gateway that has met nothing but the fault, once the other upstreams' lists are there:
    /// from then on no answer depends on how fast they come.
    async fn cold(self) -> Result<Deployment, String> {
        let setup = self.setup().fault(self.upstream, self.fault);
        let gateway = setup.start().await;
        // Nobody waits for that: it shows how the sources stand, and begins no walk.
        self.until(&gateway, "begun", "/sources", |sources| {
            self.others().all(|name| is_whole(sources, name))
        })
        .await?;
        Ok(gateway)
    }

    /// A gateway whose whole list of this upstream must be read again when the fault begins.
    async fn warm(self) -> Result<Deployment, String> {
        let setup = self.setup();
        let setup = if is_from_the_start(self.fault) {
            setup.fault(self.upstream, self.fault)
        } else {
            setup
        };
        let gateway = setup.start().await;
        self.until(&gateway, "warm", ALL, |page| {
            SOURCES.iter().all(|name| is_whole(page, name))
        })
        .await?;
        gateway.emulation(self.upstream).set_fault(Some(self.fault));
        Ok(gateway)
    }

    /// Every answer asks this upstream anew; what the others gave stays good. A time to live of a
    /// millisecond would do as well, but for an answer that comes within it.
    fn setup(self) -> Setup {
        let ttl = format!("UPSTREAMS__{}__TTL", self.upstream.to_uppercase());
        settings(self.fault, self.upstream, setup().set(&ttl, "0s"))
    }

    /// The upstreams that have no fault.
    fn others(self) -> impl Iterator<Item = &'static str> {
        SOURCES
            .into_iter()
            .filter(move |name| *name != self.upstream)
    }

    /// Asks until the fault shows. Every answer on the way is held against what must always be.
    async fn settled(self, gateway: &Deployment) -> Result<String, String> {
        let mut tick = interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            let page = self.ask(gateway).await?;
            if let Some(seen) = self.look(gateway, &page).await? {
                return Ok(seen);
            }
        }
    }

    /// Asks for everything, and checks what no fault may change: the other upstreams' whole lists.
    async fn ask(self, gateway: &Deployment) -> Result<Value, String> {
        let page = self.page(gateway, ALL).await?;
        for other in self.others() {
            if !is_whole(&page, other) {
                return Err(format!("{other} suffers too: {}", source(&page, other)));
            }
        }
        let ours = source(&page, self.upstream)["groups"].as_u64();
        let total = (4 * GROUPS) as u64 + ours.unwrap_or_default();
        if page["total"] != total {
            return Err(format!("the total is {} and not {total}", page["total"]));
        }
        Ok(page)
    }

    /// What came of the fault; `None` is nothing yet. Anything but what is expected is an error.
    async fn look(self, gateway: &Deployment, page: &Value) -> Result<Option<String>, String> {
        let ours = source(page, self.upstream);
        let is_complete = page["complete"] == true;
        let is_failed = ours["state"] == "failed" && ours["groups"] == 0 && !is_complete;
        let is_stale = ours["state"] == "stale" && ours["groups"] == GROUPS && is_complete;
        let wrong = || Err(format!("{:?}: {ours}", expected(self.fault, self.upstream)));
        match expected(self.fault, self.upstream) {
            Expected::Fails(kind) => {
                if ours["error"].is_null() && self.may_take_a_walk_to_show() {
                    return Ok(None);
                }
                // What we may no longer see, we may no longer show.
                let is_served = self.cache == Cache::Warm && kind != ErrorKind::Unauthorized;
                let is_right = if is_served { is_stale } else { is_failed };
                if !is_right || ours["error"]["type"] != kind.as_str() {
                    return wrong();
                }
                Ok(Some(kind.to_string()))
            }
            Expected::Late => {
                let is_right = match self.cache {
                    Cache::Cold => ours["state"] == "pending" && !is_complete,
                    Cache::Warm => is_stale,
                };
                if !is_right || !ours["error"].is_null() {
                    return wrong();
                }
                Ok(Some("late".to_owned()))
            }
            Expected::NotShort => {
                let is_whole = is_whole(page, self.upstream) && is_complete;
                let is_right = match self.cache {
                    Cache::Cold => is_failed,
                    Cache::Warm => is_stale,
                };
                let is_named = ours["error"]["type"] == ErrorKind::Pagination.as_str();
                match (is_whole, is_right && is_named) {
                    (true, _) => Ok(Some("borne".to_owned())),
                    (false, true) => Ok(Some(ErrorKind::Pagination.to_string())),
                    (false, false) => wrong(),
                }
            }
            Expected::Whole => {
                if !is_whole(page, self.upstream) || !is_complete {
                    return wrong();
                }
                Ok(Some("borne".to_owned()))
            }
            Expected::Odd { groups, counted } => {
                let sources = self.page(gateway, "/sources").await?;
                let count = &source(&sources, self.upstream)[counted];
                let is_right = ours["groups"] == groups && ours["error"].is_null();
                if !is_right || *count != GROUPS - groups {
                    return Err(format!("{counted} is {count}: {ours}"));
                }
                Ok(Some(counted.to_owned()))
            }
        }
    }

    /// Whether a first walk may still succeed: one request passes, and a list without pages needs
    /// no more where a token is there.
    fn may_take_a_walk_to_show(self) -> bool {
        matches!(self.fault, InjectedFault::UnauthorizedAfter(_)) && self.cache == Cache::Warm
    }

    /// Takes the fault away, or waits for the end of one that ends by itself.
    async fn heal(self, gateway: &Deployment) -> Result<(), String> {
        let ends_by_itself = matches!(self.fault, InjectedFault::Burst { .. });
        if !ends_by_itself && !is_from_the_start(self.fault) {
            gateway.emulation(self.upstream).set_fault(None);
        }
        self.until(gateway, "healed", ALL, |page| {
            is_whole(page, self.upstream) && page["complete"] == true
        })
        .await
    }

    async fn until(
        self,
        gateway: &Deployment,
        what: &str,
        path: &str,
        wished: impl Fn(&Value) -> bool,
    ) -> Result<(), String> {
        let mut last = Value::Null;
        let mut tick = interval(Duration::from_millis(100));
        let waiting = async {
            loop {
                tick.tick().await;
                let page = self.page(gateway, path).await?;
                if wished(&page) {
                    return Ok(());
                }
                last = page["sources"].clone();
            }
        };
        let waited = timeout(PATIENCE, waiting).await;
        waited.map_err(|_| format!("not {what} within {PATIENCE:?}: {last}"))?
    }

    /// One answer. A caller with little patience asks again where even what is there takes longer to
    /// write, as it may on a machine that does much else.
    async fn page(self, gateway: &Deployment, path: &str) -> Result<Value, String> {
        let is_impatient = expected(self.fault, self.upstream) == Expected::Late;
        loop {
            let reply = gateway.get(path).await;
            match reply.status {
                StatusCode::OK => return Ok(reply.json()),
                StatusCode::GATEWAY_TIMEOUT if is_impatient => {}
                status => return Err(format!("{path}: {status}: {}", reply.text())),
            }
        }
    }
}

/// Whether a source has brought all its groups.
fn is_whole(page: &Value, name: &str) -> bool {
    let source = source(page, name);
    source["state"] == "fresh" && source["groups"] == GROUPS && source["error"].is_null()
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            fault,
            upstream,
            cache,
        } = self;
        write!(formatter, "{fault}/{cache}/{upstream}")
    }
}

impl fmt::Display for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
        })
    }
}
