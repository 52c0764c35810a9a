//! Readers that make the JSON answer of that in each other format.

use http::HeaderMap;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value, json};

use crate::downstream::envelope::Envelope;
use crate::gateway::seen_row::SelectedFields;
use crate::json::read_own;
use crate::snapshot::Snapshot;

use super::super::{AnswerFormat, csv};
use super::answer;

pub(super) fn from_ndjson(
    snapshot: &Snapshot,
    fields: SelectedFields<'_>,
    envelope: &Envelope,
) -> Value {
    let mut groups: Vec<Value> = answer(AnswerFormat::Ndjson, snapshot, fields, envelope)
        .lines()
        .map(|line| read_own(line).unwrap())
        .collect();
    let whole = groups.pop().unwrap()["summary"].take();
    with_groups(whole, Value::Array(groups))
}

pub(super) fn from_csv(
    snapshot: &Snapshot,
    fields: SelectedFields<'_>,
    envelope: &Envelope,
) -> Value {
    let text = answer(AnswerFormat::Csv, snapshot, fields, envelope);
    let mut records = cells(&text).into_iter();
    let columns = records.next().unwrap();
    let groups = records.map(|record| {
        let members = columns.iter().zip(record).map(|(column, cell)| {
            let name = column.text.clone();
            let value = cell.value(&name);
            (name, value)
        });
        Value::Object(members.collect())
    });
    let groups = groups.collect::<Value>();
    let mut headers = HeaderMap::new();
    csv::describe(&mut headers, envelope).unwrap();
    let read = |name: &str| serde_json::from_slice::<Value>(headers[name].as_bytes()).unwrap();
    let rest = json!({
        "total": read("x-total-count"),
        "complete": read("x-complete"),
        "sources": read("x-sources"),
        // In `Link`, which is not the renderer's.
        "next_cursor": envelope.next_cursor,
    });
    with_groups(rest, groups)
}

/// The answer with its groups, whose numbers `json!` would write anew.
fn with_groups(mut answer: Value, groups: Value) -> Value {
    answer["groups"] = groups;
    answer
}

/// A cell of CSV, and whether it was quoted.
#[derive(Debug, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    quoted: bool,
}

impl Cell {
    fn value(self, column: &str) -> Value {
        match column {
            _ if !self.quoted && self.text.is_empty() => Value::Null,
            "members" | "admins" | "guests" | "attributes" | "member_count" => {
                read_own(&self.text).unwrap()
            }
            _ => Value::String(self.text),
        }
    }
}

/// Reads RFC 4180 as written, and sees quotes.
pub(super) fn cells(text: &str) -> Vec<Vec<Cell>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut cell = Cell::default();
    let mut inside = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if inside && characters.peek() == Some(&'"') => {
                cell.text.push('"');
                characters.next();
            }
            '"' => {
                inside = !inside;
                cell.quoted = true;
            }
            ',' if !inside => record.push(std::mem::take(&mut cell)),
            '\r' if !inside => {
                assert_eq!(characters.next(), Some('\n'));
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            other => cell.text.push(other),
        }
    }
    records
}

/// An XML element, read whole.
#[derive(Debug, Default)]
struct XmlElement {
    name: String,
    attributes: Map<String, Value>,
    children: Vec<XmlElement>,
    text: String,
}

impl XmlElement {
    fn of(start: &BytesStart<'_>) -> Self {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .unwrap();
            (attribute.key.as_ref().to_owned(), value.into())
        });
        Self {
            name: start.name().as_ref().to_owned(),
            attributes: attributes.collect(),
            ..Self::default()
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_str()
    }

    fn text(&self) -> String {
        match self.attribute("encoding") {
            Some("json") => serde_json::from_str(&self.text).unwrap(),
            _ => self.text.clone(),
        }
    }

    fn scalar(&self) -> Value {
        match self.attribute("nil") {
            Some("true") => Value::Null,
            _ => Value::String(self.text()),
        }
    }

    fn typed(&self) -> Value {
        match self.attribute("type") {
            Some("array") => self.children.iter().map(Self::typed).collect(),
            Some("object") => self.object(),
            Some("number" | "boolean") => read_own(&self.text).unwrap(),
            _ => self.scalar(),
        }
    }

    fn object(&self) -> Value {
        let members = self.children.iter().map(|child| {
            let name = child.attribute("name").unwrap();
            let name = match child.attribute("name_encoding") {
                Some("json") => serde_json::from_str(name).unwrap(),
                _ => name.to_owned(),
            };
            (name, child.typed())
        });
        Value::Object(members.collect())
    }

    fn field(&self) -> Value {
        match self.name.as_str() {
            "attributes" => self.object(),
            "members" | "admins" | "guests" => self.children.iter().map(Self::fields).collect(),
            "member_count" if !self.text.is_empty() => serde_json::from_str(&self.text).unwrap(),
            _ => self.scalar(),
        }
    }

    fn fields(&self) -> Value {
        let members = self
            .children
            .iter()
            .map(|child| (child.name.clone(), child.field()));
        Value::Object(members.collect())
    }

    fn source(&self) -> Value {
        let number = |element: &Self, name| {
            element
                .attribute(name)
                .map(|text: &str| text.parse::<u64>().unwrap())
        };
        json!({
            "name": self.attribute("name"),
            "state": self.attribute("state"),
            "groups": number(self, "groups"),
            "as_of": self.attribute("as_of"),
            "error": self.children.first().map(|error| json!({
                "type": error.attribute("type"),
                "title": error.attribute("title"),
                "retry_after_seconds": number(error, "retry_after_seconds"),
            })),
        })
    }
}

pub(super) fn from_xml(
    snapshot: &Snapshot,
    fields: SelectedFields<'_>,
    envelope: &Envelope,
) -> Value {
    let root = read_xml(&answer(AnswerFormat::Xml, snapshot, fields, envelope));
    let (sources, groups) = root.children.split_last().unwrap();
    let rest = json!({
        "total": root.attribute("total").unwrap().parse::<u64>().unwrap(),
        "next_cursor": root.attribute("next_cursor"),
        "complete": root.attribute("complete") == Some("true"),
        "sources": sources.children.iter().map(XmlElement::source).collect::<Value>(),
    });
    with_groups(rest, groups.iter().map(XmlElement::fields).collect())
}

fn read_xml(text: &str) -> XmlElement {
    let mut reader = Reader::from_str(text);
    let mut open = vec![XmlElement::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(XmlElement::of(&start)),
            Event::Empty(start) => {
                let element = XmlElement::of(&start);
                open.last_mut().unwrap().children.push(element);
            }
            Event::End(_) => {
                let element = open.pop().unwrap();
                open.last_mut().unwrap().children.push(element);
            }
            Event::Text(piece) => {
                let piece = piece.xml10_content();
                open.last_mut().unwrap().text.push_str(&piece);
            }
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let text = quick_xml::escape::unescape(&format!("&{name};"))
                    .unwrap()
                    .into_owned();
                open.last_mut().unwrap().text.push_str(&text);
            }
            Event::Eof => return open.pop().unwrap().children.pop().unwrap(),
            Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
}
