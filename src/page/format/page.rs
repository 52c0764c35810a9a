//! A decoded page, and the list of records in it.
//!
//! A page is a tape of values whatever its format was. Its messages about a list that is missing, empty
//! or something else are what an adapter's author reads when `records` is wrong.

use jsonptr::PointerBuf;

use super::error::FormatError;
use super::limits::Bounds;
use super::node::Node;
use super::tape::Tape;
use super::{csv, json, xml};
use crate::plan::records::ANY_MEMBER;
use crate::plan::{AbsentRecords, Format, Path};

/// One decoded page.
#[derive(Debug, Clone)]
pub struct Page(pub(super) Tape);

impl Page {
    /// Decodes a body within the default bounds.
    pub fn decode(format: Format, body: &[u8]) -> Result<Self, FormatError> {
        Self::decode_within(format, body, None, Bounds::default())
    }

    /// Decodes a body within `bounds`. `charset` is the character encoding that its head names.
    pub fn decode_within(
        format: Format,
        body: &[u8],
        charset: Option<&str>,
        bounds: Bounds,
    ) -> Result<Self, FormatError> {
        match format {
            Format::Json => json::decode(body, charset, bounds).map(Self),
            Format::Xml => xml::decode(body, charset, bounds).map(Self),
            Format::Ndjson => json::decode_lines(body, charset, bounds).map(Self),
            Format::Csv | Format::CsvSemicolon | Format::Tsv => {
                csv::decode(format, body, charset, bounds).map(Self)
            }
        }
    }

    /// A page that is plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(Tape::of_text(text.into()))
    }

    /// An empty page.
    pub const fn nothing() -> Self {
        Self(Tape::nothing())
    }

    /// The page itself. In XML it is the document, whose one member is the root element.
    pub const fn root(&self) -> Node<'_> {
        Node::root(&self.0)
    }

    /// The value at a path from the root. Absent is `None`, null is not.
    pub fn find(&self, path: &Path) -> Option<Node<'_>> {
        self.root().find(path)
    }

    /// The columns that it names, if it is a table.
    pub fn columns(&self) -> Option<&[String]> {
        self.0.columns.as_deref()
    }

    /// Whether a name on the way to records is that of every member.
    pub(super) fn is_any(&self, name: &str) -> bool {
        name == ANY_MEMBER && !self.is_xml()
    }

    /// Whether it was XML.
    const fn is_xml(&self) -> bool {
        self.0.is_xml
    }

    /// The records of the page at `path`: none, one or many.
    ///
    /// The container must exist. In JSON it is the named member, which may be null, `[]` or `{}`; in
    /// XML, where no records means no elements, it is the element around them.
    ///
    /// Repeated elements on the way, and items of JSON lists there, are all followed.
    pub fn records(
        &self,
        path: &Path,
        absent: AbsentRecords,
    ) -> Result<Vec<Node<'_>>, FormatError> {
        match path.segments() {
            [around @ .., name] if self.is_xml() && !around.is_empty() => {
                self.children(path, around, name, absent)
            }
            segments => self.members(path, segments, absent),
        }
    }

    /// The records of an object that is keyed by data, each with its key. None for null, `{}` and
    /// `[]`.
    pub fn keyed_records(
        &self,
        path: &Path,
        absent: AbsentRecords,
    ) -> Result<Vec<(&str, Node<'_>)>, FormatError> {
        let mut records = Vec::new();
        for container in self.walk(path, path.segments(), absent)? {
            let entries = container.entries().ok_or_else(|| FormatError::NotKeyed {
                path: path.to_string(),
                holds: container.holds(),
            })?;
            records.extend(entries);
        }
        Ok(records)
    }

    fn members(
        &self,
        path: &Path,
        segments: &[String],
        absent: AbsentRecords,
    ) -> Result<Vec<Node<'_>>, FormatError> {
        let mut records = Vec::new();
        for container in self.walk(path, segments, absent)? {
            if container.boolean().is_some() || container.is_number() || container.is_string() {
                return Err(container.no_list(path.to_string()));
            }
            if records.is_empty() {
                records = container.list();
            } else {
                records.extend(container.list());
            }
        }
        Ok(records)
    }

    fn children(
        &self,
        path: &Path,
        around: &[String],
        name: &str,
        absent: AbsentRecords,
    ) -> Result<Vec<Node<'_>>, FormatError> {
        let mut records = Vec::new();
        let containers = self.walk(path, around, absent)?;
        for container in containers.into_iter().flat_map(|node| node.each(name)) {
            // A text in place of elements must not pass for an empty list.
            if container.is_string() && !container.is_empty() {
                return Err(container.no_list(pointer(around)));
            }
            records.extend(container.member(name).map_or_else(Vec::new, Node::list));
        }
        Ok(records)
    }

    /// Follows segments from the root, through every item of the lists on the way, and reports how
    /// far they led where one is missing.
    fn walk(
        &self,
        path: &Path,
        segments: &[String],
        absent: AbsentRecords,
    ) -> Result<Vec<Node<'_>>, FormatError> {
        let mut nodes = vec![self.root()];
        for (depth, name) in segments.iter().enumerate() {
            if self.is_any(name) {
                let members = nodes.iter().map(|node| {
                    node.every().ok_or_else(|| FormatError::NoMembers {
                        path: path.to_string(),
                        reached: pointer(&segments[..depth]),
                        holds: node.holds(),
                    })
                });
                nodes = members.collect::<Result<Vec<_>, _>>()?.concat();
                continue;
            }
            let parents: Vec<_> = nodes.iter().flat_map(|node| node.each(name)).collect();
            let is_listed = !self.is_xml() && nodes.iter().any(|node| node.is_list());
            let mut members = Vec::with_capacity(parents.len());
            for (index, node) in parents.iter().enumerate() {
                if let Some(member) = node.member(name) {
                    members.push(member);
                    continue;
                }
                // As an empty list in JSON: `<orgs/>` has no `<org>` to look into. An empty document
                // lacks the element around the records.
                let is_document = depth == 1 && segments.len() == 2;
                if self.is_xml() && depth > 0 && !is_document && node.is_empty() {
                    continue;
                }
                let path = path.to_string();
                let mut reached = pointer(&segments[..depth]);
                if parents.len() > 1 || is_listed {
                    reached = format!("{}/{index}", reached.trim_end_matches('/'));
                }
                let holds = node.holds();
                // An XML document has one root: with another name it is another document.
                let is_root = depth == 0 && self.is_xml();
                if is_root && let Some(html) = self.html() {
                    return Err(html);
                }
                let is_around = depth + 1 < segments.len();
                let may_lack = !is_around || absent == AbsentRecords::EmptyWithParent;
                if !may_lack || is_root || !node.may_have_members() {
                    return Err(FormatError::Missing {
                        path,
                        reached,
                        holds,
                    });
                }
                if absent == AbsentRecords::Error {
                    return Err(FormatError::Absent {
                        path,
                        reached,
                        holds,
                    });
                }
            }
            nodes = members;
        }
        Ok(nodes)
    }
}

/// Segments as a path from the root.
fn pointer(segments: &[String]) -> String {
    let pointer = PointerBuf::from_tokens(segments.iter().map(String::as_str));
    if pointer.is_root() {
        return "/".to_owned();
    }
    pointer.to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use std::borrow::Cow;

    use rstest::rstest;

    use super::*;

    pub(in crate::page::format) fn json(text: &str) -> Page {
        Page::decode(Format::Json, text.as_bytes()).unwrap()
    }

    pub(in crate::page::format) fn xml(text: &str) -> Page {
        Page::decode(Format::Xml, text.as_bytes()).unwrap()
    }

    pub(in crate::page::format) fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    /// The `id` of every record, `?` where it has none.
    fn ids(page: &Page, records: &str) -> Result<Vec<String>, String> {
        let records = page
            .records(&path(records), AbsentRecords::Error)
            .map_err(|error| error.to_string())?;
        let id = path("id");
        Ok(records
            .into_iter()
            .map(|record| {
                record
                    .find(&id)
                    .and_then(Node::text)
                    .map_or("?".into(), Cow::into_owned)
            })
            .collect())
    }

    #[rstest]
    #[case::two(r#"{"data": [{"id": 1}, {"id": 2}]}"#, &["1", "2"])]
    #[case::one_in_a_list(r#"{"data": [{"id": 1}]}"#, &["1"])]
    #[case::one_alone(r#"{"data": {"id": 1}}"#, &["1"])]
    #[case::none(r#"{"data": []}"#, &[])]
    #[case::an_empty_object(r#"{"data": {}}"#, &[])]
    #[case::null(r#"{"data": null}"#, &[])]
    fn a_json_container_is_a_list_for_0_1_and_n(#[case] body: &str, #[case] expected: &[&str]) {
        assert_eq!(ids(&json(body), "/data").unwrap(), expected);
    }

    #[rstest]
    #[case::two("<r><g><id>1</id></g><g><id>2</id></g></r>", &["1", "2"])]
    #[case::one("<r><total>1</total><g><id>1</id></g></r>", &["1"])]
    #[case::none_beside_a_total("<r><total>0</total></r>", &[])]
    #[case::none("<r/>", &[])]
    #[case::none_but_white_space("<r>\n  </r>", &[])]
    #[case::none_but_an_attribute("<r total='0'/>", &[])]
    #[case::one_empty_element("<r><g/></r>", &[])]
    #[case::an_empty_one_among_others("<r><g/><g><id>2</id></g></r>", &["?", "2"])]
    #[case::nil("<r nil='true'/>", &[])]
    fn an_xml_container_is_a_list_for_0_1_and_n(#[case] body: &str, #[case] expected: &[&str]) {
        assert_eq!(ids(&xml(body), "/r/g").unwrap(), expected);
    }

    #[rstest]
    #[case::a_list_on_the_way(r#"{"orgs": [{"groups": [{"id": 1}, {"id": 2}]}, {"groups": []}, {"groups": [{"id": 3}]}]}"#, &["1", "2", "3"])]
    #[case::one_in_place_of_a_list(r#"{"orgs": {"groups": [{"id": 1}]}}"#, &["1"])]
    #[case::an_empty_list_on_the_way(r#"{"orgs": []}"#, &[])]
    #[case::null_in_one(r#"{"orgs": [{"groups": null}, {"groups": [{"id": 3}]}]}"#, &["3"])]
    #[case::a_number_names_one(r#"{"orgs": {"groups": {"0": 1}}}"#, &["?"])]
    fn every_item_of_a_json_list_on_the_way_to_the_records_is_followed(
        #[case] body: &str,
        #[case] expected: &[&str],
    ) {
        assert_eq!(ids(&json(body), "/orgs/groups").unwrap(), expected);
    }

    #[test]
    fn every_repeated_xml_element_on_the_way_to_the_records_is_followed() {
        let org = "<org><groups><group><id>1</id></group></groups>\
                   <groups><group><id>2</id></group><group><id>3</id></group></groups></org>";
        let body = format!("<orgs>{org}{org}<org><groups/></org>{org}</orgs>");
        let found = ids(&xml(&body), "/orgs/org/groups/group").unwrap();
        assert_eq!(found, ["1", "2", "3"].repeat(3));
    }

    #[rstest]
    #[case::no_org("<orgs/>", &[])]
    #[case::an_org_without_groups("<orgs><org/></orgs>", &[])]
    #[case::beside_one_with_groups("<orgs><org/><org><groups><group><id>1</id></group></groups></org></orgs>", &["1"])]
    fn an_empty_xml_element_on_the_way_to_the_records_has_none(
        #[case] body: &str,
        #[case] expected: &[&str],
    ) {
        let found = ids(&xml(body), "/orgs/org/groups/group");
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn an_empty_document_and_an_element_with_something_else_lack_the_container() {
        assert!(ids(&xml("<r/>"), "/r/list/group").is_err());
        let other = "<orgs><org><name>a</name></org></orgs>";
        assert!(ids(&xml(other), "/orgs/org/groups/group").is_err());
    }

    #[test]
    fn a_number_on_the_way_names_one_item_of_a_json_list() {
        let page = json(r#"{"orgs": [{"groups": [{"id": 1}]}, {"groups": [{"id": 2}]}]}"#);
        assert_eq!(ids(&page, "/orgs/1/groups").unwrap(), ["2"]);
        assert_eq!(
            ids(&json(r#"[{"g": [{"id": 1}]}, {"g": [{"id": 2}]}]"#), "/g").unwrap(),
            ["1", "2"]
        );
    }

    #[test]
    fn one_of_several_parents_without_the_list_is_an_error_or_empty_as_it_is_said() {
        let bodies = [
            json(r#"{"orgs": [{"groups": [{"id": 1}]}, {"name": "b"}, {"groups": [{"id": 3}]}]}"#),
            xml("<orgs><groups><g><id>1</id></g></groups><name/></orgs>"),
        ];
        assert_eq!(
            ids(&bodies[0], "/orgs/groups").unwrap_err(),
            "`/orgs/groups` is missing: `/orgs/1` has `name`"
        );
        let records = bodies[0].records(&path("/orgs/groups"), AbsentRecords::Empty);
        assert_eq!(records.unwrap().len(), 2);
        assert_eq!(ids(&bodies[1], "/orgs/groups/g").unwrap(), ["1"]);
    }

    #[test]
    fn the_root_may_be_the_list() {
        assert_eq!(ids(&json(r#"[{"id": "a"}]"#), "/").unwrap(), ["a"]);
        assert_eq!(ids(&json("[]"), "/").unwrap(), [""; 0]);
        assert_eq!(ids(&xml("<g><id>1</id></g>"), "/g").unwrap(), ["1"]);
        assert_eq!(ids(&xml("<g/>"), "/g").unwrap(), [""; 0]);
    }

    #[test]
    fn a_container_that_is_missing_is_named_with_what_is_there() {
        insta::assert_snapshot!(
            [
                ids(&json(r#"{"error": "no", "code": 7}"#), "/data/groups"),
                ids(&json(r#"{"data": {"items": []}}"#), "/data/groups"),
                ids(&json(r#"{"data": null}"#), "/data/groups"),
                ids(&json(r#"{"data": [1, 2]}"#), "/data/groups"),
                ids(&json("{}"), "/groups"),
                ids(&json(r#"{"groups": "all of them"}"#), "/groups"),
                ids(&json(r#"{"groups": 7}"#), "/groups"),
                ids(&json("false"), "/"),
                ids(
                    &xml("<error><message>no</message></error>"),
                    "/groups/group"
                ),
                ids(&xml("<error/>"), "/groups"),
                ids(&xml("<r><page/></r>"), "/r/list/group"),
                ids(&xml("<groups>out of order</groups>"), "/groups/group"),
                ids(
                    &json(r#"{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"10":0}"#),
                    "/groups"
                ),
            ]
            .map(Result::unwrap_err)
            .join("\n")
        );
    }
}
