//! JSON and XML are two ways to write the same list: the third upstream speaks both, and what its
//! adapter makes of them is equal.

use std::sync::{Arc, LazyLock};

use groupgate::group::Group;
use groupgate::upstream::Adapter;
use http::{HeaderMap, StatusCode};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::adapters::{PUBLISHER_JSON, shipped};

static XML: LazyLock<Arc<Adapter>> = LazyLock::new(|| shipped("publisher", &[]));

static JSON: LazyLock<Arc<Adapter>> = LazyLock::new(|| shipped("publisher", &PUBLISHER_JSON));

fn groups(adapter: &Adapter, body: &str) -> Vec<Group> {
    let turn = adapter.replay(StatusCode::OK, HeaderMap::new(), body.as_bytes());
    turn.unwrap_or_else(|error| panic!("{error}: {body}"))
        .outcomes()
        .into_iter()
        .map(|outcome| outcome.expect("the record has id and name"))
        .collect()
}

/// Text that both formats can hold: XML has no control characters but tab and line feed.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        8 => proptest::char::range(' ', '~'),
        4 => prop::sample::select(vec!['<', '>', '&', '"', '\'', ']', '\n', '\t', ' ', '/']),
        2 => proptest::char::range('\u{a0}', '\u{d7ff}'),
        2 => proptest::char::range('\u{e000}', '\u{fffd}'),
        1 => proptest::char::range('\u{10000}', '\u{10ffff}'),
    ];
    vec(character, 0..12).prop_map(String::from_iter)
}

fn some_text() -> impl Strategy<Value = String> {
    text().prop_filter("a name is not empty", |text| !text.is_empty())
}

/// Whole numbers of any size, as an id may be.
fn number() -> impl Strategy<Value = Value> {
    "[1-9][0-9]{0,30}".prop_map(|digits| serde_json::from_str(&digits).unwrap())
}

fn time() -> impl Strategy<Value = Value> {
    (0_i64..4_000_000_000).prop_map(|second| {
        let time = jiff::Timestamp::from_second(second).unwrap();
        time.to_string().into()
    })
}

/// A key that no field takes.
fn extra() -> impl Strategy<Value = (String, Value)> {
    let scalar = prop_oneof![
        text().prop_map(Value::from),
        number(),
        any::<bool>().prop_map(Value::from),
    ];
    let person = (number(), text()).prop_map(|(id, name)| json!({ "id": id, "name": name }));
    let value =
        prop_oneof![3 => scalar.clone(), 1 => person, 1 => vec(scalar, 1..3).prop_map(Value::from)];
    ("x[a-z]{1,5}s", value)
}

prop_compose! {
    /// A group as the vendor's page describes it: keys without a value are left out.
    fn group()(
        id in number(),
        name in some_text(),
        link in option::of("http://[a-z]{1,8}\\.example/\\?a=1&b=2"),
        description in option::of(text()),
        users in option::of(vec(number(), 0..4)),
        created in option::of(time()),
        updated in option::of(time()),
        extras in vec(extra(), 0..4),
    ) -> Value {
        let mut group = Map::new();
        group.insert("id".into(), id);
        group.insert("name".into(), name.into());
        let optional = [
            ("link", link.map(Value::from)),
            ("description", description.map(Value::from)),
            ("users", users.map(Value::from)),
            ("created", created),
            ("updated", updated),
        ];
        for (key, value) in optional {
            group.extend(value.map(|value| (key.to_owned(), value)));
        }
        group.extend(extras);
        Value::Object(group)
    }
}

/// The vendor's XML: one element a key, and a list's items under its name in the singular.
fn element(name: &str, value: &Value) -> String {
    let content: String = match value {
        Value::Array(items) => {
            let singular = name.strip_suffix('s').expect("lists have plural names");
            items.iter().map(|item| element(singular, item)).collect()
        }
        Value::Object(members) => {
            let members = members.iter();
            members.map(|(name, value)| element(name, value)).collect()
        }
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            escaped(&plain(scalar))
        }
    };
    format!("<{name}>{content}</{name}>")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

/// A scalar as text.
fn plain(scalar: &Value) -> String {
    scalar
        .as_str()
        .map_or_else(|| scalar.to_string(), str::to_owned)
}

/// What XML leaves of a value that no field takes: texts for scalars, and every element in a list.
fn left_by_xml(name: &str, value: &Value) -> Value {
    let inside = match value {
        Value::Array(items) => {
            let singular = name.strip_suffix('s').expect("lists have plural names");
            json!({ singular: items.iter().map(plain).collect::<Vec<_>>() })
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), left_by_xml(name, value)))
            .collect(),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            plain(scalar).into()
        }
    };
    json!([inside])
}

fn with_attributes_as_in_xml(mut group: Group) -> Group {
    let mut attributes = group.attributes.members();
    for (name, value) in &mut attributes {
        *value = left_by_xml(name, value);
    }
    group.attributes = attributes.into();
    group
}

proptest! {
    #[test]
    fn the_same_list_in_json_and_in_xml_becomes_the_same_groups(list in vec(group(), 0..6)) {
        let total = list.len();
        let json = json!({ "total": total, "currentpage": 0, "groups": list }).to_string();
        let elements: String = list.iter().map(|group| element("group", group)).collect();
        let xml = format!("<groups><total>{total}</total><currentpage>0</currentpage>{elements}</groups>");

        let from_json: Vec<_> = groups(&JSON, &json)
            .into_iter()
            .map(with_attributes_as_in_xml)
            .collect();
        let from_xml = groups(&XML, &xml);
        prop_assert_eq!(from_json.len(), total);
        prop_assert_eq!(from_json, from_xml);
    }
}
