//! An OTLP receiver: what a process exports, decoded.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::GzDecoder;
use http::{Request, Response};
use hyper::body::Bytes;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::support::server::{Server, header, status};

/// A receiver of whatever comes.
pub(super) struct Receiver(Server);

impl Receiver {
    pub(super) async fn start() -> Self {
        Self(Server::start(|_| status(200)).await)
    }

    /// One that takes everything but for a span of each batch.
    pub(super) async fn that_rejects_a_span() -> Self {
        let answer = |request: &Request<Bytes>| {
            let partial_success = ExportTracePartialSuccess {
                rejected_spans: 1,
                error_message: "no room".to_owned(),
            };
            let rejected = ExportTraceServiceResponse {
                partial_success: Some(partial_success),
            };
            let is_trace = request.uri().path() == "/v1/traces";
            let body = if is_trace {
                rejected.encode_to_vec()
            } else {
                Vec::new()
            };
            Response::new(body)
        };
        Self(Server::start(answer).await)
    }

    /// One that is there already.
    pub(super) const fn at(server: Server) -> Self {
        Self(server)
    }

    /// Every request as it came.
    pub(super) fn received(&self) -> Vec<Request<Bytes>> {
        self.0.requests()
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
                let is_zipped = header(&request, "content-encoding") == Some("gzip");
                let mut body = request.into_body();
                if is_zipped {
                    let mut whole = Vec::new();
                    GzDecoder::new(&body[..]).read_to_end(&mut whole).unwrap();
                    body = whole.into();
                }
                M::decode(body).expect("it is of this type")
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
                assert_eq!(resource["service.instance.id"].len(), 32);
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

    /// Where every record of the log comes from.
    pub(super) fn log_targets(&self) -> Vec<String> {
        let requests = self.bodies::<ExportLogsServiceRequest>("/v1/logs");
        let senders = requests
            .into_iter()
            .flat_map(|request| request.resource_logs);
        let scopes = senders.flat_map(|sender| sender.scope_logs);
        scopes
            .map(|scope| scope.scope.expect("it has a name").name)
            .collect()
    }

    /// A series of a metric as it came last: the value of a counter or gauge, or how many values a histogram has.
    pub(super) fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
        let mut requests = self.bodies::<ExportMetricsServiceRequest>("/v1/metrics");
        let last = requests.pop().expect("metrics came");
        let senders = last.resource_metrics.into_iter();
        let scopes = senders.flat_map(|sender| sender.scope_metrics);
        let mut metrics = scopes.flat_map(|scope| scope.metrics);
        let metric = metrics
            .find(|metric| metric.name == name)
            .expect("the metric is there");
        let has = |attributes: &[KeyValue]| {
            let said = texts(attributes);
            labels
                .iter()
                .all(|(key, value)| said.get(key).is_some_and(|said| said == value))
        };
        let number = |points: Vec<opentelemetry_proto::tonic::metrics::v1::NumberDataPoint>| {
            let point = points.into_iter().find(|point| has(&point.attributes));
            match point.and_then(|point| point.value) {
                Some(Value::AsInt(number)) => number as f64,
                Some(Value::AsDouble(number)) => number,
                None => panic!("{name} has no such series"),
            }
        };
        match metric.data {
            Some(Data::Sum(sum)) => number(sum.data_points),
            Some(Data::Gauge(gauge)) => number(gauge.data_points),
            Some(Data::Histogram(histogram)) => {
                let points = histogram.data_points.iter();
                let of_series = points.filter(|point| has(&point.attributes));
                of_series.map(|point| point.count as f64).sum()
            }
            other => panic!("{other:?}"),
        }
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
