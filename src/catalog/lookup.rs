//! What the catalog is asked for, and what it answers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::caller::NotVisible;
use crate::error::{ErrorKind, UpstreamError};
use crate::page::ended_by::EndedBy;
use crate::snapshot::{Counts, Snapshot};
use crate::upstream::on_behalf::MissingValue;

use super::shrink_guard::PendingShrink;

/// What a request accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CacheMode {
    /// Whatever the cache rules allow.
    #[default]
    Cached,
    /// A walk that begins after the request came (`Cache-Control: no-cache`), unless the upstream is
    /// in backoff after a failure.
    Revalidate,
    /// A walk that begins after the request came, in backoff too: an operator asks, who may have
    /// fixed the cause.
    Insist,
}

/// The state of a source in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "State")]
pub enum SourceState {
    /// Within its time to live.
    Fresh,
    /// Past its time to live, served while it is refreshed or because the refresh failed.
    Stale,
    /// Its first walk is still running.
    Pending,
    /// It has nothing to serve.
    Failed,
}

impl SourceState {
    /// The stable word that clients match on.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }
}

/// How a lookup was answered, for `Cache-Status` (RFC 9211).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheOutcome {
    /// Why the upstream was asked, if this caller had to wait for it: `miss`, `stale` or
    /// `request`. `None` is a hit.
    pub forwarded: Option<&'static str>,
    /// Whether the caller joined a walk that another caller had started.
    pub collapsed: bool,
    /// More detail: `min_refresh`, `deadline`, `failed`, `pending_shrink` or
    /// `reloaded`.
    pub detail: Option<&'static str>,
}

impl CacheOutcome {
    /// Answered from the cache.
    pub(super) const HIT: Self = Self {
        forwarded: None,
        collapsed: false,
        detail: None,
    };

    /// Answered by an upstream that other settings have replaced.
    pub(super) const SUPERSEDED: Self = Self {
        detail: Some("reloaded"),
        ..Self::HIT
    };

    /// The word for it in metrics and traces, where a list was found or not.
    pub(super) fn word(self, is_found: bool) -> &'static str {
        let served = if is_found { "hit" } else { "none" };
        self.forwarded.unwrap_or(served)
    }
}

/// What the catalog has of one upstream for one caller: the snapshot, and how it was looked up.
#[derive(Debug, Clone)]
pub struct SourceLookup {
    /// The upstream.
    pub source: Arc<str>,
    /// Whether no answer may be given without it.
    pub required: bool,
    /// Its state. `Fresh` and `Stale` come with a snapshot, the others without.
    pub state: SourceState,
    /// Its groups.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Whether another replica may hold more or fewer groups for the same query: the whole list, or
    /// what the upstream found. Those that match are the same in each.
    pub by_query: bool,
    /// When the snapshot's walk began.
    pub as_of: Option<Timestamp>,
    /// How much longer the snapshot is fresh; zero unless `state` is `Fresh`.
    pub fresh_for: Duration,
    /// How long until it is another `state`, or is served by other rules, unless the catalog's epoch
    /// moves before. `None`: no sooner than that.
    pub changes_in: Option<Duration>,
    /// Why the last walk failed, while that still matters.
    pub error: Option<Arc<UpstreamError>>,
    /// A much shorter list that was read since, and waits for another walk to confirm it.
    pub pending_shrink: Option<PendingShrink>,
    /// Whether a walk of this process has ended, well or badly.
    pub walked: bool,
    /// What the walk counted besides groups.
    pub counts: Counts,
    /// Why its walk knew that the list is whole, if that was a walk of this process.
    pub ended_by: Option<EndedBy>,
    /// How the catalog came by it.
    pub outcome: CacheOutcome,
}

impl SourceLookup {
    /// What comes of asking an upstream that cannot be asked on behalf of the caller: a failure, so
    /// that no answer without it looks complete.
    pub(crate) fn not_askable(
        source: &Arc<str>,
        required: bool,
        missing: Option<&MissingValue>,
    ) -> Self {
        let mut detail = NotVisible.to_string();
        if let Some(missing) = missing {
            detail = format!("{detail}: {missing}");
        }
        let error = UpstreamError::new(ErrorKind::Unauthorized, detail);
        Self {
            state: SourceState::Failed,
            error: Some(Arc::new(error)),
            walked: true,
            ..Self::never_asked(source, required)
        }
    }

    /// The same without what was read on behalf of one caller.
    pub(super) fn without_list(self) -> Self {
        Self {
            snapshot: None,
            as_of: None,
            pending_shrink: None,
            counts: Counts::default(),
            ended_by: None,
            ..self
        }
    }

    /// What there is of an upstream that was never asked.
    pub(super) fn never_asked(source: &Arc<str>, required: bool) -> Self {
        Self {
            source: Arc::clone(source),
            required,
            state: SourceState::Pending,
            snapshot: None,
            by_query: false,
            as_of: None,
            fresh_for: Duration::ZERO,
            changes_in: None,
            error: None,
            pending_shrink: None,
            walked: false,
            counts: Counts::default(),
            ended_by: None,
            outcome: CacheOutcome::HIT,
        }
    }
}
