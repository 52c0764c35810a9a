//! `GET /groups/{id}`.

use std::borrow::Cow;
use std::slice;
use std::sync::Arc;

use http::StatusCode;
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::downstream::audited_answer::AuditedAnswer;
use crate::downstream::caching::{self, Basis, Countdown, EntityTag};
use crate::downstream::deadline::CallerDeadline;
use crate::downstream::exchange::RequestContext;
use crate::downstream::fallback;
use crate::downstream::generation::Generation;
use crate::downstream::layers::Patience as _;
use crate::downstream::negotiate::{AnswerFormat, negotiate};
use crate::downstream::problem::{Kind, ProblemDetails};
use crate::downstream::render;
use crate::downstream::response::{Response, empty, full};
use crate::downstream::server_timing::ServerTiming;
use crate::downstream::services::GroupService;

use super::traits;

/// What stands before the id of one group.
pub(crate) const ONE: &str = "/groups/";

/// The formats of a single group: it has no rows to stream.
const SINGLE: &[AnswerFormat] = &[AnswerFormat::Json, AnswerFormat::Xml];

/// The size of a group's JSON from which it is converted off the I/O threads.
const LARGE_GROUP: usize = 64 * 1024;

/// Answers `GET /groups/{id}`.
pub(crate) async fn one<G: GroupService>(
    exchange: &RequestContext<Generation<G>>,
) -> Result<Response, ProblemDetails> {
    fallback::no_parameters(&exchange.uri)?;
    let (state, headers) = (&exchange.state, &exchange.headers);
    let format = negotiate(headers, SINGLE)?;
    let id = id_of(exchange.uri.path())?;
    let caller = exchange.caller();
    let mode = caching::mode(headers);
    let deadline = CallerDeadline::new(exchange.begun, state.deadline());

    let mut timing = ServerTiming::after(state.plan.server.server_timing, []);
    let found = state
        .gateway
        .group(&id, caller, mode, deadline.wait_until)
        .await?;
    timing.end_stage("wait");
    let found = found.ok_or_else(no_such_group)?;
    let tag = EntityTag::of_group(format, &found);
    let mut response = if tag.is_known(headers) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        let bytes = found.row().bytes();
        let reserved = state.reserve(bytes as u64)?;
        let is_copied = render::is_copied(format, None, !found.hidden.is_none());
        let is_quick = bytes < LARGE_GROUP || is_copied;
        let found = found.clone();
        let render = move || render::single(format, found.row()).map_err(ProblemDetails::defect);
        let body = if is_quick {
            render()?
        } else {
            state.process.pool.run(render, deadline.answer).await??
        };
        full(format.content_type(), reserved.fill(body))
    };
    response.body_mut().traits = traits(format, slice::from_ref(&found.source));
    let audited = state.audit.as_ref();
    response.body_mut().audited = audited.map(|_| Arc::new(AuditedAnswer::group(&found)));
    let now = Instant::now();
    caching::describe(response.headers_mut(), &tag);
    Countdown::new(Basis::from(&found), caller, now).tell(response.headers_mut(), now);
    timing.announce(response.headers_mut());
    Ok(response)
}

/// The id in a path, decoded once: an id that holds a percent sign comes encoded twice. What is no
/// text names no group.
fn id_of(path: &str) -> Result<Cow<'_, str>, ProblemDetails> {
    let id = path.strip_prefix(ONE).unwrap_or_default();
    percent_decode_str(id)
        .decode_utf8()
        .map_err(|_| no_such_group())
}

/// What is said of a group that is not there, and of one whose source is not: word for word the
/// same, so that nobody learns which sources there are.
fn no_such_group() -> ProblemDetails {
    ProblemDetails::new(Kind::NotFound, "no group with this id")
}
