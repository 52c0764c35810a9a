//! Placeholders: each needs a value, and each value needs its place.

use std::collections::BTreeSet;

use crate::config::Upstream;
use crate::config::upstream::{CursorPages, Pagination, Request};
use crate::did_you_mean::{list, nearest};
use crate::plan::placeholder::{Piece, PlaceholderError, scan};
use crate::plan::request::LOGIN;
use crate::plan::{CallerValue, List, NextCursor, Pushable};
use crate::problem::{KeyPath, Problem, Problems};

use super::login_names;
use super::outer_names::OuterNames;
use super::texts::texts;

/// The names that stand for a position or a page's size under some style.
pub(super) const POSITIONS: [&str; 4] = ["cursor", "offset", "page", "limit"];

/// Checks the placeholders of the requests that list groups against their style of paging.
pub(super) fn check(
    at: &KeyPath,
    upstream: &Upstream,
    outer: OuterNames<'_>,
    problems: &mut Problems,
) {
    let style = Style::of(upstream, outer);
    let request = check_listing(&at.join("request"), &upstream.request, &style, problems);
    // Where there are two, the one that is sent again and again has to move on.
    let (key, used) = match &upstream.continuation {
        Some(continuation) => {
            let key = "continuation";
            (
                key,
                check_listing(&at.join(key), continuation, &style, problems),
            )
        }
        None => ("request", request),
    };
    let Some(used) = used else {
        return;
    };
    let is_used = |position: &str| used.iter().any(|(_, name)| name == position);
    for position in style.positions.iter().map(String::as_str) {
        if is_used(position) || (position == "offset" && is_used("first")) {
            continue;
        }
        let key_of_it = position.rsplit('.').next().unwrap_or_default();
        let message =
            format!("`{{{position}}}` is not used in the {key}, so every page would be the first");
        let help = format!(
            "write it where the upstream expects it, as in `query = {{ {key_of_it} = \"{{{position}}}\" }}`, or set \
             `pagination.{}` to how its pages follow each other",
            Pagination::TAG
        );
        problems.push(Problem::new(at.join(key), message).with_help(help));
    }
}

/// The placeholders of one request, unless one of them is unknown: it may be another, misspelt.
fn check_listing(
    at: &KeyPath,
    request: &Request,
    style: &Style<'_>,
    problems: &mut Problems,
) -> Option<BTreeSet<(KeyPath, String)>> {
    let used = used(at, request);
    let is_known = |name: &String| {
        request.vars.contains_key(name)
            || style.provides(name)
            || CallerValue::named(name).is_some()
    };
    for (at, name) in used.iter().filter(|(_, name)| !is_known(name)) {
        problems.push(style.refuse(at, name, request));
    }
    if !used.iter().all(|(_, name)| is_known(name)) {
        return None;
    }
    check_vars(at, request, &used, problems);
    Some(used)
}

/// Checks the placeholders of a request that counts: it is not about a page.
pub(super) fn check_count(
    at: &KeyPath,
    request: &Request,
    upstream: &Upstream,
    outer: OuterNames<'_>,
    problems: &mut Problems,
) {
    let filters: &[Pushable] = match upstream.list {
        List::Whole => &[],
        List::ByQuery => &Pushable::ALL,
    };
    let logins = login_names::of(&upstream.auth);
    check_pageless(at, request, (filters, &logins, outer), problems);
}

/// Checks the placeholders of a request for one group, which knows nothing but its id.
pub(super) fn check_lookup(
    at: &KeyPath,
    request: &Request,
    upstream: &Upstream,
    problems: &mut Problems,
) {
    let logins = login_names::of(&upstream.auth);
    let known: (&[Pushable], &[String], OuterNames<'_>) =
        (&[Pushable::Id], &logins, OuterNames::NONE);
    check_pageless(at, request, known, problems);
}

/// Checks the placeholders of a request that is about no page and no query: a login, which may have what the
/// `logins` before it return.
pub(super) fn check_unpaged(
    at: &KeyPath,
    request: &Request,
    logins: &[String],
    problems: &mut Problems,
) {
    check_pageless(at, request, (&[], logins, OuterNames::NONE), problems);
}

/// Checks the placeholders of headers that all requests have: only what all of them know has a value.
pub(super) fn check_common(
    at: &KeyPath,
    headers: &Request,
    upstream: &Upstream,
    problems: &mut Problems,
) {
    let logins = login_names::of(&upstream.auth);
    let is_known = |name: &String| CallerValue::named(name).is_some() || logins.contains(name);
    for (at, name) in used(at, headers) {
        if !is_known(&name) {
            let message = format!("`{{{name}}}` has no value in the headers of all requests");
            let help =
                "write the header in each request that has one; a brace is written `{{` or `}}`";
            problems.push(Problem::new(at, message).with_help(help));
        }
    }
}

fn check_pageless(
    at: &KeyPath,
    request: &Request,
    (filters, logins, outer): (&[Pushable], &[String], OuterNames<'_>),
    problems: &mut Problems,
) {
    let used = used(at, request);
    let known = request.vars.keys().chain(logins).map(String::as_str);
    let known: Vec<&str> = known.collect();
    let unknown = |name: &String| {
        let is_filter = Pushable::named(name).is_some_and(|filter| filters.contains(&filter));
        let is_known = is_filter || CallerValue::named(name).is_some() || outer.has(name);
        !is_known && !known.contains(&name.as_str())
    };
    for (at, name) in used.iter().filter(|(_, name)| unknown(name)) {
        let refused = outer.refuse(at, name);
        problems.push(refused.unwrap_or_else(|| unknown_placeholder(at, name, &known)));
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
                    format!("`{{{name}}}` is not used in the request"),
                )
                .with_help("write it where the value belongs, or remove the value"),
            );
        }
    }
}

pub(super) fn brace(at: &KeyPath, error: &PlaceholderError) -> Problem {
    Problem::new(at.clone(), error.to_string())
        .with_help("write a placeholder as `{name}`, and a brace as `{{` or `}}`")
}

pub(super) fn unknown_placeholder(at: &KeyPath, name: &str, known: &[&str]) -> Problem {
    let is_of_callers = name == "caller" || name.starts_with("caller.");
    if is_of_callers && CallerValue::named(name).is_none() {
        let message = format!("`{{{name}}}` is nothing that is known of a caller");
        return Problem::new(at.clone(), message).with_help(
            "write `{caller.id}`, or a claim of its token as in `{caller.claims/tenant}`",
        );
    }
    if name.starts_with(LOGIN) && !known.iter().any(|known| known.starts_with(LOGIN)) {
        let message = format!("`{{{name}}}` is nothing that a login before this request returns");
        return Problem::new(at.clone(), message).with_help(
            "use `auth.type = \"token_exchange\"`, and say under `auth.values` where its response holds the value",
        );
    }
    let problem = Problem::new(at.clone(), format!("unknown placeholder `{{{name}}}`"));
    if name == "since" {
        return problem.with_help(
            "say what it is, as in `incremental = { since = \"{updated_after}\" }`: then a walk asks for what has \
             changed",
        );
    }
    let braced: Vec<String> = known.iter().map(|name| format!("{{{name}}}")).collect();
    let help = match (
        nearest(name, known.iter().copied()),
        list(braced.iter().map(String::as_str)),
    ) {
        (Some(nearest), _) => format!("did you mean `{{{nearest}}}`?"),
        (None, Some(all)) => format!("one of: {all}; a brace is written `{{{{` or `}}}}`"),
        (None, None) => "give it a value under `vars`; a brace is written `{{` or `}}`".to_owned(),
    };
    problem.with_help(help)
}

/// What a style of paging writes into the request.
struct Style<'a> {
    name: &'static str,
    outer: OuterNames<'a>,
    /// What the next page is named by: all of it has to be in the request.
    positions: Vec<String>,
    has_limit: bool,
    takes_limit: bool,
    by_query: bool,
    /// What placeholders call what the login returns.
    logins: Vec<String>,
}

impl<'a> Style<'a> {
    fn of(upstream: &Upstream, outer: OuterNames<'a>) -> Self {
        let pagination = &upstream.pagination;
        let (name, position) = match pagination {
            Pagination::None(_) => ("none", None),
            Pagination::Cursor(_) => ("cursor", Some("cursor")),
            Pagination::Offset(_) => ("offset", Some("offset")),
            Pagination::Page(_) => ("page", Some("page")),
            Pagination::Link(_) => ("link", None),
            Pagination::NextUrl(_) => ("next_url", None),
        };
        let positions = if let Pagination::Cursor(CursorPages {
            next: NextCursor::Several { values },
            ..
        }) = pagination
        {
            values.keys().map(|name| format!("cursor.{name}")).collect()
        } else {
            position.into_iter().map(str::to_owned).collect()
        };
        Self {
            name,
            outer,
            positions,
            has_limit: pagination.terms().limit.is_some(),
            takes_limit: !matches!(pagination, Pagination::None(_)),
            by_query: upstream.list == List::ByQuery,
            logins: login_names::of(&upstream.auth),
        }
    }

    fn provides(&self, name: &str) -> bool {
        let is_range = self.name == "offset"
            && (name == "first" || (self.has_limit && matches!(name, "last" | "end")));
        is_range
            || self.positions.iter().any(|position| position == name)
            || (name == "limit" && self.has_limit)
            || (self.by_query && Pushable::named(name).is_some())
            || self.logins.iter().any(|known| known == name)
            || self.outer.has(name)
    }

    fn refuse(&self, at: &KeyPath, name: &str, request: &Request) -> Problem {
        if let Some(refused) = self.outer.refuse(at, name) {
            return refused;
        }
        let is_end = self.name == "offset" && matches!(name, "last" | "end");
        if is_end || (name == "limit" && self.takes_limit) {
            return Problem::new(
                at.clone(),
                format!("`{{{name}}}` is used, but `pagination.limit` is not set"),
            )
            .with_help("set it, as in `limit = 100`");
        }
        if let (false, Some(filter)) = (self.by_query, Pushable::named(name)) {
            return Problem::new(
                at.clone(),
                format!("`{{{filter}}}` has no value, because the whole list is requested"),
            )
            .with_help(
                "set `list = \"by_query\"` and say under `pushdown` how the upstream applies it; a \
                 value of your own belongs under `vars`",
            );
        }
        if !POSITIONS.contains(&name) {
            let known: Vec<&str> = (self.positions.iter().map(String::as_str))
                .chain(self.has_limit.then_some("limit"))
                .chain(request.vars.keys().chain(&self.logins).map(String::as_str))
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
        let provided: Vec<_> = self
            .positions
            .iter()
            .map(|name| format!("{{{name}}}"))
            .collect();
        match list(provided.iter().map(String::as_str)) {
            Some(provided) => problem.with_help(format!("this style provides {provided}")),
            None => problem.with_help(format!("this style provides no `{{{name}}}`")),
        }
    }
}

/// The names of the placeholders in a request.
pub(super) fn names_in(request: &Request) -> BTreeSet<String> {
    let used = used(&KeyPath::default(), request).into_iter();
    used.map(|(_, name)| name).collect()
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
