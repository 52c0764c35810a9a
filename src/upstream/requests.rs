//! The requests of one upstream, rendered: the one that lists groups, and those beside it.

use bytes::Bytes;
use http::Request;

use super::template::{TemplateError, Variables};
use crate::error::{ErrorKind, UpstreamError};
use crate::plan::Requests;

impl Requests {
    /// The request for the first page.
    pub(super) fn first(&self, variables: &Variables<'_>) -> Result<Request<Bytes>, UpstreamError> {
        self.listing.render(variables).map_err(render_error)
    }

    /// The request for a page after it.
    pub(super) fn next(&self, variables: &Variables<'_>) -> Result<Request<Bytes>, UpstreamError> {
        let request = self.continuation.as_ref().unwrap_or(&self.listing);
        // What worked for the first page fails here for the position that the upstream named.
        request
            .render(variables)
            .map_err(|error| UpstreamError::new(ErrorKind::Pagination, error.to_string()))
    }

    /// The request for one group, if it is one of its own.
    pub(super) fn lookup(
        &self,
        variables: &Variables<'_>,
    ) -> Option<Result<Request<Bytes>, UpstreamError>> {
        let request = self.lookup.as_ref()?.render(variables);
        Some(request.map_err(render_error))
    }
}

/// A request that contains nothing from the upstream but a link, and still cannot be rendered: our fault.
pub(super) fn render_error(error: TemplateError) -> UpstreamError {
    if matches!(error, TemplateError::Link(..)) {
        return UpstreamError::of_no_answer(ErrorKind::Mapping, error.to_string());
    }
    UpstreamError::ours(format!("the request cannot be rendered: {error}"))
}
