//! The request of a sample, as a block writes it.
//!
//! It is taken from the sample as it is: every parameter that paging does not replace stays. Secrets
//! become environment variables: a user in the URL, and each parameter, member or header whose name
//! says so.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use toml_edit::{Array, InlineTable, Value};
use url::{Position, Url};

use crate::config::credential_names::{may_name_secret, names_secret};

use super::guess::ProposedLine;
use super::names::plain_parameter;
use super::paging::{CountedBy, PageSample, PagingGuess, QueryParameter, is_position};
use super::placed::{PlacedUrl, braced};
use super::samples::Sample;
use super::secrets::{SecretVariables, secret_header};
use super::sent::{SentBody, member};
use super::words::WordList;

/// The lines of the block about the request.
#[derive(Debug, Default)]
pub(super) struct RequestGuess {
    pub(super) base_url: Vec<ProposedLine>,
    pub(super) auth: Vec<ProposedLine>,
    pub(super) request: Vec<ProposedLine>,
    pub(super) headers: Vec<ProposedLine>,
    pub(super) query: Vec<ProposedLine>,
    pub(super) form: Vec<ProposedLine>,
}

/// The request of a sample, in which placeholders may stand for what it has of a record.
pub(super) fn guess(
    secrets: &mut SecretVariables,
    sample: Option<&Sample>,
    seen: &[PageSample<'_>],
    paging: &PagingGuess,
    placed: Option<&PlacedUrl>,
) -> RequestGuess {
    let url = seen.iter().find_map(|seen| seen.url);
    let none = (HeaderMap::new(), SentBody::None);
    let (sent, body) = sample.map_or((&none.0, &none.1), |sample| {
        (&sample.sent, &sample.sent_body)
    });
    let mut request = match url {
        Some(url) => at_url(url, placed),
        None => anywhere(placed),
    };
    let mut writer = RequestWriter {
        secrets,
        paging,
        placed,
        records: seen.first().map_or(0, |seen| seen.records.len()),
    };
    request.auth.push(writer.secrets.auth(url, sent));
    let asked = seen.iter().find(|seen| seen.url.is_some());
    let asked = asked.map_or_else(Vec::new, PageSample::query);
    let is_in_query = |parameter: &&QueryParameter| {
        let is_asked = asked.iter().any(|(name, _)| *name == parameter.name);
        is_asked || *body == SentBody::None
    };
    let written: Vec<&QueryParameter> = paging.position.iter().chain(&paging.limit).collect();
    let (of_query, of_body): (Vec<_>, Vec<_>) = written.into_iter().partition(is_in_query);
    request.query = writer.pairs(asked, &of_query);
    request.request.extend(method(sample));
    match body {
        SentBody::None => {}
        SentBody::Form(pairs) => request.form = writer.pairs(pairs.clone(), &of_body),
        SentBody::Json(value) => request.request.push(writer.json(value, &of_body)),
    }
    request.headers = writer.headers(sent, body);
    request
}

fn at_url(url: &Url, placed: Option<&PlacedUrl>) -> RequestGuess {
    let why = "from the sample's URL";
    let path = match placed.and_then(|placed| placed.path.as_ref()) {
        Some(path) => path.line("path"),
        None => ProposedLine::clear("path", braced(url.path()), why),
    };
    RequestGuess {
        base_url: vec![ProposedLine::clear("base_url", origin(url), why)],
        request: vec![path],
        ..RequestGuess::default()
    }
}

/// The origin of a URL, as `base_url` has it.
pub(super) fn origin(url: &Url) -> String {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    format!("{}://{host}", url.scheme())
}

fn anywhere(placed: Option<&PlacedUrl>) -> RequestGuess {
    let base_url = match placed.and_then(|placed| placed.origin.as_deref()) {
        Some(origin) => ProposedLine::clear("base_url", origin, "from the URL of another sample"),
        None => ProposedLine::fill_in(
            "base_url",
            "https://api.example.com",
            "a recorded body does not show its URL.",
        ),
    };
    let path = match placed.and_then(|placed| placed.path.as_ref()) {
        Some(path) => path.line("path"),
        None => ProposedLine::fill_in(
            "path",
            "/groups",
            "the path below `base_url`; and `method = \"POST\"` with its body, if it is not a GET.",
        ),
    };
    RequestGuess {
        base_url: vec![base_url],
        request: vec![path],
        ..RequestGuess::default()
    }
}

/// The method, where it is not the usual one or there is a body.
fn method(sample: Option<&Sample>) -> Vec<ProposedLine> {
    let Some(sample) = sample
        .filter(|sample| sample.method != http::Method::GET || sample.sent_body != SentBody::None)
    else {
        return Vec::new();
    };
    let why = "as the sample was requested";
    let mut lines = vec![ProposedLine::clear("method", sample.method.as_str(), why)];
    if sample.method == http::Method::POST {
        let why = "it reads a list and changes nothing, so it may be sent again after a failure";
        lines.push(ProposedLine::likely("idempotent", true, why));
    }
    lines
}

/// Parameters that may make the list shorter.
const FILTERS: WordList = WordList("search q query filter name namefilter prefix where");

/// Writes what a request says.
struct RequestWriter<'p> {
    secrets: &'p mut SecretVariables,
    paging: &'p PagingGuess,
    placed: Option<&'p PlacedUrl>,
    /// How many records the first page has.
    records: usize,
}

impl RequestWriter<'_> {
    /// Parameters, of which these are `written` by placeholders.
    fn pairs(
        &mut self,
        asked: Vec<(String, String)>,
        written: &[&QueryParameter],
    ) -> Vec<ProposedLine> {
        let mut lines: Vec<_> = written
            .iter()
            .map(|parameter| {
                ProposedLine::guess(
                    &parameter.name,
                    parameter.placeholder,
                    parameter.confidence,
                    &parameter.why,
                )
            })
            .collect();
        let mut literals: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (parameter, value) in asked {
            if written.iter().all(|written| written.name != parameter) {
                literals.entry(parameter).or_default().push(value);
            }
        }
        lines.extend(
            literals
                .iter()
                .map(|(parameter, values)| self.literal(parameter, values)),
        );
        lines
    }

    fn literal(&mut self, parameter: &str, values: &[String]) -> ProposedLine {
        if let Some(part) = self.placed.and_then(|placed| placed.query.get(parameter)) {
            return part.line(parameter);
        }
        if names_secret(parameter) {
            let value = values.first().map_or("", String::as_str);
            let variable = self.secrets.take(parameter, value);
            let why = "it is in the sample's request; export the variable with its value";
            return ProposedLine::clear(parameter, variable, why);
        }
        let value = match values {
            [only] => return self.single(parameter, only),
            _ => Value::Array(values.iter().map(|value| braced(value)).collect::<Array>()),
        };
        ProposedLine::clear(parameter, value, "it is in the sample's request")
    }

    fn single(&self, parameter: &str, value: &str) -> ProposedLine {
        if FILTERS.contains(&plain_parameter(parameter)) && !value.is_empty() {
            let why = "it is in the sample's request, but may exclude groups: remove it if so";
            return ProposedLine::not_sure(parameter, braced(value), why);
        }
        if let Some(line) = self.beginning(parameter, value) {
            return line;
        }
        let why = "it is in the sample's request";
        ProposedLine::clear(parameter, braced(value), why)
    }

    /// Where each page names the next, what asked for a later page than the first asks for the first.
    fn beginning(&self, parameter: &str, value: &str) -> Option<ProposedLine> {
        let is_later = self.paging.is_linked && is_position(parameter);
        if !is_later || plain_parameter(parameter) == "first" {
            return None;
        }
        let is_size = value.parse() == Ok(self.records);
        let number = value.parse::<u64>().ok().filter(|_| !is_size);
        let start = match (CountedBy::of(parameter), number) {
            (Some(CountedBy::Pages), Some(2..)) => "1",
            (Some(CountedBy::Records), Some(2..)) => "0",
            (None, None) if value.contains(char::is_alphanumeric) => {
                return Some(ProposedLine::remark(format!(
                    "`{parameter}` of the sample's request is left out: the list begins without it, \
                     and each page names the next."
                )));
            }
            _ => return None,
        };
        let why = format!("the sample was requested with {value}, and the list begins here");
        Some(ProposedLine::likely(parameter, start, &why))
    }

    /// A JSON body.
    fn json(&mut self, body: &serde_json::Value, written: &[&QueryParameter]) -> ProposedLine {
        let mut left_out = Vec::new();
        let mut value = self
            .json_value("", "", body, written, &mut left_out)
            .unwrap_or_else(|| InlineTable::new().into());
        let known = SentBody::Json(body.clone()).parameters();
        let unseen = written
            .iter()
            .filter(|written| known.iter().all(|(name, _)| *name != written.name));
        for parameter in unseen {
            if let Some(members) = value.as_inline_table_mut() {
                let name = parameter.name.rsplit('/').next().unwrap_or_default();
                members.insert(name, parameter.placeholder.into());
            }
        }
        let mut line = ProposedLine::clear("json", value, "it is the body of the sample's request");
        for parameter in written {
            let QueryParameter {
                name,
                placeholder,
                confidence,
                why,
            } = parameter;
            line = line.and(format!("`{placeholder}` at `{name}`, {confidence}: {why}"));
        }
        if !left_out.is_empty() {
            let names = left_out.join(", ");
            line = line.and(format!(
                "Left out: {names}, which is null in the sample's request."
            ));
        }
        line
    }

    fn json_value(
        &mut self,
        path: &str,
        name: &str,
        value: &serde_json::Value,
        written: &[&QueryParameter],
        left_out: &mut Vec<String>,
    ) -> Option<Value> {
        if let Some(parameter) = written.iter().find(|written| written.name == path) {
            return Some(parameter.placeholder.into());
        }
        Some(match value {
            serde_json::Value::Null => {
                left_out.push(format!("`{path}`"));
                return None;
            }
            serde_json::Value::Bool(truth) => (*truth).into(),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => number.into(),
                (None, number) => number?.into(),
            },
            serde_json::Value::String(text) if names_secret(name) => self.secrets.take(name, text),
            serde_json::Value::String(text) => braced(text).into(),
            serde_json::Value::Array(items) => {
                let items = items.iter().enumerate().filter_map(|(index, item)| {
                    let path = member(path, &index.to_string());
                    self.json_value(&path, name, item, written, left_out)
                });
                Value::Array(items.collect())
            }
            serde_json::Value::Object(members) => {
                let mut table = InlineTable::new();
                for (name, value) in members {
                    let path = member(path, name);
                    if let Some(value) = self.json_value(&path, name, value, written, left_out) {
                        table.insert(name, value);
                    }
                }
                table.into()
            }
        })
    }

    fn headers(&mut self, sent: &HeaderMap, body: &SentBody) -> Vec<ProposedLine> {
        let of_auth = (!sent.contains_key(AUTHORIZATION))
            .then(|| secret_header(sent))
            .flatten();
        let own = [ACCEPT_ENCODING, AUTHORIZATION, HOST, USER_AGENT];
        let is_usual = |header: &http::HeaderName, value: &http::HeaderValue| {
            let usual: &[u8] = match body {
                SentBody::None => {
                    return *header == CONTENT_TYPE || (*header == ACCEPT && value == "*/*");
                }
                SentBody::Json(_) => b"application/json",
                SentBody::Form(_) => b"application/x-www-form-urlencoded",
            };
            (*header == CONTENT_TYPE && value.as_bytes() == usual)
                || (*header == ACCEPT && value == "*/*")
        };
        let names = sent
            .keys()
            .filter(|header| !own.contains(header) && Some(header.as_str()) != of_auth);
        let mut lines = Vec::new();
        for header in names {
            let Some(value) = sent.get(header).filter(|value| !is_usual(header, value)) else {
                continue;
            };
            let text = value.to_str().unwrap_or_default();
            let is_secret = may_name_secret(header.as_str()) || value.is_sensitive();
            let value = if is_secret || text.is_empty() {
                self.secrets.take(header.as_str(), text)
            } else {
                braced(text).into()
            };
            let why = "it is in the sample's request";
            lines.push(ProposedLine::clear(header.as_str(), value, why));
        }
        lines
    }
}
