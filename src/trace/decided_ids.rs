//! The ids of spans and traces, where a trace may have its id before it has a span.

use std::cell::Cell;

use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    /// The id of the trace that is begun on this thread right now.
    static DECIDED: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Makes ids at random, but for a trace that has been asked about already: what is sampled is its id.
#[derive(Debug, Default)]
pub(crate) struct DecidedIds(RandomIdGenerator);

impl IdGenerator for DecidedIds {
    fn new_trace_id(&self) -> TraceId {
        DECIDED.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

/// Begins a trace under this id, if it begins one.
pub(super) fn with_decided<T>(id: TraceId, begin: impl FnOnce() -> T) -> T {
    DECIDED.set(Some(id));
    let result = begin();
    // A span in the trace of a caller takes none.
    DECIDED.set(None);
    result
}

#[cfg(test)]
mod tests {
    use opentelemetry::Context;
    use opentelemetry::trace::{
        Span as _, SpanBuilder, TraceContextExt as _, Tracer as _, TracerProvider as _,
    };
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    #[test]
    fn a_decided_id_is_the_next_traces_alone_and_no_spans_below_another() {
        let ids = DecidedIds::default();
        let provider = SdkTracerProvider::builder().with_id_generator(ids).build();
        let tracer = provider.tracer("test");
        let begin = |parent: &Context| tracer.build_with_context(SpanBuilder::default(), parent);
        let decided = TraceId::from(7_u128);
        let trace = |parent: &Context| begin(parent).span_context().trace_id();

        let first = with_decided(decided, || begin(&Context::new()));
        assert_eq!(first.span_context().trace_id(), decided);
        let later = trace(&Context::new());
        assert!(later != decided && later != TraceId::INVALID);

        let caller = Context::new().with_span(begin(&Context::new()));
        let own = caller.span().span_context().trace_id();
        assert_eq!(with_decided(decided, || trace(&caller)), own);
        assert_ne!(trace(&Context::new()), decided);
    }
}
