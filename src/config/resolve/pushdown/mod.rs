//! Pushdown: filters that stand nowhere, or where they would not be safe, or that would lose groups.

mod places;
mod rules;
mod statements;
mod times;
pub(super) use times::check as check_time;

pub(crate) use rules::rules;

use std::collections::BTreeSet;

use crate::config::Upstream;
use crate::config::upstream::{Pagination, Request};
use crate::did_you_mean::list;
use crate::plan::placeholder::{Piece, scan};
use crate::plan::{List, Pushable};
use crate::problem::{KeyPath, Problem, Problems};

use super::placeholders;
use super::texts::texts;

/// Checks how an upstream is asked by query.
pub(super) fn check(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    match upstream.list {
        List::Whole => check_whole(at, upstream, problems),
        List::ByQuery => check_by_query(at, upstream, problems),
    }
}

fn check_whole(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let at = at.join("pushdown");
    let described = upstream.pushdown.described();
    let keys = described.into_iter().map(Pushable::as_str);
    for key in keys.chain((!upstream.pushdown.paged).then_some("paged")) {
        problems.push(
            Problem::new(
                at.join(key),
                "filters are not passed on, because the whole list is requested",
            )
            .with_help("set `list = \"by_query\"`, or remove this key"),
        );
    }
}

fn check_by_query(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let request = at.join("request");
    check_vars(&request, &upstream.request, problems);
    let used = upstream.request.filters();
    let lookup = upstream.pushdown.lookup();
    if used.is_empty() && lookup.is_none() {
        let all = Pushable::ALL.map(|filter| format!("{{{filter}}}"));
        let all = list(all.iter().map(String::as_str)).unwrap_or_default();
        problems.push(
            Problem::new(
                at.join("list"),
                "the request contains no filter, so every query would need the whole list",
            )
            .with_help(format!("write one where the upstream expects it: {all}")),
        );
    }
    let places = at.join("pushdown");
    for filter in upstream.pushdown.described() {
        let is_elsewhere = filter == Pushable::Id && lookup.is_some();
        if !used.contains(&filter) && !is_elsewhere {
            problems.push(
                Problem::new(
                    places.join(filter.as_str()),
                    format!("`{{{filter}}}` is not used in the request"),
                )
                .with_help("write it where the upstream expects it, or remove this key"),
            );
        }
    }
    if upstream.records.children().is_some() {
        problems.push(
            Problem::new(
                at.join("list"),
                "the groups of a tree need their parents, which a filtered response may lack",
            )
            .with_help("set `list = \"whole\"`"),
        );
    }
    places::check(&request, &upstream.request, &upstream.pushdown, problems);
    let mut described = used.clone();
    if let Some(lookup) = lookup {
        described.insert(Pushable::Id);
        check_lookup(&places.join("id"), lookup, upstream, problems);
    }
    let id = upstream.pushdown.id.as_ref();
    if lookup.is_none() && id.is_some_and(|id| id.records.is_some()) {
        problems.push(
            Problem::new(
                places.join("id").join("records"),
                "`records` is where the response to `request` holds the group, which is not set",
            )
            .with_help("set it, as in `request = { path = \"/groups/{id}\" }`, or leave this out"),
        );
    }
    statements::check(at, upstream, &described, problems);
    check_further(at, upstream, &used, problems);
}

/// Checks the request for one group.
fn check_lookup(at: &KeyPath, lookup: &Request, upstream: &Upstream, problems: &mut Problems) {
    let request = at.join("request");
    check_vars(&request, lookup, problems);
    placeholders::check_lookup(&request, lookup, upstream, problems);
    places::check(&request, lookup, &upstream.pushdown, problems);
    if !lookup.filters().contains(&Pushable::Id) {
        problems.push(
            Problem::new(
                request.clone(),
                "`{id}` is not used here, so every group would be the same",
            )
            .with_help("write it where the upstream expects it, as in `/groups/{id}`"),
        );
    }
    if upstream.request.filters().contains(&Pushable::Id) {
        problems.push(
            Problem::new(
                request,
                "`{id}` is used in the request that lists groups too",
            )
            .with_help("keep the one that the upstream answers faster"),
        );
    }
}

/// Checks the requests that belong to the same list.
fn check_further(
    at: &KeyPath,
    upstream: &Upstream,
    used: &BTreeSet<Pushable>,
    problems: &mut Problems,
) {
    if let Some(continuation) = &upstream.continuation {
        let at = at.join("continuation");
        check_vars(&at, continuation, problems);
        places::check(&at, continuation, &upstream.pushdown, problems);
        let again = continuation.filters();
        for filter in again.difference(used) {
            problems.push(only_later(&at, *filter));
        }
        // A cursor and a URL carry the question along; a number does not.
        if matches!(
            upstream.pagination,
            Pagination::Offset(_) | Pagination::Page(_)
        ) {
            for filter in used.difference(&again) {
                problems.push(lost(&at, *filter, "the pages after the first"));
            }
        }
    }
    if let Some(call) = upstream.pagination.total_call()
        && upstream.pushdown.paged
    {
        let at = at.join("pagination").join("total").join("request");
        check_vars(&at, &call.request, problems);
        places::check(&at, &call.request, &upstream.pushdown, problems);
        let counted = call.request.filters();
        for filter in counted.difference(used) {
            problems.push(only_later(&at, *filter));
        }
        for filter in used.difference(&counted) {
            problems.push(lost(&at, *filter, "the total"));
        }
    }
}

fn only_later(at: &KeyPath, filter: Pushable) -> Problem {
    Problem::new(
        at.clone(),
        format!("`{{{filter}}}` is used here but not in `request`"),
    )
    .with_help("use it in both")
}

fn lost(at: &KeyPath, filter: Pushable, what: &str) -> Problem {
    Problem::new(
        at.clone(),
        format!("`{{{filter}}}` is missing here, so {what} would be of another list"),
    )
    .with_help(format!("write `{{{filter}}}` here as in the `request`"))
}

fn check_vars(at: &KeyPath, request: &Request, problems: &mut Problems) {
    for name in request.vars.keys() {
        if Pushable::named(name).is_some() {
            problems.push(
                Problem::new(
                    at.join("vars").join(name),
                    format!("`{{{name}}}` is reserved for a filter"),
                )
                .with_help("give the value another name"),
            );
        }
    }
}

impl Request {
    /// The filters whose placeholders stand in it.
    pub fn filters(&self) -> BTreeSet<Pushable> {
        let texts = texts(&KeyPath::default(), self).into_iter();
        texts.flat_map(|(_, text)| filters_in(text)).collect()
    }
}

fn filters_in(text: &str) -> Vec<Pushable> {
    let pieces = scan(text).unwrap_or_default().into_iter();
    pieces
        .filter_map(|piece| match piece {
            Piece::Placeholder(name) => Pushable::named(&name),
            Piece::Literal(_) => None,
        })
        .collect()
}
