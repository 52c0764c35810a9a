//! The mapping: the records of a page become groups.
//!
//! ```text
//!                                    ┌▸ field_readers ▸ field (sources, conversions, times) ┐
//! page ▸ tree (records, in order) ▸ mapper ▸ reader (members) ▸ people ─────────────────────┼▸ read_groups
//!                                    └▸ unmapped ───────────────────────────────────────────┘
//! ```
//!
//! Groups are written a few at a time (`snapshot/group_page`): until then their texts stand in the page, but for those
//! that the mapping makes.
//!
//! A pure function of a page and of the plan ([`Mapping`]). Parts that no field maps are kept
//! unchanged under `attributes`. A value that does not fit its field (an object for a name, an
//! invalid timestamp) counts as unmapped, so nothing that the upstream sent is lost.

mod tree;

mod item;

mod outcome;
pub use outcome::{BroughtPage, LeftOutRecord, MappedPage, Skip};

mod columns;
pub use columns::map_columns;

mod mapper;

mod members;
mod read_groups;
mod reader;
mod record_filter;
pub(crate) use record_filter::{ChosenItem, choose};

mod shape;

mod conversions;
mod field;
mod field_readers;
pub(crate) mod time;

mod overlay;
mod people;

mod unmapped;

pub use crate::plan::Mapping;
use crate::plan::Records;

use super::format::{FormatError, Node, Page, Parents, names};
use item::Item;
use mapper::Mapper;
use tree::Ancestors;

/// The records that a page lists, without nested ones: the unit of paging.
#[derive(Debug, Default)]
pub struct PageRecords<'a>(Vec<Item<'a>>);

impl<'a> PageRecords<'a> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the page lists none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them that exist, in order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'a>> {
        self.0.iter().filter_map(|item| item.node())
    }

    /// The last of them, and its key, if they are keyed.
    pub fn last(&self) -> Option<(Node<'a>, Option<&'a str>)> {
        match *self.0.last()? {
            Item::Plain(node) => Some((node, None)),
            Item::Keyed(key, node) => Some((node, Some(key))),
            Item::Piece(_) => None,
        }
    }
}

impl Records {
    /// The records that a page lists.
    pub fn listed<'a>(&self, page: &'a Page) -> Result<PageRecords<'a>, FormatError> {
        self.top(page).map(PageRecords)
    }

    /// The parents of so many records on a page, if there are several and not as many as records.
    pub fn parents(&self, page: &Page, records: u64) -> Option<Parents> {
        page.parents(&self.at, records)
    }

    /// The records of a page, each followed by its nested ones: the order of their outcomes. None if
    /// the page lists no records.
    pub fn values<'a>(&self, page: &'a Page) -> Vec<Option<Node<'a>>> {
        let mut values = Vec::new();
        if let Ok(top) = self.top(page) {
            self.values_of(top, 1, &mut values);
        }
        values
    }

    fn values_of<'a>(
        &self,
        records: Vec<Item<'a>>,
        depth: usize,
        values: &mut Vec<Option<Node<'a>>>,
    ) {
        for record in records {
            values.push(record.node());
            if self.children.is_some()
                && let Ok(below) = self.below(record, depth)
            {
                self.values_of(below, depth + 1, values);
            }
        }
    }
}

impl Mapping {
    /// What is no table of groups has columns too, if it is read as one: a message has its own words.
    pub(crate) fn check_columns(&self, page: &Page) -> Result<(), FormatError> {
        let Some(columns) = page.columns() else {
            return Ok(());
        };
        for field in [&self.fields.id, &self.fields.name] {
            let mut missing = field.0.iter().map(|source| match source.only_path() {
                Some([column, ..]) if !columns.contains(column) => Some(column),
                Some(_) | None => None,
            });
            if let Some(Some(column)) = missing.next()
                && missing.all(|missing| missing.is_some())
            {
                let columns: Vec<_> = columns.iter().map(String::as_str).collect();
                return Err(FormatError::NoColumn {
                    column: column.clone(),
                    columns: format!("it {}", names(&columns)),
                });
            }
        }
        Ok(())
    }

    /// What becomes of the records, each followed by its nested ones. Ids that are unique only within a part of
    /// the list come behind its `qualifier`.
    pub fn map(
        &self,
        records: PageRecords<'_>,
        qualifier: Option<&str>,
        of_left_out: LeftOutRecord,
    ) -> Result<MappedPage, FormatError> {
        let PageRecords(records) = records;
        let mut mapper = Mapper::new(self, qualifier, None).with_left_out(of_left_out);
        if self.records.children.is_some() {
            mapper.map_tree(records, &Ancestors::top(), 1)?;
        } else {
            mapper.map_list(records)?;
        }
        Ok(mapper.finish())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::resolve::mapping;
    use crate::config::upstream::Upstream;
    use crate::group::Group;
    use crate::plan::Format;
    use crate::problem::{KeyPath, Problems};
    use crate::snapshot::SOURCE_ID_BYTES;

    mod batches;
    mod plain;

    /// The outcomes of the records of a page.
    #[derive(Debug)]
    pub(in crate::page::mapping) struct Batch {
        pub(in crate::page::mapping) listed: usize,
        pub(in crate::page::mapping) outcomes: Vec<Result<Group, Skip>>,
        pub(in crate::page::mapping) unparsed_timestamps: u64,
        pub(in crate::page::mapping) unread_people: u64,
        pub(in crate::page::mapping) unmarked_people: u64,
    }

    /// Maps a body by an adapter of these keys.
    pub(in crate::page::mapping) fn batch(keys: &str, body: &str) -> Result<Batch, FormatError> {
        let (listed, mapped) = map_body(keys, body)?;
        Ok(Batch {
            listed,
            outcomes: mapped.outcomes(),
            unparsed_timestamps: mapped.unparsed_timestamps,
            unread_people: mapped.unread_people,
            unmarked_people: mapped.unmarked_people,
        })
    }

    /// What a body becomes by an adapter of these keys.
    pub(in crate::page::mapping) fn mapped(keys: &str, body: &str) -> MappedPage {
        map_body(keys, body).unwrap().1
    }

    /// The mapping of an adapter of these keys, and the format of its bodies.
    fn compiled(keys: &str) -> (Mapping, Format) {
        let block = format!("base_url = 'http://localhost'\nrequest.path = '/'\n{keys}");
        let upstream: Upstream = toml::from_str(&block).unwrap();
        let mut problems = Problems::default();
        let at = KeyPath::default();
        let mapping = mapping::mapping(&at, "u", &upstream, Vec::new(), &mut problems);
        assert_eq!(problems, Problems::default());
        (mapping.unwrap(), upstream.format)
    }

    fn map_body(keys: &str, body: &str) -> Result<(usize, MappedPage), FormatError> {
        let (mapping, format) = compiled(keys);
        let page = Page::decode(format, body.as_bytes())?;
        let records = mapping.records.listed(&page)?;
        let listed = records.len();
        Ok((
            listed,
            mapping.map(records, None, LeftOutRecord::SaysNothing)?,
        ))
    }

    fn map_one(fields: &str, record: &Value) -> Batch {
        let keys = format!("records = '/'\n[fields]\n{fields}");
        batch(&keys, &json!([record]).to_string()).unwrap()
    }

    fn map(fields: &str, record: &Value) -> Result<Group, Skip> {
        map_one(fields, record).outcomes.remove(0)
    }

    /// The group of one JSON record by these fields.
    pub(in crate::page::mapping) fn group(fields: &str, record: &Value) -> Group {
        map(fields, record).unwrap()
    }

    pub(in crate::page::mapping) const BARE: &str = "id = 'id'\nname = 'name'\n";

    #[test]
    fn ids_are_text_whatever_the_upstream_uses() {
        let record = serde_json::from_str(r#"{"id": 123456789012345678901234567890, "name": 7}"#);
        let group = group(BARE, &record.unwrap());
        assert_eq!(group.id, "u:123456789012345678901234567890");
        assert_eq!(group.name, "7");
    }

    #[test]
    fn a_record_without_id_or_name_is_skipped() {
        assert_eq!(map(BARE, &json!({"name": "a"})), Err(Skip::NoId));
        assert_eq!(map(BARE, &json!({"id": "", "name": "a"})), Err(Skip::NoId));
        assert_eq!(
            map(BARE, &json!({"id": 1, "name": null})),
            Err(Skip::NoName)
        );
        assert_eq!(
            map(BARE, &json!({"id": 1, "name": ["a"]})),
            Err(Skip::NoName)
        );
        let long = "x".repeat(SOURCE_ID_BYTES + 1);
        assert_eq!(
            map(BARE, &json!({"id": long, "name": "a"})),
            Err(Skip::LongId)
        );
    }

    #[test]
    fn what_no_field_takes_is_kept_verbatim() {
        let fields = format!("{BARE}description = 'about/text'\nupdated_at = ['new', 'old']");
        let record = json!({
            "id": 1, "name": "a", "zeta": [1, {"b": null}], "about": {"text": "t", "lang": "en"},
            "new": "2024-01-01T00:00:00Z", "old": "2023-01-01T00:00:00Z", "alpha": 1.50,
        });
        let attributes = group(&fields, &record).attributes;
        assert_eq!(
            Value::Object(attributes.members()),
            json!({"zeta": [1, {"b": null}], "about": {"lang": "en"}, "old": "2023-01-01T00:00:00Z", "alpha": 1.50})
        );
    }

    #[test]
    fn the_first_path_that_is_there_and_not_null_counts() {
        let fields = format!("{BARE}updated_at = ['updated_at', 'last_updated']");
        let record = json!({"id": 1, "name": "a", "updated_at": null, "last_updated": "2024-04-20T10:00:00+02:00"});
        let group = group(&fields, &record);
        assert_eq!(
            group.updated_at.unwrap().to_string(),
            "2024-04-20T08:00:00Z"
        );
        assert!(group.attributes.is_empty());
    }

    #[test]
    fn a_time_that_cannot_be_read_is_null_counted_and_kept() {
        let fields = format!("{BARE}created_at = 'created'");
        let batch = map_one(
            &fields,
            &json!({"id": 1, "name": "a", "created": "yesterday"}),
        );
        let group = groups(&batch).next().unwrap();
        assert_eq!(group.created_at, None);
        assert_eq!(batch.unparsed_timestamps, 1);
        assert_eq!(group.attributes.members()["created"], "yesterday");
    }

    #[test]
    fn items_of_a_list_of_people_with_neither_id_nor_email_are_counted() {
        let fields = format!("{BARE}members = {{ each = 'members', id = 'value' }}");
        let record = json!({"id": 1, "name": "a", "members": [{"display": "only"}, {"value": 7}]});
        let batch = map_one(&fields, &record);
        let members = groups(&batch).next().unwrap().members.len();
        assert_eq!((batch.unread_people, members), (1, 1));
    }

    #[test]
    fn items_of_a_list_of_people_that_lack_what_is_compared_are_counted() {
        let fields = format!(
            "{BARE}members = {{ each = 'members', id = 'value', only = {{ path = 'typ', equals = 'user' }} }}"
        );
        let members =
            json!([{"value": 5, "typ": "group"}, {"value": 6, "type": "user"}, {"value": 7}]);
        let batch = map_one(&fields, &json!({"id": 1, "name": "a", "members": members}));
        let members = groups(&batch).next().unwrap().members.len();
        let counted = (batch.unmarked_people, batch.unread_people, members);
        assert_eq!(counted, (2, 0, 0));
    }

    #[rstest]
    #[case::a_usual_word("Active", "active")]
    #[case::in_lower_case_already("archived", "archived")]
    #[case::a_longer_word("ACTIVE ", "active ")]
    #[case::another_word("Frozen", "frozen")]
    #[case::beyond_ascii("GELÖSCHT", "gelöscht")]
    fn status_is_lower_cased(#[case] status: &str, #[case] expected: &str) {
        let fields = format!("{BARE}status = 'status'");
        let record = json!({"id": 1, "name": "a", "status": status});
        assert_eq!(group(&fields, &record).status.as_deref(), Some(expected));
    }

    #[test]
    fn ids_repeat_in_other_upstreams_but_groups_do_not() {
        let keys = "records = '/'\nfields = { id = 'id', name = 'id' }";
        let batch = batch(keys, r#"[{"id": 1}, {"id": 2}, {"id": 1}]"#).unwrap();
        let ids: Vec<_> = groups(&batch).map(|group| group.id.as_str()).collect();
        // The walk keeps the first of these and counts the other: it also sees the other pages.
        assert_eq!(ids, ["u:1", "u:2", "u:1"]);
        assert!(groups(&batch).all(|group| group.id == format!("u:{}", group.source_id)));
    }

    /// The groups of a batch, which must have skipped nothing.
    pub(in crate::page::mapping) fn groups(batch: &Batch) -> impl Iterator<Item = &Group> {
        let outcomes = batch.outcomes.iter();
        outcomes.map(|outcome| outcome.as_ref().unwrap())
    }
}
