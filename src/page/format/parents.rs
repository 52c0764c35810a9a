//! How many parents the records of a page stand under.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

use super::node::Node;
use super::page::Page;
use crate::plan::Path;

/// Several parents of records, which are not as many as the records: a position or a limit that counts
/// the ones does not count the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parents {
    /// How many there are.
    pub count: u64,
    /// By which the same ones are recognized, if what they hold tells them apart.
    pub fingerprint: Option<u64>,
}

impl Page {
    /// The parents of so many records at a path, if there are several and not as many as records. Of
    /// several levels it is the outermost one.
    pub fn parents(&self, path: &Path, records: u64) -> Option<Parents> {
        let mut nodes = vec![self.root()];
        for name in path.segments() {
            if self.is_any(name) {
                nodes = nodes
                    .iter()
                    .filter_map(|node| node.every())
                    .flatten()
                    .collect();
                continue;
            }
            let parents: Vec<_> = nodes.iter().flat_map(|node| node.each(name)).collect();
            let count = parents.len() as u64;
            if count > 1 && count != records {
                let fingerprint = fingerprint(&parents);
                return Some(Parents { count, fingerprint });
            }
            nodes = parents
                .iter()
                .filter_map(|node| node.member(name))
                .collect();
        }
        None
    }
}

fn fingerprint(parents: &[Node<'_>]) -> Option<u64> {
    let contents = parents.iter().map(|parent| {
        let mut content = String::new();
        parent.write(&mut content);
        content
    });
    let contents: Vec<_> = contents.collect();
    let different: HashSet<_> = contents.iter().collect();
    let is_told_apart = different.len() == parents.len()
        && (parents.iter()).all(|parent| holds_scalar(&parent.to_value()));
    is_told_apart.then(|| {
        let mut hasher = DefaultHasher::new();
        contents.hash(&mut hasher);
        hasher.finish()
    })
}

/// Whether there is something by which it could be recognized.
fn holds_scalar(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(items) => items.iter().any(holds_scalar),
        Value::Object(members) => members.values().any(holds_scalar),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::page::tests::{json, path, xml};
    use crate::plan::AbsentRecords;

    #[rstest]
    #[case::one_list(r#"{"groups": [1, 2]}"#, "/groups", None)]
    #[case::one_parent(r#"{"orgs": [{"groups": [1, 2]}]}"#, "/orgs/groups", None)]
    #[case::two(
        r#"{"orgs": [{"groups": [1, 2]}, {"groups": [3]}]}"#,
        "/orgs/groups",
        Some(2)
    )]
    #[case::as_many_as_records(
        r#"{"orgs": [{"groups": [1, 2]}, {"groups": []}]}"#,
        "/orgs/groups",
        None
    )]
    #[case::in_a_root_list(r#"[{"groups": [1, 2]}, {"groups": [3]}]"#, "/groups", Some(2))]
    #[case::empty(
        r#"{"orgs": [{"groups": []}, {"groups": []}]}"#,
        "/orgs/groups",
        Some(2)
    )]
    #[case::one_is_chosen(
        r#"{"orgs": [{"groups": [1]}, {"groups": [3]}]}"#,
        "/orgs/1/groups",
        None
    )]
    #[case::outermost(
        r#"{"orgs": [{"units": [{"groups": [1]}, {"groups": [2]}]}, {"units": [{"groups": [3]}, {"groups": [4]}]}]}"#,
        "/orgs/units/groups",
        Some(2)
    )]
    fn json_parents_are_counted_where_they_are_not_as_many_as_records(
        #[case] body: &str,
        #[case] at: &str,
        #[case] expected: Option<u64>,
    ) {
        let page = json(body);
        let records = page.records(&path(at), AbsentRecords::Error).unwrap();
        let parents = page.parents(&path(at), records.len() as u64);
        assert_eq!(parents.map(|parents| parents.count), expected);
    }

    #[rstest]
    #[case::one("<r><org><g>1</g><g>2</g></org></r>", "/r/org/g", None)]
    #[case::two(
        "<r><org><g>1</g><g>2</g></org><org><g>3</g></org></r>",
        "/r/org/g",
        Some(2)
    )]
    #[case::empty("<r><org/><org/><org/></r>", "/r/org/g", Some(3))]
    #[case::the_list_itself_repeats(
        "<r><gs><g>1</g></gs><gs><g>2</g><g>3</g></gs></r>",
        "/r/gs/g",
        Some(2)
    )]
    fn xml_parents_are_counted_where_they_are_not_as_many_as_records(
        #[case] body: &str,
        #[case] at: &str,
        #[case] expected: Option<u64>,
    ) {
        let page = xml(body);
        let records = page.records(&path(at), AbsentRecords::Error).unwrap();
        let parents = page.parents(&path(at), records.len() as u64);
        assert_eq!(parents.map(|parents| parents.count), expected);
    }
}
