//! Paths: which must start at the page's root, and which can lead anywhere at all.

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
