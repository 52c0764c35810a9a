//! XML: one document per page, from which the JSON answer can be read back.
//!
//! A field is an element of its name; null is `nil="true"`. People are `<member>` elements, and
//! what no field takes is `<attribute name="…" type="…">`, nested as the source nested it. XML 1.0
//! has no way to write some characters: a text with one of them is written as a JSON string
//! literal, and says so with `encoding="json"` (`name_encoding="json"` for an attribute's name).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::mem;

use bytes::Bytes;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use serde_json::{Map, Value};

use crate::downstream::envelope::{Envelope, SourceStatus};
use crate::gateway::seen_row::{SeenRow, SelectedFields};
use crate::json;

use super::RenderError;

type Xml = Writer<Vec<u8>>;

/// Writes the groups of a page, each a `<group>` element.
pub(super) fn write<'a>(
    out: &mut Vec<u8>,
    rows: impl IntoIterator<Item = SeenRow<'a>>,
    fields: SelectedFields<'_>,
) -> Result<(), RenderError> {
    let mut xml = Writer::new(mem::take(out));
    for row in rows {
        write_group(&mut xml, row, fields)?;
    }
    *out = xml.into_inner();
    Ok(())
}

/// What stands before the groups of a page.
pub(super) fn before(envelope: &Envelope) -> Result<Bytes, RenderError> {
    let mut xml = document()?;
    let total = envelope.total.to_string();
    let complete = envelope.complete.to_string();
    let mut root = BytesStart::new("groups");
    root.push_attribute(("total", total.as_str()));
    root.push_attribute(("complete", complete.as_str()));
    if let Some(cursor) = &envelope.next_cursor {
        root.push_attribute(("next_cursor", cursor.as_str()));
    }
    xml.write_event(Event::Start(root))?;
    Ok(xml.into_inner().into())
}

/// What stands after them.
pub(super) fn after(envelope: &Envelope) -> Result<Bytes, RenderError> {
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Event::Start(BytesStart::new("sources")))?;
    for source in &envelope.sources {
        write_source(&mut xml, source)?;
    }
    close(&mut xml, "sources")?;
    close(&mut xml, "groups")?;
    Ok(xml.into_inner().into())
}

/// The document of a single group.
pub(super) fn single(row: SeenRow<'_>) -> Result<Bytes, RenderError> {
    let mut xml = document()?;
    write_group(&mut xml, row, None)?;
    Ok(xml.into_inner().into())
}

fn document() -> Result<Xml, RenderError> {
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    Ok(xml)
}

fn write_source(xml: &mut Xml, source: &SourceStatus) -> Result<(), RenderError> {
    let groups = source.groups.to_string();
    let mut element = BytesStart::new("source");
    element.push_attribute(("name", source.name.as_str()));
    element.push_attribute(("state", source.state.as_str()));
    element.push_attribute(("groups", groups.as_str()));
    if let Some(as_of) = source.as_of {
        element.push_attribute(("as_of", as_of.to_string().as_str()));
    }
    let Some(error) = &source.error else {
        xml.write_event(Event::Empty(element))?;
        return Ok(());
    };
    xml.write_event(Event::Start(element))?;
    let mut element = BytesStart::new("error");
    element.push_attribute(("type", error.r#type.as_str()));
    element.push_attribute(("title", error.title));
    if let Some(wait) = error.retry_after_seconds {
        element.push_attribute(("retry_after_seconds", wait.to_string().as_str()));
    }
    xml.write_event(Event::Empty(element))?;
    close(xml, "source")
}

fn write_group(
    xml: &mut Xml,
    row: SeenRow<'_>,
    fields: SelectedFields<'_>,
) -> Result<(), RenderError> {
    let json = row.seen_json();
    let record = json.record()?;
    xml.write_event(Event::Start(BytesStart::new("group")))?;
    for (name, json) in record.fields(fields) {
        write_field(xml, name, &json::read_own(json)?)?;
    }
    close(xml, "group")
}

/// Writes one field of a group. Lists hold people, and the only object is `attributes`.
fn write_field(xml: &mut Xml, name: &str, value: &Value) -> Result<(), RenderError> {
    let element = BytesStart::new(name);
    match value {
        Value::Array(people) => {
            xml.write_event(Event::Start(element))?;
            for person in people.iter().filter_map(Value::as_object) {
                write_person(xml, person)?;
            }
            close(xml, name)
        }
        Value::Object(attributes) => {
            xml.write_event(Event::Start(element))?;
            write_attributes(xml, attributes)?;
            close(xml, name)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            write_scalar(xml, element, value)
        }
    }
}

fn write_person(xml: &mut Xml, person: &Map<String, Value>) -> Result<(), RenderError> {
    xml.write_event(Event::Start(BytesStart::new("member")))?;
    for (name, value) in person {
        write_scalar(xml, BytesStart::new(name), value)?;
    }
    close(xml, "member")
}

fn write_attributes(xml: &mut Xml, attributes: &Map<String, Value>) -> Result<(), RenderError> {
    for (name, value) in attributes {
        let mut element = BytesStart::new("attribute");
        let written = holdable(name);
        element.push_attribute(("name", written.as_ref()));
        if matches!(written, Cow::Owned(_)) {
            element.push_attribute(("name_encoding", "json"));
        }
        write_typed(xml, element, value)?;
    }
    Ok(())
}

/// Writes a value that may be of any type, and says of which.
fn write_typed(
    xml: &mut Xml,
    mut element: BytesStart<'_>,
    value: &Value,
) -> Result<(), RenderError> {
    if let Some(kind) = type_of(value) {
        element.push_attribute(("type", kind));
    }
    let end = element.to_end().into_owned();
    match value {
        Value::Array(items) => {
            xml.write_event(Event::Start(element))?;
            for item in items {
                write_typed(xml, BytesStart::new("item"), item)?;
            }
            xml.write_event(Event::End(end))?;
        }
        Value::Object(attributes) => {
            xml.write_event(Event::Start(element))?;
            write_attributes(xml, attributes)?;
            xml.write_event(Event::End(end))?;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            write_scalar(xml, element, value)?;
        }
    }
    Ok(())
}

/// The JSON type of a value; null has `nil` for it.
const fn type_of(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some("boolean"),
        Value::Number(_) => Some("number"),
        Value::String(_) => Some("string"),
        Value::Array(_) => Some("array"),
        Value::Object(_) => Some("object"),
    }
}

fn write_scalar(
    xml: &mut Xml,
    mut element: BytesStart<'_>,
    value: &Value,
) -> Result<(), RenderError> {
    let text = match value {
        Value::Null => {
            element.push_attribute(("nil", "true"));
            xml.write_event(Event::Empty(element))?;
            return Ok(());
        }
        Value::String(text) => holdable(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Cow::Owned(value.to_string())
        }
    };
    if value.is_string() && matches!(text, Cow::Owned(_)) {
        element.push_attribute(("encoding", "json"));
    }
    let end = element.to_end().into_owned();
    xml.write_event(Event::Start(element))?;
    xml.write_event(Event::Text(BytesText::new(&text)))?;
    xml.write_event(Event::End(end))?;
    Ok(())
}

fn close(xml: &mut Xml, name: &str) -> Result<(), RenderError> {
    xml.write_event(Event::End(BytesEnd::new(name)))?;
    Ok(())
}

/// The text itself where XML 1.0 can hold it, else a JSON string literal that stands for it.
fn holdable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_holdable) {
        return Cow::Borrowed(text);
    }
    let mut literal = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            // JSON strings hold no raw control characters, not even those that XML does.
            ' '.. if is_holdable(character) => literal.push(character),
            // All others are below U+10000, so one escape holds each. Writing into a string does
            // not fail.
            _ => {
                let _ = write!(literal, "\\u{:04x}", u32::from(character));
            }
        }
    }
    literal.push('"');
    Cow::Owned(literal)
}

/// Whether a character may stand in an XML 1.0 document (section 2.2, `Char`).
const fn is_holdable(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_xml_cannot_hold_becomes_a_json_literal() {
        let text = "bell\u{7} \r\n\t \"\\ \u{FFFE}é";
        let literal = holdable(text);
        assert_eq!(
            literal,
            "\"bell\\u0007 \\u000d\\u000a\\u0009 \\\"\\\\ \\ufffeé\""
        );
        assert_eq!(serde_json::from_str::<String>(&literal).unwrap(), text);
    }

    #[test]
    fn a_text_that_xml_can_hold_stays_as_it_is() {
        let text = "line\r\n\t<&> é 𝄞 \u{85}";
        assert!(matches!(holdable(text), Cow::Borrowed(same) if same == text));
    }
}
