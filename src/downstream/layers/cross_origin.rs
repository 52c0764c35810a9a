//! Scripts of other origins: which may read answers, and what they may ask (CORS, Fetch standard, section 3.2).
//!
//! The gateway never asks for cookies, so nothing is allowed with credentials of the browser's: a script sends
//! its own.

use std::iter;
use std::ops::ControlFlow;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::downstream::exchange::RequestContext;
use crate::downstream::response::{Response, empty};
use crate::plan::ScriptOrigin;

use super::intercept::Interceptor;

/// What scripts may do.
const METHODS: &str = "GET, HEAD";

/// What they may send beside what any may, whether they ask or not.
const REQUEST_HEADERS: &str = "authorization, cache-control, if-none-match, prefer, traceparent, tracestate, \
                               x-api-key, x-request-id";

/// What they may read beside what any may.
const RESPONSE_HEADERS: &str = "cache-status, etag, link, preference-applied, ratelimit, ratelimit-policy, \
                                retry-after, server-timing, www-authenticate, x-complete, x-request-id, \
                                x-sources, x-total-count";

/// How long a browser may keep that, in seconds.
const KEPT: &str = "600";

/// What knows whose scripts may read answers.
pub(crate) trait ReadableByScripts {
    /// Their origins.
    fn script_origins(&self) -> &[ScriptOrigin];
}

/// Tells browsers who may read an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CrossOrigin;

/// Answers what browsers ask before a script does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preflights;

impl<S: ReadableByScripts> Interceptor<S> for Preflights {
    type Kept = ();

    fn before(self, exchange: &RequestContext<S>) -> ControlFlow<Box<Response>> {
        let origins = exchange.state.script_origins();
        if origins.is_empty() || exchange.method != Method::OPTIONS {
            return ControlFlow::Continue(());
        }
        let is_preflight = exchange.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight || allowed(origins, &exchange.headers).is_none() {
            return ControlFlow::Continue(());
        }
        let mut response = empty(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (ACCESS_CONTROL_MAX_AGE, KEPT),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let sent = sendable(&exchange.headers);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, sent);
        ControlFlow::Break(Box::new(response))
    }
}

/// What a script may send: whatever else it asks for, too. An upstream may be sent it, and a list of those that are would
/// tell of sources that its caller may not see.
fn sendable(asked: &HeaderMap) -> HeaderValue {
    let usual = HeaderValue::from_static(REQUEST_HEADERS);
    let lines = asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let names = lines.flat_map(|line| line.split(',')).map(str::trim);
    let names = names.filter(|name| HeaderName::from_bytes(name.as_bytes()).is_ok());
    let names: Vec<_> = iter::once(REQUEST_HEADERS).chain(names).collect();
    HeaderValue::try_from(names.join(", ")).unwrap_or(usual)
}

impl<S: ReadableByScripts> Interceptor<S> for CrossOrigin {
    type Kept = ();

    fn before(self, _exchange: &RequestContext<S>) -> ControlFlow<Box<Response>> {
        ControlFlow::Continue(())
    }

    fn after(self, (): (), exchange: &RequestContext<S>, response: &mut Response) {
        let origins = exchange.state.script_origins();
        if !origins.is_empty() {
            announce(origins, &exchange.headers, response.headers_mut());
        }
    }
}

/// Tells who may read an answer. Another origin gets another one, which caches must know.
fn announce(origins: &[ScriptOrigin], asked: &HeaderMap, headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed(origins, asked) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.header().clone());
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(RESPONSE_HEADERS),
        );
    }
}

/// The origin of the script that asks, if it is one of these.
fn allowed<'a>(origins: &'a [ScriptOrigin], asked: &HeaderMap) -> Option<&'a ScriptOrigin> {
    let origin = asked.get(ORIGIN)?;
    origins.iter().find(|allowed| allowed.header() == origin)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tower::ServiceBuilder;

    use super::super::answering::handler;
    use super::super::intercept::intercept;
    use super::*;
    use crate::downstream::response::full;
    use crate::downstream::testing::{get, send};

    impl ReadableByScripts for Vec<ScriptOrigin> {
        fn script_origins(&self) -> &[ScriptOrigin] {
            self
        }
    }

    async fn ask(method: Method, headers: &[(&str, &str)], origins: &[&str]) -> Response {
        let origins: Vec<ScriptOrigin> = origins.iter().map(|o| o.parse().unwrap()).collect();
        let stack = ServiceBuilder::new()
            .layer(intercept(CrossOrigin))
            .layer(intercept(Preflights))
            .service(handler(async |_| Ok(full("text/plain", "in"))));
        let request = headers
            .iter()
            .fold(get("/groups").method(method), |request, (name, value)| {
                request.header(*name, *value)
            });
        send(stack, &Arc::new(origins), request).await
    }

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        Some(response.headers().get(name)?.to_str().unwrap())
    }

    const PORTAL: &str = "https://portal.example.com";

    #[tokio::test]
    async fn a_script_of_a_listed_origin_may_read_and_no_other() {
        for (origin, expected) in [
            (PORTAL, Some(PORTAL)),
            ("https://portal.example.com.evil.example", None),
            ("https://PORTAL.example.com", None),
            ("http://portal.example.com", None),
            ("null", None),
        ] {
            let answer = ask(Method::GET, &[("origin", origin)], &[PORTAL]).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(header(&answer, "access-control-allow-origin"), expected);
            assert_eq!(header(&answer, "vary"), Some("origin"));
            assert_eq!(header(&answer, "access-control-allow-credentials"), None);
        }
        let answer = ask(Method::GET, &[], &[PORTAL]).await;
        assert_eq!(header(&answer, "vary"), Some("origin"));
    }

    #[tokio::test]
    async fn what_a_browser_asks_first_is_answered_to_listed_origins_alone() {
        let preflight = [("origin", PORTAL), ("access-control-request-method", "GET")];
        let answer = ask(Method::OPTIONS, &preflight, &[PORTAL]).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(header(&answer, "access-control-allow-origin"), Some(PORTAL));
        assert_eq!(
            header(&answer, "access-control-allow-methods"),
            Some(METHODS)
        );
        assert_eq!(
            header(&answer, "access-control-allow-headers"),
            Some(REQUEST_HEADERS)
        );
        let own = (
            "access-control-request-headers",
            "x-tenant,, a b, x-api-key",
        );
        let answer = ask(
            Method::OPTIONS,
            &[preflight[0], preflight[1], own],
            &[PORTAL],
        )
        .await;
        let sent = header(&answer, "access-control-allow-headers").unwrap();
        let more = sent.strip_prefix(REQUEST_HEADERS);
        assert_eq!(more, Some(", x-tenant, x-api-key"));
        let other = ask(Method::OPTIONS, &preflight, &["https://other.example"]).await;
        assert_eq!(other.status(), StatusCode::OK, "it reaches what is below");
        assert_eq!(header(&other, "access-control-allow-origin"), None);
        let plain = ask(Method::OPTIONS, &preflight[..1], &[PORTAL]).await;
        assert_eq!(plain.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn without_origins_nothing_is_said() {
        let preflight = [("origin", PORTAL), ("access-control-request-method", "GET")];
        for method in [Method::GET, Method::OPTIONS] {
            let answer = ask(method, &preflight, &[]).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(header(&answer, "vary"), None);
            assert_eq!(header(&answer, "access-control-allow-origin"), None);
        }
    }
}
