//! A body becomes a page, the page records, the records groups.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use groupgate::page::format::Page;
use groupgate::page::mapping::LeftOutRecord;
use groupgate::plan::Format;
use groupgate::snapshot::Snapshot;
use groupgate::upstream::Adapter;
use groupgate::upstream::pager::{PageContext, Position, WalkTotals};
use http::{HeaderMap, Uri};
use serde_json::{Map, Value};

use super::{compiled, loaded, says_little};

/// Adapters that read the same pages in many ways, and the format of each.
static ADAPTERS: LazyLock<Vec<(Format, Adapter)>> = LazyLock::new(|| {
    let loaded = loaded(include_str!("pages.toml"));
    let adapters = loaded.settings.upstreams.iter().map(|(name, upstream)| {
        let adapter = compiled(&loaded, name).expect("the adapter compiles");
        (upstream.format, adapter)
    });
    adapters.collect()
});

static ASKED: LazyLock<Uri> = LazyLock::new(|| Uri::from_static("http://localhost/list?page=1"));

/// JSON into groups.
pub(crate) fn json(body: &[u8]) {
    read(Format::Json, body, ToString::to_string);
}

/// XML into groups.
pub(crate) fn xml(body: &[u8]) {
    read(Format::Xml, body, document);
}

fn read(format: Format, body: &[u8], encode: impl Fn(&Value) -> String) {
    let page = match Page::decode(format, body) {
        Ok(page) => page,
        Err(error) => return says_little(error),
    };
    let value = page.root().to_value();
    let encoded = encode(&value);
    let again = Page::decode(format, encoded.as_bytes());
    let again = again.unwrap_or_else(|error| panic!("{error}: {encoded:.2000}"));
    assert_eq!(
        again.root().to_value(),
        value,
        "it does not read back: {encoded:.2000}"
    );
    for (_, adapter) in ADAPTERS.iter().filter(|(reads, _)| *reads == format) {
        map(&page, adapter);
    }
}

fn map(page: &Page, adapter: &Adapter) {
    let records = match adapter.mapping().records.listed(page) {
        Ok(records) => records,
        Err(error) => return says_little(error),
    };
    let context = PageContext {
        page,
        headers: &HeaderMap::new(),
        url: &ASKED,
        records: records.len() as u64,
        last_record_key: None,
        last_record_flag: None,
        parents: None,
        is_past_end: false,
    };
    let totals = WalkTotals::first(context.records, None);
    if let Err(error) = adapter.paging().next(&Position::Start, totals, context) {
        says_little(error);
    }
    let mapped = match adapter
        .mapping()
        .map(records, None, LeftOutRecord::SaysNothing)
    {
        Ok(mapped) => mapped,
        Err(error) => return says_little(error),
    };
    let mut ids = HashSet::new();
    let mut groups = Vec::new();
    for group in mapped.outcomes().into_iter().flatten() {
        assert!(!group.source_id.is_empty() && !group.name.is_empty());
        assert_eq!(group.id, format!("{}:{}", group.source, group.source_id));
        assert!(
            group
                .status
                .iter()
                .all(|status| *status == status.to_lowercase())
        );
        let people = [&group.members, &group.admins, &group.guests];
        assert!(
            people
                .into_iter()
                .flatten()
                .all(|person| person.id.is_some() || person.email.is_some())
        );
        if ids.insert(group.id.clone()) {
            groups.push(group);
        }
    }
    let source = groups.first().map_or("fuzz", |group| &group.source);
    let snapshot = Snapshot::new(Arc::from(source), groups.clone());
    assert_eq!(snapshot.len(), groups.len());
    for group in groups {
        let row = snapshot.row(snapshot.find(&group.id).expect("what is kept is found"));
        assert_eq!(row.group().expect("what is kept reads back"), group);
    }
}

/// A decoded document as XML.
fn document(value: &Value) -> String {
    let mut xml = String::new();
    let root = value.as_object().expect("a document is an object");
    children(root, &mut xml);
    xml
}

fn children(members: &Map<String, Value>, xml: &mut String) {
    for (name, values) in members {
        for value in values.as_array().expect("elements are lists") {
            element(name, value, xml);
        }
    }
}

fn element(name: &str, value: &Value, xml: &mut String) {
    xml.push_str(&format!("<{name}"));
    match value {
        Value::Null => xml.push_str(" nil='1'>"),
        Value::String(text) => {
            xml.push('>');
            escape(text, xml);
        }
        Value::Object(members) => {
            let (attributes, mut children): (Map<_, _>, Map<_, _>) = members
                .clone()
                .into_iter()
                .partition(|(name, _)| name.starts_with('@'));
            for (name, value) in attributes {
                xml.push_str(&format!(" {}='", &name[1..]));
                escape(value.as_str().expect("attributes are texts"), xml);
                xml.push('\'');
            }
            xml.push('>');
            let text = children.shift_remove("#text");
            self::children(&children, xml);
            if let Some(text) = text {
                escape(text.as_str().expect("text is text"), xml);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => panic!("{value} is in no XML"),
    }
    xml.push_str(&format!("</{name}>"));
}

/// Writes a text so that neither white space nor line ends are normalized when it is read.
fn escape(text: &str, xml: &mut String) {
    for character in text.chars() {
        match character {
            '<' | '&' | '>' | '\'' | '"' | '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' => {
                xml.push_str(&format!("&#{};", u32::from(character)));
            }
            _ => xml.push(character),
        }
    }
}
