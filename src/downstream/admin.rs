//! The admin listener: health for whoever runs the process; status, metrics and refresh for its operators.
//!
//! Where a token is configured, all require it but the two health endpoints and the page: probes and the address bar of
//! a browser cannot carry secrets, and learn none. Where none is, pages of others are kept out ([`browsers`]).

mod browsers;
mod page;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use opentelemetry::trace::FutureExt as _;
use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq as _;

use crate::catalog::{self, SourceLookup};
use crate::error::UpstreamError;
use crate::metrics::TEXT_FORMAT;
use crate::plan::{List, SecretValue};
use crate::reload::{ReloadOutcome, ReloadTrigger, Reloads};

use super::deadline::CallerDeadline;
use super::exchange::RequestContext;
use super::fallback::{READ, method_not_allowed, not_found};
use super::generation::{Generation, RELOAD};
use super::layers::Patience as _;
use super::problem::{Kind, ProblemDetails};
use super::response::{Response, full};
use super::services::{CatalogService, peek_all};
use super::source_list::ListedSource;
use super::sources::json;
use super::status::status;

const PATHS: &str = "`/`, `/livez`, `/readyz`, `/metrics`, `/status`, `/configuration`, `POST /reload` and \
                     `POST /refresh/{upstream}`";

/// What stands before the name of an upstream that is to be walked.
const REFRESH: &str = "/refresh/";

const TEXT: &str = "text/plain; charset=utf-8";

impl<G> Generation<G> {
    /// Whether an upstream is not asked before somebody needs it.
    fn is_asked_when_needed(&self, upstream: &str) -> bool {
        let own = self.plan.upstream(upstream);
        own.is_some_and(|own| own.list == List::ByQuery || own.on_behalf.is_some())
    }

    /// Whether each caller has its own list of an upstream.
    fn is_by_caller(&self, upstream: &str) -> bool {
        let own = self.plan.upstream(upstream);
        own.is_some_and(|own| own.on_behalf.is_some())
    }

    /// How far apart an upstream's walks must be that are asked for.
    fn min_refresh(&self, upstream: &str) -> Duration {
        let own = self.plan.upstream(upstream);
        own.map_or(Duration::ZERO, |upstream| {
            upstream.terms.freshness.min_refresh
        })
    }
}

/// What is for operators only.
#[derive(Debug, Clone, Copy)]
enum AdminTarget<'a> {
    Page,
    Metrics,
    Status,
    Configuration,
    Reload,
    /// The list of this upstream.
    Refresh(&'a str),
}

impl<'a> AdminTarget<'a> {
    fn of(path: &'a str) -> Option<Self> {
        match path {
            "/" => Some(Self::Page),
            "/metrics" => Some(Self::Metrics),
            "/status" => Some(Self::Status),
            "/configuration" => Some(Self::Configuration),
            RELOAD => Some(Self::Reload),
            path => {
                let upstream = path.strip_prefix(REFRESH)?;
                (!upstream.is_empty() && !upstream.contains('/')).then_some(Self::Refresh(upstream))
            }
        }
    }

    /// Whether it is for those with the token alone. The page has no data and asks for the token.
    const fn is_guarded(self) -> bool {
        !matches!(self, Self::Page)
    }

    /// The methods that it takes.
    const fn methods(self) -> &'static [Method] {
        match self {
            Self::Page | Self::Metrics | Self::Status | Self::Configuration => READ,
            Self::Reload | Self::Refresh(_) => &[Method::POST],
        }
    }
}

/// Answers a request to the admin listener.
pub(crate) async fn route<G: CatalogService>(
    exchange: Arc<RequestContext<Generation<G>>>,
) -> Result<Response, ProblemDetails> {
    let generation = &*exchange.state;
    match (&exchange.method, exchange.uri.path()) {
        (&Method::GET | &Method::HEAD, "/livez") => Ok(full(TEXT, "alive\n")),
        (&Method::GET | &Method::HEAD, "/readyz") => readyz(generation),
        (method, "/livez" | "/readyz") => Ok(method_not_allowed(method, READ)),
        (method, path) => {
            let Some(target) = AdminTarget::of(path) else {
                return Err(not_found(path, PATHS));
            };
            let token = generation.plan.server.admin_token.as_ref();
            if token.is_none() {
                browsers::check_host(&exchange.uri, &exchange.headers)?;
            }
            if target.is_guarded() && !is_authorized(token, &exchange.headers) {
                return Ok(unauthorized());
            }
            if !target.methods().contains(method) {
                return Ok(method_not_allowed(method, target.methods()));
            }
            if method == Method::POST {
                browsers::check_origin(&exchange.uri, &exchange.headers)?;
            }
            match target {
                AdminTarget::Page => Ok(page::page()),
                AdminTarget::Metrics => metrics(generation),
                AdminTarget::Status => status(generation),
                AdminTarget::Configuration => {
                    json(&generation.process.reloads.standing().running())
                }
                AdminTarget::Reload => reload(&generation.process.reloads).await,
                AdminTarget::Refresh(upstream) => refresh(&exchange, upstream).await,
            }
        }
    }
}

fn is_authorized(token: Option<&SecretValue>, headers: &HeaderMap) -> bool {
    token.is_none_or(|token| {
        let sent = headers.get(AUTHORIZATION);
        sent.is_some_and(|sent| carries(sent, token))
    })
}

fn unauthorized() -> Response {
    let detail = "send `Authorization: Bearer` with the token of `server.admin_token`";
    let mut response = Response::from(ProblemDetails::new(Kind::Unauthorized, detail));
    let challenge = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// Whether a header carries the token (RFC 6750, section 2.1). The comparison takes as long
/// wherever they differ.
fn carries(sent: &HeaderValue, token: &SecretValue) -> bool {
    let Some((scheme, sent)) = sent.to_str().ok().and_then(|sent| sent.split_once(' ')) else {
        return false;
    };
    let same = sent.trim().as_bytes().ct_eq(token.expose().as_bytes());
    scheme.eq_ignore_ascii_case("bearer") && same.into()
}

/// Ready is a process that would answer as well as it can: every upstream was walked once, or has
/// failed once, for a failed one gets no better by sending callers elsewhere. One that is asked by
/// query or on behalf of each caller is not walked before somebody asks.
///
/// A process that was ready stays so: an upstream that the file describes anew is served from its last
/// list, and taking every replica out of service at once would help nobody.
fn readyz<G: CatalogService>(generation: &Generation<G>) -> Result<Response, ProblemDetails> {
    if generation.process.draining.load(Ordering::Relaxed) {
        return Err(ProblemDetails::new(
            Kind::NotReady,
            "the gateway is stopping",
        ));
    }
    if generation.process.connections.is_full() {
        let detail = "every connection is in use (`server.connections.total`)";
        return Err(ProblemDetails::new(Kind::NotReady, detail));
    }
    let was_ready = &generation.process.was_ready;
    if was_ready.load(Ordering::Relaxed) {
        return Ok(full(TEXT, "ready\n"));
    }
    let held = peek_all(&generation.gateway);
    let pending: Vec<_> = held
        .iter()
        // A list from disk is served, and says nothing of whether the upstream answers.
        .filter(|held| !held.walked && !generation.is_asked_when_needed(&held.source))
        .map(|held| held.source.as_ref())
        .collect();
    if pending.is_empty() {
        was_ready.store(true, Ordering::Relaxed);
        return Ok(full(TEXT, "ready\n"));
    }
    let detail = format!("not yet walked: {}", pending.join(", "));
    Err(ProblemDetails::new(Kind::NotReady, detail))
}

fn metrics<G>(generation: &Generation<G>) -> Result<Response, ProblemDetails> {
    let text = generation.process.metrics.text();
    Ok(full(TEXT_FORMAT, text.map_err(ProblemDetails::defect)?))
}

/// Has the configuration loaded again, and says what is different now or why nothing is.
async fn reload(reloads: &Reloads) -> Result<Response, ProblemDetails> {
    let Some(report) = reloads.reload(ReloadTrigger::Request).await else {
        let detail = "the configuration is not loaded again: it came from no file, or the gateway is stopping";
        return Err(ProblemDetails::new(Kind::NotReady, detail));
    };
    match report.outcome {
        ReloadOutcome::Applied | ReloadOutcome::Unchanged => json(&*report),
        ReloadOutcome::Failed => Err(ProblemDetails::of_configuration(report.errors.clone())),
    }
}

/// Says what became of the walk that was asked for: 200 means that the list was read anew.
async fn refresh<G: CatalogService>(
    exchange: &RequestContext<Generation<G>>,
    upstream: &str,
) -> Result<Response, ProblemDetails> {
    let generation = &exchange.state;
    let upstream = percent_decode_str(upstream)
        .decode_utf8_lossy()
        .into_owned();
    if generation.is_by_caller(&upstream) {
        let detail = format!(
            "`{upstream}` is asked on behalf of each caller: a caller has its own list read anew with \
             `Cache-Control: no-cache`"
        );
        return Err(ProblemDetails::new(Kind::BadRequest, detail));
    }
    let until = CallerDeadline::new(exchange.begun, generation.deadline()).wait_until;
    let (walked, name) = (Arc::clone(generation), upstream.clone());
    let walk = async move { walked.gateway.refresh(&name, until).await };
    let stopping = |_| ProblemDetails::new(Kind::NotReady, "the gateway is stopping");
    let Some(held) = generation
        .process
        .walks
        .spawn(walk.with_current_context())
        .await
        .map_err(stopping)?
    else {
        let known = generation.gateway.names().join(", ");
        let detail = format!("no upstream `{upstream}`; available are {known}");
        return Err(ProblemDetails::new(Kind::NotFound, detail));
    };
    let status = match Outcome::of(&held) {
        Outcome::Walked => StatusCode::OK,
        Outcome::Walking | Outcome::PendingShrink => StatusCode::ACCEPTED,
        Outcome::Failed(error) => {
            let now = generation.gateway.now();
            let detail = rests(&upstream, &error, now)
                .unwrap_or_else(|| format!("the walk of `{upstream}` failed"));
            return Err(ProblemDetails::of_walk(detail, &held, &error));
        }
        Outcome::TooSoon => {
            let wait = wait(&held, generation.min_refresh(&upstream));
            let detail = format!("`{upstream}` was walked a moment ago and was not asked again");
            return Err(ProblemDetails::new(Kind::TooManyRequests, detail).with_retry_after(wait));
        }
    };
    let mut response = json(&ListedSource::from(&held))?;
    *response.status_mut() = status;
    Ok(response)
}

/// What became of a walk that an operator asked for.
#[derive(Debug)]
enum Outcome {
    /// It ended well.
    Walked,
    /// It was still under way at the deadline, and goes on.
    Walking,
    /// It ended well, and its list waits for another walk to confirm it.
    PendingShrink,
    /// It failed, whatever is still served from before.
    Failed(Arc<UpstreamError>),
    /// The upstream was not asked.
    TooSoon,
}

impl Outcome {
    fn of(held: &SourceLookup) -> Self {
        if held.outcome.forwarded.is_none() {
            return Self::TooSoon;
        }
        // What is held then, also an error, is from before the walk.
        if held.outcome.detail == Some("deadline") || held.state == catalog::SourceState::Pending {
            return Self::Walking;
        }
        match &held.error {
            Some(error) => Self::Failed(Arc::clone(error)),
            None if held.pending_shrink.is_some() => Self::PendingShrink,
            None => Self::Walked,
        }
    }
}

/// Until when an upstream is left alone, if the walk ended because it is: whatever the walk would have asked next was not
/// asked.
fn rests(upstream: &str, error: &UpstreamError, now: Timestamp) -> Option<String> {
    if !error.kind.is_wait() || error.status.is_some() {
        return None;
    }
    let until = now.checked_add(error.retry_after?).ok()?;
    // `Retry-After` is rounded up, too.
    let is_between = i64::from(until.subsec_nanosecond() > 0);
    let until = Timestamp::from_second(until.as_second() + is_between).ok()?;
    let reason = error.kind.title();
    Some(format!(
        "`{upstream}` is not asked before {until}: {reason}"
    ))
}

/// How long until the upstream is asked again if an operator wishes: at most as long as walks must
/// be apart, however long it would rest after a failure.
fn wait(held: &SourceLookup, min_refresh: Duration) -> Duration {
    let rest = held.error.as_ref().and_then(|error| error.retry_after);
    rest.map_or(min_refresh, |rest| rest.min(min_refresh))
}

#[cfg(test)]
mod tests;
