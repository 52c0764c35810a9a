//! Trace context in headers: `traceparent` and `tracestate`.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, TraceId};
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::propagation::TraceContextPropagator;

use super::{propagates, tracer};

/// Says the trace of a caller, and its span (W3C Trace Context).
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// How long a `tracestate` may be. W3C asks to pass on as much at least. A longer one is dropped: it goes out
/// with every exchange, and an upstream that refuses large heads would fail every caller's walk.
const STATE: usize = 512;

/// The trace context of a caller.
#[derive(Debug)]
struct CallerTrace<'a> {
    parent: &'a str,
    state: Option<String>,
}

impl<'a> CallerTrace<'a> {
    /// `None` without a `traceparent`, and with several: then nobody knows which one holds.
    fn of(headers: &'a HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let parent = parents.next()?.to_str().ok()?;
        let is_only = parents.next().is_none();
        is_only.then(|| Self {
            parent,
            state: state(headers),
        })
    }
}

/// The `tracestate` of all lines together.
fn state(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(TRACESTATE).iter();
    let lines: Option<Vec<_>> = lines.map(|line| line.to_str().ok()).collect();
    let state = lines?.join(",");
    (!state.is_empty() && state.len() <= STATE).then_some(state)
}

impl Extractor for CallerTrace<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.parent),
            "tracestate" => self.state.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

/// The span of the caller, if it names one.
pub(super) fn of_caller(headers: &HeaderMap) -> Option<Context> {
    // Most do not, and a lookup is less than a context.
    if !headers.contains_key(&TRACEPARENT) || !propagates() {
        return None;
    }
    let propagator = TraceContextPropagator::new();
    let caller = propagator.extract_with_context(&Context::new(), &CallerTrace::of(headers)?);
    caller.has_active_span().then_some(caller)
}

/// The trace that the caller began, if it says so.
pub(crate) fn id_of_caller(headers: &HeaderMap) -> Option<TraceId> {
    let caller = of_caller(headers)?;
    Some(caller.span().span_context().trace_id())
}

/// Names the current span to whoever gets these headers, unless they name one themselves. A trace that exists
/// here alone is not named: to an upstream that samples by its parent, it would say to record nothing.
pub(crate) fn inject(headers: &mut HeaderMap) {
    if headers.contains_key(&TRACEPARENT) || !propagates() {
        return;
    }
    let propagator = TraceContextPropagator::new();
    Context::map_current(|current| {
        if tracer().is_some() || current.span().span_context().is_remote() {
            propagator.inject_context(current, &mut HeaderInjector(headers));
        }
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

    /// What goes out of a request with these lines, one header each.
    fn passed_on(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let mut sent = HeaderMap::new();
        for (name, value) in lines {
            sent.append(name, value.parse().unwrap());
        }
        let mut passed = HeaderMap::new();
        let _attached = of_caller(&sent).map(Context::attach);
        inject(&mut passed);
        passed
    }

    #[test]
    fn a_state_goes_on_with_all_its_lines_unless_it_is_long() {
        let whole = passed_on(&[
            (TRACEPARENT, SENT),
            (TRACESTATE, "a=1"),
            (TRACESTATE, "b=2"),
        ]);
        assert_eq!(whole[TRACESTATE], "a=1,b=2");
        let longest = format!("a={}", "1".repeat(254));
        let second = format!("b={}", "2".repeat(253));
        let lines = [
            (TRACEPARENT, SENT),
            (TRACESTATE, &longest),
            (TRACESTATE, &second),
        ];
        assert_eq!(passed_on(&lines)[TRACESTATE].len(), STATE);
        let long = format!("a={}", "1".repeat(STATE - 1));
        let passed = passed_on(&[(TRACEPARENT, SENT), (TRACESTATE, &long)]);
        assert_eq!(passed, headers(SENT));
    }

    #[test]
    fn of_several_callers_none_is_believed() {
        let lines = [(TRACEPARENT, SENT), (TRACEPARENT, SENT)];
        assert_eq!(passed_on(&lines), HeaderMap::new());
    }

    #[test]
    fn a_trace_that_nobody_else_knows_is_not_sent() {
        let _attached = crate::trace::of_request(&HeaderMap::new(), None).attach();
        let mut passed = HeaderMap::new();
        inject(&mut passed);
        assert_eq!(passed, HeaderMap::new());
    }

    #[test]
    fn outside_of_any_trace_nothing_is_sent() {
        let mut passed = HeaderMap::new();
        inject(&mut passed);
        assert!(passed.is_empty());
    }
}
