//! What was expected of a list in place of what arrived.

use http::StatusCode;

use crate::config::upstream::Upstream;
use crate::error::ErrorKind;
use crate::plan::{ListReading, RelatedList, Success};
use crate::upstream::extensions::Purpose;

/// What should be read of a page.
pub(super) struct ExpectedRecords {
    /// `list` or `record`.
    what: &'static str,
    /// Where it is in the page.
    at: String,
    /// The key that says so.
    key: String,
    /// What its records should have.
    wanted: &'static str,
}

impl ExpectedRecords {
    /// Of a list that belongs to that of groups, or of that of groups itself.
    pub(super) fn of(related: Option<(RelatedList, &ListReading)>, block: &Upstream) -> Self {
        let Some((list, reading)) = related else {
            return Self {
                what: "list",
                at: block.records.at().to_string(),
                key: "records".to_owned(),
                wanted: ", whose records have an id and a name where `fields` says",
            };
        };
        let (what, key, wanted) = match list {
            RelatedList::Partitions => (
                "list",
                "records",
                ", whose records have what `partitions.values` names",
            ),
            RelatedList::Details => ("record", "record", ""),
            RelatedList::Users => (
                "list",
                "records",
                ", whose records have an id and an address where its `fields` say",
            ),
            RelatedList::Members | RelatedList::Admins | RelatedList::Guests => (
                "list",
                "records",
                if reading.columns.len() > 2 {
                    ", whose items have a group, and an id or an address, where its `fields` say"
                } else {
                    ", whose items have an id or an address where its `fields` say"
                },
            ),
        };
        Self {
            what,
            at: reading.records.at.to_string(),
            key: format!("{list}.{key}"),
            wanted,
        }
    }
}

/// What was expected instead of what arrived.
pub(super) fn expected(
    kind: ErrorKind,
    purpose: Option<&Purpose>,
    status: Option<StatusCode>,
    block: &Upstream,
    records: &ExpectedRecords,
) -> Option<String> {
    let format = block.format.title();
    let ExpectedRecords {
        what,
        at,
        key,
        wanted,
    } = records;
    let is_success = status.is_some_and(|status| status.is_success());
    match (kind, purpose) {
        (ErrorKind::Timeout, _) => Some(format!(
            "the whole answer within {} (`limits.timeout`)",
            block.limits.timeout
        )),
        (ErrorKind::Unauthorized, _) if !is_success => {
            Some("a status of 2xx for the credentials that `auth` describes".to_owned())
        }
        (ErrorKind::HttpStatus | ErrorKind::RateLimited, _) if !is_success => {
            Some("a status of 2xx".to_owned())
        }
        (ErrorKind::Rejected | ErrorKind::Unauthorized | ErrorKind::HttpStatus, _) => {
            block.success.as_ref().map(success)
        }
        (ErrorKind::Decode | ErrorKind::Mapping, Some(Purpose::Login)) => {
            Some("a token where `auth` says".to_owned())
        }
        (ErrorKind::Decode, _) => Some(format!("{format} (`format`), with the {what} at `{at}`")),
        (ErrorKind::Mapping, _) => Some(format!("a {what} at `{at}` (`{key}`){wanted}")),
        (
            ErrorKind::RateLimited
            | ErrorKind::Connect
            | ErrorKind::Tls
            | ErrorKind::Dns
            | ErrorKind::Pagination
            | ErrorKind::LimitExceeded
            | ErrorKind::CircuitOpen
            | ErrorKind::Overloaded,
            _,
        ) => None,
    }
}

/// How the body of a success identifies itself.
fn success(success: &Success) -> String {
    let paths = success.path.as_slice().iter();
    let paths = paths.map(|path| format!("`{path}`")).collect::<Vec<_>>();
    let values = success.equals.as_slice().iter();
    let values = values.map(|value| value.0.as_str()).collect::<Vec<_>>();
    format!(
        "{} to be {} (`success`)",
        paths.join(" or "),
        values.join(" or ")
    )
}
