//! What is understood, and what is refused by name.

use rstest::rstest;

use super::*;

fn read_all(variables: &[(&str, &str)]) -> Result<Exports, TelemetryError> {
    read(&|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn is_on(variables: &[(&str, &str)]) -> [bool; 3] {
    let exports = read_all(variables).unwrap();
    [
        exports.traces.is_some(),
        exports.metrics.is_some(),
        exports.logs.is_some(),
    ]
}

#[rstest]
#[case(&[], [false; 3])]
#[case(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], [false; 3])]
#[case(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")], [true; 3])]
#[case(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_LOGS_EXPORTER", "none")], [true, true, false])]
#[case(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_SDK_DISABLED", "true")], [false; 3])]
#[case(&[("OTEL_TRACES_EXPORTER", "otlp")], [true, false, false])]
#[case(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://c/v1/metrics")], [false, true, false])]
fn nothing_is_exported_unless_an_endpoint_or_an_exporter_is_named(
    #[case] variables: &[(&str, &str)],
    #[case] expected: [bool; 3],
) {
    assert_eq!(is_on(variables), expected);
}

#[test]
fn what_is_said_of_one_signal_outranks_what_is_said_of_all() {
    let exports = read_all(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4318"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "3000"),
        (
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            "http://logs:4318/v1/logs",
        ),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"),
    ])
    .unwrap();
    let certificate = (
        "OTEL_EXPORTER_OTLP_CERTIFICATE".to_owned(),
        "ca.pem".to_owned(),
    );
    let traces = Destination {
        is_https: true,
        timeout: Duration::from_secs(2),
        certificate: Some(certificate.clone()),
    };
    let logs = Destination {
        is_https: false,
        timeout: Duration::from_secs(3),
        certificate: Some(certificate),
    };
    assert_eq!((exports.traces, exports.logs), (Some(traces), Some(logs)));
}

#[rstest]
#[case(
    "OTEL_SDK_DISABLED",
    "yes",
    "`yes` is not known here: write one of `true`, `false`"
)]
#[case(
    "OTEL_TRACES_SAMPLER",
    "jaeger_remote",
    "`jaeger_remote` is not known here: write one of `always_on`, `always_off`, `traceidratio`, `parentbased_always_on`, `parentbased_always_off`, `parentbased_traceidratio`"
)]
#[case(
    "OTEL_TRACES_EXPORTER",
    "zipkin",
    "`zipkin` is not known here: write one of `otlp`, `none`"
)]
#[case(
    "OTEL_PROPAGATORS",
    "tracecontext,b3",
    "`b3` is not known here: write one of `tracecontext`, `baggage`, `none`"
)]
#[case(
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "grpc",
    "`grpc` is not spoken here: write `http/protobuf`, which collectors take on port 4318"
)]
#[case(
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "collector:4318",
    "`collector:4318` is no endpoint: write a URL such as `http://localhost:4318`"
)]
#[case(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "http://me:s3cret@c",
    "an endpoint must hold no user name and password: use the variable for headers"
)]
#[case(
    "OTEL_EXPORTER_OTLP_HEADERS",
    "a=b,s3cret",
    "header 2 is not understood: write `name=value,name=value`"
)]
#[case(
    "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
    "10s",
    "`10s` is not a whole number above zero"
)]
#[case(
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "zstd",
    "`zstd` is not known here: write one of `gzip`, `none`"
)]
#[case("OTEL_BSP_MAX_QUEUE_SIZE", "0", "`0` is not a whole number above zero")]
#[case(
    "OTEL_BSP_SCHEDULE_DELAY",
    " 500",
    "there must be no blanks before or after the value"
)]
#[case(
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "4294967296",
    "`4294967296` is not a whole number above zero"
)]
#[case(
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "http://c:4318/v1/traces ",
    "there must be no blanks before or after the value"
)]
#[case(
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "me:s3cret@c:4318",
    "the value is no endpoint: write a URL such as `http://localhost:4318`"
)]
#[case(
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "key.pem",
    "certificates of clients are not supported here: use headers"
)]
#[case(
    "OTEL_METRICS_EXPORTER",
    "otlp,console",
    "`console` is not known here: write one of `otlp`, `prometheus`, `none`"
)]
#[case(
    "OTEL_METRIC_EXPORT_INTERVAL",
    "1m",
    "`1m` is not a whole number above zero"
)]
#[case(
    "OTEL_RESOURCE_ATTRIBUTES",
    "team",
    "`team` is not understood: write `key=value,key=value`"
)]
fn what_is_not_understood_is_refused_by_name(
    #[case] name: &str,
    #[case] value: &str,
    #[case] problem: &str,
) {
    let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
    let error = read_all(&[(name, value), all]).unwrap_err();
    assert_eq!(error.to_string(), format!("`{name}`: {problem}"));
}

#[rstest]
#[case("", "", "ParentBased(AlwaysOn)")]
#[case("Always_Off", "", "AlwaysOff")]
#[case("always_on", "whatever", "AlwaysOn")]
#[case("traceidratio", " 0.01", "TraceIdRatioBased(0.01)")]
#[case("traceidratio", "", "TraceIdRatioBased(1.0)")]
#[case(
    " parentbased_traceidratio",
    "0.5",
    "ParentBased(TraceIdRatioBased(0.5))"
)]
#[case("parentbased_always_off", "", "ParentBased(AlwaysOff)")]
fn the_sampler_is_what_is_said_whatever_its_case_and_the_blanks_around_it(
    #[case] sampler: &str,
    #[case] share: &str,
    #[case] expected: &str,
) {
    let exports = read_all(&[
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", sampler),
        ("OTEL_TRACES_SAMPLER_ARG", share),
    ]);
    assert_eq!(format!("{:?}", exports.unwrap().sampler.unwrap()), expected);
}

#[rstest]
#[case("traceidratio", "1.5")]
#[case("parentbased_traceidratio", "often")]
fn a_share_of_traces_is_a_number_up_to_one(#[case] sampler: &str, #[case] share: &str) {
    let read = read_all(&[
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", sampler),
        ("OTEL_TRACES_SAMPLER_ARG", share),
    ]);
    let text = format!(
        "`OTEL_TRACES_SAMPLER_ARG`: `{share}` is not a share of traces: write a number from 0 to 1"
    );
    assert_eq!(read.unwrap_err().to_string(), text);
}

#[test]
fn what_is_said_of_a_signal_that_is_off_stops_nothing() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER", "xray"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_LOGS_EXPORTER", "none,otlp"),
    ];
    assert_eq!(is_on(&variables), [false, false, true]);
    let nothing = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    assert_eq!(is_on(&nothing), [false; 3]);
}

#[test]
fn limits_that_are_not_kept_are_named() {
    let exports = read_all(&[
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"),
    ]);
    let ignored = exports.unwrap().ignored;
    assert_eq!(ignored, ["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"]);
}

#[test]
fn every_process_has_an_id_of_its_own_unless_it_is_given_one() {
    let id = |said: &str| {
        let variables = [("OTEL_RESOURCE_ATTRIBUTES", said)];
        let resource = read_all(&variables).unwrap().resource;
        let id = resource
            .into_iter()
            .rfind(|attribute| attribute.key.as_str() == "service.instance.id");
        id.unwrap().value.to_string()
    };
    assert_ne!(id(""), id(""));
    assert_eq!(id("service.instance.id=pod-1"), "pod-1");
}

#[rstest]
#[case("", true)]
#[case("tracecontext,baggage", true)]
#[case("baggage", false)]
#[case("none", false)]
fn trace_context_is_passed_on_unless_it_is_switched_off(
    #[case] said: &str,
    #[case] expected: bool,
) {
    let exports = read_all(&[("OTEL_PROPAGATORS", said)]).unwrap();
    assert_eq!(exports.propagates, expected);
}

#[test]
fn the_name_of_the_service_outranks_its_attributes() {
    let resource = read_all(&[
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other, team=a%20b"),
        ("OTEL_SERVICE_NAME", "gate"),
    ])
    .unwrap()
    .resource;
    let last = |key: &str| {
        let found = resource
            .iter()
            .rfind(|attribute| attribute.key.as_str() == key);
        found.map(|attribute| attribute.value.to_string())
    };
    assert_eq!(last("service.name").as_deref(), Some("gate"));
    assert_eq!(last("team").as_deref(), Some("a b"));
    assert_eq!(
        last("service.version").as_deref(),
        Some(env!("CARGO_PKG_VERSION"))
    );
}
