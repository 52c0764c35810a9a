//! The trace that a request belongs to (W3C Trace Context).

use http::{HeaderMap, HeaderName};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The header by which a caller names its trace.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What the caller says of its trace; an empty context where it says nothing.
pub(crate) fn of_caller(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract(&Headers(headers))
}

/// The trace that the caller began, if it says so.
pub(crate) fn id_of_caller(headers: &HeaderMap) -> Option<TraceId> {
    // Most do not, and a lookup is less than a context.
    if !headers.contains_key(&TRACEPARENT) {
        return None;
    }
    let caller = of_caller(headers);
    let span = caller.span();
    let context = span.span_context();
    context.is_valid().then(|| context.trace_id())
}

/// Headers, as the propagator reads them.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_trace_of_the_caller_is_read_where_it_is_valid() {
        let id = |sent| {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, HeaderValue::from_static(sent));
            id_of_caller(&headers).map(|id| id.to_string())
        };
        let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let expected = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(id(sent).as_deref(), Some(expected));
        assert_eq!(id("00-4bf9-1"), None);
        assert_eq!(id_of_caller(&HeaderMap::new()), None);
    }
}
