//! Locations that paging reads: they start at the page's root, and the format has such places.

use super::paths::{from_item, from_root, through_attribute};
use super::record_filter;
use crate::plan::path::Anchor;
use crate::plan::{Format, Location};
use crate::problem::{KeyPath, Problem, Problems};

/// Why `$key` stands for nothing in an item of a list.
const NOT_KEYED_LIST: &str = "one item of a list is chosen, and items have no names";

/// Checks where paging finds a value.
pub(super) fn check_location(
    at: &KeyPath,
    location: &Location,
    format: Format,
    problems: &mut Problems,
) {
    const WHY: &str = "paging looks at the page, not at a record";
    location_from_root(at, location, WHY, problems);
    let path = match location {
        Location::Body(path) => path,
        Location::Chosen(place) => &place.each,
        Location::Header { .. } => return,
    };
    if format == Format::Xml {
        through_attribute(at, path, problems);
    }
    if format.is_table() {
        problems.push(
            Problem::new(
                at.clone(),
                "a table has nothing but rows, so nothing else stands in a page",
            )
            .with_help(
                "name a header, as in `{ header = \"X-Next\" }`, or a part of the last record",
            ),
        );
    }
}

/// Checks that a location starts at the page's root. `why` says why it must.
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
        Location::Chosen(place) => {
            from_root(&at.join("each"), &place.each, why, problems);
            record_filter::check(
                &at.join("only"),
                &place.only,
                Some(NOT_KEYED_LIST),
                false,
                problems,
            );
            if place.value.anchor() == Anchor::Page {
                problems.push(
                    Problem::new(
                        at.join("value"),
                        format!(
                            "`{}` starts at the page, but a part of the item is meant",
                            place.value
                        ),
                    )
                    .with_help(from_item(&place.value)),
                );
            }
        }
    }
}
