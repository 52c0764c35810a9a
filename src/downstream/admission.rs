//! How often a caller may ask: 429 beyond its allowance, and on every answer how much is left.
//!
//! Each caller has a token bucket of its own. The buckets live in a bounded cache, for callers
//! choose their addresses and must not choose our memory: the one that asked longest ago is
//! forgotten first, and by then its bucket is most likely full again.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::{HeaderName, HeaderValue};
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use crate::clock::TokioClock;
use crate::config::RateLimit;

use super::caller::Client;
use super::problem::{Kind, Problem};

/// What is left, as in draft-ietf-httpapi-ratelimit-headers-10, section 4.
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What is allowed, as in section 3 of the same draft.
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How many callers are remembered: some tens of MiB at most.
const CALLERS: u64 = 100_000;

type Bucket = RateLimiter<NotKeyed, InMemoryState, TokioClock, StateInformationMiddleware>;

/// Counts what each caller asks.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    quota: Quota,
    clock: TokioClock,
    buckets: Cache<IpAddr, Arc<Bucket>>,
}

/// What a bucket says of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Verdict {
    /// How long to wait, if the request is refused.
    wait: Option<Duration>,
    /// How many requests are left at once.
    remaining: u32,
}

impl Admission {
    /// Admits what the settings allow.
    pub(crate) fn new(settings: &RateLimit) -> Self {
        let burst = NonZeroU32::new(settings.burst).unwrap_or(NonZeroU32::MIN);
        // The shortest interval that can be counted is a nanosecond: a rate beyond it is no limit.
        let interval = settings.per_client.interval().max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval)
            .unwrap_or(Quota::per_second(NonZeroU32::MAX))
            .allow_burst(burst);
        Self {
            quota,
            clock: TokioClock::new(),
            buckets: Cache::builder()
                .max_capacity(CALLERS)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        }
    }

    async fn ask(&self, network: IpAddr) -> Verdict {
        let fresh = async { Arc::new(self.bucket()) };
        let bucket = self.buckets.get_with(network, fresh).await;
        match bucket.check() {
            Ok(state) => Verdict {
                wait: None,
                remaining: state.remaining_burst_capacity(),
            },
            Err(until) => Verdict {
                wait: Some(until.wait_time_from(self.clock.now())),
                remaining: 0,
            },
        }
    }

    fn bucket(&self) -> Bucket {
        RateLimiter::direct_with_clock(self.quota, self.clock).with_middleware()
    }

    /// Says on a response what is allowed and what is left.
    fn announce(&self, verdict: Verdict, response: &mut Response) {
        let burst = self.quota.burst_size().get();
        let refill = self.quota.replenish_interval();
        let window = whole_seconds(self.quota.burst_size_replenished_in());
        let reset = whole_seconds(refill * (burst - verdict.remaining.min(burst)));
        let remaining = verdict.remaining;
        let headers = [
            (
                RATELIMIT_POLICY,
                format!(r#""client";q={burst};w={window}"#),
            ),
            (RATELIMIT, format!(r#""client";r={remaining};t={reset}"#)),
        ];
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
}

/// Lets a request through if its caller's allowance does.
pub(crate) async fn admit(
    State(admission): State<Admission>,
    request: Request,
    next: Next,
) -> Response {
    let Some(network) = request
        .extensions()
        .get()
        .map(|client: &Client| client.network)
    else {
        return Problem::new(Kind::Internal, "the caller was not identified").into_response();
    };
    let verdict = admission.ask(network).await;
    let mut response = match verdict.wait {
        None => next.run(request).await,
        Some(wait) => Problem::new(Kind::TooManyRequests, "you ask more often than you may")
            .with_retry_after(wait)
            .into_response(),
    };
    admission.announce(verdict, &mut response);
    response
}

/// Rounds up: whoever waits so long has waited long enough.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use http::StatusCode;
    use tower::ServiceExt as _;

    use super::super::caller::{self, Peer};
    use super::*;

    fn stack(rate: &str, burst: u32) -> Router {
        let admission = Admission::new(&RateLimit {
            per_client: rate.parse().unwrap(),
            burst,
        });
        Router::new()
            .route("/", axum::routing::get(|| async { "in" }))
            .layer(from_fn_with_state(admission, admit))
            .layer(axum::middleware::from_fn(caller::identify))
    }

    async fn ask(stack: &Router, peer: &str) -> Response {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        stack.clone().oneshot(request).await.unwrap()
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers()[name].to_str().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_beyond_its_burst_waits_for_the_rate() {
        let stack = stack("6/m", 2);
        let first = ask(&stack, "192.0.2.1:1").await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(header(&first, "ratelimit-policy"), r#""client";q=2;w=20"#);
        assert_eq!(header(&first, "ratelimit"), r#""client";r=1;t=10"#);
        assert_eq!(ask(&stack, "192.0.2.1:2").await.status(), StatusCode::OK);

        let refused = ask(&stack, "192.0.2.1:3").await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(header(&refused, "retry-after"), "10");
        assert_eq!(header(&refused, "ratelimit"), r#""client";r=0;t=20"#);

        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(ask(&stack, "192.0.2.1:4").await.status(), StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn one_caller_does_not_use_up_what_another_may() {
        let stack = stack("1/h", 1);
        assert_eq!(ask(&stack, "192.0.2.1:1").await.status(), StatusCode::OK);
        assert_eq!(
            ask(&stack, "192.0.2.1:1").await.status(),
            StatusCode::TOO_MANY_REQUESTS
        );
        assert_eq!(ask(&stack, "192.0.2.2:1").await.status(), StatusCode::OK);
    }
}
