//! How everything stands, as the edge puts it together for a collection.

use std::sync::Arc;
use std::time::Duration;

/// How everything stands at one moment.
#[derive(Debug, Clone, Default)]
pub struct ProcessState {
    /// Every source.
    pub sources: Vec<SourceStanding>,
    /// Every cache.
    pub caches: Vec<CacheStanding>,
    /// What takes memory.
    pub memory: Vec<MemoryUse>,
    /// How many pages wait for memory.
    pub waiting_pages: u64,
    /// How many connections are in each state.
    pub connections: Vec<(&'static str, u64)>,
    /// How many connections may be open.
    pub connections_limit: u64,
    /// How many connections were closed, by reason.
    pub connections_closed: Vec<(&'static str, u64)>,
    /// When the certificates of a kind end that is served with, in seconds since 1970.
    pub certificate_ends: Vec<(&'static str, u64)>,
    /// How many log lines were lost.
    pub dropped_log_lines: u64,
    /// How many records of the audit log were lost.
    pub lost_audit_records: u64,
    /// How many exports failed, by what was sent.
    pub failed_exports: Vec<(&'static str, u64)>,
    /// How many spans and log records were lost before an export, by what was to be sent.
    pub lost_before_export: Vec<(&'static str, u64)>,
    /// When the process began to serve, since 1970.
    pub started: Duration,
}

/// How one source stands.
#[derive(Debug, Clone)]
pub struct SourceStanding {
    /// Its name.
    pub name: Arc<str>,
    /// Its state, one of [`SourceStanding::STATES`].
    pub state: &'static str,
    /// The state of its circuit breaker, one of [`SourceStanding::CIRCUITS`], if it has one.
    pub circuit: Option<&'static str>,
    /// How old its list is, in seconds.
    pub age: Option<f64>,
    /// How many groups its list has.
    pub groups: Option<u64>,
    /// How many bytes its list takes.
    pub bytes: Option<u64>,
}

impl SourceStanding {
    /// The states of a source.
    pub(super) const STATES: [&str; 4] = ["fresh", "stale", "pending", "failed"];

    /// The states of a circuit breaker.
    pub(super) const CIRCUITS: [&str; 3] = ["closed", "open", "half_open"];
}

/// How one cache stands.
#[derive(Debug, Clone, Copy)]
pub struct CacheStanding {
    /// Its name.
    pub name: &'static str,
    /// How many bytes it holds.
    pub bytes: u64,
    /// How many bytes it may hold.
    pub capacity: u64,
    /// How many entries it has.
    pub entries: u64,
}

/// What one use of memory takes.
#[derive(Debug, Clone, Copy)]
pub struct MemoryUse {
    /// Its name.
    pub name: &'static str,
    /// How many bytes it takes. `None`: only its limit is known.
    pub bytes: Option<u64>,
    /// How many bytes it may take, where it has a limit of its own.
    pub limit: Option<u64>,
}
