//! The request that brought a sample, as a block writes it.
//!
//! What the URL shows is taken from it, less what may be a secret: a user in the URL, and each
//! parameter or header whose name says so, becomes an environment variable.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use toml_edit::{Array, Value};
use url::{Position, Url};

use crate::config::mask::names_secret;

use super::guess::{Line, Sureness, table};
use super::names::plain;
use super::paging::{Paging, Parameter, Seen, is_position};

/// The lines of the block that say where and how to ask.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) base_url: Vec<Line>,
    pub(super) auth: Vec<Line>,
    pub(super) request: Vec<Line>,
    pub(super) headers: Vec<Line>,
    pub(super) query: Vec<Line>,
}

pub(super) fn guess(name: &str, seen: &[Seen<'_>], sent: &HeaderMap, paging: &Paging) -> Asked {
    let url = seen.iter().find_map(|seen| seen.url);
    let mut asked = match url {
        Some(url) => at_url(url),
        None => anywhere(),
    };
    asked.query = query(name, seen, paging);
    asked.auth.push(auth(name, url, sent));
    asked.headers = headers(name, sent);
    asked
}

fn at_url(url: &Url) -> Asked {
    let origin = format!(
        "{}://{}",
        url.scheme(),
        &url[Position::BeforeHost..Position::AfterPort]
    );
    let why = "the sample comes from there";
    Asked {
        base_url: vec![Line::guess("base_url", origin, Sureness::Certain, why)],
        request: vec![Line::guess(
            "path",
            braced(url.path()),
            Sureness::Certain,
            "the sample comes from there",
        )],
        ..Asked::default()
    }
}

fn anywhere() -> Asked {
    Asked {
        base_url: vec![Line::fill_in(
            "base_url",
            "https://api.example.com",
            "a recorded body does not say where it comes from.",
        )],
        request: vec![Line::fill_in(
            "path",
            "/groups",
            "the path below `base_url`; and `method = \"POST\"` with its body, if it is no GET.",
        )],
        ..Asked::default()
    }
}

/// A text in which braces stand for themselves.
fn braced(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

fn query(name: &str, seen: &[Seen<'_>], paging: &Paging) -> Vec<Line> {
    let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if let Some(first) = seen.iter().find(|seen| seen.url.is_some()) {
        for (parameter, value) in first.query() {
            asked.entry(parameter).or_default().push(value);
        }
    }
    let written: Vec<&Parameter> = paging.position.iter().chain(&paging.limit).collect();
    let placeholders = written.iter().map(|parameter| {
        Line::guess(
            &parameter.name,
            parameter.placeholder,
            parameter.sureness,
            &parameter.why,
        )
    });
    let is_written = |name: &str| written.iter().any(|parameter| parameter.name == name);
    let is_dropped = |name: &str| paging.is_linked && is_position(name);
    let literals = asked
        .iter()
        .filter(|(name, _)| !is_written(name) && !is_dropped(name))
        .map(|(parameter, values)| literal(name, parameter, values));
    placeholders.chain(literals).collect()
}

fn literal(name: &str, parameter: &str, values: &[String]) -> Line {
    if names_secret(parameter) {
        return Line::guess(
            parameter,
            secret(name, parameter),
            Sureness::Certain,
            &format!(
                "the sample was asked with it; export {} with its value",
                variable(name, parameter)
            ),
        );
    }
    let value = match values {
        [only] => braced(only).into(),
        _ => Value::Array(values.iter().map(|value| braced(value)).collect::<Array>()),
    };
    if FILTERS.contains(&plain(parameter).as_str()) {
        let why = "the sample was asked with it, but it may leave groups out: then take it away";
        return Line::guess(parameter, value, Sureness::NotSure, why);
    }
    let why = "the sample was asked with it";
    Line::guess(parameter, value, Sureness::Certain, why)
}

/// Parameters that may make the list shorter.
const FILTERS: [&str; 8] = [
    "search",
    "q",
    "query",
    "filter",
    "name",
    "namefilter",
    "prefix",
    "where",
];

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

/// Who we are: what the sample was asked with, or something to fill in.
fn auth(name: &str, url: Option<&Url>, sent: &HeaderMap) -> Line {
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
            None => Line::suggestion(
                "auth",
                table([("type", "bearer".into()), ("token", secret(name, "token"))]),
                "FILL IN: who groupgate is to this upstream, which no sample shows. Nobody, unless \
                 you say so, as in:",
            ),
        },
    }
}

fn known(key: &str, value: Value, variable: &str) -> Line {
    let why = format!("the sample was asked so. FILL IN: export {variable}");
    Line::guess(key, value, Sureness::Certain, &why)
}

fn basic(name: &str) -> Line {
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

fn headers(name: &str, sent: &HeaderMap) -> Vec<Line> {
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
            let why = "the sample was asked with it";
            let value = match value.to_str() {
                Ok(text) if !is_secret_header(header.as_str()) && !value.is_sensitive() => {
                    braced(text).into()
                }
                _ => secret(name, header.as_str()),
            };
            Some(Line::guess(header.as_str(), value, Sureness::Certain, why))
        })
        .collect()
}
