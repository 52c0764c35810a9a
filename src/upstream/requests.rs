//! The requests of one upstream, rendered: the one that lists groups, and those beside it.

use bytes::Bytes;
use http::Request;

use super::template::{TemplateError, Variables};
use crate::error::{ErrorKind, UpstreamError};
use crate::plan::{RelatedList, Requests};

impl Requests {
    /// The request for the first page of this list, or of that of groups.
    pub(super) fn first(
        &self,
        list: Option<RelatedList>,
        variables: &Variables<'_>,
    ) -> Result<Request<Bytes>, UpstreamError> {
        let request = self.listing.render(variables);
        request.map_err(|error| render_error(error, list, "request"))
    }

    /// The request for a page after it.
    pub(super) fn next(
        &self,
        list: Option<RelatedList>,
        variables: &Variables<'_>,
    ) -> Result<Request<Bytes>, UpstreamError> {
        let own = (self.continuation.as_ref()).map(|request| (request, "continuation"));
        let (request, key) = own.unwrap_or((&self.listing, "request"));
        request.render(variables).map_err(|error| match error {
            TemplateError::Returned(..) => render_error(error, list, key),
            // What worked for the first page fails here for the position that the upstream named.
            TemplateError::DotSegment(_)
            | TemplateError::Header(_)
            | TemplateError::Link(..)
            | TemplateError::Uri(_) => UpstreamError::new(ErrorKind::Pagination, error.to_string()),
        })
    }

    /// The request for one group, if it is one of its own.
    pub(super) fn lookup(
        &self,
        variables: &Variables<'_>,
    ) -> Option<Result<Request<Bytes>, UpstreamError>> {
        let request = self.lookup.as_ref()?.render(variables);
        Some(request.map_err(|error| render_error(error, None, "pushdown.id.request")))
    }
}

/// Why a request cannot be rendered that this key of a list describes: because of what the upstream says in a record or
/// to a login, or else our fault.
pub(super) fn render_error(
    error: TemplateError,
    list: Option<RelatedList>,
    key: &str,
) -> UpstreamError {
    let detail = match &error {
        TemplateError::Link(..) => error.to_string(),
        TemplateError::Returned(..) => {
            let table = list.map_or_else(String::new, |list| format!("{list}."));
            format!("{error} of `{table}{key}`")
        }
        TemplateError::DotSegment(_) | TemplateError::Header(_) | TemplateError::Uri(_) => {
            return UpstreamError::ours(format!("the request cannot be rendered: {error}"));
        }
    };
    UpstreamError::of_no_answer(ErrorKind::Mapping, detail)
}
