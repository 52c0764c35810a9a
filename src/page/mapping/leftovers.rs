//! What a record holds and no field takes.

use serde_json::{Map, Value};

use crate::page::format::Node;

/// What is left of a record when the parts at `taken` are gone. A scalar record has nothing left.
pub(super) fn leftovers(record: Node<'_>, taken: &[&[String]]) -> Map<String, Value> {
    let Value::Object(record) = record.value() else {
        return Map::new();
    };
    if taken.iter().any(|path| path.is_empty()) {
        return Map::new();
    }
    left(record, taken)
}

fn left(members: &Map<String, Value>, taken: &[&[String]]) -> Map<String, Value> {
    let mut left = Map::new();
    for (key, value) in members {
        // Most members are taken whole or not at all, so the rests of paths are a second question.
        let is_taken = taken
            .iter()
            .any(|path| matches!(path, [only] if only == key));
        if is_taken {
            continue;
        }
        if let Some(value) = without(value, &below(key, taken)) {
            left.insert(key.clone(), value);
        }
    }
    left
}

/// The rests of the paths that begin with `key`.
fn below<'a>(key: &str, taken: &[&'a [String]]) -> Vec<&'a [String]> {
    taken
        .iter()
        .filter_map(|path| path.split_first())
        .filter(|(first, _)| *first == key)
        .map(|(_, rest)| rest)
        .collect()
}

/// What is left of `value` when the parts at `taken`, none of which is the value itself, are gone;
/// `None` when nothing is.
fn without(value: &Value, taken: &[&[String]]) -> Option<Value> {
    if taken.is_empty() {
        return Some(value.clone());
    }
    match value {
        Value::Object(members) => {
            let left = left(members, taken);
            (!left.is_empty()).then_some(Value::Object(left))
        }
        // A list of one is how XML holds a single child; of more, only the first was taken, and
        // the whole list is kept.
        Value::Array(items) => match items.as_slice() {
            [only] => Some(Value::Array(vec![without(only, taken)?])),
            _ => Some(value.clone()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
    }
}
