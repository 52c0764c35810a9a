//! Cursors: where a page contains the next one, and what of it stands in the last record.

use super::locations::check_location;
use super::paths::{from_item, key_of_nothing};
use super::records::NOT_KEYED;
use crate::config::Upstream;
use crate::config::upstream::CursorPages;
use crate::plan::path::Anchor;
use crate::plan::placeholder::scan;
use crate::plan::{CursorSource, Format, Location, NextCursor, Part};
use crate::problem::{KeyPath, Problem, Problems};

/// Where a cursor, or one of several values of it, is said to be.
fn cursor_place(next: &KeyPath, name: Option<&str>) -> KeyPath {
    name.map_or_else(|| next.clone(), |name| next.join("values").join(name))
}

/// Checks where the next cursor is.
pub(super) fn check(
    pagination: &KeyPath,
    pages: &CursorPages,
    format: Format,
    problems: &mut Problems,
) {
    let at = pagination.join("next");
    for (name, source) in pages.next.sources() {
        let at = cursor_place(&at, name);
        if let Some(location) = source.in_page() {
            check_location(&at, location, format, problems);
        }
        let is_name = |name: &str| scan(&format!("{{{name}}}")).is_ok() && !name.contains('.');
        if name.is_some_and(|name| !is_name(name)) {
            problems.push(
                Problem::new(at, "this is not a valid name for a value of a cursor")
                    .with_help("use `a` to `z`, `0` to `9` and `_`"),
            );
        }
    }
    if let NextCursor::Structure { structure } = &pages.next {
        let at = at.join("structure");
        check_location(&at, &Location::Body(structure.clone()), format, problems);
        if format == Format::Xml {
            let message = "a structure is sent as JSON, and `format` is `xml`";
            let help = "name the values in it, as in `{ values = { id = \"/next/id\" } }`";
            problems.push(Problem::new(at, message).with_help(help));
        }
    }
    if pages.first.is_some() && !matches!(pages.next, NextCursor::One(_)) {
        let message = "a first cursor is one text, and the next ones are not";
        let help = "leave it out: the first request has no cursor";
        problems.push(Problem::new(pagination.join("first"), message).with_help(help));
    }
}

/// Checks what is read of a cursor from the last record.
pub(super) fn check_last_records(
    pagination: &KeyPath,
    pages: &CursorPages,
    upstream: &Upstream,
    problems: &mut Problems,
) {
    let next = pagination.join("next");
    for (name, source) in pages.next.sources() {
        check_last_record(&cursor_place(&next, name), source, upstream, problems);
    }
}

/// Checks what is read from the last record of a page.
pub(super) fn check_last_record(
    at: &KeyPath,
    source: &CursorSource,
    upstream: &Upstream,
    problems: &mut Problems,
) {
    let CursorSource::Record { last_record } = source else {
        return;
    };
    let at = at.join("last_record");
    match last_record {
        Part::Key if !upstream.records.keyed() => {
            problems.push(key_of_nothing(&at, NOT_KEYED));
        }
        Part::At(path) if path.anchor() == Anchor::Page => problems.push(
            Problem::new(
                at,
                format!("`{path}` starts at the page, but a part of the last record is meant"),
            )
            .with_help(from_item(path)),
        ),
        Part::Key | Part::At(_) => {}
    }
}
