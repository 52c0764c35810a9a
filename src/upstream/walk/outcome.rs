//! How a walk ends: with the whole list, an error, or a list that changed under it.

use http::HeaderValue;
use tokio::time::Instant;

use crate::error::{Concern, ErrorKind, UpstreamError};
use crate::group::ReadRow;
use crate::list_memory::WalkHold;
use crate::page::ended_by::EndedBy;
use crate::plan::RelatedList;
use crate::snapshot::{Counts, PagedGroups};
use crate::upstream::adapter::Adapter;
use crate::upstream::masks::Masks;
use crate::upstream::pager::PagerError;

use super::brought::{BroughtList, ReadPeople};
use super::marks::GroupMarks;
use super::partition_set::PartitionSet;
use super::remembered::RememberedPages;

/// The list that a walk returned.
#[derive(Debug)]
pub struct Walked {
    /// The groups, each id once, in the upstream's order.
    pub groups: PagedGroups,
    /// What was counted besides.
    pub counts: Counts,
    /// The number of pages read.
    pub pages: u64,
    /// Why the list is whole.
    pub ended_by: EndedBy,
    /// The memory that the groups take.
    pub(crate) hold: WalkHold,
    /// Whether it asked only for what has changed: the groups are those, and those that were there.
    pub(crate) is_of_changes: bool,
    /// Whether nothing has changed, so that the list that is there is the list.
    pub(crate) keeps_list: bool,
    /// The partitions that were read, where walks for changes go by them.
    pub(crate) partitions: Option<PartitionSet>,
    /// When the oldest of its groups was read for which something was asked, by this walk or one before that failed.
    pub(crate) oldest: Option<Instant>,
    /// What is remembered of its pages.
    pub(crate) remembered: RememberedPages,
    /// By what its groups are known again, where something was asked for each of them.
    pub(crate) marks: Option<GroupMarks>,
    /// What was read of the records, where the list is not one of groups.
    pub(super) rows: Vec<ReadRow>,
    /// What its pages brought of other lists.
    pub(super) brought: Vec<BroughtList>,
    /// The entity tag of the first page.
    pub(super) etag: Option<HeaderValue>,
    /// The number of records on the first page that had any, without nested ones.
    pub(super) first_page: u64,
    /// The number of records, nested ones among them.
    pub(super) records: u64,
}

impl Walked {
    /// The list of people that it is, and what its pages brought of others.
    pub(super) fn into_lists(self, which: RelatedList) -> impl Iterator<Item = BroughtList> {
        let own = BroughtList {
            list: which,
            read: Ok(ReadPeople {
                rows: self.rows,
                counts: self.counts,
                first_page: self.first_page,
            }),
        };
        [own].into_iter().chain(self.brought)
    }
}

/// Why an attempt ended without a list.
pub(super) enum Interrupted {
    /// It failed.
    Failed(UpstreamError),
    /// The list changed while it was read; a second attempt may succeed. If that one is interrupted
    /// too, this is its error.
    ListChanged(UpstreamError),
}

impl Interrupted {
    /// The error of a page after the first. A refusal means that its place in the list is gone.
    pub(super) fn after_first_page(mut error: UpstreamError) -> Self {
        if error.concern == Concern::List {
            error.concern = Concern::LaterPage;
        }
        if is_refusal(error.kind) {
            Self::ListChanged(error)
        } else {
            Self::Failed(error)
        }
    }

    /// The same, as it may be shown.
    pub(super) fn masked(self, masks: &Masks) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(masks.error(error)),
            Self::ListChanged(error) => Self::ListChanged(masks.error(error)),
        }
    }
}

impl From<UpstreamError> for Interrupted {
    fn from(error: UpstreamError) -> Self {
        Self::Failed(error)
    }
}

impl From<PagerError> for Interrupted {
    fn from(error: PagerError) -> Self {
        Self::Failed(error.into())
    }
}

/// Whether the upstream answered, and refused.
pub(super) const fn is_refusal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::HttpStatus | ErrorKind::Rejected)
}

/// Whether the upstream said of what was asked for that it is not there, or not any more.
pub(super) fn is_missing(error: &UpstreamError) -> bool {
    error.concern == Concern::List
        && is_refusal(error.kind)
        && matches!(
            error.status,
            Some(http::StatusCode::NOT_FOUND | http::StatusCode::GONE)
        )
}

/// The error of the first page of a list, with what most likely is wrong where the list is not there. A group whose
/// people or details are not there may be gone, and so may what a filter or a link for changes asks for.
pub(super) fn doubt_path(adapter: &Adapter, mut error: UpstreamError) -> UpstreamError {
    let table = match adapter.related {
        None if adapter.is_filtered || adapter.is_of_changes() => return error,
        None => String::new(),
        Some(list) if adapter.related().is_of_each_group(list) => return error,
        Some(list) => format!("{list}."),
    };
    if is_missing(&error) {
        error.detail += &format!("; is `{table}request.path` right?");
    }
    error
}

/// Whether the upstream refused the request itself by its status, as it does past the end of a list.
/// An error under another status, a redirect (to a login, for instance), and a status that asks for
/// another attempt say nothing of the list.
pub(in crate::upstream) fn is_client_error(error: &UpstreamError) -> bool {
    let is_answer = is_refusal(error.kind) || error.kind == ErrorKind::Unauthorized;
    let is_answer = is_answer && error.concern != Concern::Login;
    let status = error.status.filter(http::StatusCode::is_client_error);
    is_answer && status.is_some_and(|status| !matches!(status.as_u16(), 408 | 421 | 425 | 429))
}

/// Whether the upstream answered with an error of whatever status. An answer that asks for another attempt,
/// that comes of something between, or that cannot be read says nothing of the list.
pub(super) fn is_any_refusal(error: &UpstreamError) -> bool {
    let is_temporary = (error.status)
        .is_some_and(|status| matches!(status.as_u16(), 408 | 421 | 425 | 429 | 502..=504));
    let is_refused = is_refusal(error.kind) || error.kind == ErrorKind::Unauthorized;
    is_refused && !is_temporary
}

/// Whether the upstream answered, and it was no page.
pub(super) const fn is_answer(error: &UpstreamError) -> bool {
    is_refusal(error.kind)
        || matches!(
            error.kind,
            ErrorKind::Unauthorized | ErrorKind::Decode | ErrorKind::Mapping
        )
}

/// Whether the upstream answered with a fault of its own.
pub(super) fn is_fault(error: &UpstreamError) -> bool {
    (error.status).is_some_and(|status| status.is_server_error())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::what_was_asked_for(Concern::List, true, true)]
    #[case::a_later_page(Concern::LaterPage, false, true)]
    #[case::a_login(Concern::Login, false, false)]
    fn only_the_first_page_of_a_list_says_that_it_is_not_there(
        #[case] concern: Concern,
        #[case] missing: bool,
        #[case] refused: bool,
    ) {
        let mut error = UpstreamError::new(ErrorKind::HttpStatus, "status 404");
        error = error.with_status(StatusCode::NOT_FOUND);
        error.concern = concern;
        assert_eq!(
            (is_missing(&error), is_client_error(&error)),
            (missing, refused)
        );
        let Interrupted::ListChanged(later) = Interrupted::after_first_page(error) else {
            panic!("a refusal is a place that is gone");
        };
        assert!(!is_missing(&later));
    }

    #[rstest]
    #[case::bad_request(ErrorKind::HttpStatus, Some(400), true)]
    #[case::not_found_with_an_error_in_the_body(ErrorKind::Rejected, Some(404), true)]
    #[case::unauthorized(ErrorKind::Unauthorized, Some(401), true)]
    #[case::forbidden(ErrorKind::Unauthorized, Some(403), true)]
    #[case::an_error_under_200(ErrorKind::Rejected, Some(200), false)]
    #[case::an_error_without_a_status(ErrorKind::Rejected, None, false)]
    #[case::unauthorized_under_200(ErrorKind::Unauthorized, Some(200), false)]
    #[case::a_redirect(ErrorKind::HttpStatus, Some(302), false)]
    #[case::request_timeout(ErrorKind::HttpStatus, Some(408), false)]
    #[case::misdirected(ErrorKind::HttpStatus, Some(421), false)]
    #[case::too_early(ErrorKind::HttpStatus, Some(425), false)]
    #[case::too_many_requests(ErrorKind::HttpStatus, Some(429), false)]
    #[case::rate_limited_under_403(ErrorKind::RateLimited, Some(403), false)]
    #[case::a_fault(ErrorKind::HttpStatus, Some(500), false)]
    fn only_a_status_that_refuses_the_request_confirms_an_end(
        #[case] kind: ErrorKind,
        #[case] status: Option<u16>,
        #[case] expected: bool,
    ) {
        let mut error = UpstreamError::new(kind, "refused");
        if let Some(status) = status {
            error = error.with_status(StatusCode::from_u16(status).unwrap());
        }
        assert_eq!(is_client_error(&error), expected);
    }
}
