//! What contradicts a complete list, and what helps.

use http::header::CONTENT_RANGE;
use thiserror::Error;

use crate::error::{ErrorKind, UpstreamError};
use crate::page::ended_by::EndedBy;
use crate::upstream::pager::PagerError;

/// What contradicts a complete list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(in crate::upstream::walk) enum Contradiction {
    #[error(
        "{} announced, but {received} received: `{name}` says so, and the walk ended by \
         `{ended_by}`; {}, or {} if it counts more than the list shows",
        records_were(*announced), remedy(*ended_by),
        if *is_hint_better { "set `pagination.trust = \"hint\"`" } else { "leave `pagination.total` out" }
    )]
    Fewer {
        name: String,
        announced: u64,
        received: u64,
        ended_by: EndedBy,
        /// Whether it helps to take the total for a hint.
        is_hint_better: bool,
    },
    #[error(
        "{} announced, but {received} received: `{name}` says so, and nothing says that more follow; \
         let `pagination.total` name what counts the whole list, or set `pagination.trust = \"hint\"`",
        records_were(*announced)
    )]
    More {
        name: String,
        announced: u64,
        received: u64,
    },
    #[error(
        "{} announced, but only {distinct} of the {received} received are different: {evidence} says so, and pages \
         overlap; let the request ask for a fixed order, or declare the total with `pagination.trust = \"hint\"` if it \
         counts more than the list shows",
        records_were(*announced)
    )]
    Overlapping {
        evidence: String,
        announced: u64,
        received: u64,
        distinct: u64,
    },
    #[error(
        "{announced} pages were announced (`pagination.pages`), but {read} read, and the walk ended by \
         `{ended_by}`; {}, or leave `pagination.pages` out if it counts more than the list shows",
        remedy(*ended_by)
    )]
    FewerPages {
        announced: u64,
        read: u64,
        ended_by: EndedBy,
    },
    #[error(
        "no page has the total `{0}`, which `pagination.total` names: correct the path, leave \
         `pagination.total` out, or set `pagination.trust = \"hint\"` if it is only there at times"
    )]
    NeverStated(String),
    #[error(
        "{evidence} says that there is more than the {received} records that came, and the walk ended by \
         `{ended_by}`; {}",
        remedy(*ended_by)
    )]
    Partial {
        evidence: String,
        received: u64,
        ended_by: EndedBy,
    },
    #[error(
        "`{CONTENT_RANGE}: {shown}` says fewer than the {received} records that came; set \
         `pagination.total = {{ header = \"Content-Range\" }}` with `trust = \"hint\"` if that is wrong"
    )]
    LongerThanRange { shown: String, received: u64 },
    #[error("{0}")]
    OfPages(PagerError),
}

/// What to change where a list goes on after what ended it.
const fn remedy(ended_by: EndedBy) -> &'static str {
    match ended_by {
        EndedBy::NoNext | EndedBy::Drifted => {
            "correct where a page names the next one (`pagination`)"
        }
        EndedBy::Flag => "correct `pagination.more` or `pagination.last`",
        EndedBy::LastPage => "leave `pagination.pages` out",
        EndedBy::Total => {
            "let `pagination.total` name what counts the whole list, or set \
             `pagination.step = \"received\"` if pages vary in length"
        }
        EndedBy::EmptyPage => {
            "set `pagination.empty_page = \"continue\"`, with `pagination.more`, `pagination.last` or \
             a total that says where the list ends"
        }
        EndedBy::PastEnd => "correct the rule in `answers` that means `end`",
        EndedBy::Confirmed => "correct how the request says its position (`{offset}` or `{page}`)",
        EndedBy::ShortPage => "leave `pagination.short_page` out",
        EndedBy::WholeList | EndedBy::AllPartitions => {
            "set `pagination.style` to how pages follow each other"
        }
        EndedBy::NoTotal => "set `pagination.absent = \"continue\"`",
        EndedBy::Repeat => "leave `pagination.on_repeat` out",
    }
}

/// So many records, in a sentence.
fn records_were(records: u64) -> String {
    match records {
        1 => "1 record was".to_owned(),
        _ => format!("{records} records were"),
    }
}

impl From<Contradiction> for UpstreamError {
    fn from(contradiction: Contradiction) -> Self {
        Self::new(ErrorKind::Pagination, contradiction.to_string())
    }
}
