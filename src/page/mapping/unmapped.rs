//! The parts of a record that no field maps.

use serde_json::{Map, Value};

use crate::page::format::Node;
use crate::plan::People;

/// The path of a list of people, and who they are if it holds more than them.
pub(super) type MappedList<'a> = (&'a [String], Option<&'a People>);

/// A record without the parts at `mapped` and the people of `lists`. A scalar record has no other
/// parts.
pub(super) fn unmapped(
    record: Node<'_>,
    mapped: &[&[String]],
    lists: &[MappedList<'_>],
) -> Map<String, Value> {
    let Value::Object(members) = record.value() else {
        return Map::new();
    };
    if mapped.iter().any(|path| path.is_empty()) {
        return Map::new();
    }
    remaining(record, members, mapped, lists)
}

pub(super) fn remaining(
    around: Node<'_>,
    members: &Map<String, Value>,
    mapped: &[&[String]],
    lists: &[MappedList<'_>],
) -> Map<String, Value> {
    let mut rest = Map::new();
    for (key, value) in members {
        // Most members are mapped completely or not at all, so the rests of paths come second.
        let is_mapped = mapped
            .iter()
            .any(|path| matches!(path, [only] if only == key));
        if is_mapped {
            continue;
        }
        let value = around.at(value);
        let below_lists: Vec<_> = lists
            .iter()
            .filter_map(|(path, people)| Some((below(key, path)?, *people)))
            .collect();
        let mapped: Vec<_> = mapped.iter().filter_map(|path| below(key, path)).collect();
        let here = || below_lists.iter().filter(|(path, _)| path.is_empty());
        let left = if here().any(|(_, people)| people.is_none()) {
            None
        } else if let Some(people) = here().find_map(|(_, people)| *people) {
            people.left(value)
        } else {
            without(value, &mapped, &below_lists)
        };
        if let Some(left) = left {
            rest.insert(key.clone(), left);
        }
    }
    rest
}

/// The rest of a path that starts with `key`.
fn below<'a>(key: &str, path: &'a [String]) -> Option<&'a [String]> {
    let (first, rest) = path.split_first()?;
    (first == key).then_some(rest)
}

/// `node` without the parts at `mapped` and the people of `lists`, none of which is the value itself;
/// `None` if nothing remains.
fn without(node: Node<'_>, mapped: &[&[String]], lists: &[MappedList<'_>]) -> Option<Value> {
    let value = node.value();
    if mapped.is_empty() && lists.is_empty() {
        return Some(value.clone());
    }
    match value {
        Value::Object(members) => {
            let rest = remaining(node, members, mapped, lists);
            (!rest.is_empty()).then_some(Value::Object(rest))
        }
        // A single child in XML is a list of one. Of a longer list only the first item was mapped,
        // and the whole list is kept, unless people were read from all of it.
        Value::Array(items) => match items.as_slice() {
            [only] => Some(Value::Array(vec![without(node.at(only), mapped, lists)?])),
            items if !lists.is_empty() => {
                let left = items.iter().map(|item| match node.at(item) {
                    empty if empty.is_empty() => None,
                    item => without(item, &[], lists),
                });
                let left: Vec<_> = left.collect();
                let nothing = || Value::Object(Map::new());
                (left.iter().any(Option::is_some)).then(|| {
                    let left = left.into_iter();
                    left.map(|item| item.unwrap_or_else(nothing)).collect()
                })
            }
            _ => Some(value.clone()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
    }
}
