//! What a value of a page says: a text, a number, true or false, or none of them.

use std::borrow::Cow;

use crate::page::format::Node;

/// How much of an invalid value a message shows: it may be a whole text.
pub(super) const VALUE_CHARS: usize = 40;

/// What is at a location.
pub(super) enum Found<'a> {
    /// A text that is not empty.
    Text(Cow<'a, str>),
    /// A number of JSON.
    Number(Cow<'a, str>),
    /// JSON's true or false, or an XML element with that text.
    Truth(bool),
    /// A list or an object.
    Structure(Node<'a>),
}

/// What a value says. Null and empty say nothing.
pub(super) fn found(node: Node<'_>) -> Option<Found<'_>> {
    let first = node.first();
    if let Some(truth) = first.boolean() {
        return Some(Found::Truth(truth));
    }
    match first.text() {
        Some(digits) if first.is_number() => Some(Found::Number(digits)),
        Some(Cow::Borrowed(found)) => said(found, node.is_xml()),
        Some(Cow::Owned(_)) | None => (!first.is_null()).then_some(Found::Structure(node)),
    }
}

/// What a text says. White space around it in XML is layout.
fn said(text: &str, is_xml: bool) -> Option<Found<'_>> {
    match if is_xml { text.trim() } else { text } {
        "" => None,
        "true" if is_xml => Some(Found::Truth(true)),
        "false" if is_xml => Some(Found::Truth(false)),
        text => Some(Found::Text(Cow::Borrowed(text))),
    }
}

/// What a flag in the last record says, or what it holds that is none.
pub(super) fn flag_in(node: Node<'_>) -> Option<String> {
    match found(node)? {
        Found::Text(text) | Found::Number(text) => Some(text.into_owned()),
        Found::Truth(truth) => Some(truth.to_string()),
        Found::Structure(node) => Some(node.holds()),
    }
}
