//! A value in a page, and how paths are followed from it.
//!
//! Decoding leaves one difference between the formats: in XML every child is a list, and means its
//! first element where a single value is expected. [`Node`] hides the difference.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use super::error::FormatError;
use super::excerpt::excerpt;
use super::xml;
use crate::plan::Path;
use crate::plan::path::Anchor;

/// A value in a page: the page itself, a record, or anything in it.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// The root of the page.
    root: &'a Value,
    is_xml: bool,
    value: &'a Value,
}

impl<'a> Node<'a> {
    /// The root of a page.
    pub(super) const fn root(root: &'a Value, is_xml: bool) -> Self {
        Self {
            root,
            is_xml,
            value: root,
        }
    }

    /// The value at a path: from the root of the page if the path begins with a slash, else from
    /// here. `.` is this value itself. Absent is `None`, null is not.
    pub fn find(self, path: &Path) -> Option<Self> {
        self.follow(path, path.segments())
    }

    /// Follows the first segments of a path from its origin.
    fn follow(self, path: &Path, segments: &[String]) -> Option<Self> {
        let start = match path.anchor() {
            Anchor::Page => Self::root(self.root, self.is_xml),
            Anchor::Record => self,
        };
        segments
            .iter()
            .try_fold(start, |node, name| node.member(name))
    }

    /// A member of an object, or an item of a JSON list. Repeated XML elements mean the first.
    pub fn member(self, name: &str) -> Option<Self> {
        let value = match self.first().value {
            Value::Object(members) => members.get(name),
            Value::Array(items) => items.get(index(name)?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        value.map(|value| self.at(value))
    }

    /// What a step to `name` is taken from: every one of repeated XML elements, every item of a JSON
    /// list unless the name is an index, else this value.
    pub(super) fn each(self, name: &str) -> Vec<Self> {
        if let Value::Array(items) = self.value
            && (self.is_xml || index(name).is_none())
        {
            return items.iter().map(|item| self.at(item)).collect();
        }
        vec![self]
    }

    /// Every value at a path, through all repeated elements and lists on the way.
    pub(crate) fn find_all(self, path: &Path) -> Vec<Self> {
        let start = match path.anchor() {
            Anchor::Page => Self::root(self.root, self.is_xml),
            Anchor::Record => self,
        };
        path.segments().iter().fold(vec![start], |nodes, name| {
            let parents = nodes.into_iter().flat_map(|node| node.each(name));
            parents.filter_map(|node| node.member(name)).collect()
        })
    }

    /// The element around the list at `path`, which exists in XML although the list is empty.
    pub(crate) fn around(self, path: &Path) -> Option<Self> {
        match path.segments() {
            [around @ .., _] if self.is_xml && !around.is_empty() => self.follow(path, around),
            _ => None,
        }
    }

    /// Whether it is null: JSON's, or an XML element with `nil="true"`.
    pub fn is_null(self) -> bool {
        self.first().value.is_null()
    }

    /// Whether it is a number of JSON.
    pub fn is_number(self) -> bool {
        self.value.is_number()
    }

    /// The text of a scalar: a string, a number with the digits as they were written, the text of an
    /// XML element. `None` for null, lists and objects.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self.first().value {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(number) => Some(Cow::Borrowed(number.as_str())),
            Value::Bool(true) => Some(Cow::Borrowed("true")),
            Value::Bool(false) => Some(Cow::Borrowed("false")),
            Value::Object(members) if self.is_xml => {
                members.get(xml::TEXT)?.as_str().map(Cow::Borrowed)
            }
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The value; of repeated XML elements the first.
    pub(crate) fn single(self) -> &'a Value {
        self.first().value
    }

    /// Whether it is part of an XML document, where every scalar is a text.
    pub(crate) const fn is_xml(self) -> bool {
        self.is_xml
    }

    /// The items of a list; none for null, `{}`, `[]` and an empty XML element; one for anything
    /// else.
    pub fn list(self) -> Vec<Self> {
        if self.is_empty() {
            return Vec::new();
        }
        match self.value.as_array() {
            Some(items) => items.iter().map(|item| self.at(item)).collect(),
            None => vec![self],
        }
    }

    /// The members of an object with their names. Some servers send null or `[]` for an empty object.
    /// `None` for anything else.
    pub fn entries(self) -> Option<Vec<(&'a str, Self)>> {
        if self.is_empty() {
            return Some(Vec::new());
        }
        let members = self.value.as_object()?;
        let entry = |(name, value): (&'a String, &'a Value)| (name.as_str(), self.at(value));
        Some(members.iter().map(entry).collect())
    }

    /// The value as it was decoded. In XML every child element is a list.
    pub const fn value(self) -> &'a Value {
        self.value
    }

    /// Another value of the same page.
    pub(crate) const fn at(self, value: &'a Value) -> Self {
        Self { value, ..self }
    }

    /// The first of repeated XML elements, and anything else itself.
    pub(super) fn first(self) -> Self {
        match self.value.as_array().and_then(|items| items.first()) {
            Some(first) if self.is_xml => self.at(first),
            Some(_) | None => self,
        }
    }

    /// Whether it can have members: an object, or what some servers send for an empty one.
    pub(super) fn may_have_members(self) -> bool {
        self.is_empty() || self.first().value.is_object()
    }

    /// Whether it is empty as a list: null, `{}`, `[]`, an empty XML element.
    pub fn is_empty(self) -> bool {
        match self.value {
            Value::Null => true,
            Value::Object(members) => members.is_empty(),
            // A single empty XML element has no items.
            Value::Array(items) => match items.as_slice() {
                [] => true,
                [only] => self.is_xml && self.at(only).is_empty(),
                [_, ..] => false,
            },
            Value::String(text) => self.is_xml && xml::is_blank(text),
            Value::Bool(_) | Value::Number(_) => false,
        }
    }

    pub(super) fn no_list(self, path: String) -> FormatError {
        FormatError::NoList {
            path,
            holds: self.holds(),
        }
    }

    /// What it is, for messages: kinds and names, never values.
    pub(crate) fn holds(self) -> String {
        match self.first().value {
            Value::Null => "is null".to_owned(),
            Value::Bool(_) => "is a boolean".to_owned(),
            Value::Number(_) => "is a number".to_owned(),
            Value::String(_) if self.is_empty() => "is empty".to_owned(),
            Value::String(_) => "is a string".to_owned(),
            Value::Array(items) => format!("is a list of {}", items.len()),
            Value::Object(members) if members.is_empty() => "is empty".to_owned(),
            Value::Object(members) => names(members),
        }
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Node").field(self.value).finish()
    }
}

/// An array index (RFC 6901, section 4): no sign, no leading zero.
fn index(name: &str) -> Option<usize> {
    let is_index = name == "0" || name.starts_with(|first: char| matches!(first, '1'..='9'));
    if !is_index {
        return None;
    }
    name.parse().ok()
}

/// How many names a message lists, and how much of each: an object may be keyed by data.
const NAMES_SHOWN: usize = 8;
const NAME_CHARS: usize = 32;

fn names(members: &Map<String, Value>) -> String {
    let shown: Vec<_> = members
        .keys()
        .take(NAMES_SHOWN)
        .map(|name| format!("`{}`", excerpt(name, NAME_CHARS)))
        .collect();
    let shown = shown.join(", ");
    match members.len().saturating_sub(NAMES_SHOWN) {
        0 => format!("has {shown}"),
        more => format!("has {shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::page::tests::{json, path, xml};
    use super::*;
    use crate::page::format::Page;
    use crate::plan::AbsentRecords;

    fn text(page: &Page, at: &str) -> Option<String> {
        page.find(&path(at))?.text().map(Cow::into_owned)
    }

    #[rstest]
    #[case("/", None)]
    #[case("/total", Some("12345678901234567890.50"))]
    #[case("/ok", Some("true"))]
    #[case("/none", None)]
    #[case("/absent", None)]
    #[case("/groups", None)]
    #[case("/groups/1/id", Some("b"))]
    #[case("/groups/01/id", None)]
    #[case("/groups/+1/id", None)]
    #[case("/groups/-/id", None)]
    #[case("/groups/2/id", None)]
    #[case("/groups/id", None)]
    #[case("/by~1id/0", Some("zero"))]
    #[case("/text/x", None)]
    #[case("text", Some("t"))]
    fn a_pointer_finds_what_rfc_6901_says(#[case] at: &str, #[case] expected: Option<&str>) {
        let page = json(
            r#"{"total": 12345678901234567890.50, "ok": true, "none": null,
                "groups": [{"id": "a"}, {"id": "b"}], "by/id": {"0": "zero"}, "text": "t"}"#,
        );
        assert_eq!(text(&page, at).as_deref(), expected);
    }

    #[rstest]
    #[case("/groups/@total", Some("4"))]
    #[case("/groups/total", Some("4"))]
    #[case("/groups/group/name", Some("First"))]
    #[case("/groups/group/1/name", None)]
    #[case("/groups/group/@id", Some("1"))]
    #[case("/groups/group", None)]
    #[case("/groups/note", Some("mixed "))]
    #[case("/groups/empty", Some(""))]
    #[case("/groups/nothing", None)]
    #[case("/groups/absent", None)]
    #[case("/total", None)]
    fn an_element_path_takes_the_first_of_repeated_elements(
        #[case] at: &str,
        #[case] expected: Option<&str>,
    ) {
        let page = xml(
            "<groups total='4'><total>4</total><group id='1'><name>First</name></group>\
             <group id='2'><name>Second</name></group><note>mixed <b/></note><empty/>\
             <nothing nil='true'/></groups>",
        );
        assert_eq!(text(&page, at).as_deref(), expected);
    }

    #[test]
    fn null_is_there_and_absent_is_not() {
        for page in [json(r#"{"r": {"x": null}}"#), xml("<r><x nil='true'/></r>")] {
            assert!(page.find(&path("/r/x")).unwrap().is_null());
            assert!(page.find(&path("/r/y")).is_none());
            assert!(!page.find(&path("/r")).unwrap().is_null());
        }
    }

    #[test]
    fn a_record_finds_from_itself_and_from_the_page() {
        let page = json(r#"{"tenant": "t", "groups": [{"id": 1}, "bare"]}"#);
        let records = page
            .records(&path("/groups"), AbsentRecords::Error)
            .unwrap();
        let found = |record: Node<'_>, at| {
            record
                .find(&path(at))
                .and_then(|node| node.text().map(Cow::into_owned))
        };
        assert_eq!(found(records[0], "id").as_deref(), Some("1"));
        assert_eq!(found(records[0], "/tenant").as_deref(), Some("t"));
        assert_eq!(found(records[0], "tenant"), None);
        assert_eq!(found(records[1], ".").as_deref(), Some("bare"));
    }

    #[rstest]
    #[case::absent("<r/>", None)]
    #[case::empty("<r><users/></r>", None)]
    #[case::one("<r><users><user>1</user></users></r>", Some(&["1"][..]))]
    #[case::two("<r><users><user>1</user><user>2</user></users></r>", Some(&["1", "2"][..]))]
    fn repeated_elements_are_a_list_also_inside_a_record(
        #[case] body: &str,
        #[case] expected: Option<&[&str]>,
    ) {
        let page = xml(body);
        let users = page.find(&path("/r/users/user")).map(|users| {
            users
                .list()
                .into_iter()
                .filter_map(Node::text)
                .collect::<Vec<_>>()
        });
        assert_eq!(
            users.as_deref(),
            expected
                .map(|users| {
                    users
                        .iter()
                        .map(|&user| Cow::from(user))
                        .collect::<Vec<_>>()
                })
                .as_deref()
        );
    }

    #[test]
    fn one_scalar_without_a_list_is_a_list_of_one() {
        let page = json(r#"{"admin": "a@example.com", "none": null}"#);
        let listed = |at| page.find(&path(at)).unwrap().list().len();
        assert_eq!((listed("/admin"), listed("/none")), (1, 0));
    }
}
