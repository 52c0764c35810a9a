//! The request of a sample, as a block writes it.
//!
//! It is taken from the URL, except for secrets: a user in the URL, and each parameter or header whose
//! name says so, becomes an environment variable.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use toml_edit::{Array, Value};
use url::{Position, Url};

use crate::config::mask::names_secret;

use super::guess::{Confidence, ProposedLine, table};
use super::names::plain;
use super::paging::{PageSample, PagingGuess, QueryParameter, is_position};
use super::words::WordList;

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
    let origin = format!(
        "{}://{}",
        url.scheme(),
        &url[Position::BeforeHost..Position::AfterPort]
    );
    let why = "from the sample's URL";
    RequestGuess {
        base_url: vec![ProposedLine::guess(
            "base_url",
            origin,
            Confidence::Certain,
            why,
        )],
        request: vec![ProposedLine::guess(
            "path",
            braced(url.path()),
            Confidence::Certain,
            "from the sample's URL",
        )],
        ..RequestGuess::default()
    }
}

fn anywhere() -> RequestGuess {
    RequestGuess {
        base_url: vec![ProposedLine::fill_in(
            "base_url",
            "https://api.example.com",
            "a recorded body does not show its URL.",
        )],
        request: vec![ProposedLine::fill_in(
            "path",
            "/groups",
            "the path below `base_url`; and `method = \"POST\"` with its body, if it is not a GET.",
        )],
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
        return ProposedLine::guess(
            parameter,
            secret(name, parameter),
            Confidence::Certain,
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
        return ProposedLine::guess(parameter, value, Confidence::NotSure, why);
    }
    let why = "it is in the sample's request";
    ProposedLine::guess(parameter, value, Confidence::Certain, why)
}

/// Parameters that may make the list shorter.
const FILTERS: WordList = WordList("search q query filter name namefilter prefix where");

fn secret(name: &str, what: &str) -> Value {
    table([("env", variable(name, what).into())])
}

/// The environment variable for a secret of an upstream.
fn variable(name: &str, what: &str) -> String {
    let upper = |text: &str| -> String {
        let characters = text.chars().map(|character| {
            if character.is_ascii_alphanumeric() {
                character.to_ascii_uppercase()
            } else {
                '_'
            }
        });
        characters.collect()
    };
    format!("{}_{}", upper(name), upper(what))
}

/// The credentials in the request of the sample, or a suggestion.
fn auth(name: &str, url: Option<&Url>, sent: &HeaderMap) -> ProposedLine {
    let is_user = url.is_some_and(|url| !url.username().is_empty() || url.password().is_some());
    let scheme = sent
        .get(AUTHORIZATION)
        .map(|value| value.to_str().ok().and_then(|value| value.split_once(' ')));
    let scheme = scheme.map(|split| split.map(|(scheme, _)| scheme));
    match scheme {
        Some(Some(scheme)) if scheme.eq_ignore_ascii_case("basic") => basic(name),
        Some(Some(scheme)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = table([("type", "bearer".into()), ("token", secret(name, "token"))]);
            known("auth", token, &variable(name, "token"))
        }
        Some(Some(scheme))
            if scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-') =>
        {
            let token = table([
                ("type", "bearer".into()),
                ("scheme", scheme.into()),
                ("token", secret(name, "token")),
            ]);
            known("auth", token, &variable(name, "token"))
        }
        Some(_) => {
            let key = table([
                ("type", "api_key".into()),
                ("header", "authorization".into()),
                ("key", secret(name, "key")),
            ]);
            known("auth", key, &variable(name, "key"))
        }
        None if is_user => basic(name),
        None => match secret_header(sent) {
            Some(header) => {
                let key = table([
                    ("type", "api_key".into()),
                    ("header", header.into()),
                    ("key", secret(name, "key")),
                ]);
                known("auth", key, &variable(name, "key"))
            }
            None => ProposedLine::suggestion(
                "auth",
                table([("type", "bearer".into()), ("token", secret(name, "token"))]),
                "FILL IN: the credentials, which no sample shows. Without any, requests are sent \
                 unauthenticated. For example:",
            ),
        },
    }
}

fn known(key: &str, value: Value, variable: &str) -> ProposedLine {
    let why = format!("as in the sample's request. FILL IN: export {variable}");
    ProposedLine::guess(key, value, Confidence::Certain, &why)
}

fn basic(name: &str) -> ProposedLine {
    let value = table([
        ("type", "basic".into()),
        ("username", secret(name, "user")),
        ("password", secret(name, "password")),
    ]);
    let variables = format!(
        "{} and {}",
        variable(name, "user"),
        variable(name, "password")
    );
    known("auth", value, &variables)
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
            Some(ProposedLine::guess(
                header.as_str(),
                value,
                Confidence::Certain,
                why,
            ))
        })
        .collect()
}
