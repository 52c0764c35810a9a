//! The span of a request, where spans are exported, in the trace that its caller began.
//!
//! Attributes have the names of OpenTelemetry's semantic conventions for HTTP servers. The query string
//! stays out of it: it holds what people search for, and cursors.

use std::ops::ControlFlow;

use http::header::{HOST, USER_AGENT};
use http::uri::Authority;
use http::{HeaderName, Method, Version};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};

use crate::downstream::exchange::RequestContext;
use crate::downstream::response::Response;
use crate::downstream::templates;
use crate::observe::known_method;
use crate::trace::{self, ServerTrace};

use super::intercept::Interceptor;

/// Begins and ends the spans of requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerSpans(
    /// Gives the template of a path.
    pub(crate) fn(&str) -> &'static str,
);

impl<S> Interceptor<S> for ServerSpans {
    type Kept = ();

    fn before(self, exchange: &RequestContext<S>) -> ControlFlow<Box<Response>> {
        let path = exchange.uri.path();
        // It would bury everything else.
        if !trace::are_exported() || templates::is_polled(path) {
            return ControlFlow::Continue(());
        }
        let Some(trace) = trace::server(&exchange.headers, exchange.id.trace()) else {
            return ControlFlow::Continue(());
        };
        if let Some(span) = recorded(&trace) {
            let route = Some((self.0)(path)).filter(|route| *route != templates::OTHER);
            span.span().update_name(name(&exchange.method, route));
            span.span().set_attributes(attributes(exchange, route));
        }
        // It has none yet.
        let _ = exchange.trace.set(trace);
        ControlFlow::Continue(())
    }

    fn after(self, (): (), exchange: &RequestContext<S>, response: &mut Response) {
        let Some(span) = exchange.trace.get().and_then(recorded) else {
            return;
        };
        let status = response.status();
        let code = i64::from(status.as_u16());
        let code = KeyValue::new("http.response.status_code", code);
        span.span().set_attribute(code);
        if status.is_server_error() {
            match response.body().traits.problem {
                Some(problem) => trace::fail(span, problem, ""),
                None => trace::fail(span, status.as_str().to_owned(), ""),
            }
        }
        span.span().end();
    }

    fn abandoned(self, exchange: &RequestContext<S>) {
        if let Some(span) = exchange.trace.get().and_then(recorded) {
            let answer = KeyValue::new("groupgate.answer", "abandoned");
            span.span().set_attribute(answer);
            span.span().end();
        }
    }
}

fn recorded(trace: &ServerTrace) -> Option<&Context> {
    trace.span().filter(|span| span.span().is_recording())
}

fn name(method: &Method, route: Option<&'static str>) -> String {
    let method = known_method(method);
    let word = if method == templates::OTHER {
        "HTTP"
    } else {
        method
    };
    route.map_or_else(|| word.to_owned(), |route| format!("{word} {route}"))
}

fn attributes<S>(exchange: &RequestContext<S>, route: Option<&'static str>) -> Vec<KeyValue> {
    let header = |name: HeaderName| exchange.headers.get(name)?.to_str().ok();
    let version = match exchange.version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    };
    let scheme = if exchange.client.is_encrypted {
        "https"
    } else {
        "http"
    };
    let mut attributes = vec![
        KeyValue::new("http.request.method", known_method(&exchange.method)),
        KeyValue::new("url.scheme", scheme),
        KeyValue::new("url.path", trace::cut(exchange.uri.path()).to_owned()),
        KeyValue::new("network.protocol.version", version),
        KeyValue::new("client.address", exchange.client.network.to_string()),
        KeyValue::new("groupgate.request_id", exchange.id.as_str().to_owned()),
    ];
    attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
    let authority = exchange.uri.authority().cloned();
    if let Some(server) = authority.or_else(|| header(HOST)?.parse::<Authority>().ok()) {
        attributes.push(KeyValue::new("server.address", server.host().to_owned()));
        let port = server.port_u16().map(i64::from);
        attributes.extend(port.map(|port| KeyValue::new("server.port", port)));
    }
    let agent = header(USER_AGENT).map(|agent| trace::cut(agent).to_owned());
    attributes.extend(agent.map(|agent| KeyValue::new("user_agent.original", agent)));
    attributes
}
