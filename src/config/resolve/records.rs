//! Where the list of groups stands, and what kind of list it can be.

use crate::config::Upstream;
use crate::plan::path::Anchor;
use crate::plan::{Format, PathOr, RecordList};
use crate::problem::{KeyPath, Problem, Problems};

use super::paths::{from_root, through_attribute};

/// Why nothing in XML is keyed.
pub(super) const KEYED_XML: &str =
    "XML names its elements by what they are, so there is no object keyed by data";

pub(super) fn check(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let at = at.join("records");
    let is_xml = upstream.format == Format::Xml;
    let place = match &upstream.records {
        PathOr::Path(_) => at.clone(),
        PathOr::Table(list) => {
            check_list(&at, list, is_xml, problems);
            at.join("at")
        }
    };
    let path = upstream.records.at();
    from_root(
        &place,
        path,
        "the list is what records are found in",
        problems,
    );
    if is_xml {
        through_attribute(&place, path, problems);
    }
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
    } else if upstream.format == Format::Xml {
        problems.push(
            Problem::new(
                at,
                "a prefix keeps JSON from being run as a script, and `format` is `xml`",
            )
            .with_help("leave it out"),
        );
    }
}

fn check_list(at: &KeyPath, list: &RecordList, is_xml: bool, problems: &mut Problems) {
    if list.keyed && is_xml {
        problems.push(Problem::new(at.join("keyed"), KEYED_XML));
    }
    let Some(children) = &list.children else {
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
