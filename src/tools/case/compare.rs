//! Compares the outcome of a walk with what a case expects.

use serde_json::{Map, Value};

use crate::error::UpstreamError;
use crate::group::Group;
use crate::upstream::walk::Walked;

use super::{CaseFile, ExpectedCounts};

impl CaseFile {
    /// How the outcome of a walk of the source of this name differs from the expected one, as
    /// sentences.
    pub fn differences(
        &self,
        source: &str,
        outcome: &Result<Walked, UpstreamError>,
    ) -> Vec<String> {
        let expect = &self.expect;
        match (outcome, &expect.error) {
            (Ok(walked), None) => {
                let mut differences = self.group_differences(source, &walked.groups.to_groups());
                let counts = ExpectedCounts::from(walked.counts);
                if counts != expect.counts {
                    differences.push(format!("counted {counts:?}; expected {:?}", expect.counts));
                }
                differences
            }
            (Err(error), Some(expected)) => {
                let mut differences = Vec::new();
                if error.kind.as_str() != expected.kind || !error.detail.contains(&expected.detail)
                {
                    differences.push(format!(
                        "failed with `{error}`; expected `{}: …{}…`",
                        expected.kind, expected.detail
                    ));
                }
                let wait = error.retry_after.map(|wait| wait.as_secs_f64());
                if expected.retry_after.is_some() && wait != expected.retry_after {
                    differences.push(format!(
                        "retry after {wait:?} seconds; expected {:?}",
                        expected.retry_after
                    ));
                }
                differences
            }
            (Err(error), None) => vec![format!("failed with `{error}`")],
            (Ok(walked), Some(expected)) => vec![format!(
                "returned {} groups; expected `{}`",
                walked.groups.len(),
                expected.kind
            )],
        }
    }

    /// How these groups of the source of this name differ from the expected ones.
    pub fn group_differences(&self, source: &str, actual: &[Group]) -> Vec<String> {
        let expected = self.expect.groups.as_deref().unwrap_or_default();
        let named = actual.iter().filter_map(|group| wrong_id(source, group));
        let count = actual.len().max(expected.len());
        let pair = |index| match (actual.get(index), expected.get(index)) {
            (Some(actual), Some(expected)) => members(index + 1, &comparable(actual), expected),
            (Some(actual), None) => {
                let actual = comparable(actual);
                vec![format!("unexpected group {}: {actual}", index + 1)]
            }
            (None, Some(expected)) => vec![format!("missing group {}: {expected}", index + 1)],
            (None, None) => Vec::new(),
        };
        (0..count).flat_map(pair).chain(named).collect()
    }
}

/// Ids are unique only within a source, so a group's id begins with it.
fn wrong_id(source: &str, group: &Group) -> Option<String> {
    let id = format!("{source}:{}", group.source_id);
    let is_named = group.source == source && group.id == id;
    (!is_named).then(|| format!("a group has the id `{}`; expected `{id}`", group.id))
}

fn members(number: usize, actual: &Value, expected: &Value) -> Vec<String> {
    let empty = Map::new();
    let actual = actual.as_object().unwrap_or(&empty);
    let expected = expected.as_object().unwrap_or(&empty);
    let mut names: Vec<_> = expected.keys().chain(actual.keys()).collect();
    names.sort();
    names.dedup();
    let show = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    let wrong = |name: &String| {
        let (actual, expected) = (actual.get(name), expected.get(name));
        (actual != expected).then(|| {
            format!(
                "group {number}: `{name}` is {}; expected {}",
                show(actual),
                show(expected)
            )
        })
    };
    names.into_iter().filter_map(wrong).collect()
}

/// A group without empty members, and without what is the same for all groups of its source.
pub(crate) fn comparable(group: &Group) -> Value {
    let mut members = without_empty(group);
    members.retain(|name, _| name != "id" && name != "source");
    Value::Object(members)
}

/// The members of a group that are not empty.
pub(crate) fn without_empty(group: &Group) -> Map<String, Value> {
    let Ok(Value::Object(mut members)) = serde_json::to_value(group) else {
        return Map::new();
    };
    members.retain(|name, value| {
        if matches!(name.as_str(), "members" | "admins" | "guests") {
            let people = value.as_array_mut().into_iter().flatten();
            for person in people.filter_map(Value::as_object_mut) {
                person.retain(|_, value| !value.is_null());
            }
        }
        match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        }
    });
    members
}
