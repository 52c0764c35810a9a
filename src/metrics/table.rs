//! Every metric: its name, what it counts, and in what. Instruments and the manual are made from this table.
//!
//! Names follow OpenTelemetry's semantic conventions where they have one. No label takes a value that callers
//! or upstreams choose freely: each is a word from a fixed list, a status that HTTP defines, or the name of an upstream
//! or its host in the configuration. `_OTHER` stands for all else.

use std::fmt::Write as _;

/// What a metric does over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts values by size, and adds them up.
    Histogram,
}

/// One metric.
#[derive(Debug)]
pub struct MetricEntry {
    /// Its name, as OTLP has it.
    pub name: &'static str,
    /// What it does over time.
    pub kind: MetricKind,
    /// Its unit (UCUM): what is in braces says only what is counted.
    pub unit: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

impl MetricEntry {
    /// Its name on `/metrics`, by the rules of OpenTelemetry for Prometheus.
    pub fn exposed_name(&self) -> String {
        let mut name = self.name.replace('.', "_");
        name.push_str(match self.unit {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        });
        if self.kind == MetricKind::Counter {
            name.push_str("_total");
        }
        name
    }
}

macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal in $unit:literal [$($label:literal),*]: $help:literal)*) => {
        $(pub(super) const $constant: MetricEntry = MetricEntry {
            name: $name,
            kind: MetricKind::$kind,
            unit: $unit,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// Every metric, in the order of the manual.
        pub const METRICS: &[MetricEntry] = &[$($constant),*];
    };
}

metrics! {
    REQUEST_DURATION = Histogram "http.server.request.duration" in "s"
        ["http.request.method", "http.route", "http.response.status_code", "error.type", "problem", "format", "cache"]:
        "How long requests took, up to the beginning of the body. `cache` is `ready` for an answer that was kept, `hit` for one made of lists in memory, `miss` where a walk was waited for. From 500 on, `error.type` is the problem, or the status where there is none; below, `problem` is. A caller that hung up before its answer is a 499 with the problem `abandoned`."
    REQUESTS_REFUSED = Counter "groupgate.requests.refused" in "{request}"
        ["reason"]:
        "Requests that were turned away: `too-many-requests` by a limit for one client or caller, `overloaded` because a queue or memory was full, `not-ready` while starting or stopping, `deadline-exceeded` because no answer was done in time."
    AUTHENTICATIONS = Counter "groupgate.authentications" in "{request}"
        ["outcome"]:
        "Requests by who sent them, where `[callers]` tells callers apart: one with a `key`, a `token`, a `certificate`, or `anonymous`; `missing` without credentials that are required, `invalid` with some that are not accepted, `ended` with a token that was good, `unavailable` while there are no keys to verify tokens with."
    CONNECTIONS = Gauge "groupgate.connections" in "{connection}"
        ["state"]:
        "Open connections: `in_use` with an answer on its way, `waiting` for another of the same client to end, `idle` the rest."
    CONNECTIONS_LIMIT = Gauge "groupgate.connections.limit" in "{connection}"
        []:
        "How many connections may be open (`server.connections.total`)."
    CONNECTIONS_CLOSED = Counter "groupgate.connections.closed" in "{connection}"
        ["reason"]:
        "Connections that the gateway closed: `idle` for too long, `room` for others, `slow` to send or to read, `refused` after waiting for a turn, `proxy_header` for want of one that says whose they are, `handshake` where TLS did not come about."

    ATTEMPT_DURATION = Histogram "http.client.request.duration" in "s"
        ["source", "server.address", "server.port", "http.request.method", "http.response.status_code", "error.type"]:
        "How long requests to an upstream took, each attempt for itself, up to the last byte of the answer and without waiting for a slot. `error.type` says why there was no answer, or is its status from 400 on. A status that HTTP does not define is `_OTHER`. `server.address` and `server.port` are those of `base_url`; what went elsewhere (a login, a redirect, a next page) has the address `_OTHER` and no port."
    RETRIES = Counter "groupgate.upstream.retries" in "{request}"
        ["source", "error.type"]:
        "Requests to an upstream that were sent again, by what went wrong before."
    HEDGES = Counter "groupgate.upstream.hedges" in "{request}"
        ["source"]:
        "Requests to an upstream that were sent a second time because they were late."
    SLOT_WAIT = Histogram "groupgate.upstream.rate_limit.wait" in "s"
        ["source"]:
        "How long requests waited for the rate limit of an upstream, those that had to."
    LOGINS = Counter "groupgate.upstream.logins" in "{login}"
        ["source", "error.type"]:
        "Logins to an upstream, each of which renews its token unless there is an `error.type`."
    CIRCUIT = Gauge "groupgate.upstream.circuit" in ""
        ["source", "state"]:
        "1 for the state of an upstream's circuit breaker, 0 for the others: `closed` (healthy), `open`, `half_open`."

    WALK_DURATION = Histogram "groupgate.walk.duration" in "s"
        ["source", "outcome", "error.type"]:
        "How long walks took, from the first request to the snapshot. `outcome` is `replaced`, `pending_shrink` for a list that waits for confirmation, `failed`, `superseded` where a reload ended it, or `given_up` before it began, because nobody waited any more or the walk before it failed."
    WALKS_ENDED = Counter "groupgate.walk.ended" in "{walk}"
        ["source", "ended_by"]:
        "Walks that brought a whole list, by how they know that it is whole."
    WALK_PAGES = Counter "groupgate.walk.pages" in "{page}"
        ["source"]:
        "Pages that walks have read."
    WALK_RECORDS = Counter "groupgate.walk.records" in "{record}"
        ["source"]:
        "Records on these pages."
    WALK_SKIPPED = Counter "groupgate.walk.skipped" in "{record}"
        ["source"]:
        "Records of whole lists that are no groups: without an id or a name, or with an id that is too long."
    WALK_GROUPS = Counter "groupgate.walk.groups" in "{group}"
        ["source"]:
        "Groups of whole lists that walks have brought."
    WALK_RESTARTS = Counter "groupgate.walk.restarts" in "{walk}"
        ["source"]:
        "Walks that began again because the list changed while it was read."
    WALK_DIFFERING = Counter "groupgate.walk.differing" in "{group}"
        ["source"]:
        "Groups in which walks that asked for everything differed although `reuse` or `incremental` took them for unchanged: then `full` should be shorter."
    LIST_REQUESTS = Counter "groupgate.source.lookups" in "{lookup}"
        ["source", "outcome", "collapsed"]:
        "How often the list of a source was asked for: a `hit`, `none` where there was nothing to serve, or why a walk was waited for (`miss`, `stale`, `request`). `collapsed` says whether another request had begun that walk."

    SOURCE_STATE = Gauge "groupgate.source.state" in ""
        ["source", "state"]:
        "1 for the state of a source, 0 for the others: `fresh`, `stale`, `pending`, `failed`."
    SNAPSHOT_AGE = Gauge "groupgate.snapshot.age" in "s"
        ["source"]:
        "How long ago the walk began that brought the list of a source."
    SNAPSHOT_GROUPS = Gauge "groupgate.snapshot.groups" in "{group}"
        ["source"]:
        "How many groups the list of a source has."
    SNAPSHOT_SIZE = Gauge "groupgate.snapshot.size" in "By"
        ["source"]:
        "How much memory the list of a source takes."

    CACHE_SIZE = Gauge "groupgate.cache.size" in "By"
        ["cache"]:
        "How much a cache holds: ready `answers`, `views` (filtered and sorted orders), `snapshots` (whole lists), `queries` (lists of upstreams that are asked by query), `scopes` (callers' own lists)."
    CACHE_CAPACITY = Gauge "groupgate.cache.capacity" in "By"
        ["cache"]:
        "How much a cache may hold."
    CACHE_ENTRIES = Gauge "groupgate.cache.entries" in "{entry}"
        ["cache"]:
        "How many entries a cache holds."
    CACHE_LOOKUPS = Counter "groupgate.cache.lookups" in "{lookup}"
        ["cache", "outcome"]:
        "How often a cache was asked, with `hit` or `miss`. For `snapshots`, `queries` and `scopes` see `groupgate.source.lookups`."
    CACHE_EVICTIONS = Counter "groupgate.cache.evictions" in "{entry}"
        ["cache"]:
        "Entries that a cache let go of for want of room."
    VIEW_DURATION = Histogram "groupgate.view.duration" in "s"
        []:
        "How long it took to pick and sort the groups that match a query, where no view had them."

    MEMORY_USED = Gauge "groupgate.memory.used" in "By"
        ["use"]:
        "What takes memory of `cache.capacity`: whole `lists`, groups `collected` by running walks, pages that are `arriving` (those above 256 KiB), pages that are `decoding`, `answers` that are kept or on their way."
    MEMORY_LIMIT = Gauge "groupgate.memory.limit" in "By"
        ["use"]:
        "What a use of memory may take right now; `capacity` is all of it (`cache.capacity`)."
    MEMORY_WAITING = Gauge "groupgate.memory.waiting" in "{page}"
        []:
        "Pages that have come and wait for memory to be decoded."

    TOKENS = Counter "groupgate.tokens" in "{token}"
        ["outcome"]:
        "Tokens (JWT) that had to be verified, because none was remembered: `verified`, `no-keys` while there are none to verify them with, or why they were refused: `malformed`, `critical`, `type`, `algorithm`, `unknown-key`, `signature`, `expired`, `not-yet-valid`, `issuer`, `audience`, `identity`."
    KEY_SET_FETCHES = Counter "groupgate.key_set.fetches" in "{fetch}"
        ["outcome"]:
        "How often the keys that tokens are verified with were asked for: `fetched`, or why not: `unreachable`, `slow`, `status`, `too-large`, `unusable`."
    RELOADS = Counter "groupgate.reloads" in "{reload}"
        ["outcome"]:
        "How often the configuration was read again: `applied`, `unchanged`, or `failed` where it has errors and nothing changed."
    CERTIFICATE_END = Gauge "groupgate.tls.certificate.end" in "s"
        ["of"]:
        "When the certificates of `server.tls` end, in seconds since 1970: the first to end of the `server`'s chain, and of those in `client_ca`."
    LOG_LINES_DROPPED = Counter "groupgate.log.lines.dropped" in "{line}"
        []:
        "Log lines that were lost because their reader was too slow."
    AUDIT_RECORDS_LOST = Counter "groupgate.audit.records.lost" in "{record}"
        []:
        "Records of the audit log that were lost because their file was too slow or could not be written."
    EXPORTS_FAILED = Counter "groupgate.telemetry.exports.failed" in "{export}"
        ["signal"]:
        "Exports of `traces`, `metrics` or `logs` that no collector took. Those of `traces` and `logs` are lost."
    EXPORTS_LOST = Counter "groupgate.telemetry.lost" in "{item}"
        ["signal"]:
        "Spans (`traces`) and records (`logs`) that were lost because too many waited to be exported."
    START_TIME = Gauge "process.start_time" in "s"
        []:
        "When the process began to serve, in seconds since 1970."
    BUILD_INFO = Gauge "groupgate.build.info" in ""
        ["version"]:
        "1, with the version of groupgate."
}

/// The section of the manual that lists every metric.
pub fn reference() -> String {
    let mut text =
        String::from("| on `/metrics` | over OTLP | kind | labels | |\n|---|---|---|---|---|\n");
    for metric in METRICS {
        let labels = metric.labels.iter();
        let labels: Vec<_> = labels
            .map(|label| format!("`{}`", label.replace('.', "_")))
            .collect();
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} | {} | {} |",
            metric.exposed_name(),
            metric.name,
            metric.kind.as_str(),
            labels.join(" "),
            metric.help,
        );
    }
    text
}

impl MetricKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}
