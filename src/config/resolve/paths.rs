//! Paths: which must start at the page's root, and which can lead anywhere at all.

use crate::config::Upstream;
use crate::config::upstream::{Pagination, Total};
use crate::plan::Path;
use crate::plan::path::Anchor;
use crate::plan::{CursorSource, Format, Location};
use crate::problem::{KeyPath, Problem, Problems};

pub(super) fn check(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    for (key, location) in steering(&upstream.pagination) {
        let at = at.join("pagination").join(key);
        location_from_root(
            &at,
            location,
            "paging looks at the page, not at a record",
            problems,
        );
    }
    if upstream.format == Format::Xml {
        check_attributes(at, upstream, problems);
    }
}

/// The places that a style of paging looks at, with their keys.
fn steering(pagination: &Pagination) -> Vec<(&'static str, &Location)> {
    fn in_page(total: Option<&Total>) -> Option<(&'static str, &Location)> {
        Some(("total", total?.in_page()?))
    }

    let own: Vec<_> = match pagination {
        Pagination::None(_) | Pagination::Link(_) => vec![],
        Pagination::Cursor(pages) => match &pages.next {
            CursorSource::Page(next) => vec![("next", next)],
            CursorSource::Record { .. } => vec![],
        },
        Pagination::Offset(pages) => in_page(pages.total.as_ref()).into_iter().collect(),
        Pagination::Page(pages) => (pages.pages.iter().map(|pages| ("pages", pages)))
            .chain(in_page(pages.total.as_ref()))
            .collect(),
        Pagination::NextUrl(pages) => vec![("next", &pages.next)],
    };
    let terms = pagination.terms();
    let flags = [("more", terms.more), ("last", terms.last)];
    let flags = flags
        .into_iter()
        .filter_map(|(key, flag)| Some((key, flag?)));
    own.into_iter().chain(flags).collect()
}

/// In XML `@name` is an attribute, and an attribute holds nothing but its value.
fn check_attributes(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    for (key, location) in steering(&upstream.pagination) {
        if let Location::Body(path) = location {
            through_attribute(&at.join("pagination").join(key), path, problems);
        }
    }
}

pub(super) fn through_attribute(at: &KeyPath, path: &Path, problems: &mut Problems) {
    let Some((_, elements)) = path.segments().split_last() else {
        return;
    };
    if let Some(attribute) = elements.iter().find(|name| name.starts_with('@')) {
        problems.push(Problem::new(
            at.clone(),
            format!("`{path}` leads through `{attribute}`, but an XML attribute has nothing in it"),
        ));
    }
}

pub(super) fn location_from_root(
    at: &KeyPath,
    location: &Location,
    why: &str,
    problems: &mut Problems,
) {
    match location {
        Location::Body(path) => from_root(at, path, why, problems),
        Location::Header { header } => {
            super::request::check_header_name(&at.join("header"), header, problems);
        }
    }
}

pub(super) fn from_root(at: &KeyPath, path: &Path, why: &str, problems: &mut Problems) {
    if path.anchor() == Anchor::Page {
        return;
    }
    let help = match path.segments() {
        [] => "`/` is the page itself".to_owned(),
        _ => format!("write `/{path}`, with a leading slash"),
    };
    problems.push(
        Problem::new(
            at.clone(),
            format!(
                "`{path}` starts at a record, but {why}: the path must start at the page's root"
            ),
        )
        .with_help(help),
    );
}
