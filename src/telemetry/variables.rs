//! What the variables `OTEL_*` say, checked.
//!
//! OpenTelemetry's crates read most of them themselves, and fall back in silence where they do not understand
//! one. So all that matter are checked here first: one that says something else than was meant is an error at
//! start. What is read here may have blanks around it and any case; what those crates read is refused unless they
//! understand every character of it.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::Sampler;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::hex::hex;

use super::error::TelemetryError;
use super::signal::Signal;

/// Where a signal goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) is_https: bool,
    /// How long one attempt may take.
    pub(super) timeout: Duration,
    /// The file with the CAs of the collector, and the variable that names it.
    pub(super) certificate: Option<(String, String)>,
}

/// All that the variables say.
#[derive(Debug, Default)]
pub(super) struct Exports {
    pub(super) traces: Option<Destination>,
    pub(super) metrics: Option<Destination>,
    pub(super) logs: Option<Destination>,
    /// Whether trace context is read and sent.
    pub(super) propagates: bool,
    /// Which traces are recorded.
    pub(super) sampler: Option<Sampler>,
    /// What says who sends it.
    pub(super) resource: Vec<KeyValue>,
    /// Variables that say something which is not done here.
    pub(super) ignored: Vec<&'static str>,
}

/// Limits of the specification that the crates do not have.
const IGNORED: [&str; 6] = [
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
];

/// The variables of the process.
#[derive(Clone, Copy)]
struct OtelVariables<'a>(&'a dyn Fn(&str) -> Option<String>);

/// Reads and checks all of them.
pub(super) fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Exports, TelemetryError> {
    let variables = OtelVariables(get);
    let mut exports = Exports {
        propagates: variables.propagates()?,
        resource: variables.resource()?,
        ..Exports::default()
    };
    if variables.is_disabled()? {
        return Ok(exports);
    }
    exports.traces = variables.destination(Signal::Traces)?;
    exports.metrics = variables.destination(Signal::Metrics)?;
    exports.logs = variables.destination(Signal::Logs)?;
    if exports.traces.is_some() {
        exports.sampler = Some(variables.sampler()?);
        let is_set = |name: &&str| variables.get(name).is_some();
        exports.ignored = IGNORED.into_iter().filter(is_set).collect();
    }
    if exports.metrics.is_some() {
        const NAME: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        variables.one_of(NAME, &["cumulative", "delta", "lowmemory"])?;
        variables.exact(NAME)?;
    }
    Ok(exports)
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

    /// What a variable says that the crates read: with blanks around it, they would not understand it.
    fn exact(self, name: &str) -> Result<Option<String>, TelemetryError> {
        match (self.get(name), (self.0)(name)) {
            (Some(value), Some(raw)) if raw != value => {
                let text = "there must be no blanks before or after the value";
                Err(wrong(name, text.to_owned()))
            }
            (value, _) => Ok(value),
        }
    }

    fn number(self, name: &str) -> Result<Option<u64>, TelemetryError> {
        let said = self.exact(name)?;
        said.map(|value| number(name, &value)).transpose()
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

    /// The sampler, made here: the crates would take all traces where they do not understand what is said.
    fn sampler(self) -> Result<Sampler, TelemetryError> {
        let said = self.one_of(
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
        let said = said.as_deref().unwrap_or("parentbased_always_on");
        let of_root = said.strip_prefix("parentbased_");
        let sampler = match of_root.unwrap_or(said) {
            "always_off" => Sampler::AlwaysOff,
            "traceidratio" => Sampler::TraceIdRatioBased(self.share()?),
            _ => Sampler::AlwaysOn,
        };
        Ok(match of_root {
            Some(_) => Sampler::ParentBased(Box::new(sampler)),
            None => sampler,
        })
    }

    fn share(self) -> Result<f64, TelemetryError> {
        const NAME: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(share) = self.get(NAME) else {
            return Ok(1.0);
        };
        match share.parse() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
            _ => Err(wrong(
                NAME,
                format!("`{share}` is not a share of traces: write a number from 0 to 1"),
            )),
        }
    }

    /// Whether a signal is sent: its exporters say so, or an endpoint is named. `/metrics` is there in any case.
    fn is_on(self, signal: Signal) -> Result<bool, TelemetryError> {
        let name = format!("OTEL_{}_EXPORTER", signal.word());
        let Some(exporters) = self.get(&name) else {
            return Ok(self.of(signal, "ENDPOINT").is_some());
        };
        let words: &[&str] = match signal {
            Signal::Traces | Signal::Logs => &["otlp", "none"],
            Signal::Metrics => &["otlp", "prometheus", "none"],
        };
        let mut is_on = false;
        for word in exporters.split(',') {
            is_on |= one_of(&name, word.trim().to_owned(), words)? == "otlp";
        }
        Ok(is_on)
    }

    /// Where a signal goes, if it goes anywhere. What is said of one that does not is nobody's business.
    fn destination(self, signal: Signal) -> Result<Option<Destination>, TelemetryError> {
        if !self.is_on(signal)? {
            return Ok(None);
        }
        let is_https = match self.of(signal, "ENDPOINT") {
            Some((name, _)) => self
                .exact(&name)?
                .map_or(Ok(false), |value| check_endpoint(&name, &value))?,
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
        for what in ["CLIENT_KEY", "CLIENT_CERTIFICATE"] {
            if let Some((name, _)) = self.of(signal, what) {
                let text = "certificates of clients are not supported here: use headers";
                return Err(wrong(&name, text.to_owned()));
            }
        }
        if let Some((name, value)) = self.of(signal, "HEADERS") {
            check_headers(&name, &value)?;
        }
        let timeout = match self.of(signal, "TIMEOUT") {
            Some((name, _)) => self.number(&name)?,
            None => None,
        };
        if let Some((name, value)) = self.of(signal, "COMPRESSION") {
            one_of(&name, value, &["gzip", "none"])?;
            self.exact(&name)?;
        }
        for name in signal.numbers() {
            self.number(name)?;
        }
        Ok(Some(Destination {
            is_https,
            timeout: Duration::from_millis(timeout.unwrap_or(10_000)),
            certificate: self.of(signal, "CERTIFICATE"),
        }))
    }

    /// Who sends all this. The later of two that are said twice counts.
    fn resource(self) -> Result<Vec<KeyValue>, TelemetryError> {
        const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
        let mut attributes = vec![
            KeyValue::new("service.name", env!("CARGO_PKG_NAME")),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            // Replicas that say the same of themselves would mix their metrics.
            KeyValue::new("service.instance.id", hex(&rand::random::<[u8; 16]>())),
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
        // Before an `@` may stand a password.
        let shown = if value.contains('@') {
            "the value".to_owned()
        } else {
            format!("`{value}`")
        };
        let text = format!("{shown} is no endpoint: write a URL such as `http://localhost:4318`");
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
    // Some are read into so many bits.
    let number = value.parse::<u32>().ok().filter(|number| *number > 0);
    number
        .map(u64::from)
        .ok_or_else(|| wrong(name, format!("`{value}` is not a whole number above zero")))
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
mod tests;
