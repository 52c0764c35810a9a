//! An OTLP receiver: what a process exports, decoded.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::support::server::{Server, status};

/// A receiver that takes whatever comes.
pub(super) struct Receiver(Server);

impl Receiver {
    pub(super) async fn start() -> Self {
        Self(Server::start(|_| status(200)).await)
    }

    pub(super) fn url(&self) -> &str {
        self.0.base_url()
    }

    /// What came to one address, in the order in which it came.
    fn bodies<M: Message + Default>(&self, path: &str) -> Vec<M> {
        let requests = self.0.requests().into_iter();
        let bodies = requests.filter(|request| request.uri().path() == path);
        bodies
            .map(|request| {
                assert_eq!(request.headers()["content-type"], "application/x-protobuf");
                M::decode(request.into_body()).expect("it is of this type")
            })
            .collect()
    }

    /// Every span, and what says who sent it.
    pub(super) fn spans(&self) -> Spans {
        let mut spans = Vec::new();
        for request in self.bodies::<ExportTraceServiceRequest>("/v1/traces") {
            for sender in request.resource_spans {
                let resource = sender.resource.expect("it says who it is");
                let resource = texts(&resource.attributes);
                assert_eq!(resource["service.name"], "gate");
                assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
                spans.extend(sender.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        Spans(spans)
    }

    /// Every record of the log.
    pub(super) fn logs(&self) -> Vec<LogRecord> {
        let requests = self.bodies::<ExportLogsServiceRequest>("/v1/logs");
        let senders = requests
            .into_iter()
            .flat_map(|request| request.resource_logs);
        let scopes = senders.flat_map(|sender| sender.scope_logs);
        scopes.flat_map(|scope| scope.log_records).collect()
    }

    /// The names of all metrics.
    pub(super) fn metrics(&self) -> Vec<String> {
        let requests = self.bodies::<ExportMetricsServiceRequest>("/v1/metrics");
        let senders = requests
            .into_iter()
            .flat_map(|request| request.resource_metrics);
        let scopes = senders.flat_map(|sender| sender.scope_metrics);
        let metrics = scopes.flat_map(|scope| scope.metrics);
        metrics.map(|metric| metric.name).collect()
    }

    /// How often anything came.
    pub(super) fn requests(&self) -> usize {
        self.0.requests().len()
    }
}

/// Spans, however they are related.
#[derive(Debug)]
pub(super) struct Spans(pub(super) Vec<Span>);

impl Spans {
    /// Those of one trace.
    pub(super) fn of(self, trace: &str) -> Self {
        let of_trace = |span: &Span| hex(&span.trace_id) == trace;
        Self(self.0.into_iter().filter(of_trace).collect())
    }

    /// The only one that meets a condition.
    pub(super) fn one(&self, what: &str, is_wanted: impl Fn(&Span) -> bool) -> &Span {
        let found: Vec<_> = self.0.iter().filter(|span| is_wanted(span)).collect();
        let [only] = found[..] else {
            panic!("{} spans are {what}: {:#?}", found.len(), self.0);
        };
        only
    }

    /// Those right below another, in order of their start.
    pub(super) fn below(&self, parent: &Span) -> Vec<&Span> {
        let is_child = |span: &&Span| span.parent_span_id == parent.span_id;
        let mut found: Vec<_> = self.0.iter().filter(is_child).collect();
        found.sort_by_key(|span| span.start_time_unix_nano);
        found
    }
}

/// Attributes as texts.
pub(super) fn texts(attributes: &[KeyValue]) -> BTreeMap<&str, String> {
    let texts = attributes.iter();
    texts
        .map(|attribute| (attribute.key.as_str(), text(attribute.value.as_ref())))
        .collect()
}

/// A value as text.
pub(super) fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is_so)) => is_so.to_string(),
        other => format!("{other:?}"),
    }
}

/// The digits of an id.
pub(super) fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
