//! Walks that ask only for what has changed.

use crate::config::Upstream;
use crate::config::upstream::{Incremental, Pagination, Since};
use crate::plan::incremental::UPDATED_AFTER;
use crate::plan::placeholder::{Piece, scan};
use crate::plan::{self, List, SinceRule};
use crate::problem::{KeyPath, Problem, Problems};

use super::placeholders::{brace, unknown_placeholder};
use super::records::NOT_KEYED;
use super::texts::texts;
use super::{pushdown, record_filter};

/// What stands for the text of `since` in a request.
const PLACEHOLDER: &str = "{since}";

/// Resolves how the upstream whose block stands at `at` is asked for what has changed.
pub(super) fn incremental(
    at: &KeyPath,
    upstream: &Upstream,
    problems: &mut Problems,
) -> Option<plan::Incremental> {
    let written = upstream.incremental.as_ref()?;
    let own = &at.join("incremental");
    let mut push = |at: KeyPath, message: &str, help: &str| {
        problems.push(Problem::new(at, message.to_owned()).with_help(help.to_owned()));
    };
    if upstream.list == List::ByQuery {
        let message = "an upstream that is asked by query has no list that could be kept up";
        push(
            at.join("list"),
            message,
            "leave `list` or `incremental` out",
        );
    }
    if upstream.conditional {
        let message =
            "walks for what has changed make each request once: no page is asked for again";
        push(
            at.join("conditional"),
            message,
            "leave `conditional` or `incremental` out",
        );
    }
    if upstream.records.children().is_some() {
        let message = "a record that has changed does not say what is above it, and lists those below it or not";
        let help = "leave `records.children` or `incremental` out";
        push(at.join("records").join("children"), message, help);
    }
    if written.full.get().is_zero() {
        let message = "every walk would be one for everything";
        push(
            own.join("full"),
            message,
            "set it to some hours, as in `full = \"24h\"`, or leave `incremental` out",
        );
    }
    check_places(at, upstream, &written.since, problems);
    check_total(at, upstream, &written.since, problems);
    if let Some(deleted) = &written.deleted {
        let keyed_by = (!upstream.records.keyed()).then_some(NOT_KEYED);
        let is_xml = upstream.format == plan::Format::Xml;
        record_filter::check(&own.join("deleted"), deleted, keyed_by, is_xml, problems);
    }
    Some(plan::Incremental {
        since: since(own, written, problems)?,
        full: written.full,
        overlap: written.overlap,
    })
}

fn since(at: &KeyPath, written: &Incremental, problems: &mut Problems) -> Option<SinceRule> {
    let text = match &written.since {
        Since::Link { link } => return Some(SinceRule::Link(link.clone())),
        Since::Text(text) => text,
    };
    let time = &written.updated_after;
    pushdown::check_time(&at.join("updated_after"), Some(time), problems);
    let at = at.join("since");
    let pieces = match scan(text) {
        Ok(pieces) => pieces,
        Err(error) => {
            problems.push(brace(&at, &error));
            return None;
        }
    };
    let mut names = pieces.iter().filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(name.as_str()),
        Piece::Literal(_) => None,
    });
    match names.clone().find(|name| *name != UPDATED_AFTER) {
        Some(name) => problems.push(unknown_placeholder(&at, name, &[UPDATED_AFTER])),
        None if names.next().is_none() => problems.push(
            Problem::new(
                at,
                "the text has no `{updated_after}`: it does not say since when",
            )
            .with_help("write it where the time stands, as in `since = \"{updated_after}\"`"),
        ),
        None => {}
    }
    Some(SinceRule::Time {
        text: pieces,
        time: time.clone(),
    })
}

/// Checks that the total of a walk for changes is not that of the whole list.
fn check_total(at: &KeyPath, upstream: &Upstream, since: &Since, problems: &mut Problems) {
    let Some(call) = upstream.pagination.total_call() else {
        return;
    };
    let help = match since {
        Since::Text(_) => {
            let mut texts = texts(at, &call.request).into_iter();
            if texts.any(|(_, text)| text.contains(PLACEHOLDER)) {
                return;
            }
            "write `{since}` there too, as in `query = { filter = \"{since}\" }`, or leave `total` out"
        }
        Since::Link { .. } => "a link leads past it: leave `total` out, or read it from the pages",
    };
    let own = ["pagination", "total", "request"];
    let own = own.into_iter().fold(at.clone(), |at, key| at.join(key));
    let message = "the request for the total does not say since when, so a walk for what has changed would be held against \
                   the number of all groups";
    problems.push(Problem::new(own, message).with_help(help));
}

/// Checks that the requests of a walk can say since when.
fn check_places(at: &KeyPath, upstream: &Upstream, since: &Since, problems: &mut Problems) {
    let own = at.join("incremental").join("since");
    match since {
        Since::Text(_) => {
            let requests = [Some(&upstream.request), upstream.continuation.as_ref()];
            let requests = requests.into_iter().flatten();
            let mut texts = requests.flat_map(|request| texts(at, request));
            if texts.any(|(_, text)| text.contains(PLACEHOLDER)) {
                return;
            }
            problems.push(
                Problem::new(own, "`{since}` is not used in the request, so every walk would be one for everything")
                    .with_help("write it where the upstream expects it, as in `query = { filter = \"{since}\" }`"),
            );
        }
        Since::Link { .. } => {
            let follows = matches!(
                upstream.pagination,
                Pagination::NextUrl(_) | Pagination::Link(_)
            );
            if !follows {
                let message = "a link leads to what has changed only where pages are URLs";
                problems.push(
                    Problem::new(own.clone(), message)
                        .with_help("set `pagination.style` to `next_url` or `link`, or write a text with `{updated_after}`"),
                );
            }
            if upstream.partitions.is_some() {
                let message = "each partition would have a link of its own, and one is kept";
                problems.push(
                    Problem::new(own, message).with_help(
                        "write a text with `{updated_after}`, or leave `partitions` out",
                    ),
                );
            }
        }
    }
}
