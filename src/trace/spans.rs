//! Where spans begin, and what is told of them.

use futures_util::future::Either;
use http::HeaderMap;
use opentelemetry::trace::{
    FutureExt as _, Link, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _,
    TraceFlags, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue, StringValue, TraceId};
use opentelemetry_sdk::trace::{SamplingDecision, SdkTracer, ShouldSample as _};

use super::decided_ids::with_decided;
use super::headers::of_caller;
use super::{exports, tracer};

/// The trace of a caller's request, where spans are exported.
#[derive(Debug)]
pub(crate) enum ServerTrace {
    /// It is sampled: this is the span of the request.
    Sampled(Context),
    /// It is not, and has an id and nothing else.
    Unsampled(TraceId),
}

impl ServerTrace {
    /// Its id.
    pub(crate) fn id(&self) -> TraceId {
        match self {
            Self::Sampled(span) => span.span().span_context().trace_id(),
            Self::Unsampled(id) => *id,
        }
    }

    /// The span of the request, if there is one.
    pub(crate) const fn span(&self) -> Option<&Context> {
        match self {
            Self::Sampled(span) => Some(span),
            Self::Unsampled(_) => None,
        }
    }
}

/// The trace of a caller's request: the caller's own, or a new one with this id, if it has any. `None` where no spans
/// are exported. The sampler is asked before there is anything to record: most requests are not sampled.
pub(crate) fn server(headers: &HeaderMap, own: Option<TraceId>) -> Option<ServerTrace> {
    const NAME: &str = "request";
    let exports = exports()?;
    let caller = of_caller(headers);
    let id = match &caller {
        Some(caller) => caller.span().span_context().trace_id(),
        None => own.unwrap_or_else(new_id),
    };
    let sampler = &exports.sampler;
    let verdict = sampler.should_sample(caller.as_ref(), id, NAME, &SpanKind::Server, &[], &[]);
    if verdict.decision == SamplingDecision::Drop {
        return Some(ServerTrace::Unsampled(id));
    }
    let builder = SpanBuilder::from_name(NAME).with_kind(SpanKind::Server);
    let parent = caller.unwrap_or_default();
    let span = with_decided(id, || begin(&exports.tracer, builder, &parent));
    Some(ServerTrace::Sampled(span))
}

/// The trace of a request that has no span: the caller's, or one of its own, with this id, if it has any.
pub(crate) fn of_request(headers: &HeaderMap, own: Option<TraceId>) -> Context {
    of_caller(headers).unwrap_or_else(|| of_id(own.unwrap_or_else(new_id)))
}

/// The trace of a request that is not sampled, although spans are exported.
pub(crate) fn unsampled(headers: &HeaderMap, id: TraceId) -> Context {
    let caller = of_caller(headers);
    let state = caller.map(|caller| caller.span().span_context().trace_state().clone());
    unrecorded(id, state.unwrap_or_default())
}

/// The context of a trace of which only the id is known, for what is logged in it.
pub(crate) fn of_id(id: TraceId) -> Context {
    unrecorded(id, TraceState::NONE)
}

/// A span below the current one, if that is recorded.
pub(crate) fn child(builder: impl FnOnce() -> SpanBuilder) -> Option<Context> {
    Context::map_current(|current| {
        let tracer = tracer().filter(|_| is_recorded(current))?;
        Some(begin(tracer, builder(), current))
    })
}

/// The span of a walk, or at least its trace: below the span of whoever waits for it, else in a trace of
/// its own that is linked to what set it off.
pub(crate) fn walk(source: &str, is_awaited: bool) -> Context {
    let current = Context::current();
    let is_traced = current.span().span_context().is_valid();
    let Some(tracer) = tracer() else {
        return if is_awaited && is_traced {
            current
        } else {
            made()
        };
    };
    let mut builder = SpanBuilder::from_name("walk");
    builder.attributes = Some(vec![KeyValue::new("groupgate.source", source.to_owned())]);
    if is_awaited {
        return begin(tracer, builder, &current);
    }
    if is_traced {
        let set_off_by = current.span().span_context().clone();
        builder = builder.with_links(vec![Link::with_context(set_off_by)]);
    }
    begin(tracer, builder, &Context::new())
}

/// Runs a future within a span, if there is one.
pub(crate) fn within<F: Future>(
    span: Option<Context>,
    future: F,
) -> impl Future<Output = F::Output> {
    match span {
        Some(span) => Either::Left(future.with_context(span)),
        None => Either::Right(future),
    }
}

/// Tells more of the current span, if it is recorded.
pub(crate) fn describe(attributes: impl FnOnce() -> Vec<KeyValue>) {
    Context::map_current(|current| {
        if is_recorded(current) {
            current.span().set_attributes(attributes());
        }
    });
}

/// Tells what happened in the current span, if it is recorded.
pub(crate) fn event(name: &'static str, attributes: impl FnOnce() -> Vec<KeyValue>) {
    Context::map_current(|current| {
        if is_recorded(current) {
            current.span().add_event(name, attributes());
        }
    });
}

/// Links the current span to another, if it is recorded.
pub(crate) fn link(other: &SpanContext) {
    Context::map_current(|current| {
        if is_recorded(current) {
            current.span().add_link(other.clone(), Vec::new());
        }
    });
}

/// A number as an attribute.
pub(crate) fn count(key: &'static str, number: u64) -> KeyValue {
    KeyValue::new(key, i64::try_from(number).unwrap_or(i64::MAX))
}

/// The first kilobyte of what somebody else wrote: what waits to be exported is bounded in number, not in bytes.
pub(crate) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(1024)]
}

/// Says that what a span stands for has failed: a stable word for why, and a text without secrets.
pub(crate) fn fail(span: &Context, error_type: impl Into<StringValue>, detail: &str) {
    if is_recorded(span) {
        let span = span.span();
        span.set_attribute(KeyValue::new("error.type", error_type.into()));
        span.set_status(Status::error(detail.to_owned()));
    }
}

fn begin(tracer: &SdkTracer, builder: SpanBuilder, parent: &Context) -> Context {
    use opentelemetry::trace::Span as _;
    let span = tracer.build_with_context(builder, parent);
    if span.is_recording() {
        parent.with_span(span)
    } else {
        // Its ids are all that it has.
        parent.with_remote_span_context(span.span_context().clone())
    }
}

fn is_recorded(context: &Context) -> bool {
    let span = context.span();
    span.span_context().is_sampled() && span.is_recording()
}

/// Random ids for an unrecorded trace.
fn made() -> Context {
    of_id(new_id())
}

fn new_id() -> TraceId {
    TraceId::from(rand::random::<u128>())
}

/// An unrecorded trace, with the id of a span that there is not.
fn unrecorded(trace: TraceId, state: TraceState) -> Context {
    let span = SpanId::from(rand::random::<u64>());
    let ids = SpanContext::new(trace, span, TraceFlags::NOT_SAMPLED, false, state);
    Context::new().with_remote_span_context(ids)
}
