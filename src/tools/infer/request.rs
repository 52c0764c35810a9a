//! The request of a sample, as a block writes it.
//!
//! It is taken from the URL, except for secrets: a user in the URL, and each parameter or header whose
//! name says so, becomes an environment variable.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use toml_edit::{Array, Value};
use url::{Position, Url};

use crate::config::credential_names::names_secret;

use super::guess::{ProposedLine, table};
use super::names::plain;
use super::paging::{PageSample, PagingGuess, QueryParameter, is_position};
use super::words::WordList;
use crate::tools::redact::identifier;

/// The lines of the block about the request.
#[derive(Debug, Default)]
pub(super) struct RequestGuess {
    pub(super) base_url: Vec<ProposedLine>,
    pub(super) auth: Vec<ProposedLine>,
    pub(super) request: Vec<ProposedLine>,
    pub(super) headers: Vec<ProposedLine>,
    pub(super) query: Vec<ProposedLine>,
}

pub(super) fn guess(
    name: &str,
    seen: &[PageSample<'_>],
    sent: &HeaderMap,
    paging: &PagingGuess,
) -> RequestGuess {
    let url = seen.iter().find_map(|seen| seen.url);
    let mut request = match url {
        Some(url) => at_url(url),
        None => anywhere(),
    };
    request.query = query(name, seen, paging);
    request.auth.push(auth(name, url, sent));
    request.headers = headers(name, sent);
    request
}

fn at_url(url: &Url) -> RequestGuess {
    let origin = &url[Position::BeforeHost..Position::AfterPort];
    let origin = format!("{}://{origin}", url.scheme());
    let why = "from the sample's URL";
    RequestGuess {
        base_url: vec![ProposedLine::certain("base_url", origin, why)],
        request: vec![ProposedLine::certain("path", braced(url.path()), why)],
        ..RequestGuess::default()
    }
}

fn anywhere() -> RequestGuess {
    let base_url = ProposedLine::fill_in(
        "base_url",
        "https://api.example.com",
        "a recorded body does not show its URL.",
    );
    let path = ProposedLine::fill_in(
        "path",
        "/groups",
        "the path below `base_url`; and `method = \"POST\"` with its body, if it is not a GET.",
    );
    RequestGuess {
        base_url: vec![base_url],
        request: vec![path],
        ..RequestGuess::default()
    }
}

/// A text in which braces stand for themselves.
fn braced(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

fn query(name: &str, seen: &[PageSample<'_>], paging: &PagingGuess) -> Vec<ProposedLine> {
    let mut request: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if let Some(first) = seen.iter().find(|seen| seen.url.is_some()) {
        for (parameter, value) in first.query() {
            request.entry(parameter).or_default().push(value);
        }
    }
    let written: Vec<&QueryParameter> = paging.position.iter().chain(&paging.limit).collect();
    let placeholders = written.iter().map(|parameter| {
        ProposedLine::guess(
            &parameter.name,
            parameter.placeholder,
            parameter.confidence,
            &parameter.why,
        )
    });
    let is_written = |name: &str| written.iter().any(|parameter| parameter.name == name);
    let is_dropped = |name: &str| paging.is_linked && is_position(name);
    let literals = request
        .iter()
        .filter(|(name, _)| !is_written(name) && !is_dropped(name))
        .map(|(parameter, values)| literal(name, parameter, values));
    placeholders.chain(literals).collect()
}

fn literal(name: &str, parameter: &str, values: &[String]) -> ProposedLine {
    if names_secret(parameter) {
        return ProposedLine::certain(
            parameter,
            secret(name, parameter),
            &format!(
                "it is in the sample's request; export {} with its value",
                variable(name, parameter)
            ),
        );
    }
    let value = match values {
        [only] => braced(only).into(),
        _ => Value::Array(values.iter().map(|value| braced(value)).collect::<Array>()),
    };
    if FILTERS.contains(&plain(parameter)) {
        let why = "it is in the sample's request, but may exclude groups: remove it if so";
        return ProposedLine::not_sure(parameter, value, why);
    }
    let why = "it is in the sample's request";
    ProposedLine::certain(parameter, value, why)
}

/// Parameters that may make the list shorter.
const FILTERS: WordList = WordList("search q query filter name namefilter prefix where");

fn secret(name: &str, what: &str) -> Value {
    table([("env", variable(name, what).into())])
}

/// The environment variable for a secret of an upstream.
fn variable(name: &str, what: &str) -> String {
    format!("{}_{}", identifier(name), identifier(what)).to_ascii_uppercase()
}

/// The credentials in the request of the sample, or a suggestion.
fn auth(name: &str, url: Option<&Url>, sent: &HeaderMap) -> ProposedLine {
    let is_user = url.is_some_and(|url| !url.username().is_empty() || url.password().is_some());
    let basic = || {
        let secrets = [("username", "user"), ("password", "password")];
        credentials(name, &[("type", "basic")], &secrets)
    };
    let bearer = |words: &[(&str, &str)]| credentials(name, words, &[("token", "token")]);
    let api_key = |header: &str| {
        let words = [("type", "api_key"), ("header", header)];
        credentials(name, &words, &[("key", "key")])
    };
    let Some(authorization) = sent.get(AUTHORIZATION) else {
        return match secret_header(sent) {
            _ if is_user => basic(),
            Some(header) => api_key(header),
            None => ProposedLine::suggestion(
                "auth",
                table([("type", "bearer".into()), ("token", secret(name, "token"))]),
                "FILL IN: the credentials, which no sample shows. Without any, requests are sent \
                 unauthenticated. For example:",
            ),
        };
    };
    let text = authorization.to_str().ok();
    let scheme = text
        .and_then(|text| text.split_once(' '))
        .map(|(scheme, _)| scheme);
    let is_word = |scheme: &str| {
        scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    match scheme {
        Some(scheme) if scheme.eq_ignore_ascii_case("basic") => basic(),
        Some(scheme) if scheme.eq_ignore_ascii_case("bearer") => bearer(&[("type", "bearer")]),
        Some(scheme) if is_word(scheme) => bearer(&[("type", "bearer"), ("scheme", scheme)]),
        Some(_) | None => api_key("authorization"),
    }
}

/// `auth` with these words, and these keys from variables.
fn credentials(name: &str, words: &[(&str, &str)], secrets: &[(&str, &str)]) -> ProposedLine {
    let words = words.iter().map(|&(key, word)| (key, Value::from(word)));
    let values = secrets.iter().map(|&(key, what)| (key, secret(name, what)));
    let variables = secrets.iter().map(|(_, what)| variable(name, what));
    let variables = variables.collect::<Vec<_>>().join(" and ");
    let why = format!("as in the sample's request. FILL IN: export {variables}");
    let value = Value::InlineTable(words.chain(values).collect());
    ProposedLine::certain("auth", value, &why)
}

/// The header whose name says that it carries a secret.
fn secret_header(sent: &HeaderMap) -> Option<&str> {
    sent.keys()
        .map(http::HeaderName::as_str)
        .find(|name| is_secret_header(name))
}

fn is_secret_header(name: &str) -> bool {
    names_secret(name) || name.ends_with("-key") || name.contains("cookie")
}

fn headers(name: &str, sent: &HeaderMap) -> Vec<ProposedLine> {
    let of_auth = (!sent.contains_key(AUTHORIZATION))
        .then(|| secret_header(sent))
        .flatten();
    let own = [
        ACCEPT_ENCODING,
        AUTHORIZATION,
        CONTENT_TYPE,
        HOST,
        USER_AGENT,
    ];
    sent.keys()
        .filter(|header| !own.contains(header) && Some(header.as_str()) != of_auth)
        .filter_map(|header| {
            let value = sent.get(header)?;
            if *header == ACCEPT && value == "*/*" {
                return None;
            }
            let why = "it is in the sample's request";
            let value = match value.to_str() {
                Ok(text) if !is_secret_header(header.as_str()) && !value.is_sensitive() => {
                    braced(text).into()
                }
                _ => secret(name, header.as_str()),
            };
            Some(ProposedLine::certain(header.as_str(), value, why))
        })
        .collect()
}
