//! The span of one source in a request: what it held, and whether an upstream was waited for.

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, TraceContextExt as _};

use crate::caller::NotVisible;
use crate::trace;

use super::lookup::{SourceLookup, SourceState};

/// Looks a source up within a span of its own, if the request has one that is recorded.
pub(super) async fn spanned(
    source: &str,
    lookup: impl Future<Output = Result<SourceLookup, NotVisible>>,
) -> Result<SourceLookup, NotVisible> {
    let span = trace::child(|| {
        let mut builder = SpanBuilder::from_name("source");
        builder.attributes = Some(vec![KeyValue::new("groupgate.source", source.to_owned())]);
        builder
    });
    let found = trace::within(span.clone(), lookup).await;
    if let (Some(span), Ok(found)) = (&span, &found) {
        span.span().set_attributes(attributes(found));
        match (found.state, &found.error) {
            (SourceState::Failed, Some(error)) => {
                trace::fail(span, error.kind.as_str(), &error.detail);
            }
            (SourceState::Pending, _) => {
                trace::fail(span, "pending", "its first walk has not ended");
            }
            (SourceState::Fresh | SourceState::Stale | SourceState::Failed, _) => {}
        }
        span.span().end();
    }
    found
}

fn attributes(found: &SourceLookup) -> Vec<KeyValue> {
    let outcome = found.outcome;
    let mut attributes = vec![
        KeyValue::new("groupgate.source.state", found.state.as_str()),
        KeyValue::new("groupgate.cache", outcome.word(found.snapshot.is_some())),
        KeyValue::new("groupgate.cache.collapsed", outcome.collapsed),
    ];
    let detail = outcome.detail;
    attributes.extend(detail.map(|detail| KeyValue::new("groupgate.cache.detail", detail)));
    attributes
}
