//! Paths: which must start at the page's root, and which can lead anywhere at all.

use crate::plan::Path;
use crate::plan::path::Anchor;
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
