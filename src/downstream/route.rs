//! Which handler answers a request to the data listener.

use std::sync::Arc;

use http::Method;

use super::coding;
use super::compress::compress;
use super::deadline::CallerDeadline;
use super::exchange::RequestContext;
use super::fallback;
use super::generation::Generation;
use super::groups;
use super::layers::Patience as _;
use super::openapi::DescribedCredentials;
use super::problem::ProblemDetails;
use super::response::Response;
use super::services::{CatalogService, GroupService};
use super::sources;

const PATHS: &str =
    "`/groups`, `/groups/{id}`, `/sources`, `/openapi.json` and `/docs`, which describes them";

/// Answers a request that was not answered from the cache.
pub(crate) async fn route<G: GroupService + CatalogService>(
    exchange: Arc<RequestContext<Generation<G>>>,
) -> Result<Response, ProblemDetails> {
    let accepted = coding::negotiate(&exchange.headers)?;
    let deadline = CallerDeadline::new(exchange.begun, exchange.state.deadline());
    let process = Arc::clone(&exchange.state.process);
    let credentials = || DescribedCredentials::of(exchange.state.plan.callers.as_ref());
    let gateway = &exchange.state.gateway;
    let described = || (gateway.names(), gateway.attributes());
    let response = match (&exchange.method, exchange.uri.path()) {
        (&Method::GET | &Method::HEAD, "/groups") => groups::list(&exchange).await?,
        (&Method::GET | &Method::HEAD, path) if is_group(path) => groups::one(&exchange).await?,
        (&Method::GET | &Method::HEAD, "/sources") => sources::list(&exchange)?,
        (&Method::GET | &Method::HEAD, "/openapi.json") => {
            let description = &process.description;
            description.document(described(), credentials(), &exchange)?
        }
        (&Method::GET | &Method::HEAD, "/docs") => {
            let description = &process.description;
            description.page(described(), credentials(), &exchange)?
        }
        (method, "/groups" | "/sources" | "/openapi.json" | "/docs") => {
            fallback::method_not_allowed(method, fallback::READ)
        }
        (method, path) if is_group(path) => fallback::method_not_allowed(method, fallback::READ),
        (_, path) => return Err(fallback::not_found(path, PATHS)),
    };
    compress(response, accepted, &process.pool, deadline.answer).await
}

/// Whether it is the address of one group. Its id may hold slashes.
fn is_group(path: &str) -> bool {
    path.strip_prefix(groups::ONE)
        .is_some_and(|id| !id.is_empty())
}
