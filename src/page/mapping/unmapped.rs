//! The parts of a record that no field maps.

use serde_json::{Map, Value};

use crate::page::format::Node;

/// A record without the parts at `mapped`. A scalar record has no other parts.
pub(super) fn unmapped(record: Node<'_>, mapped: &[&[String]]) -> Map<String, Value> {
    let Value::Object(record) = record.value() else {
        return Map::new();
    };
    if mapped.iter().any(|path| path.is_empty()) {
        return Map::new();
    }
    remaining(record, mapped)
}

fn remaining(members: &Map<String, Value>, mapped: &[&[String]]) -> Map<String, Value> {
    let mut rest = Map::new();
    for (key, value) in members {
        // Most members are mapped completely or not at all, so the rests of paths come second.
        let is_mapped = mapped
            .iter()
            .any(|path| matches!(path, [only] if only == key));
        if is_mapped {
            continue;
        }
        if let Some(value) = without(value, &below(key, mapped)) {
            rest.insert(key.clone(), value);
        }
    }
    rest
}

/// The rests of the paths that start with `key`.
fn below<'a>(key: &str, mapped: &[&'a [String]]) -> Vec<&'a [String]> {
    mapped
        .iter()
        .filter_map(|path| path.split_first())
        .filter(|(first, _)| *first == key)
        .map(|(_, rest)| rest)
        .collect()
}

/// `value` without the parts at `mapped`, none of which is the value itself; `None` if nothing
/// remains.
fn without(value: &Value, mapped: &[&[String]]) -> Option<Value> {
    if mapped.is_empty() {
        return Some(value.clone());
    }
    match value {
        Value::Object(members) => {
            let rest = remaining(members, mapped);
            (!rest.is_empty()).then_some(Value::Object(rest))
        }
        // A single child in XML is a list of one. Of a longer list only the first item was mapped,
        // and the whole list is kept.
        Value::Array(items) => match items.as_slice() {
            [only] => Some(Value::Array(vec![without(only, mapped)?])),
            _ => Some(value.clone()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
    }
}
