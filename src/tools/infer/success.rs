//! The status that a page's body repeats.

use http::StatusCode;
use toml_edit::{InlineTable, Value};

use super::guess::{Confidence, ProposedLine};
use super::leaves::{Leaf, LeafPlace};
use super::words::WordList;

/// Names of status members, the surest first.
const STATUSES: WordList =
    WordList("statuscode httpstatus ok success issuccess status stat code errorcode");

/// Names of a message beside it.
const MESSAGES: WordList =
    WordList("message msg errormessage errordescription statusmessage reason detail");

/// The line for `success`, if the body of each sample says that it succeeded.
pub(super) fn guess(status: StatusCode, samples: &[&[Leaf]]) -> Option<ProposedLine> {
    let (leaf, confidence, why) = stated(status, samples).or_else(|| error_is_false(samples))?;
    let LeafPlace::Body(path) = &leaf.place else {
        return None;
    };
    let mut keys: InlineTable = InlineTable::new();
    keys.insert("path", path.to_string().into());
    keys.insert("equals", equals(leaf.text.as_deref()?));
    let is_there = |sample: &&[Leaf]| sample.iter().any(|other| other.place == leaf.place);
    if leaf.name == "error" || !samples.iter().all(is_there) {
        keys.insert("absent", "ok".into());
    }
    let message = message(leaf, samples);
    if let Some(message) = &message {
        keys.insert("message", message.as_str().into());
    }
    let mut line = ProposedLine::guess("success", keys, confidence, why);
    if message.is_none() {
        line = line.and("FILL IN: `message`, the path of the error message in a failure.");
    }
    Some(line)
}

/// A member that states success, with the same value in every sample that has it.
fn stated<'a>(
    status: StatusCode,
    samples: &[&'a [Leaf]],
) -> Option<(&'a Leaf, Confidence, &'static str)> {
    STATUSES.iter().find_map(|name| {
        let found = leaves(samples, name);
        let first = *found.iter().min_by_key(|leaf| leaf.depth)?;
        let is_same = found
            .iter()
            .filter(|leaf| leaf.place == first.place)
            .all(|leaf| leaf.text == first.text);
        let (confidence, why) = classify(first, status)?;
        is_same.then_some((first, confidence, why))
    })
}

fn classify(leaf: &Leaf, status: StatusCode) -> Option<(Confidence, &'static str)> {
    let text = leaf.text.as_deref()?;
    if text == status.as_str() {
        return Some((
            Confidence::Clear,
            "the body repeats the status; a failure may have status 200 and say so only here",
        ));
    }
    match (leaf.name.as_str(), text.to_ascii_lowercase().as_str()) {
        ("ok" | "success" | "issuccess", "true" | "1") => Some((
            Confidence::Clear,
            "the body says that it succeeded, so failures may have status 200",
        )),
        ("status" | "stat", "ok" | "success" | "succeeded") => Some((
            Confidence::Likely,
            "the body says that it succeeded, so failures may have status 200",
        )),
        ("code" | "errorcode" | "status" | "statuscode", "0") => Some((
            Confidence::NotSure,
            "0 often means success; look up what a failure looks like",
        )),
        _ => None,
    }
}

/// A member `error` that is false.
fn error_is_false<'a>(samples: &[&'a [Leaf]]) -> Option<(&'a Leaf, Confidence, &'static str)> {
    let found = leaves(samples, "error");
    let first = *found.first()?;
    found
        .iter()
        .all(|leaf| leaf.boolean() == Some(false))
        .then_some((
            first,
            Confidence::Likely,
            "the body says that it is not an error, so errors may have status 200",
        ))
}

/// The leaves of this name near the root of the bodies.
fn leaves<'a>(samples: &[&'a [Leaf]], name: &str) -> Vec<&'a Leaf> {
    samples
        .iter()
        .flat_map(|sample| sample.iter())
        .filter(|leaf| leaf.name == name && leaf.depth <= 3)
        .filter(|leaf| matches!(leaf.place, LeafPlace::Body(_)))
        .collect()
}

/// The message beside the status.
fn message(status: &Leaf, samples: &[&[Leaf]]) -> Option<String> {
    let LeafPlace::Body(path) = &status.place else {
        return None;
    };
    let around = path.segments().split_last()?.1;
    MESSAGES.iter().find_map(|name| {
        leaves(samples, name)
            .into_iter()
            .find_map(|leaf| match &leaf.place {
                LeafPlace::Body(path) => {
                    let is_beside = path.segments().split_last()?.1 == around;
                    is_beside.then(|| path.to_string())
                }
                LeafPlace::Header(_) => None,
            })
    })
}

/// The value to compare with: `success.equals` compares texts, so a number may be a number.
fn equals(text: &str) -> Value {
    match (text.parse::<i64>(), text.parse::<bool>()) {
        (Ok(number), _) if number.to_string() == text => number.into(),
        (_, Ok(truth)) => truth.into(),
        _ => text.into(),
    }
}
