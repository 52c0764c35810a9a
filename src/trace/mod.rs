//! Spans and traces (OpenTelemetry), and trace context as headers carry it (W3C).
//!
//! Every span begins here. It lives in a [`Context`] that the futures below it carry along; it ends when
//! it is told to, or with the last clone of its context. Where nothing is exported, or a trace is not
//! sampled, a request still has a trace id, for the log and for upstreams, and there is no span at all.
//!
//! ```text
//! request (server) ▸ source ▸ walk ▸ exchange (client)
//! ```

mod headers;
pub(crate) use headers::{id_of_caller, inject};

mod spans;
pub(crate) use spans::{
    child, count, cut, describe, event, fail, link, of_request, server, walk, within,
};

use std::sync::OnceLock;

use opentelemetry_sdk::trace::SdkTracer;

/// Set once, when telemetry starts. Commands and tests have none.
static TRACING: OnceLock<Tracing> = OnceLock::new();

/// What becomes of traces.
#[derive(Debug)]
pub(crate) struct Tracing {
    /// What makes spans, if they are exported.
    pub(crate) tracer: Option<SdkTracer>,
    /// Whether trace context is read from callers and sent to upstreams.
    pub(crate) propagates: bool,
}

/// Says what becomes of traces. Only the first call counts.
pub(crate) fn install(tracing: Tracing) {
    let _ = TRACING.set(tracing);
}

fn tracer() -> Option<&'static SdkTracer> {
    TRACING.get()?.tracer.as_ref()
}

fn propagates() -> bool {
    TRACING.get().is_none_or(|tracing| tracing.propagates)
}
