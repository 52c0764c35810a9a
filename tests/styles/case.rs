//! A case, as its file says it. The module documentation of `main.rs` is the manual.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What a case's upstream is called.
pub(crate) const SOURCE: &str = "it";

/// Where the gateway listens that a case's caller asks.
const SERVER: &str = "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n";

/// One upstream style: how it is asked, what it answers, what becomes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) covers: Vec<String>,
    /// The documentation that it follows, for readers.
    #[serde(rename = "source")]
    _source: Option<String>,
    /// What day and time it is.
    #[serde(default = "noon")]
    pub(crate) now: String,
    /// What a caller asks the gateway for, as the query of `GET /groups`. Without it the upstream is
    /// walked as it is for every caller.
    pub(crate) ask: Option<String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) upstream: toml::Table,
    #[serde(default, rename = "exchange")]
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) expect: Expect,
    #[serde(skip)]
    text: String,
}

fn noon() -> String {
    "2026-11-21T12:00:00Z".to_owned()
}

/// One request that must come, and its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    #[serde(default)]
    pub(crate) request: Request,
    pub(crate) response: Response,
}

/// What must come in. What is not said is not looked at, but for the method.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query as on the wire.
    pub(crate) target: Option<String>,
    /// A header that is `""` must not be there; one that ends with `…` begins so.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<String>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            target: None,
            headers: BTreeMap::new(),
            body: None,
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Response {
    #[serde(default = "ok")]
    pub(crate) status: u16,
    /// `"1.0"` where the upstream speaks no later HTTP.
    pub(crate) version: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    body: String,
    /// Instead of `body`, what is no text.
    body_base64: Option<String>,
}

const fn ok() -> u16 {
    200
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// What becomes of it: exactly one of `groups`, `error` and `problem`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// A list, or a text that is one in JSON, for what TOML cannot say.
    groups: Option<toml::Value>,
    #[serde(default)]
    pub(crate) counts: Counts,
    pub(crate) error: Option<ExpectedError>,
    /// A part of what `check` says: the block is refused.
    pub(crate) problem: Option<String>,
}

/// What is counted besides the groups.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Counts {
    pub(crate) skipped: u64,
    pub(crate) repeated: u64,
    pub(crate) unparsed_timestamps: u64,
    pub(crate) drifted: bool,
}

/// How a walk fails.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedError {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// A part of the detail.
    #[serde(default)]
    pub(crate) detail: String,
    /// In how many seconds to ask again.
    pub(crate) retry_after: Option<f64>,
}

impl Case {
    /// Reads the case in a file.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        let mut case: Self = toml::from_str(&text).map_err(|error| error.to_string())?;
        let expect = &case.expect;
        let outcomes = [
            expect.groups.is_some(),
            expect.error.is_some(),
            expect.problem.is_some(),
        ];
        if outcomes.into_iter().filter(|&is_said| is_said).count() != 1 {
            return Err("`expect` says exactly one of `groups`, `error` and `problem`".to_owned());
        }
        if expect.problem.is_none() && case.exchanges.is_empty() {
            return Err("a walk has at least one `[[exchange]]`".to_owned());
        }
        case.text = text;
        Ok(case)
    }

    /// The gateway.toml that the case is about, for an upstream at `origin`: the lines of its block
    /// and nothing else.
    pub(crate) fn gateway(&self, origin: &str) -> String {
        let mut inside = false;
        let mut text = SERVER.to_owned();
        let has_heading = self.text.lines().any(|line| line.trim() == "[upstream]");
        if !has_heading {
            text.push_str(&format!(
                "[upstreams.{SOURCE}]\nbase_url = \"{{origin}}\"\n"
            ));
        }
        for line in self.text.lines() {
            let heading = line.trim_start_matches('[');
            if heading.len() < line.len() {
                let names = |name| heading.starts_with(name);
                inside = names("upstream")
                    || (inside && !["exchange", "expect", "environment"].into_iter().any(names));
            }
            if inside && heading.len() < line.len() {
                text.push_str(&line.replacen("upstream", &format!("upstreams.{SOURCE}"), 1));
            } else if inside {
                text.push_str(line);
            }
            if line.trim() == "[upstream]" && !self.upstream.contains_key("base_url") {
                text.push_str("\nbase_url = \"{origin}\"");
            }
            text.push('\n');
        }
        text.replace("{origin}", origin)
    }

    /// The groups that are expected, if it is groups.
    pub(crate) fn groups(&self) -> Option<Vec<Value>> {
        let groups = self.expect.groups.as_ref()?;
        let groups = match groups.as_str() {
            Some(text) => serde_json::from_str(text).expect("`expect.groups` is JSON"),
            None => json(groups),
        };
        let groups = groups.as_array().expect("`expect.groups` is a list");
        Some(groups.clone())
    }
}

impl Response {
    pub(crate) fn headers(&self, origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, values) in &self.headers {
            let values = match values {
                OneOrMany::One(value) => std::slice::from_ref(value),
                OneOrMany::Many(values) => values,
            };
            let name: HeaderName = name.parse().unwrap();
            for value in values {
                let value = value.replace("{origin}", origin);
                headers.append(&name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        headers
    }

    pub(crate) fn body(&self, origin: &str) -> Vec<u8> {
        match &self.body_base64 {
            Some(bytes) => STANDARD.decode(bytes.replace(['\n', ' '], "")).unwrap(),
            None => self.body.replace("{origin}", origin).into_bytes(),
        }
    }
}

/// A TOML value as the JSON that it stands for.
fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(flag) => (*flag).into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(items) => items.iter().map(json).collect(),
        toml::Value::Table(members) => {
            let members = members.iter();
            let members: Map<_, _> = members
                .map(|(name, value)| (name.clone(), json(value)))
                .collect();
            Value::Object(members)
        }
    }
}
