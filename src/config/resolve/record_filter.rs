//! Conditions on records and on items of lists of people.

use crate::config::upstream::OneOrMany;
use crate::plan::path::Anchor;
use crate::plan::{Part, RecordFilter};
use crate::problem::{KeyPath, Problem, Problems};

use super::paths::{key_of_nothing, through_attribute};

/// Checks the conditions at a key. `keyed_by` says why `$key` stands for nothing there, where it does not.
pub(super) fn check(
    at: &KeyPath,
    filters: &OneOrMany<RecordFilter>,
    keyed_by: Option<&str>,
    is_xml: bool,
    problems: &mut Problems,
) {
    match filters {
        OneOrMany::One(filter) => check_one(at, filter, keyed_by, is_xml, problems),
        OneOrMany::Many(filters) => {
            for (index, filter) in filters.iter().enumerate() {
                check_one(
                    &at.join(index.to_string()),
                    filter,
                    keyed_by,
                    is_xml,
                    problems,
                );
            }
        }
    }
}

fn check_one(
    at: &KeyPath,
    filter: &RecordFilter,
    keyed_by: Option<&str>,
    is_xml: bool,
    problems: &mut Problems,
) {
    let said = [
        ("equals", filter.equals.is_some()),
        ("not", filter.not.is_some()),
        ("present", filter.present.is_some()),
    ];
    let mut said = said
        .into_iter()
        .filter_map(|(key, is_set)| is_set.then_some(key));
    match (said.next(), said.next()) {
        (Some(_), None) => {}
        (None, _) => problems.push(
            Problem::new(at.clone(), "nothing says what must stand at `path`")
                .with_help("name exactly one of `equals`, `not` and `present`"),
        ),
        (Some(one), Some(other)) => problems.push(
            Problem::new(
                at.join(other),
                format!("a condition says one thing, not `{one}` and `{other}`"),
            )
            .with_help("write two conditions in a list, of which all must hold"),
        ),
    }
    let at = at.join("path");
    match (&filter.path, keyed_by) {
        (Part::Key, Some(why)) => problems.push(key_of_nothing(&at, why)),
        (Part::At(path), _) if path.anchor() == Anchor::Page => problems.push(
            Problem::new(
                at,
                format!("`{path}` starts at the page, where all records would find the same"),
            )
            .with_help("write the path from the record, without a leading slash"),
        ),
        (Part::At(path), _) if is_xml => through_attribute(&at, path, problems),
        (Part::Key | Part::At(_), _) => {}
    }
}
