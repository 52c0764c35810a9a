//! What every format says around the groups: the same facts, as JSON members, XML attributes,
//! a last line or headers.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::SourceState;
use crate::error::{ErrorKind, UpstreamError};
use crate::gateway::Listing;
use crate::gateway::listing::SourceReport;

/// What a page says besides its groups. Every key is always there.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Envelope {
    /// How many groups match in all, in what was available.
    pub(crate) total: usize,
    /// The `cursor` of the next page; null on the last.
    pub(crate) next_cursor: Option<String>,
    /// Whether every asked source contributed, on this page and on all before it.
    pub(crate) complete: bool,
    /// How each asked source stands, in order of name.
    pub(crate) sources: Vec<SourceStatus>,
}

impl Envelope {
    /// The envelope of a listing.
    pub(crate) fn of(listing: &Listing) -> Self {
        Self {
            total: listing.total(),
            next_cursor: listing.next_cursor.clone(),
            complete: listing.complete,
            sources: listing.sources.iter().map(SourceStatus::of).collect(),
        }
    }
}

/// How one asked source stands.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct SourceStatus {
    /// Its name.
    pub(crate) name: String,
    /// How it stands.
    pub(crate) state: SourceState,
    /// How many groups it has, before any filter. Where its upstream was asked for what the query
    /// needs, how many of them match.
    pub(crate) groups: usize,
    /// When its list was read, RFC 3339 UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub(crate) as_of: Option<Timestamp>,
    /// What went wrong with it, while that still matters.
    pub(crate) error: Option<SourceError>,
}

impl SourceStatus {
    /// How the reported source stands. One that was missing from an earlier page and has healed
    /// since still says so, for that is why the sequence is not complete.
    pub(crate) fn of(report: &SourceReport) -> Self {
        let held = &report.held;
        let healed = report.missed.filter(|_| report.contributed());
        Self {
            name: held.source.to_string(),
            state: held.state,
            groups: report.groups(),
            as_of: held.as_of,
            error: healed
                .map(SourceError::missed)
                .or_else(|| held.error.as_deref().map(SourceError::of)),
        }
    }
}

/// What went wrong with a source. It never quotes the source.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct SourceError {
    /// The stable kind of failure.
    pub(crate) r#type: ErrorKind,
    /// A short title for people.
    pub(crate) title: &'static str,
    /// When the source wants to be asked again, where that is known.
    pub(crate) retry_after_seconds: Option<u64>,
}

impl SourceError {
    /// What clients are told of a failure.
    pub(crate) fn of(error: &UpstreamError) -> Self {
        Self {
            r#type: error.kind,
            title: error.kind.title(),
            retry_after_seconds: error
                .retry_after
                .map(|wait| wait.as_millis().div_ceil(1000) as u64),
        }
    }

    const fn missed(kind: ErrorKind) -> Self {
        Self {
            r#type: kind,
            title: "was missing from an earlier page of this sequence",
            retry_after_seconds: None,
        }
    }
}
