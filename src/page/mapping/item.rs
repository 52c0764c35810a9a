//! What fields are read from: a record, or one person of a list in it.

use crate::group::GroupText;
use crate::page::format::Node;
use crate::plan::Part;

/// What fields are read from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    /// A value of a page.
    Plain(Node<'a>),
    /// A member of an object, with its name.
    Keyed(&'a str, Node<'a>),
    /// A piece of a text that lists several.
    Piece(&'a str),
}

/// The result of reading a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading<T> {
    /// Missing.
    Absent,
    /// Present, and means no value.
    Null,
    /// Present, but unsuitable for the field.
    Unfit,
    /// Present.
    Value(T),
}

impl<T> Reading<T> {
    /// The value, if there is one.
    #[inline]
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null | Self::Unfit => None,
        }
    }

    /// The same of another value.
    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Reading<U> {
        self.and_then(|value| Reading::Value(convert(value)))
    }

    /// Converts the value.
    #[inline]
    pub(super) fn and_then<U>(self, convert: impl FnOnce(T) -> Reading<U>) -> Reading<U> {
        match self {
            Self::Value(value) => convert(value),
            Self::Absent => Reading::Absent,
            Self::Null => Reading::Null,
            Self::Unfit => Reading::Unfit,
        }
    }
}

impl<'a> Item<'a> {
    /// The value in the page; a piece of a text has none.
    pub(super) const fn node(self) -> Option<Node<'a>> {
        match self {
            Self::Plain(node) | Self::Keyed(_, node) => Some(node),
            Self::Piece(_) => None,
        }
    }

    /// The text of one part.
    pub(super) fn text(self, part: &Part) -> Reading<GroupText<'a>> {
        match (part, self) {
            (Part::At(path), Self::Plain(node) | Self::Keyed(_, node)) => {
                node.find(path).map_or(Reading::Absent, scalar)
            }
            (Part::Key, Self::Keyed(key, _)) => Reading::Value(GroupText::any(key)),
            (Part::At(path), Self::Piece(text)) if path.is_record() => {
                Reading::Value(GroupText::any(text))
            }
            (Part::Key, Self::Plain(_) | Self::Piece(_)) | (Part::At(_), Self::Piece(_)) => {
                Reading::Absent
            }
        }
    }
}

/// The text of a value.
#[inline]
pub(super) fn scalar(node: Node<'_>) -> Reading<GroupText<'_>> {
    match node.scalar_text() {
        Some((text, is_plain)) => Reading::Value(GroupText { text, is_plain }),
        // Some servers send `{}` or `[]` for no value.
        None if node.is_null() || node.is_empty() => Reading::Null,
        None => Reading::Unfit,
    }
}
