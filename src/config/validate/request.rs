//! Requests: URLs, headers, bodies, and the placeholders in them.

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue};
use url::Url;

use crate::config::mask::{has_password, names_secret};
use crate::config::nearest::{list, nearest};
use crate::config::placeholder::{Piece, PlaceholderError, scan};
use crate::config::secret::SECRET_LITERAL;
use crate::config::upstream::{Json, Method, Pagination, Request, Text};
use crate::config::{KeyPath, Problem, Problems, Upstream};

/// The names that stand for a position or a page's size under some style.
const POSITIONS: [&str; 4] = ["cursor", "offset", "page", "limit"];

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

/// Checks what a request says by itself.
pub(super) fn check(at: &KeyPath, request: &Request, problems: &mut Problems) {
    check_path(&at.join("path"), &request.path, problems);
    if request.method == Method::Get && request.json.is_some() {
        problems.push(
            Problem::new(at.join("json"), "a GET has no body")
                .with_help("set `method = \"POST\"`, or move the values to `query`"),
        );
    }
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
    if POSITIONS.contains(&name) {
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
    matches!(key, "path" | "query" | "headers" | "json" | "vars")
}

pub(super) fn brace(at: &KeyPath, error: &PlaceholderError) -> Problem {
    Problem::new(at.clone(), error.to_string())
        .with_help("a placeholder is written `{name}`, a brace `{{` or `}}`")
}

/// Checks the placeholders of the request that lists groups against its style of paging.
pub(super) fn check_placeholders(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let request = at.join("request");
    let style = Style::of(&upstream.pagination);
    let used = used(&request, &upstream.request);
    for (at, name) in &used {
        if upstream.request.vars.contains_key(name) || style.provides(name) {
            continue;
        }
        problems.push(style.refuse(at, name, &upstream.request));
    }
    check_vars(&request, &upstream.request, &used, problems);
    if let Some(position) = style.position
        && !used.iter().any(|(_, name)| name == position)
    {
        problems.push(
            Problem::new(
                at.join("pagination").join(Pagination::TAG),
                format!(
                    "`{{{position}}}` stands nowhere in the request, so every page would be the first"
                ),
            )
            .with_help(format!(
                "write it where the upstream expects it, as in `query = {{ {position} = \"{{{position}}}\" }}`"
            )),
        );
    }
}

/// Checks the placeholders of a login, which has no pages.
pub(super) fn check_login_placeholders(at: &KeyPath, request: &Request, problems: &mut Problems) {
    let used = used(at, request);
    for (at, name) in &used {
        if !request.vars.contains_key(name) {
            let known: Vec<&str> = request.vars.keys().map(String::as_str).collect();
            problems.push(unknown_placeholder(at, name, &known));
        }
    }
    check_vars(at, request, &used, problems);
}

fn check_vars(
    at: &KeyPath,
    request: &Request,
    used: &BTreeSet<(KeyPath, String)>,
    problems: &mut Problems,
) {
    for name in request.vars.keys() {
        if !used.iter().any(|(_, used)| used == name) && !POSITIONS.contains(&name.as_str()) {
            problems.push(
                Problem::new(
                    at.join("vars").join(name),
                    format!("`{{{name}}}` stands nowhere in the request"),
                )
                .with_help("write it where the value belongs, or leave the value out"),
            );
        }
    }
}

pub(super) fn unknown_placeholder(at: &KeyPath, name: &str, known: &[&str]) -> Problem {
    let problem = Problem::new(at.clone(), format!("unknown placeholder `{{{name}}}`"));
    let braced: Vec<String> = known.iter().map(|name| format!("{{{name}}}")).collect();
    let help = match (
        nearest(name, known.iter().copied()),
        list(braced.iter().map(String::as_str)),
    ) {
        (Some(nearest), _) => format!("did you mean `{{{nearest}}}`?"),
        (None, Some(all)) => format!("one of: {all}; a brace is written `{{{{`"),
        (None, None) => "give it a value under `vars`; a brace is written `{{`".to_owned(),
    };
    problem.with_help(help)
}

/// What a style of paging writes into the request.
struct Style {
    name: &'static str,
    position: Option<&'static str>,
    has_limit: bool,
    takes_limit: bool,
}

impl Style {
    fn of(pagination: &Pagination) -> Self {
        let (name, position) = match pagination {
            Pagination::None => ("none", None),
            Pagination::Cursor(_) => ("cursor", Some("cursor")),
            Pagination::Offset(_) => ("offset", Some("offset")),
            Pagination::Page(_) => ("page", Some("page")),
            Pagination::Link(_) => ("link", None),
            Pagination::NextUrl(_) => ("next_url", None),
        };
        Self {
            name,
            position,
            has_limit: super::limit(pagination).is_some(),
            takes_limit: !matches!(pagination, Pagination::None),
        }
    }

    fn provides(&self, name: &str) -> bool {
        self.position == Some(name) || (name == "limit" && self.has_limit)
    }

    fn refuse(&self, at: &KeyPath, name: &str, request: &Request) -> Problem {
        if name == "limit" && self.takes_limit {
            return Problem::new(
                at.clone(),
                "`{limit}` stands here, but `pagination.limit` is not set",
            )
            .with_help("set it, as in `limit = 100`");
        }
        if !POSITIONS.contains(&name) {
            let known: Vec<&str> = (self.position.into_iter())
                .chain(self.has_limit.then_some("limit"))
                .chain(request.vars.keys().map(String::as_str))
                .collect();
            return unknown_placeholder(at, name, &known);
        }
        let problem = Problem::new(
            at.clone(),
            format!(
                "`{{{name}}}` has no value under the pagination style `{}`",
                self.name
            ),
        );
        match self.position {
            Some(position) => problem.with_help(format!("this style provides `{{{position}}}`")),
            None => problem.with_help(format!("this style provides no `{{{name}}}`")),
        }
    }
}

/// The placeholders in a request, and where they stand.
fn used(at: &KeyPath, request: &Request) -> BTreeSet<(KeyPath, String)> {
    let mut used = BTreeSet::new();
    for (at, text) in texts(at, request) {
        for piece in scan(text).unwrap_or_default() {
            if let Piece::Placeholder(name) = piece {
                used.insert((at.clone(), name));
            }
        }
    }
    used
}

/// The texts of a request that may hold placeholders.
fn texts<'a>(at: &KeyPath, request: &'a Request) -> Vec<(KeyPath, &'a str)> {
    let mut texts = vec![(at.join("path"), request.path.as_str())];
    for (table, values) in [("query", &request.query), ("headers", &request.headers)] {
        for (name, value) in values {
            if let Text::Literal(text) = value {
                texts.push((at.join(table).join(name), text));
            }
        }
    }
    if let Some(json) = &request.json {
        json_texts(at.join("json"), json, &mut texts);
    }
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
