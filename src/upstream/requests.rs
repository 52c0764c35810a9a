//! The requests of one upstream: the one that lists groups, and those beside it.

use bytes::Bytes;
use http::Request;

use crate::config::SecretReader;
use crate::config::upstream::Upstream;
use crate::problem::{KeyPath, Problems};

use super::pager::Position;
use super::pushdown::Pushed;
use super::template::{self, Template, TemplateError, Variables};
use crate::error::{ErrorKind, UpstreamError};

/// What an upstream is asked with.
#[derive(Debug)]
pub(super) struct Requests {
    listing: Template,
    continuation: Option<Template>,
    count: Option<Count>,
}

/// The exchange that tells how many records there are.
#[derive(Debug)]
pub(super) struct Count {
    template: Template,
}

impl Requests {
    /// Compiles the requests in the block at `at`.
    pub(super) fn compile(
        upstream: &Upstream,
        at: &KeyPath,
        secrets: &SecretReader<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut template = |request, at: KeyPath| {
            let accept = template::accept(upstream.format);
            Template::compile(&upstream.base_url, request, accept, &at, secrets, problems)
        };
        let listing = template(&upstream.request, at.join("request"));
        let continuation = match &upstream.continuation {
            Some(request) => Some(template(request, at.join("continuation"))?),
            None => None,
        };
        let count = match upstream.pagination.total_call() {
            Some(call) => {
                let at = at.join("pagination").join("total").join("request");
                Some(Count {
                    template: template(&call.request, at)?,
                })
            }
            None => None,
        };
        Some(Self {
            listing: listing?,
            continuation,
            count,
        })
    }

    /// The request that lists groups.
    pub(super) const fn listing(&self) -> &Template {
        &self.listing
    }

    /// The request for the first page.
    pub(super) fn first(&self, variables: &Variables<'_>) -> Result<Request<Bytes>, UpstreamError> {
        self.listing.render(variables).map_err(render_error)
    }

    /// The request for a page after it.
    pub(super) fn next(&self, variables: &Variables<'_>) -> Result<Request<Bytes>, UpstreamError> {
        let template = self.continuation.as_ref().unwrap_or(&self.listing);
        // What worked for the first page fails here for the position that the upstream named.
        template
            .render(variables)
            .map_err(|error| UpstreamError::new(ErrorKind::Pagination, error.to_string()))
    }

    /// What tells how many records there are, where that is a request of its own.
    pub(super) const fn count(&self) -> Option<&Count> {
        self.count.as_ref()
    }
}

impl Count {
    /// The request that asks for it.
    pub(super) fn request(&self, pushed: &Pushed) -> Result<Request<Bytes>, UpstreamError> {
        let variables = Variables {
            position: &Position::Start,
            limit: None,
            pushed,
        };
        self.template.render(&variables).map_err(render_error)
    }
}

/// A request that contains nothing from the upstream, and still cannot be rendered: our fault.
pub(super) fn render_error(error: TemplateError) -> UpstreamError {
    UpstreamError::ours(format!("the request cannot be rendered: {error}"))
}
