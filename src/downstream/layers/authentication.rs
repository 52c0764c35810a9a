//! Who asks, where the plan says who may; and 401 where nobody knows.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::TryFutureExt as _;
use http::header::{VARY, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::authentication::{KnownCaller, Recognition, RefusedCredentials};
use crate::caller::VisibleSources;
use crate::downstream::caller_gate::CallerGate;
use crate::downstream::deadline::CallerDeadline;
use crate::downstream::exchange::RequestContext;
use crate::downstream::problem::{Kind, ProblemDetails};
use crate::downstream::response::Response;
use crate::observe::Event;

use super::answering::{Answering, Layered};
use super::deadlines::Patience;
use super::observed::Observed;
use super::shedding::{RETRY, ShedsLoad};

/// How to authenticate, in the words of RFC 6750 where it has them.
const CHALLENGES: [(RefusedCredentials, HeaderValue); 3] = [
    (
        RefusedCredentials::Missing,
        HeaderValue::from_static(r#"Bearer realm="groupgate""#),
    ),
    (
        RefusedCredentials::Invalid,
        HeaderValue::from_static(r#"Bearer realm="groupgate", error="invalid_token""#),
    ),
    (
        RefusedCredentials::Ended,
        HeaderValue::from_static(r#"Bearer realm="groupgate", error="invalid_token""#),
    ),
];

/// What may know its callers.
pub(crate) trait Authenticates {
    /// What lets them in; `None` where everybody may ask for everything.
    fn gate(&self) -> Option<&CallerGate>;

    /// The headers of a caller that upstreams forward.
    fn forwarded_headers(&self) -> &[HeaderName];

    /// The request headers on which an answer depends for who sees this.
    fn varies_by(&self, visible: &VisibleSources) -> HeaderValue;
}

/// Lets requests through whose callers may ask, each as the caller that it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authentication;

impl<L> Layer<L> for Authentication {
    type Service = Authenticating<L>;

    fn layer(&self, inner: L) -> Self::Service {
        Authenticating(inner)
    }
}

/// The service of [`Authentication`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authenticating<L>(L);

impl<S, L> Service<&Arc<RequestContext<S>>> for Authenticating<L>
where
    S: Authenticates + Observed + ShedsLoad + Patience + Send + Sync + 'static,
    L: Layered<S> + Copy + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, exchange: &Arc<RequestContext<S>>) -> Answering {
        let Some(gate) = exchange.state.gate() else {
            return self.0.call(exchange);
        };
        let mut inner = self.0;
        let certificate = exchange.client.certificate.as_deref();
        match gate
            .authenticator
            .authenticate(&exchange.headers, certificate)
        {
            Recognition::Known(known) => {
                admit(exchange, gate, known);
                let mut answer = inner.call(exchange);
                let varies_by = exchange.state.varies_by(&exchange.caller().visible);
                if let Answering::Here(response) = &mut answer {
                    response.headers_mut().append(VARY, varies_by);
                    return answer;
                }
                Answering::later(answer.map_ok(|answer| varied(answer, varies_by)))
            }
            Recognition::Refused(refusal) => Answering::here(refuse(exchange, refusal)),
            Recognition::Awaited(decision) => {
                // Whoever waits takes memory, and nobody knows who it is: those who are known lose nothing by it.
                let Ok(place) = exchange.state.strangers().take(exchange.client.network) else {
                    let refusal = RefusedCredentials::Unavailable { retry_after: RETRY };
                    return Answering::here(refuse(exchange, refusal));
                };
                let exchange = Arc::clone(exchange);
                let allowed = exchange.state.deadline_of(exchange.uri.path());
                let decision = decision(CallerDeadline::new(exchange.begun, allowed).answer);
                Answering::later(async move {
                    let decided = decision.await;
                    drop(place);
                    exchange.note_wait();
                    match decided {
                        Ok(known) => {
                            if let Some(gate) = exchange.state.gate() {
                                admit(&exchange, gate, known);
                            }
                            let answer = inner.call(&exchange).await?;
                            let visible = &exchange.caller().visible;
                            Ok(varied(answer, exchange.state.varies_by(visible)))
                        }
                        Err(refusal) => Ok(refuse(&exchange, refusal)),
                    }
                })
            }
        }
    }
}

fn varied(mut response: Response, varies_by: HeaderValue) -> Response {
    response.headers_mut().append(VARY, varies_by);
    response
}

fn admit<S: Authenticates + Observed>(
    exchange: &RequestContext<S>,
    gate: &CallerGate,
    known: Arc<KnownCaller>,
) {
    let outcome = known.kind.as_str();
    let caller = Arc::clone(&known);
    let may_go =
        |name: &&HeaderName| (gate.authenticator).forwards(&caller, name, &exchange.headers);
    exchange.admit(
        known,
        exchange.state.forwarded_headers().iter().filter(may_go),
    );
    (exchange.state.observers()).notify(&Event::Authenticated(outcome));
}

/// The answer to a request without credentials that are accepted. An address that sends many of them is told to
/// wait.
fn refuse<S: Authenticates + Observed>(
    exchange: &RequestContext<S>,
    refusal: RefusedCredentials,
) -> Response {
    (exchange.state.observers()).notify(&Event::Authenticated(refusal.as_str()));
    let network = exchange.client.network;
    let wait = match refusal {
        RefusedCredentials::Missing
        | RefusedCredentials::Ended
        | RefusedCredentials::Unavailable { .. } => None,
        RefusedCredentials::Invalid => {
            let gate = exchange.state.gate();
            gate.and_then(|gate| gate.count_failure(network, Instant::now()))
        }
    };
    let Some(wait) = wait else {
        return unauthorized(refusal);
    };
    let detail = "too many requests with credentials that are not accepted";
    let problem = ProblemDetails::new(Kind::TooManyRequests, detail);
    problem.with_retry_after(wait).into()
}

fn unauthorized(refusal: RefusedCredentials) -> Response {
    let detail = match refusal {
        RefusedCredentials::Missing => {
            "send credentials, such as `Authorization: Bearer` with a key"
        }
        RefusedCredentials::Invalid | RefusedCredentials::Ended => {
            "the credentials are not accepted"
        }
        RefusedCredentials::Unavailable { retry_after } => {
            let detail = "the credentials cannot be verified at the moment";
            let problem = ProblemDetails::new(Kind::AuthenticationUnavailable, detail);
            return Response::from(problem.with_retry_after(retry_after));
        }
    };
    let mut response = Response::from(ProblemDetails::new(Kind::Unauthorized, detail));
    let headers = response.headers_mut();
    for (of, challenge) in CHALLENGES {
        if of == refusal {
            headers.append(WWW_AUTHENTICATE, challenge);
        }
    }
    response
}
