//! What each caller may still ask, on every answer; and 429 where that is nothing.

use std::ops::ControlFlow;

use crate::caller::Asker;
use crate::downstream::exchange::RequestContext;
use crate::downstream::problem::{Kind, ProblemDetails};
use crate::downstream::rate_limiter::{Allowance, CallerRateLimiter, RATELIMIT, RATELIMIT_POLICY};
use crate::downstream::response::{Response, set};
use crate::plan::Rate;

use super::intercept::Interceptor;

/// What counts the requests that its layer lets through.
pub(crate) trait Admits {
    /// What counts them.
    fn rate_limiter(&self) -> &CallerRateLimiter;

    /// What counts those of each caller whose grants allow this rate.
    fn own_limiter(&self, _rate: Rate) -> Option<&CallerRateLimiter<Asker>> {
        None
    }
}

/// Lets a request through if the allowance of its address does, and says on every answer what is left, also
/// of its caller's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission;

impl<S: Admits> Interceptor<S> for Admission {
    type Kept = Allowance;

    fn before(self, exchange: &RequestContext<S>) -> ControlFlow<Box<Response>, Allowance> {
        let rate_limiter = exchange.state.rate_limiter();
        let client = &exchange.client;
        let held = &client.looked_up.bucket;
        let verdict = rate_limiter.ask(client.network, held, exchange.begun);
        let allowance = Allowance {
            policy: rate_limiter.policy().clone(),
            left: verdict.left,
        };
        let Some(wait) = verdict.wait else {
            return ControlFlow::Continue(allowance);
        };
        let detail = "the rate limit of this address is exceeded";
        let problem = ProblemDetails::new(Kind::TooManyRequests, detail);
        let mut response = problem.with_retry_after(wait).into();
        announce(allowance, &mut response);
        ControlFlow::Break(Box::new(response))
    }

    fn after(self, allowance: Allowance, exchange: &RequestContext<S>, response: &mut Response) {
        announce(allowance, response);
        let Some(own) = exchange.own_allowance.get() else {
            return;
        };
        let headers = response.headers_mut();
        headers.append(RATELIMIT_POLICY, own.policy.clone());
        if let Some(left) = &own.left {
            headers.append(RATELIMIT, left.clone());
        }
    }
}

/// Lets a request through if what its caller's grants allow does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnAdmission;

impl<S: Admits> Interceptor<S> for OwnAdmission {
    type Kept = ();

    fn before(self, exchange: &RequestContext<S>) -> ControlFlow<Box<Response>, ()> {
        let rate = exchange.known().and_then(|known| known.rate);
        let Some(limiter) = rate.and_then(|rate| exchange.state.own_limiter(rate)) else {
            return ControlFlow::Continue(());
        };
        let held = &exchange.client.looked_up.own_bucket;
        let asker = exchange.caller().asker();
        let verdict = limiter.ask(asker, held, exchange.answerable_at());
        // Each request comes by once.
        let _ = exchange.own_allowance.set(Allowance {
            policy: limiter.policy().clone(),
            left: verdict.left,
        });
        match verdict.wait {
            None => ControlFlow::Continue(()),
            Some(wait) => {
                let detail = "the rate limit of this caller is exceeded";
                let problem = ProblemDetails::new(Kind::TooManyRequests, detail);
                ControlFlow::Break(Box::new(problem.with_retry_after(wait).into()))
            }
        }
    }
}

fn announce(allowance: Allowance, response: &mut Response) {
    let headers = response.headers_mut();
    set(headers, RATELIMIT_POLICY, allowance.policy);
    if let Some(left) = allowance.left {
        set(headers, RATELIMIT, left);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use http::StatusCode;
    use tower::{ServiceBuilder, ServiceExt as _};

    use super::super::answering::{Layered, handler};
    use super::super::intercept::intercept;
    use super::*;
    use crate::downstream::response::full;
    use crate::downstream::testing::{exchange_from, get};
    use crate::plan::ClientRateLimit;

    impl Admits for CallerRateLimiter {
        fn rate_limiter(&self) -> &Self {
            self
        }
    }

    fn rate_limiter(rate: &str, burst: u32) -> Arc<CallerRateLimiter> {
        Arc::new(CallerRateLimiter::new(
            &ClientRateLimit {
                per_client: rate.parse().unwrap(),
                burst: burst.try_into().unwrap(),
            },
            "client",
        ))
    }

    fn stack() -> impl Layered<CallerRateLimiter> {
        ServiceBuilder::new()
            .layer(intercept(Admission))
            .service(handler(async |_| Ok(full("text/plain", "in"))))
    }

    async fn ask(rate_limiter: &Arc<CallerRateLimiter>, peer: &str) -> Response {
        let asked = exchange_from(peer, Arc::clone(rate_limiter), get("/"));
        let Ok(response) = stack().oneshot(&asked).await;
        response
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers()[name].to_str().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_beyond_its_burst_waits_for_the_rate() {
        let rate_limiter = rate_limiter("6/m", 2);
        let first = ask(&rate_limiter, "192.0.2.1:1").await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(header(&first, "ratelimit-policy"), r#""client";q=2;w=20"#);
        assert_eq!(header(&first, "ratelimit"), r#""client";r=1;t=10"#);
        let second = ask(&rate_limiter, "192.0.2.1:2").await;
        assert_eq!(second.status(), StatusCode::OK);

        let refused = ask(&rate_limiter, "192.0.2.1:3").await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let problem = refused.extensions().get::<ProblemDetails>().unwrap();
        let body = String::from_utf8(problem.body("")).unwrap();
        assert!(body.contains("the rate limit of this address"), "{body}");
        assert_eq!(header(&refused, "retry-after"), "10");
        assert_eq!(header(&refused, "ratelimit"), r#""client";r=0;t=20"#);
        assert_eq!(header(&refused, "ratelimit-policy"), r#""client";q=2;w=20"#);

        tokio::time::advance(Duration::from_secs(10)).await;
        let later = ask(&rate_limiter, "192.0.2.1:4").await;
        assert_eq!(later.status(), StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn one_caller_does_not_use_up_what_another_may() {
        let rate_limiter = rate_limiter("1/h", 1);
        for (peer, expected) in [
            ("192.0.2.1:1", StatusCode::OK),
            ("192.0.2.1:1", StatusCode::TOO_MANY_REQUESTS),
            ("192.0.2.2:1", StatusCode::OK),
        ] {
            assert_eq!(ask(&rate_limiter, peer).await.status(), expected);
        }
    }
}
