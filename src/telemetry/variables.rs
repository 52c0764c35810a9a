//! What the variables `OTEL_*` say, checked.
//!
//! OpenTelemetry's crates read most of them themselves, and fall back in silence where they do not understand
//! one. So all are checked here first: one that says something else than was meant is an error at start.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use opentelemetry::KeyValue;
use percent_encoding::percent_decode_str;
use url::Url;

use super::TelemetryError;

/// What is exported, each by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    const fn word(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        }
    }
}

/// Where a signal goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) is_https: bool,
    /// How long one attempt may take.
    pub(super) timeout: Duration,
    /// The file with the CAs of the collector, and the variable that names it.
    pub(super) certificate: Option<(String, String)>,
    pub(super) gzip: bool,
}

/// All that the variables say.
#[derive(Debug, Default)]
pub(super) struct Exports {
    pub(super) traces: Option<Destination>,
    pub(super) metrics: Option<Destination>,
    pub(super) logs: Option<Destination>,
    /// Whether trace context is read and sent.
    pub(super) propagates: bool,
    /// What says who sends it.
    pub(super) resource: Vec<KeyValue>,
}

/// The variables of the process.
#[derive(Clone, Copy)]
struct OtelVariables<'a>(&'a dyn Fn(&str) -> Option<String>);

/// Reads and checks all of them.
pub(super) fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Exports, TelemetryError> {
    let variables = OtelVariables(get);
    let propagates = variables.propagates()?;
    if variables.is_disabled()? {
        return Ok(Exports {
            propagates,
            ..Exports::default()
        });
    }
    variables.check_sampler()?;
    for name in [
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_BSP_EXPORT_TIMEOUT",
        "OTEL_BLRP_SCHEDULE_DELAY",
        "OTEL_BLRP_MAX_QUEUE_SIZE",
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_BLRP_EXPORT_TIMEOUT",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "OTEL_METRIC_EXPORT_TIMEOUT",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "OTEL_SPAN_LINK_COUNT_LIMIT",
    ] {
        variables.number(name)?;
    }
    variables.one_of(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        &["cumulative", "delta", "lowmemory"],
    )?;
    Ok(Exports {
        traces: variables.destination(Signal::Traces)?,
        metrics: variables.destination(Signal::Metrics)?,
        logs: variables.destination(Signal::Logs)?,
        propagates,
        resource: variables.resource()?,
    })
}

impl OtelVariables<'_> {
    /// What a variable says. An empty one says nothing.
    fn get(self, name: &str) -> Option<String> {
        let value = (self.0)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// What holds for one signal: what is said of it alone, else of all.
    fn of(self, signal: Signal, what: &str) -> Option<(String, String)> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.word());
        let all = format!("OTEL_EXPORTER_OTLP_{what}");
        let said = |name: String| Some((self.get(&name)?, name));
        said(own)
            .or_else(|| said(all))
            .map(|(value, name)| (name, value))
    }

    fn number(self, name: &str) -> Result<Option<u64>, TelemetryError> {
        self.get(name).map(|value| number(name, &value)).transpose()
    }

    fn one_of(self, name: &str, words: &[&str]) -> Result<Option<String>, TelemetryError> {
        let said = self.get(name);
        said.map(|value| one_of(name, value, words)).transpose()
    }

    fn is_disabled(self) -> Result<bool, TelemetryError> {
        let said = self.one_of("OTEL_SDK_DISABLED", &["true", "false"])?;
        Ok(said.is_some_and(|said| said == "true"))
    }

    fn propagates(self) -> Result<bool, TelemetryError> {
        const NAME: &str = "OTEL_PROPAGATORS";
        let Some(said) = self.get(NAME) else {
            return Ok(true);
        };
        let mut propagates = false;
        for word in said.split(',') {
            // Nothing is ever put into baggage here.
            let word = one_of(
                NAME,
                word.trim().to_owned(),
                &["tracecontext", "baggage", "none"],
            )?;
            propagates |= word == "tracecontext";
        }
        Ok(propagates)
    }

    fn check_sampler(self) -> Result<(), TelemetryError> {
        const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
        let sampler = self.one_of(
            "OTEL_TRACES_SAMPLER",
            &[
                "always_on",
                "always_off",
                "traceidratio",
                "parentbased_always_on",
                "parentbased_always_off",
                "parentbased_traceidratio",
            ],
        )?;
        let takes_share = sampler.is_some_and(|sampler| sampler.ends_with("traceidratio"));
        let Some(share) = self.get(ARGUMENT).filter(|_| takes_share) else {
            return Ok(());
        };
        match share.parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(()),
            _ => Err(wrong(
                ARGUMENT,
                format!("`{share}` is not a share of traces: write a number from 0 to 1"),
            )),
        }
    }

    /// Where a signal goes, if it goes anywhere: its exporter says so, or an endpoint is named.
    fn destination(self, signal: Signal) -> Result<Option<Destination>, TelemetryError> {
        let exporter = format!("OTEL_{}_EXPORTER", signal.word());
        let exporter = self.one_of(&exporter, &["otlp", "none"])?;
        let endpoint = self.of(signal, "ENDPOINT");
        let is_https = match &endpoint {
            Some((name, value)) => check_endpoint(name, value)?,
            None => false,
        };
        if let Some((name, value)) = self.of(signal, "PROTOCOL")
            && value != "http/protobuf"
        {
            return Err(wrong(
                &name,
                format!(
                    "`{value}` is not spoken here: write `http/protobuf`, which collectors take on \
                     port 4318"
                ),
            ));
        }
        if let Some((name, value)) = self.of(signal, "HEADERS") {
            check_headers(&name, &value)?;
        }
        let timeout = self.of(signal, "TIMEOUT");
        let timeout = timeout
            .map(|(name, value)| number(&name, &value))
            .transpose()?;
        let compression = self.of(signal, "COMPRESSION");
        let compression = compression
            .map(|(name, value)| one_of(&name, value, &["gzip", "none"]))
            .transpose()?;
        let is_on = exporter.map_or(endpoint.is_some(), |exporter| exporter == "otlp");
        Ok(is_on.then(|| Destination {
            is_https,
            timeout: Duration::from_millis(timeout.unwrap_or(10_000)),
            certificate: self.of(signal, "CERTIFICATE"),
            gzip: compression.is_some_and(|compression| compression == "gzip"),
        }))
    }

    /// Who sends all this. The later of two that are said twice counts.
    fn resource(self) -> Result<Vec<KeyValue>, TelemetryError> {
        const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
        let mut attributes = vec![
            KeyValue::new("service.name", env!("CARGO_PKG_NAME")),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ];
        let said = self.get(NAME).unwrap_or_default();
        for pair in said.split(',').filter(|pair| !pair.trim().is_empty()) {
            let Some((key, value)) = decoded_pair(pair) else {
                let text = format!("`{pair}` is not understood: write `key=value,key=value`");
                return Err(wrong(NAME, text));
            };
            attributes.push(KeyValue::new(key, value));
        }
        let name = self.get("OTEL_SERVICE_NAME");
        attributes.extend(name.map(|name| KeyValue::new("service.name", name)));
        Ok(attributes)
    }
}

/// Whether an endpoint asks for TLS.
fn check_endpoint(name: &str, value: &str) -> Result<bool, TelemetryError> {
    let url = value.parse::<Url>().ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        let text = format!("`{value}` is no endpoint: write a URL such as `http://localhost:4318`");
        return Err(wrong(name, text));
    };
    if !url.username().is_empty() || url.password().is_some() {
        let text = "an endpoint must hold no user name and password: use the variable for headers";
        return Err(wrong(name, text.to_owned()));
    }
    Ok(url.scheme() == "https")
}

/// Their values are secrets, so the error shows none of it.
fn check_headers(name: &str, value: &str) -> Result<(), TelemetryError> {
    for (index, pair) in value.split(',').enumerate() {
        let is_empty = pair.trim().is_empty();
        let pair = decoded_pair(pair);
        let is_right = pair.is_some_and(|(key, value)| {
            key.parse::<HeaderName>().is_ok() && HeaderValue::from_str(&value).is_ok()
        });
        if !is_right && !is_empty {
            return Err(wrong(
                name,
                format!(
                    "header {} is not understood: write `name=value,name=value`",
                    index + 1
                ),
            ));
        }
    }
    Ok(())
}

fn decoded_pair(pair: &str) -> Option<(String, String)> {
    let (key, value) = pair.split_once('=')?;
    let decoded = |text: &str| {
        let text = percent_decode_str(text.trim()).decode_utf8();
        Some(text.ok()?.into_owned())
    };
    Some((decoded(key).filter(|key| !key.is_empty())?, decoded(value)?))
}

fn number(name: &str, value: &str) -> Result<u64, TelemetryError> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| wrong(name, format!("`{value}` is not a whole number above zero")))
}

fn one_of(name: &str, value: String, words: &[&str]) -> Result<String, TelemetryError> {
    let lower = value.to_ascii_lowercase();
    if words.contains(&lower.as_str()) {
        return Ok(lower);
    }
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    let text = format!(
        "`{value}` is not known here: write one of {}",
        words.join(", ")
    );
    Err(wrong(name, text))
}

fn wrong(name: &str, problem: String) -> TelemetryError {
    TelemetryError::Variable {
        name: name.to_owned(),
        problem,
    }
}

#[cfg(test)]
mod tests {
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
            gzip: true,
        };
        let logs = Destination {
            is_https: false,
            timeout: Duration::from_secs(3),
            certificate: Some(certificate),
            gzip: false,
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
        let error = read_all(&[(name, value)]).unwrap_err();
        assert_eq!(error.to_string(), format!("`{name}`: {problem}"));
    }

    #[rstest]
    #[case("traceidratio", "1.5", false)]
    #[case("parentbased_traceidratio", "often", false)]
    #[case("parentbased_traceidratio", "0.01", true)]
    #[case("always_on", "whatever", true)]
    fn a_share_of_traces_is_a_number_up_to_one(
        #[case] sampler: &str,
        #[case] share: &str,
        #[case] is_right: bool,
    ) {
        let read = read_all(&[
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", share),
        ]);
        assert_eq!(read.is_ok(), is_right);
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
}
