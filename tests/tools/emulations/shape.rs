//! Compares an answer with a vendor's example.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

/// The text of an example.
pub(crate) fn fixture(path: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vendor");
    std::fs::read_to_string(folder.join(path)).expect("the fixture is there")
}

/// An example that is JSON.
pub(crate) fn json_fixture(path: &str) -> Value {
    serde_json::from_str(&fixture(path)).expect("the fixture is JSON")
}

/// Asserts that `actual` has the keys of `example` and the types under them. The keys in `free` may
/// be missing, additional, or null. What is null in the example may be anything.
pub(crate) fn assert_same_shape(example: &Value, actual: &Value, free: &[&str]) {
    compare(example, actual, free, "");
}

fn compare(example: &Value, actual: &Value, free: &[&str], path: &str) {
    match (example, actual) {
        (Value::Null, _)
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_)) => {}
        (Value::String(example), Value::String(actual)) => {
            let is_instant = |text: &str| text.parse::<Timestamp>().is_ok();
            assert_eq!(
                is_instant(example),
                is_instant(actual),
                "`{actual}` at {path}"
            );
        }
        (Value::Array(examples), Value::Array(items)) => {
            for item in items {
                compare(&examples[0], item, free, &format!("{path}/0"));
            }
        }
        (Value::Object(examples), Value::Object(members)) => {
            let is_free = |key: &String| free.contains(&key.as_str());
            for key in examples.keys().filter(|key| !is_free(key)) {
                assert!(members.contains_key(key), "no `{key}` at `{path}`");
            }
            for (key, member) in members {
                match examples.get(key) {
                    None => assert!(is_free(key), "`{key}` at `{path}` is not in the example"),
                    Some(_) if member.is_null() && is_free(key) => {}
                    Some(example) => compare(example, member, free, &format!("{path}/{key}")),
                }
            }
        }
        _ => panic!("at `{path}` the example has {example}, the answer {actual}"),
    }
}
