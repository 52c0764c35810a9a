//! The vendor's XML: one element a key, and a list's items under its name in the singular.

use quick_xml::escape::escape;
use serde_json::Value;

pub(super) const MEDIA_TYPE: &str = "application/xml; charset=utf-8";

/// Writes a list answer. Its root has the list's name, and holds the groups beside the totals.
pub(super) fn document(document: &Value) -> String {
    let mut out = String::from("<groups>");
    for (name, value) in document.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("groups", Value::Array(groups)) => {
                for group in groups {
                    element(&mut out, "group", group);
                }
            }
            (name, value) => element(&mut out, name, value),
        }
    }
    out += "</groups>";
    out
}

/// Writes one value as one element.
pub(super) fn element(out: &mut String, name: &str, value: &Value) {
    out.extend(["<", name, ">"]);
    match value {
        Value::Null => {}
        Value::Bool(bool) => *out += &bool.to_string(),
        Value::Number(number) => *out += &number.to_string(),
        Value::String(text) => *out += &escape(text.as_str()),
        Value::Array(items) => {
            let singular = name.strip_suffix('s').unwrap_or(name);
            for item in items {
                element(out, singular, item);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                element(out, name, value);
            }
        }
    }
    out.extend(["</", name, ">"]);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_holds_elements_named_in_the_singular() {
        let mut out = String::new();
        let group = json!({ "id": 3, "name": "A & <B>", "users": [456, 22], "sites": [] });
        element(&mut out, "group", &group);
        assert_eq!(
            out,
            "<group><id>3</id><name>A &amp; &lt;B&gt;</name>\
             <users><user>456</user><user>22</user></users><sites></sites></group>"
        );
    }
}
