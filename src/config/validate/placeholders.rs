//! Placeholders: each needs a value, and each value needs its place.

use std::collections::BTreeSet;

use crate::config::nearest::{list, nearest};
use crate::config::placeholder::{Piece, PlaceholderError, scan};
use crate::config::upstream::{Json, Pagination, Request, Text};
use crate::config::{KeyPath, Problem, Problems, Upstream};

/// The names that stand for a position or a page's size under some style.
pub(super) const POSITIONS: [&str; 4] = ["cursor", "offset", "page", "limit"];

/// Checks the placeholders of the request that lists groups against its style of paging.
pub(super) fn check(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let request = at.join("request");
    let style = Style::of(&upstream.pagination);
    let used = used(&request, &upstream.request);
    let is_known = |name: &String| upstream.request.vars.contains_key(name) || style.provides(name);
    for (at, name) in used.iter().filter(|(_, name)| !is_known(name)) {
        problems.push(style.refuse(at, name, &upstream.request));
    }
    // One that is misspelt may be the one that is missing.
    if !used.iter().all(|(_, name)| is_known(name)) {
        return;
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
pub(super) fn check_login(at: &KeyPath, request: &Request, problems: &mut Problems) {
    let used = used(at, request);
    let known: Vec<&str> = request.vars.keys().map(String::as_str).collect();
    let unknown = |name: &String| !request.vars.contains_key(name);
    for (at, name) in used.iter().filter(|(_, name)| unknown(name)) {
        problems.push(unknown_placeholder(at, name, &known));
    }
    if !used.iter().any(|(_, name)| unknown(name)) {
        check_vars(at, request, &used, problems);
    }
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

pub(super) fn brace(at: &KeyPath, error: &PlaceholderError) -> Problem {
    Problem::new(at.clone(), error.to_string())
        .with_help("a placeholder is written `{name}`, a brace `{{` or `}}`")
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
pub(super) fn texts<'a>(at: &KeyPath, request: &'a Request) -> Vec<(KeyPath, &'a str)> {
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
