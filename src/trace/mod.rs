//! Spans and traces (OpenTelemetry), and trace context as headers carry it (W3C).
//!
//! Every span begins here. It lives in a [`Context`] that the futures below it carry along; it ends when
//! it is told to, or with the last clone of its context. Where nothing is exported, or a trace is not
//! sampled, a request still has a trace id, for the log and for upstreams, and there is no span at all.
//!
//! ```text
//! request (server) ▸ source ▸ walk ▸ exchange (client)
//! ```

mod decided_ids;
pub(crate) use decided_ids::DecidedIds;

mod headers;
pub(crate) use headers::{TRACEPARENT, id_of_caller, inject};

mod spans;
pub(crate) use spans::{
    ServerTrace, child, count, cut, describe, event, fail, link, of_id, of_request, server,
    unsampled, walk, within,
};

use std::sync::OnceLock;

use opentelemetry_sdk::trace::{Sampler, SdkTracer};

/// Set once, when telemetry starts. Commands and tests have none.
static TRACING: OnceLock<Tracing> = OnceLock::new();

/// What becomes of traces.
#[derive(Debug)]
pub(crate) struct Tracing {
    /// What makes spans, if they are exported.
    pub(crate) exports: Option<SpanExports>,
    /// Whether trace context is read from callers and sent to upstreams.
    pub(crate) propagates: bool,
}

/// What makes spans, and of which traces.
#[derive(Debug)]
pub(crate) struct SpanExports {
    /// What makes them, with the same sampler, and with ids of [`DecidedIds`].
    pub(crate) tracer: SdkTracer,
    /// What says of each trace whether it is sampled.
    pub(crate) sampler: Sampler,
}

/// Says what becomes of traces. Only the first call counts.
pub(crate) fn install(tracing: Tracing) {
    let _ = TRACING.set(tracing);
}

/// Whether spans are exported.
pub(crate) fn are_exported() -> bool {
    exports().is_some()
}

fn exports() -> Option<&'static SpanExports> {
    TRACING.get()?.exports.as_ref()
}

fn tracer() -> Option<&'static SdkTracer> {
    exports().map(|exports| &exports.tracer)
}

fn propagates() -> bool {
    TRACING.get().is_none_or(|tracing| tracing.propagates)
}
