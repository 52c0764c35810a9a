//! A decoded page, and the list of records in it.
//!
//! A page is a JSON value whatever its format was. Its messages about a list that is missing, empty
//! or something else are what an adapter's author reads when `records` is wrong.

use jsonptr::PointerBuf;
use serde_json::Value;

use super::error::FormatError;
use super::limits::Bounds;
use super::node::Node;
use super::{json, xml};
use crate::plan::Format;
use crate::plan::Path;

/// One decoded page.
#[derive(Debug, Clone)]
pub struct Page {
    format: Format,
    root: Value,
}

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
        let root = match format {
            Format::Json => json::decode(body, charset, bounds)?,
            Format::Xml => xml::decode(body, charset, bounds)?,
        };
        Ok(Self { format, root })
    }

    /// A page that is plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            format: Format::Json,
            root: Value::String(text.into()),
        }
    }

    /// An empty page.
    pub const fn nothing() -> Self {
        Self {
            format: Format::Json,
            root: Value::Null,
        }
    }

    /// The page itself. In XML it is the document, whose one member is the root element.
    pub const fn root(&self) -> Node<'_> {
        Node::root(&self.root, self.is_xml())
    }

    /// The value at a path from the root. Absent is `None`, null is not.
    pub fn find(&self, path: &Path) -> Option<Node<'_>> {
        self.root().find(path)
    }

    /// Whether it was XML.
    const fn is_xml(&self) -> bool {
        matches!(self.format, Format::Xml)
    }

    /// The records of the page at `path`: none, one or many.
    ///
    /// The container must exist. In JSON it is the named member, which may be null, `[]` or `{}`; in
    /// XML, where no records means no elements, it is the element around them.
    pub fn records(&self, path: &Path) -> Result<Vec<Node<'_>>, FormatError> {
        match (self.format, path.segments()) {
            (Format::Xml, [around @ .., name]) if !around.is_empty() => {
                self.children(path, around, name)
            }
            (Format::Json | Format::Xml, segments) => self.members(path, segments),
        }
    }

    /// The records of an object that is keyed by data, each with its key. None for null, `{}` and
    /// `[]`.
    pub fn keyed_records(&self, path: &Path) -> Result<Vec<(&str, Node<'_>)>, FormatError> {
        let container = self.walk(path, path.segments())?;
        container.entries().ok_or_else(|| FormatError::NotKeyed {
            path: path.to_string(),
            holds: container.holds(),
        })
    }

    fn members(&self, path: &Path, segments: &[String]) -> Result<Vec<Node<'_>>, FormatError> {
        let container = self.walk(path, segments)?;
        match container.value() {
            Value::Null | Value::Array(_) | Value::Object(_) => Ok(container.list()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Err(container.no_list(path.to_string()))
            }
        }
    }

    fn children(
        &self,
        path: &Path,
        around: &[String],
        name: &str,
    ) -> Result<Vec<Node<'_>>, FormatError> {
        let container = self.walk(path, around)?.first();
        // A text in place of elements must not pass for an empty list.
        if container.value().is_string() && !container.is_empty() {
            return Err(container.no_list(pointer(around)));
        }
        Ok(container.member(name).map_or_else(Vec::new, Node::list))
    }

    /// Follows segments from the root, and reports how far they led if one is missing.
    fn walk(&self, path: &Path, segments: &[String]) -> Result<Node<'_>, FormatError> {
        let mut node = self.root();
        for (depth, name) in segments.iter().enumerate() {
            node = node.member(name).ok_or_else(|| {
                let path = path.to_string();
                let reached = pointer(&segments[..depth]);
                let holds = node.holds();
                // An XML document has one root: with another name it is another document.
                let is_root = depth == 0 && self.is_xml();
                if depth + 1 == segments.len() && !is_root && node.may_have_members() {
                    return FormatError::Absent {
                        path,
                        reached,
                        holds,
                    };
                }
                FormatError::Missing {
                    path,
                    reached,
                    holds,
                }
            })?;
        }
        Ok(node)
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
            .records(&path(records))
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
