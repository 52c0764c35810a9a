//! What every request passes, and in which order.
//!
//! Most layers decide and never wait: they are two plain functions ([`intercept`]). What is ready is
//! answered where it is found, without a future ([`Answering`]). No layer has state: what a request may
//! read, it brings along ([`RequestContext::state`]).

mod answering;
use answering::Layered;
pub(crate) use answering::{Answering, handler};

mod intercept;

mod request_ids;

mod server_spans;

mod observed;
pub(crate) use observed::Observed;

mod audit;
use audit::Audit;
pub(crate) use audit::Audits;

mod access_log;
pub(crate) use access_log::AccessLog;

mod heads;

mod problems;

mod catch_panic;

mod cross_origin;
pub(crate) use cross_origin::ReadableByScripts;

mod admission;
pub(crate) use admission::Admits;

mod authentication;
pub(crate) use authentication::Authenticates;

mod limits;

mod ready_answers;
pub(crate) use ready_answers::KeepsAnswers;

mod shedding;
pub(crate) use shedding::ShedsLoad;

mod request_spans;

mod deadlines;
pub(crate) use deadlines::Patience;

use std::sync::Arc;

use tower::ServiceBuilder;

use super::exchange::RequestContext;
use super::problem::ProblemDetails;
use super::response::Response;
use super::templates;

use admission::{Admission, OwnAdmission};
use authentication::Authentication;
use catch_panic::CatchPanic;
use cross_origin::{CrossOrigin, Preflights};
use deadlines::Deadlines;
use heads::Heads;
use intercept::intercept;
use limits::RequestLimits;
use observed::Notify;
use problems::ProblemBodies;
use ready_answers::ReadyAnswers;
use request_ids::RequestIds;
use request_spans::RequestSpans;
use server_spans::ServerSpans;
use shedding::Shedding;

/// What answers the requests of a listener.
pub(crate) trait Stack<S: 'static>: Layered<S> + Copy + Send + Sync + 'static {}

impl<S: 'static, T> Stack<S> for T where T: Layered<S> + Copy + Send + Sync + 'static {}

/// What every request to the data listener passes, from the outside in.
pub(crate) fn data<S, R, F>(route: R) -> impl Stack<S>
where
    S: Observed
        + Audits
        + Admits
        + Authenticates
        + KeepsAnswers
        + ShedsLoad
        + ReadableByScripts
        + Patience
        + Send
        + Sync
        + 'static,
    R: Fn(Arc<RequestContext<S>>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Response, ProblemDetails>> + Send + 'static,
{
    ServiceBuilder::new()
        // Outermost: whatever is logged or answered from here on carries the id.
        .layer(intercept(RequestIds))
        // Next: what is ready is in a trace, too.
        .layer(intercept(ServerSpans(templates::of_data)))
        // Next, so that the access log has the time and status of all that happens below.
        .layer(intercept(Notify(templates::of_data)))
        // The same of records.
        .layer(intercept(Audit(templates::of_data)))
        // Above all that has a body, problems too.
        .layer(intercept(Heads))
        // Above all that can refuse.
        .layer(intercept(ProblemBodies))
        // Above all that can refuse, too: a script may read why.
        .layer(intercept(CrossOrigin))
        // A panic further down costs one request, not the connection.
        .layer(CatchPanic)
        // Before anything expensive: whoever guesses at credentials is counted, too.
        .layer(intercept(Admission))
        // Below admission, so that a request that is refused here counts like any other; above all that reads more of
        // it than where it comes from.
        .layer(intercept(RequestLimits))
        // Above authentication, for no browser sends credentials with it.
        .layer(intercept(Preflights))
        // Above all that depends on who asks.
        .layer(Authentication)
        // As soon as the caller is known.
        .layer(intercept(OwnAdmission))
        // The last that never waits: what is answered here costs no timer, and no span around its log lines.
        .layer(intercept(ReadyAnswers))
        // Whatever is not ready takes memory until it is.
        .layer(intercept(Shedding))
        // Above all that may have something to tell.
        .layer(RequestSpans)
        // Counts from when the request came, and bounds all that waits.
        .layer(Deadlines)
        .service(handler(route))
}

/// What every request to the admin listener passes: as above, without what is for callers.
pub(crate) fn admin<S, R, F>(route: R) -> impl Stack<S>
where
    S: Observed + Patience + Send + Sync + 'static,
    R: Fn(Arc<RequestContext<S>>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Response, ProblemDetails>> + Send + 'static,
{
    ServiceBuilder::new()
        .layer(intercept(RequestIds))
        .layer(intercept(ServerSpans(templates::of_admin)))
        .layer(intercept(Notify(templates::of_admin)))
        .layer(intercept(Heads))
        .layer(intercept(ProblemBodies))
        .layer(CatchPanic)
        .layer(intercept(RequestLimits))
        .layer(RequestSpans)
        .layer(Deadlines)
        .service(handler(route))
}
