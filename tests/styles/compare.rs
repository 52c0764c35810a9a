//! What came of a walk, held against what was to come.

use groupgate::error::UpstreamError;
use groupgate::group::Group;
use groupgate::upstream::walk::Walked;
use serde_json::{Map, Value};

use crate::case::{Case, Counts, SOURCE};

/// In what the outcome of a walk differs from what a case expects, as sentences.
pub(crate) fn complaints(case: &Case, outcome: &Result<Walked, UpstreamError>) -> Vec<String> {
    match (outcome, case.groups(), &case.expect.error) {
        (Ok(walked), Some(expected), _) => {
            let mut complaints = lists(&walked.groups, &expected);
            let counts = Counts {
                skipped: walked.counts.skipped,
                repeated: walked.counts.repeated,
                unparsed_timestamps: walked.counts.unparsed_timestamps,
                drifted: walked.counts.drifted,
            };
            if counts != case.expect.counts {
                complaints.push(format!(
                    "counted {counts:?}, where {:?} was expected",
                    case.expect.counts
                ));
            }
            complaints
        }
        (Err(error), _, Some(expected)) => {
            let mut complaints = Vec::new();
            if error.kind.as_str() != expected.kind || !error.detail.contains(&expected.detail) {
                complaints.push(format!(
                    "it failed with `{error}`, where `{}: …{}…` was expected",
                    expected.kind, expected.detail
                ));
            }
            let wait = error.retry_after.map(|wait| wait.as_secs_f64());
            if expected.retry_after.is_some() && wait != expected.retry_after {
                complaints.push(format!(
                    "to be asked again after {wait:?} seconds, where {:?} was expected",
                    expected.retry_after
                ));
            }
            complaints
        }
        (Err(error), _, None) => vec![format!("it failed with `{error}`")],
        (Ok(walked), None, _) => vec![format!(
            "{} groups came, where an error was expected",
            walked.groups.len()
        )],
    }
}

/// In what the groups that a caller got differ from what a case expects.
pub(crate) fn answer(case: &Case, answer: &Value) -> Vec<String> {
    let groups = serde_json::from_value::<Vec<Group>>(answer["groups"].clone());
    match (groups, case.groups()) {
        (Ok(groups), Some(expected)) if answer["complete"] == true => lists(&groups, &expected),
        _ => vec![format!("the gateway answered {answer:#}")],
    }
}

fn lists(came: &[Group], expected: &[Value]) -> Vec<String> {
    let named: Vec<_> = came.iter().filter_map(misnamed).collect();
    let came: Vec<_> = came.iter().map(brief).collect();
    let count = came.len().max(expected.len());
    let pair = |index| match (came.get(index), expected.get(index)) {
        (Some(came), Some(expected)) => members(index + 1, came, expected),
        (Some(came), None) => vec![format!("group {} is one too many: {came}", index + 1)],
        (None, Some(expected)) => vec![format!("group {} is missing: {expected}", index + 1)],
        (None, None) => Vec::new(),
    };
    (0..count).flat_map(pair).chain(named).collect()
}

/// Ids are unique only in their source, so a group's has the source before it.
fn misnamed(group: &Group) -> Option<String> {
    let id = format!("{SOURCE}:{}", group.source_id);
    let is_named = group.source == SOURCE && group.id == id;
    (!is_named).then(|| {
        format!(
            "a group is called `{}`, where `{id}` was expected",
            group.id
        )
    })
}

fn members(number: usize, came: &Value, expected: &Value) -> Vec<String> {
    let empty = Map::new();
    let came = came.as_object().unwrap_or(&empty);
    let expected = expected.as_object().unwrap_or(&empty);
    let mut names: Vec<_> = expected.keys().chain(came.keys()).collect();
    names.sort();
    names.dedup();
    let show = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    let wrong = |name: &String| {
        let (came, expected) = (came.get(name), expected.get(name));
        (came != expected).then(|| {
            format!(
                "group {number}: `{name}` is {}, where {} was expected",
                show(came),
                show(expected)
            )
        })
    };
    names.into_iter().filter_map(wrong).collect()
}

/// A group without what it does not have, and without what is the same for all of its source.
fn brief(group: &Group) -> Value {
    let Value::Object(mut members) = serde_json::to_value(group).unwrap() else {
        unreachable!("a group is an object");
    };
    members.retain(|name, value| {
        if ["members", "admins", "guests"].contains(&name.as_str()) {
            let people = value.as_array_mut().into_iter().flatten();
            for person in people.filter_map(Value::as_object_mut) {
                person.retain(|_, value| !value.is_null());
            }
        }
        !["id", "source"].contains(&name.as_str()) && !is_nothing(value)
    });
    Value::Object(members)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
