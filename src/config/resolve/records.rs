//! Where the list of groups stands, and what kind of list it can be.

use crate::config::Upstream;
use crate::config::upstream::{PathOr, Records as WrittenRecords};
use crate::plan::path::Anchor;
use crate::plan::records::ANY_MEMBER;
use crate::plan::{Format, Records};
use crate::problem::{KeyPath, Problem, Problems};

use super::paths::{from_root, through_attribute};
use super::record_filter;

/// Why nothing in XML is keyed.
pub(super) const KEYED_XML: &str =
    "XML names its elements by what they are, so there is no object keyed by data";

/// Why `$key` stands for nothing in a record.
pub(super) const NOT_KEYED: &str = "`records` has no `keyed = true`";

/// Resolves where the list of groups stands.
pub(super) fn records(
    at: &KeyPath,
    written: &WrittenRecords,
    format: Format,
    problems: &mut Problems,
) -> Records {
    let is_xml = format == Format::Xml;
    let records = Records::from(written.clone());
    let place = match written {
        PathOr::Path(_) => at.clone(),
        PathOr::Table(_) => at.join("at"),
    };
    check_kind(at, &records, is_xml, problems);
    if let Some(only) = &records.only {
        let keyed_by = (!records.keyed).then_some(NOT_KEYED);
        record_filter::check(&at.join("only"), only, keyed_by, is_xml, problems);
    }
    from_root(
        &place,
        &records.at,
        "the list is what records are found in",
        problems,
    );
    if format.is_table() {
        check_table(at, &place, &records, problems);
    }
    if is_xml {
        through_attribute(&place, &records.at, problems);
        if records.at.segments().iter().any(|name| name == ANY_MEMBER) {
            problems.push(Problem::new(place, KEYED_XML));
        }
    }
    records
}

/// What stands before JSON is something, and stands before JSON.
pub(super) fn check_prefix(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let Some(prefix) = &upstream.strip_prefix else {
        return;
    };
    let at = at.join("strip_prefix");
    if prefix.trim().is_empty() {
        problems.push(
            Problem::new(
                at,
                "there is nothing to strip: white space before JSON is skipped anyway",
            )
            .with_help("write what stands before the JSON, such as `)]}'`, or leave it out"),
        );
    } else if !upstream.format.is_json() {
        let format = upstream.format;
        problems.push(
            Problem::new(
                at,
                format!(
                    "a prefix keeps JSON from being run as a script, and `format` is `{format}`"
                ),
            )
            .with_help("leave it out"),
        );
    }
}

/// A table is one list of rows.
fn check_table(at: &KeyPath, place: &KeyPath, records: &Records, problems: &mut Problems) {
    if !records.at.segments().is_empty() {
        problems.push(
            Problem::new(
                place.clone(),
                "a table has nothing but rows, which are its records",
            )
            .with_help("write `/`"),
        );
    }
    let of_objects = [
        ("keyed", records.keyed),
        ("children", records.children.is_some()),
    ];
    for (key, _) in of_objects.into_iter().filter(|(_, is_set)| *is_set) {
        problems.push(
            Problem::new(
                at.join(key),
                "the rows of a table are a list without any below them",
            )
            .with_help("leave it out"),
        );
    }
}

fn check_kind(at: &KeyPath, records: &Records, is_xml: bool, problems: &mut Problems) {
    if records.keyed && is_xml {
        problems.push(Problem::new(at.join("keyed"), KEYED_XML));
    }
    let Some(children) = &records.children else {
        return;
    };
    let at = at.join("children");
    if children.anchor() == Anchor::Page {
        problems.push(
            Problem::new(
                at,
                format!(
                    "`{children}` starts at the page's root, where every record would find the \
                     same children"
                ),
            )
            .with_help("write the path from the record, without a leading slash"),
        );
        return;
    }
    if children.segments().is_empty() {
        problems.push(
            Problem::new(at, "a record cannot be its own child")
                .with_help("name the member that holds the records below it"),
        );
        return;
    }
    if is_xml {
        through_attribute(&at, children, problems);
    }
}
