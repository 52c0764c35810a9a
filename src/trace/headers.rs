//! Trace context in headers: `traceparent` and `tracestate`.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, TraceId};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use super::propagates;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The span of the caller, if it names one.
pub(super) fn of_caller(headers: &HeaderMap) -> Option<Context> {
    // Most do not, and a lookup is less than a context.
    if !headers.contains_key(&TRACEPARENT) || !propagates() {
        return None;
    }
    let propagator = TraceContextPropagator::new();
    let caller = propagator.extract_with_context(&Context::new(), &HeaderExtractor(headers));
    caller.has_active_span().then_some(caller)
}

/// The trace that the caller began, if it says so.
pub(crate) fn id_of_caller(headers: &HeaderMap) -> Option<TraceId> {
    let caller = of_caller(headers)?;
    Some(caller.span().span_context().trace_id())
}

/// Names the current span to whoever gets these headers, unless they name one themselves.
pub(crate) fn inject(headers: &mut HeaderMap) {
    if headers.contains_key(&TRACEPARENT) || !propagates() {
        return;
    }
    let propagator = TraceContextPropagator::new();
    Context::map_current(|current| {
        propagator.inject_context(current, &mut HeaderInjector(headers));
    });
    if headers.get(&TRACESTATE).is_some_and(HeaderValue::is_empty) {
        headers.remove(&TRACESTATE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(traceparent: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_static(traceparent))])
    }

    #[test]
    fn the_trace_of_the_caller_is_read_where_it_is_valid() {
        let id = |sent| id_of_caller(&headers(sent)).map(|id| id.to_string());
        let expected = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(id(SENT).as_deref(), Some(expected));
        assert_eq!(id("00-4bf9-1"), None);
        assert_eq!(id_of_caller(&HeaderMap::new()), None);
    }

    #[test]
    fn what_the_caller_says_of_its_trace_is_passed_on() {
        let mut sent = headers(SENT);
        sent.insert(TRACESTATE, HeaderValue::from_static("vendor=1"));
        let _attached = of_caller(&sent).unwrap().attach();
        let mut passed = HeaderMap::new();
        inject(&mut passed);
        assert_eq!(passed, sent);
    }

    #[test]
    fn no_state_is_no_header_and_what_an_adapter_says_itself_stays() {
        let _attached = of_caller(&headers(SENT)).unwrap().attach();
        let mut passed = HeaderMap::new();
        inject(&mut passed);
        assert_eq!(passed, headers(SENT));
        let own = headers("00-11111111111111111111111111111111-2222222222222222-00");
        passed = own.clone();
        inject(&mut passed);
        assert_eq!(passed, own);
    }

    #[test]
    fn outside_of_any_trace_nothing_is_sent() {
        let mut passed = HeaderMap::new();
        inject(&mut passed);
        assert!(passed.is_empty());
    }
}
