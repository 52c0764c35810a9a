//! Where the list of groups stands, and what kind of list it can be.

use crate::config::Upstream;
use crate::config::upstream::PathOr;
use crate::plan::path::Anchor;
use crate::plan::{Format, Records};
use crate::problem::{KeyPath, Problem, Problems};

use super::paths::{from_root, through_attribute};

/// Why nothing in XML is keyed.
pub(super) const KEYED_XML: &str =
    "XML names its elements by what they are, so there is no object keyed by data";

/// Resolves where the list of groups stands.
pub(super) fn records(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) -> Records {
    let at = at.join("records");
    let is_xml = upstream.format == Format::Xml;
    let records = Records::from(upstream.records.clone());
    let place = match &upstream.records {
        PathOr::Path(_) => at.clone(),
        PathOr::Table(_) => at.join("at"),
    };
    check_kind(&at, &records, is_xml, problems);
    from_root(
        &place,
        &records.at,
        "the list is what records are found in",
        problems,
    );
    if is_xml {
        through_attribute(&place, &records.at, problems);
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
