//! Requests: URLs, headers, bodies.

use http::{HeaderName, HeaderValue};
use url::Url;

use crate::config::mask::{has_password, names_secret};
use crate::config::placeholder::{Piece, PlaceholderError, scan};
use crate::config::secret::SECRET_LITERAL;
use crate::config::upstream::{Auth, Json, Request, Text};
use crate::config::{KeyPath, Problem, Problems, Upstream};

pub(super) fn check_base_url(at: &KeyPath, url: &Url, problems: &mut Problems) {
    if has_password(url.as_str()) {
        problems.push(
            Problem::new(at.clone(), "a URL is no place for a user and a password")
                .with_help("set `auth = { type = \"basic\", username = \"...\", password = { env = \"NAME\" } }`"),
        );
        return;
    }
    if !matches!(url.scheme(), "http" | "https") {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{}` is no scheme to ask by", url.scheme()),
            )
            .with_help("write `https://` or `http://`"),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{url}` has more than scheme, host and path"),
            )
            .with_help("parameters belong under `request.query`"),
        );
    }
}

/// Checks the bodies of all requests of an upstream.
pub(super) fn check_bodies(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    check_body(&at.join("request"), &upstream.request, problems);
    if let Some(continuation) = &upstream.continuation {
        check_body(&at.join("continuation"), continuation, problems);
    }
    if let Some(call) = upstream.pagination.total_call() {
        let at = at.join("pagination").join("total").join("request");
        check_body(&at, &call.request, problems);
    }
    if let Auth::TokenExchange(login) = &upstream.auth {
        check_body(&at.join("auth").join("request"), &login.request, problems);
    }
}

/// Checks what a request says by itself.
pub(super) fn check(at: &KeyPath, request: &Request, problems: &mut Problems) {
    check_path(&at.join("path"), &request.path, problems);
    for (name, value) in &request.headers {
        let at = at.join("headers").join(name);
        check_header_name(&at, name, problems);
        if let Text::Literal(value) = value {
            check_header_value(&at, value, problems);
        }
    }
    for (name, value) in &request.vars {
        let at = at.join("vars").join(name);
        check_var_name(&at, name, problems);
        if matches!(value, Text::Literal(_)) && names_secret(name) {
            problems.push(Problem::new(at, SECRET_LITERAL));
        }
    }
    for (at, text) in texts(at, request) {
        check_literal(&at, text, problems);
    }
}

fn check_body(at: &KeyPath, request: &Request, problems: &mut Problems) {
    let mut bodies = [
        ("json", request.json.is_some()),
        ("form", request.form.is_some()),
        ("body", request.body.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, is_there)| is_there.then_some(key));
    let Some(first) = bodies.next() else {
        return;
    };
    if let Some(second) = bodies.next() {
        problems.push(
            Problem::new(
                at.join(second),
                format!("a request has one body: `{first}` and `{second}` are two"),
            )
            .with_help("name one of `json`, `form` and `body`"),
        );
    }
    if request.method.is_none() {
        problems.push(
            Problem::new(at.join(first), "a body needs a method")
                .with_help("set `method = \"POST\"`, or move the values to `query`"),
        );
    }
}

fn check_path(at: &KeyPath, path: &str, problems: &mut Problems) {
    if !path.starts_with('/') {
        problems.push(
            Problem::new(
                at.clone(),
                format!("the path `{path}` does not start with a slash"),
            )
            .with_help(format!("write `/{path}`")),
        );
    }
    if path.contains(['?', '#']) {
        problems.push(
            Problem::new(at.clone(), format!("`{path}` is more than a path"))
                .with_help("parameters belong under `query`"),
        );
    }
}

pub(super) fn check_header_name(at: &KeyPath, name: &str, problems: &mut Problems) {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{}` cannot name a header", name.escape_debug()),
            )
            .with_help("use letters, digits and `-`"),
        );
    }
}

/// Never repeats the value: it may belong to a secret.
pub(super) fn check_header_value(at: &KeyPath, value: &str, problems: &mut Problems) {
    if HeaderValue::from_str(value).is_err() {
        problems.push(
            Problem::new(at.clone(), "this cannot be a header's value")
                .with_help("use one line of visible ASCII"),
        );
    }
}

fn check_var_name(at: &KeyPath, name: &str, problems: &mut Problems) {
    if super::placeholders::POSITIONS.contains(&name) {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{{{name}}}` already means the position of a page"),
            )
            .with_help("give the value another name"),
        );
        return;
    }
    let is_name = scan(&format!("{{{name}}}")) == Ok(vec![Piece::Placeholder(name.to_owned())]);
    if !is_name || name.contains('.') {
        problems.push(
            Problem::new(at.clone(), format!("`{name}` cannot name a placeholder"))
                .with_help("use `a` to `z`, `0` to `9` and `_`"),
        );
    }
}

/// Refuses a literal where its name says that a secret belongs, and braces that do not match.
fn check_literal(at: &KeyPath, text: &str, problems: &mut Problems) {
    let scanned = scan(text);
    let is_placeholder = |piece: &Piece| matches!(piece, Piece::Placeholder(_));
    let has_placeholder = (scanned.as_ref()).is_ok_and(|pieces| pieces.iter().any(is_placeholder));
    let is_named_secret = at
        .keys()
        .iter()
        .rev()
        .take_while(|key| !is_part(key))
        .any(|key| names_secret(key));
    if is_named_secret && !has_placeholder && !text.is_empty() {
        problems.push(Problem::new(at.clone(), SECRET_LITERAL));
        return;
    }
    if let Err(error) = scanned {
        problems.push(brace(at, &error));
    }
}

fn is_part(key: &str) -> bool {
    matches!(
        key,
        "path" | "query" | "headers" | "json" | "form" | "body" | "vars"
    )
}

pub(super) fn brace(at: &KeyPath, error: &PlaceholderError) -> Problem {
    Problem::new(at.clone(), error.to_string())
        .with_help("a placeholder is written `{name}`, a brace `{{` or `}}`")
}

/// The texts of a request that may hold placeholders.
pub(super) fn texts<'a>(at: &KeyPath, request: &'a Request) -> Vec<(KeyPath, &'a str)> {
    let mut texts = vec![(at.join("path"), request.path.as_str())];
    for (at, text) in literals(at, request) {
        if let Text::Literal(text) = text {
            texts.push((at, text));
        }
    }
    if let Some(json) = &request.json {
        json_texts(at.join("json"), json, &mut texts);
    }
    texts
}

/// What is written as a text or as a secret in a request, its `vars` and its JSON aside.
pub(super) fn literals<'a>(at: &KeyPath, request: &'a Request) -> Vec<(KeyPath, &'a Text)> {
    let tables = [
        ("query", Some(&request.query)),
        ("form", request.form.as_ref()),
    ];
    let mut texts = Vec::new();
    for (table, parameters) in tables {
        for (name, values) in parameters.into_iter().flatten() {
            let at = at.join(table).join(name);
            match values.as_slice() {
                [text] => texts.push((at, text)),
                several => texts.extend(
                    (several.iter().enumerate())
                        .map(|(index, text)| (at.join(index.to_string()), text)),
                ),
            }
        }
    }
    texts
        .extend((request.headers.iter()).map(|(name, text)| (at.join("headers").join(name), text)));
    texts.extend(request.body.iter().map(|text| (at.join("body"), text)));
    texts
}

fn json_texts<'a>(at: KeyPath, json: &'a Json, texts: &mut Vec<(KeyPath, &'a str)>) {
    match json {
        Json::Text(text) => texts.push((at, text)),
        Json::List(items) => {
            for (index, item) in items.iter().enumerate() {
                json_texts(at.join(index.to_string()), item, texts);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                json_texts(at.join(name), member, texts);
            }
        }
        Json::Integer(_) | Json::Float(_) | Json::Bool(_) | Json::Secret(_) => {}
    }
}
