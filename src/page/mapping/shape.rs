//! Whether what is read as records can be any: a list of objects.
//!
//! One record without a list around it is common, and so are lists of scalars: what gives a group is
//! never refused for its shape. What gives none may be something else than the list.

use std::collections::HashSet;

use crate::page::format::{FormatError, Node};
use crate::plan::Path;

use super::item::Item;
use super::outcome::Skip;

/// The shape of the records at a path.
pub(super) struct RecordsShape<'a> {
    path: &'a Path,
    /// What a record is.
    what: &'static str,
    /// How many records were looked at.
    looked_at: usize,
    /// What stands where lists are expected, once that is asked for.
    containers: Option<HashSet<u32>>,
}

impl<'a> RecordsShape<'a> {
    pub(super) const fn of(path: &'a Path, what: &'static str) -> Self {
        Self {
            path,
            what,
            looked_at: 0,
            containers: None,
        }
    }

    /// Takes note of the next record, which may be skipped; an error if that is because it is no record.
    #[inline]
    pub(super) fn check(
        &mut self,
        record: Item<'_>,
        skip: Option<Skip>,
    ) -> Result<(), FormatError> {
        self.looked_at += 1;
        match (skip, record) {
            (Some(skip), Item::Plain(node)) => self.check_skipped(node, skip),
            _ => Ok(()),
        }
    }

    #[cold]
    fn check_skipped(&mut self, node: Node<'_>, skip: Skip) -> Result<(), FormatError> {
        if node.is_object() && !node.is_xml() && self.is_container(node) {
            return Err(FormatError::LoneObject {
                path: self.path.to_string(),
                what: self.what,
                skip: skip.to_string(),
                holds: node.holds(),
            });
        }
        if !node.is_object() && !node.is_empty() {
            return Err(FormatError::NoObject {
                path: self.path.to_string(),
                number: self.looked_at,
                holds: node.holds(),
            });
        }
        Ok(())
    }

    fn is_container(&mut self, node: Node<'_>) -> bool {
        let path = self.path;
        let containers = self
            .containers
            .get_or_insert_with(|| node.find_all(path).map(Node::place).collect());
        containers.contains(&node.place())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::batch;

    const KEYS: &str = "records = '/groups'\nfields = { id = 'id', name = 'name' }";

    #[rstest]
    #[case::in_place_of_the_list(
        r#"{"groups": {"total": 2, "items": [{"id": 1, "name": "a"}]}}"#,
        "expected a list at `/groups`, found one object, which is no group (it has no id): it has `total`, \
         `items`; let"
    )]
    #[case::with_half_of_a_group(
        r#"{"groups": {"id": 1, "items": []}}"#,
        "expected a list at `/groups`, found one object, which is no group (it has no name): it has `id`"
    )]
    #[case::a_text(
        r#"{"groups": [{"id": 1, "name": "a"}, "b"]}"#,
        "expected an object as record 2 at `/groups`, which is a string;"
    )]
    #[case::a_list(
        r#"{"groups": [[{"id": 1, "name": "a"}]]}"#,
        "expected an object as record 1 at `/groups`, which is a list of 1;"
    )]
    #[case::a_number(
        r#"{"groups": [7]}"#,
        "expected an object as record 1 at `/groups`, which is a number;"
    )]
    fn what_is_no_group_because_it_is_no_record_is_an_error(
        #[case] body: &str,
        #[case] expected: &str,
    ) {
        let error = batch(KEYS, body).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn an_object_in_place_of_a_list_is_found_below_several_parents() {
        let keys = "records = '/orgs/groups'\nfields = { id = 'id', name = 'name' }";
        let body = r#"{"orgs": [{"groups": {"id": 1, "name": "a"}}, {"groups": {"count": 0}}]}"#;
        let error = batch(keys, body).unwrap_err().to_string();
        assert!(
            error.starts_with("expected a list at `/orgs/groups`"),
            "{error}"
        );
    }

    #[test]
    fn a_text_between_xml_elements_is_an_error_and_an_empty_element_is_skipped() {
        let keys = "format = 'xml'\nrecords = '/r/g'\nfields = { id = 'id', name = 'id' }";
        let skipped = batch(keys, "<r><g><id>1</id></g><g/></r>").unwrap();
        assert_eq!(
            skipped.outcomes.iter().filter(|one| one.is_err()).count(),
            1
        );
        let error = batch(keys, "<r><g><id>1</id></g><g>b</g></r>").unwrap_err();
        let expected = "expected an object as record 2 at `/r/g`, which is a string;";
        assert!(error.to_string().starts_with(expected), "{error}");
    }

    #[rstest]
    #[case::one_group_alone(r#"{"groups": {"id": 1, "name": "a"}}"#, 1)]
    #[case::a_null(r#"{"groups": [{"id": 1, "name": "a"}, null]}"#, 1)]
    #[case::an_object_of_a_list(r#"{"groups": [{"notice": "moved"}]}"#, 0)]
    fn what_may_be_a_record_is_a_group_or_skipped(#[case] body: &str, #[case] expected: usize) {
        let outcomes = batch(KEYS, body).unwrap().outcomes;
        assert_eq!(outcomes.iter().filter(|one| one.is_ok()).count(), expected);
    }
}
