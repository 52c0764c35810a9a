//! The texts that a request holds, and the keys that they stand at.

use crate::config::upstream::{Json, Request, Text};
use crate::problem::KeyPath;

/// The texts that may hold placeholders.
pub(super) fn texts<'a>(at: &KeyPath, request: &'a Request) -> Vec<(KeyPath, &'a str)> {
    let mut texts = vec![(at.join("path"), request.path.as_str())];
    for (at, value) in values(at, request) {
        if let Text::Literal(text) = value {
            texts.push((at, text));
        }
    }
    if let Some(json) = &request.json {
        json_texts(at.join("json"), json, &mut texts);
    }
    texts
}

/// What may be written as a text or as a secret; `json` and `vars` aside.
pub(super) fn values<'a>(at: &KeyPath, request: &'a Request) -> Vec<(KeyPath, &'a Text)> {
    let mut found = Vec::new();
    for (table, parameters) in [
        ("query", Some(&request.query)),
        ("form", request.form.as_ref()),
    ] {
        for (name, values) in parameters.into_iter().flatten() {
            let at = at.join(table).join(name);
            match values.as_slice() {
                [value] => found.push((at, value)),
                several => found.extend(
                    (several.iter().enumerate())
                        .map(|(index, value)| (at.join(index.to_string()), value)),
                ),
            }
        }
    }
    let headers = at.join("headers");
    found.extend((request.headers.iter()).map(|(name, value)| (headers.join(name), value)));
    found.extend(request.body.iter().map(|value| (at.join("body"), value)));
    found
}

fn json_texts<'a>(at: KeyPath, json: &'a Json, texts: &mut Vec<(KeyPath, &'a str)>) {
    match json {
        Json::Text(text) => texts.push((at, text)),
        Json::List(items) => {
            for (index, item) in items.iter().enumerate() {
                json_texts(at.join(index.to_string()), item, texts);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                json_texts(at.join(name), member, texts);
            }
        }
        Json::Integer(_) | Json::Float(_) | Json::Number(_) | Json::Bool(_) | Json::Secret(_) => {}
    }
}
