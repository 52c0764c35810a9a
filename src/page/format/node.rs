//! A value in a page, and how paths are followed from it.
//!
//! Decoding leaves one difference between the formats: in XML every child is a list, and means its
//! first element where a single value is expected. [`Node`] hides the difference.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use super::error::FormatError;
use super::excerpt::names;
use super::member_name::MemberName;
use super::tape::{EntryKind, Tape};
use super::xml;
use crate::json::whole;
use crate::plan::Path;
use crate::plan::path::Anchor;

/// A value in a page: the page itself, a record, or anything in it.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    tape: &'a Tape,
    index: u32,
}

impl<'a> Node<'a> {
    /// The root of a page.
    pub(super) const fn root(tape: &'a Tape) -> Self {
        Self { tape, index: 0 }
    }

    /// The value at a path: from the root of the page if the path begins with a slash, else from
    /// here. `.` is this value itself. Absent is `None`, null is not.
    #[inline]
    pub fn find(self, path: &Path) -> Option<Self> {
        self.follow(path, path.segments())
    }

    /// Follows the first segments of a path from its origin.
    fn follow(self, path: &Path, segments: &[String]) -> Option<Self> {
        let mut node = self.origin(path);
        for name in segments {
            node = node.member(name)?;
        }
        Some(node)
    }

    /// Where a path is counted from.
    const fn origin(self, path: &Path) -> Self {
        match path.anchor() {
            Anchor::Page => Self::root(self.tape),
            Anchor::Record => self,
        }
    }

    /// A member of an object, or an item of a JSON list. Repeated XML elements mean the first.
    pub fn member(self, name: &str) -> Option<Self> {
        let first = self.first();
        match self.tape.entry(first.index).kind {
            EntryKind::Object => self.tape.member(first.index, name).map(|at| self.at(at)),
            EntryKind::List => {
                let place = index(name)?;
                self.tape
                    .items(first.index)
                    .nth(place)
                    .map(|at| self.at(at))
            }
            EntryKind::Null
            | EntryKind::False
            | EntryKind::True
            | EntryKind::Number
            | EntryKind::Decimal
            | EntryKind::Text
            | EntryKind::PlainText => None,
        }
    }

    /// What a step to `name` is taken from: every one of repeated XML elements, every item of a JSON
    /// list unless the name is an index, else this value.
    pub(super) fn each(self, name: &str) -> Vec<Self> {
        if self.is_list() && (self.is_xml() || index(name).is_none()) {
            return self.items().collect();
        }
        vec![self]
    }

    /// Every item of a list and every member of an object; `None` for anything else that is not empty.
    pub(super) fn every(self) -> Option<Vec<Self>> {
        match self.entries() {
            Some(entries) => Some(entries.into_iter().map(|(_, member)| member).collect()),
            None => self.is_list().then(|| self.items().collect()),
        }
    }

    /// Every value at a path, through all repeated elements and lists on the way.
    pub(crate) fn find_all(self, path: &Path) -> impl Iterator<Item = Self> {
        let start = self.origin(path);
        // Most lists stand right in their record.
        let (only, all) = match path.segments() {
            [name] if !start.is_list() => (start.member(name), Vec::new()),
            names => {
                let all = names.iter().fold(vec![start], |nodes, name| {
                    let parents = nodes.into_iter().flat_map(|node| node.each(name));
                    parents.filter_map(|node| node.member(name)).collect()
                });
                (None, all)
            }
        };
        only.into_iter().chain(all)
    }

    /// The element around the list at `path`, which exists in XML although the list is empty.
    pub(crate) fn around(self, path: &Path) -> Option<Self> {
        match path.segments() {
            [around @ .., _] if self.is_xml() && !around.is_empty() => self.follow(path, around),
            _ => None,
        }
    }

    /// Whether it is null: JSON's, or an XML element with `nil="true"`.
    pub fn is_null(self) -> bool {
        self.first().kind() == EntryKind::Null
    }

    /// Whether it is a number of JSON.
    pub fn is_number(self) -> bool {
        matches!(self.kind(), EntryKind::Number | EntryKind::Decimal)
    }

    /// Which of `true` and `false` of JSON it is, if it is one of them.
    pub fn boolean(self) -> Option<bool> {
        match self.kind() {
            EntryKind::True => Some(true),
            EntryKind::False => Some(false),
            EntryKind::Null
            | EntryKind::Number
            | EntryKind::Decimal
            | EntryKind::Text
            | EntryKind::PlainText
            | EntryKind::List
            | EntryKind::Object => None,
        }
    }

    /// Whether it is a list. In XML every child element is one.
    pub fn is_list(self) -> bool {
        self.kind() == EntryKind::List
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.kind() == EntryKind::Object
    }

    /// Whether it is a string in JSON, or in XML the text of an element or of an attribute.
    pub(crate) fn is_string(self) -> bool {
        self.tape.entry(self.index).is_text()
    }

    /// The text of a scalar: a string, a number, the text of an XML element. One integer is one text, without
    /// fraction and exponent ([`whole`]). `None` for null, lists and objects.
    pub fn text(self) -> Option<Cow<'a, str>> {
        self.scalar_text().map(|(text, _)| text)
    }

    /// The same, and whether it is known that the text stands in JSON as it is.
    #[inline]
    pub(crate) fn scalar_text(self) -> Option<(Cow<'a, str>, bool)> {
        match self.plain_text() {
            Some(text) => Some((Cow::Borrowed(text), true)),
            None => self.rarer_scalar_text(),
        }
    }

    /// The text of a string that stands in JSON as it is, as most do.
    #[inline]
    pub(crate) fn plain_text(self) -> Option<&'a str> {
        let entry = self.tape.entry(self.index);
        (entry.kind == EntryKind::PlainText).then(|| self.tape.text(entry))
    }

    #[inline(never)]
    fn rarer_scalar_text(self) -> Option<(Cow<'a, str>, bool)> {
        let first = self.first();
        let entry = self.tape.entry(first.index);
        let (text, is_plain) = match entry.kind {
            EntryKind::PlainText | EntryKind::Number => (self.tape.text(entry), true),
            EntryKind::Text => (self.tape.text(entry), false),
            EntryKind::Decimal => return Some((whole(self.tape.text(entry)), true)),
            EntryKind::True => ("true", true),
            EntryKind::False => ("false", true),
            EntryKind::Object if self.is_xml() => {
                let text = self.tape.member(first.index, xml::TEXT)?;
                (self.tape.text(self.tape.entry(text)), false)
            }
            EntryKind::Null | EntryKind::List | EntryKind::Object => return None,
        };
        Some((Cow::Borrowed(text), is_plain))
    }

    /// Whether it is part of an XML document, where every scalar is a text.
    pub(crate) const fn is_xml(self) -> bool {
        self.tape.is_xml
    }

    /// Whether there is nothing beside what [`Self::text`] reads: in XML no attribute, no child, and no other element of
    /// the same name.
    pub(crate) fn holds_only_text(self) -> bool {
        !self.is_xml() || (self.len() <= 1 && !self.first().is_object())
    }

    /// The items of a list; none for null, `{}`, `[]` and an empty XML element; one for anything
    /// else.
    pub fn list(self) -> Vec<Self> {
        if self.is_empty() {
            return Vec::new();
        }
        if self.is_list() {
            return self.items().collect();
        }
        vec![self]
    }

    /// How many items or members it has.
    pub(crate) fn len(self) -> usize {
        let entry = self.tape.entry(self.index);
        match entry.kind {
            EntryKind::List | EntryKind::Object => entry.length as usize,
            EntryKind::Null
            | EntryKind::False
            | EntryKind::True
            | EntryKind::Number
            | EntryKind::Decimal
            | EntryKind::Text
            | EntryKind::PlainText => 0,
        }
    }

    /// The items of a list, and nothing for anything else.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> {
        self.tape.items(self.index).map(move |at| self.at(at))
    }

    /// The members of an object with their names, and nothing for anything else.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'a str, Self)> {
        let tape = self.tape;
        let members = tape.members(self.index);
        members.map(move |(name, at)| (tape.text(name), self.at(at)))
    }

    /// The same, with names that can be written again.
    #[inline]
    pub(crate) fn written_members(self) -> impl Iterator<Item = (MemberName<'a>, Self)> {
        let tape = self.tape;
        let members = tape.members(self.index);
        members.map(move |(entry, at)| (MemberName::of(tape, entry), self.at(at)))
    }

    /// The names of an object's members; of repeated XML elements those of the first. Nothing for
    /// anything else.
    pub fn names(self) -> Vec<&'a str> {
        self.first().members().map(|(name, _)| name).collect()
    }

    /// The members of an object with their names. Some servers send null or `[]` for an empty object.
    /// `None` for anything else.
    pub fn entries(self) -> Option<Vec<(&'a str, Self)>> {
        if self.is_empty() {
            return Some(Vec::new());
        }
        self.is_object().then(|| self.members().collect())
    }

    /// The value in serde_json's form. In XML every child element is a list.
    pub fn to_value(self) -> Value {
        self.tape.value(self.index)
    }

    /// Writes the value as JSON.
    pub(crate) fn write(self, out: &mut String) {
        self.tape.write(self.index, out);
    }

    /// How long the text of its page is.
    pub(crate) const fn page_bytes(self) -> usize {
        self.tape.text_bytes()
    }

    /// Where it is in its page: another one is elsewhere.
    pub(crate) const fn place(self) -> u32 {
        self.index
    }

    /// Another value of the same page.
    const fn at(self, index: u32) -> Self {
        Self { index, ..self }
    }

    #[inline]
    fn kind(self) -> EntryKind {
        self.tape.entry(self.index).kind
    }

    /// The first of repeated XML elements, and anything else itself.
    #[inline]
    pub(crate) fn first(self) -> Self {
        if self.is_xml() {
            let entry = self.tape.entry(self.index);
            if entry.kind == EntryKind::List && entry.length > 0 {
                return self.at(self.index + 1);
            }
        }
        self
    }

    /// Whether it can have members: an object, or what some servers send for an empty one.
    pub(super) fn may_have_members(self) -> bool {
        self.is_empty() || self.first().is_object()
    }

    /// Whether it is empty as a list: null, `{}`, `[]`, an empty XML element.
    pub fn is_empty(self) -> bool {
        let entry = self.tape.entry(self.index);
        match entry.kind {
            EntryKind::Null => true,
            EntryKind::Object => entry.length == 0,
            // A single empty XML element has no items.
            EntryKind::List => match entry.length {
                0 => true,
                1 => self.is_xml() && self.first().is_empty(),
                _ => false,
            },
            EntryKind::Text | EntryKind::PlainText => {
                self.is_xml() && xml::is_blank(self.tape.text(entry))
            }
            EntryKind::False | EntryKind::True | EntryKind::Number | EntryKind::Decimal => false,
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
        let first = self.first();
        let entry = self.tape.entry(first.index);
        match entry.kind {
            EntryKind::Null => "is null".to_owned(),
            EntryKind::False | EntryKind::True => "is a boolean".to_owned(),
            EntryKind::Number | EntryKind::Decimal => "is a number".to_owned(),
            EntryKind::Text | EntryKind::PlainText if self.is_empty() => "is empty".to_owned(),
            EntryKind::Text | EntryKind::PlainText => "is a string".to_owned(),
            EntryKind::List => format!("is a list of {}", entry.length),
            EntryKind::Object if entry.length == 0 => "is empty".to_owned(),
            EntryKind::Object => names(&first.names()),
        }
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Node")
            .field(&self.to_value())
            .finish()
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

#[cfg(test)]
mod tests;
