//! Paths: which must start at the page's root, and which can lead anywhere at all.

use super::record_filter;
use crate::plan::path::Anchor;
use crate::plan::{Location, Path};
use crate::problem::{KeyPath, Problem, Problems};

/// In XML `@name` is an attribute, and an attribute holds nothing but its value.
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

/// Why `$key` stands for nothing in an item of a list.
const NOT_KEYED_LIST: &str = "one item of a list is chosen, and items have no names";

/// What would be right in place of a path from the page.
pub(super) fn from_item(path: &Path) -> String {
    match path.to_string().trim_start_matches('/') {
        "" => "`.` is a scalar record itself".to_owned(),
        name => format!("write `{name}`, without the leading slash"),
    }
}

/// What is wrong with `$key` where nothing is keyed.
pub(super) fn key_of_nothing(at: &KeyPath, why: &str) -> Problem {
    Problem::new(at.clone(), format!("`$key` stands for nothing here: {why}"))
        .with_help("set it where the list is an object whose names are part of the data")
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
