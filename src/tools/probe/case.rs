//! A recorded case: an upstream's block, the exchanges of one walk, and what came of it.
//!
//! The same files that `tests/styles` is made of, so a recording may become a test. Here its
//! exchanges stand in for the upstream, each once and in any order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::config::{Loaded, load_text};
use crate::error::UpstreamError;
use crate::snapshot::Counts;
use crate::terminal::Failure;
use crate::upstream::transport::Replay;

use super::Outcome;
use super::glance::filled;
use super::toml_text::toml_of;

/// Where a recorded upstream is said to be. Nothing is ever sent there.
const ORIGIN: &str = "http://recorded.invalid";

/// What stands for the upstream's own origin in a case.
pub(super) const ORIGIN_MARK: &str = "{origin}";

/// One recorded walk.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    #[serde(rename = "title")]
    _title: String,
    #[serde(default, rename = "covers")]
    _covers: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    upstream: toml::Table,
    #[serde(default, rename = "exchange")]
    exchanges: Vec<Exchange>,
    expect: Expect,
    #[serde(skip)]
    used: Mutex<Vec<bool>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    #[serde(default)]
    request: Asked,
    response: Answered,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    method: Option<String>,
    target: Option<String>,
    headers: BTreeMap<String, String>,
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    body: String,
}

const fn ok() -> u16 {
    200
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    groups: Option<toml::Value>,
    #[serde(default)]
    counts: ExpectedCounts,
    error: Option<ExpectedError>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ExpectedCounts {
    skipped: u64,
    repeated: u64,
    unparsed_timestamps: u64,
    drifted: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedError {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    detail: String,
}

impl Case {
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let name = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::new(format!("`{name}` cannot be read: {error}")))?;
        let case: Self = toml::from_str(&text)
            .map_err(|error| Failure::new(format!("`{name}` is no recorded case: {error}")))?;
        *case.used.lock().unwrap_or_else(PoisonError::into_inner) =
            vec![false; case.exchanges.len()];
        Ok(case)
    }

    /// The configuration that it is about, in which its upstream has this name.
    pub(super) fn load(&self, name: &str, file: &Path) -> Result<Loaded, Failure> {
        let mut block = self.upstream.clone();
        block.insert("base_url".to_owned(), ORIGIN_MARK.into());
        let text = toml_of(&["upstreams", name], &block).replace(ORIGIN_MARK, ORIGIN);
        let variables = self.environment.iter();
        let environment = variables.map(|(name, value)| (name.as_str(), value.as_str()));
        load_text(&file.display().to_string(), &text, environment.collect())
            .map_err(|report| Failure::report(&report))
    }

    /// Whether the walk is to fail.
    pub(super) const fn expects_failure(&self) -> bool {
        self.expect.error.is_some()
    }

    /// In what the outcome of a walk is not as expected.
    pub(super) fn complaints(&self, outcome: &Outcome) -> Vec<String> {
        let mut complaints = self.unasked();
        match (&outcome.walked, &self.expect.error) {
            (Some(Ok(walked)), None) => {
                let came = walked.groups.iter().map(brief).collect::<Vec<_>>();
                complaints.extend(differences(&came, &self.groups()));
                let counts = ExpectedCounts::from(&walked.counts);
                if counts != self.expect.counts {
                    complaints.push(format!(
                        "counted {counts:?}, where {:?} was expected",
                        self.expect.counts
                    ));
                }
            }
            (Some(Err(error)), Some(expected)) => {
                if error.kind.as_str() != expected.kind || !error.detail.contains(&expected.detail)
                {
                    complaints.push(format!(
                        "it failed with `{error}`, where `{}: {}` was expected",
                        expected.kind, expected.detail
                    ));
                }
            }
            (Some(Ok(_)), Some(expected)) => {
                complaints.push(format!("`{}` was expected, and a list came", expected.kind));
            }
            (Some(Err(error)), None) => complaints.push(format!("it failed with `{error}`")),
            // Left as soon as one page was seen.
            (None, _) => complaints.clear(),
        }
        complaints
    }

    fn unasked(&self) -> Vec<String> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let exchanges = self.exchanges.iter().zip(used.iter()).enumerate();
        exchanges
            .filter(|(_, (_, used))| !**used)
            .map(|(index, (exchange, _))| {
                let target = exchange.request.target.as_deref().unwrap_or("anything");
                format!("exchange {} was not asked for: {target}", index + 1)
            })
            .collect()
    }

    fn groups(&self) -> Vec<Value> {
        let groups = match &self.expect.groups {
            Some(toml::Value::String(text)) => serde_json::from_str(text).ok(),
            Some(groups) => serde_json::to_value(groups).ok(),
            None => None,
        };
        match groups {
            Some(Value::Array(groups)) => groups,
            Some(_) | None => Vec::new(),
        }
    }
}

impl Replay for Case {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unused = (0..self.exchanges.len()).filter(|&index| !used[index]);
        let Some(index) = unused.find(|&index| self.exchanges[index].request.fits(request)) else {
            return Err(UpstreamError::ours(format!(
                "no exchange is recorded that answers {} {}",
                request.method(),
                request.uri()
            )));
        };
        used[index] = true;
        self.exchanges[index].response.written()
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

impl Asked {
    /// Whether a request is as this says. What is not said is not looked at, but for the method.
    fn fits(&self, request: &Request<Bytes>) -> bool {
        let own = |text: &str| text.replace(ORIGIN_MARK, ORIGIN);
        let method = self.method.as_deref().unwrap_or(Method::GET.as_str());
        let target = request.uri().path_and_query().map(PathAndQuery::as_str);
        let has = |(name, expected): (&String, &String)| {
            let value = request.headers().get(name);
            let value = value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            match own(expected).strip_suffix('…') {
                Some(start) => value.starts_with(start),
                None => value == own(expected),
            }
        };
        request.method().as_str() == method
            && self
                .target
                .as_deref()
                .is_none_or(|own_target| target == Some(&*own(own_target)))
            && self.headers.iter().all(has)
            && self
                .body
                .as_deref()
                .is_none_or(|body| request.body() == own(body).as_bytes())
    }
}

impl Answered {
    fn written(&self) -> Result<Response<Bytes>, UpstreamError> {
        let wrong = |what| UpstreamError::ours(format!("a recorded {what} cannot be sent"));
        let mut response = Response::new(Bytes::from(self.body.replace(ORIGIN_MARK, ORIGIN)));
        *response.status_mut() = StatusCode::from_u16(self.status).map_err(|_| wrong("status"))?;
        for (name, values) in &self.headers {
            let name = HeaderName::try_from(name).map_err(|_| wrong("header"))?;
            let values = match values {
                OneOrMany::One(value) => std::slice::from_ref(value),
                OneOrMany::Many(values) => values,
            };
            for value in values {
                let value = value.replace(ORIGIN_MARK, ORIGIN);
                let value = HeaderValue::try_from(value).map_err(|_| wrong("header"))?;
                response.headers_mut().append(name.clone(), value);
            }
        }
        Ok(response)
    }
}

impl From<&Counts> for ExpectedCounts {
    fn from(counts: &Counts) -> Self {
        Self {
            skipped: counts.skipped,
            repeated: counts.repeated,
            unparsed_timestamps: counts.unparsed_timestamps,
            drifted: counts.drifted,
        }
    }
}

/// A group without what it does not have, and without what is the same for all of its source.
pub(super) fn brief(group: &crate::group::Group) -> Value {
    let mut brief = filled(serde_json::to_value(group).unwrap_or_default());
    if let Some(members) = brief.as_object_mut() {
        members.retain(|name, _| name != "id" && name != "source");
    }
    brief
}

fn differences(came: &[Value], expected: &[Value]) -> Vec<String> {
    if came.len() != expected.len() {
        let (came, expected) = (came.len(), expected.len());
        return vec![format!(
            "{came} groups came, where {expected} were expected"
        )];
    }
    let pairs = came.iter().zip(expected).enumerate();
    pairs
        .filter(|(_, (came, expected))| came != expected)
        .map(|(index, (came, expected))| {
            format!(
                "group {} is {came}, where {expected} was expected",
                index + 1
            )
        })
        .collect()
}
