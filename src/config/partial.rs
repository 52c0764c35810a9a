//! The schema of a block over a preset, which may leave out what the preset says.
//!
//! The types are read with the preset under them, so that they know nothing of it. An editor sees
//! the block alone: without a preset it must be whole, and over one any part of it will do.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::preset;

/// What a reference to a definition starts with.
const REFERENCE: &str = "#/$defs/";

/// Lets an upstream that names a preset leave out what the preset says.
pub(super) fn allow_presets(definitions: &mut Map<String, Value>) {
    let Some(upstream) = definitions.remove("Upstream") else {
        return;
    };
    let mut parts = BTreeMap::new();
    let mut over_preset = part(&upstream, definitions, &mut parts);
    over_preset["required"] = json!([preset::KEY]);
    let mut whole = upstream;
    if let Some(properties) = whole["properties"].as_object_mut() {
        properties.remove(preset::KEY);
    }
    let description = whole["description"].clone();
    definitions.extend(parts);
    definitions.insert("WholeUpstream".to_owned(), whole);
    definitions.insert("UpstreamOverPreset".to_owned(), over_preset);
    definitions.insert(
        "Upstream".to_owned(),
        json!({
            "description": description,
            "anyOf": [
                { "$ref": format!("{REFERENCE}WholeUpstream") },
                { "$ref": format!("{REFERENCE}UpstreamOverPreset") },
            ],
        }),
    );
}

/// A schema without the keys that it requires, and `parts` with the same of all that it refers to.
fn part(
    schema: &Value,
    definitions: &Map<String, Value>,
    parts: &mut BTreeMap<String, Value>,
) -> Value {
    match schema {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != "required" || !is_table(members))
            .map(|(name, value)| match (name.as_str(), value.as_str()) {
                ("$ref", Some(target)) => (name.clone(), reference(target, definitions, parts)),
                // Without its tag, a table may be a part of several.
                ("oneOf", _) => ("anyOf".to_owned(), part(value, definitions, parts)),
                _ => (name.clone(), part(value, definitions, parts)),
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| part(item, definitions, parts))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

/// Whether a schema is that of a table with keys of ours. One that is nothing but its tag is none:
/// without the tag, every table would do.
fn is_table(schema: &Map<String, Value>) -> bool {
    schema.get("additionalProperties") == Some(&Value::Bool(false))
}

/// A reference to the part of what `target` refers to.
fn reference(
    target: &str,
    definitions: &Map<String, Value>,
    parts: &mut BTreeMap<String, Value>,
) -> Value {
    let name = target.trim_start_matches(REFERENCE);
    let part_name = format!("PartOf{name}");
    match definitions.get(name) {
        // Where a secret is cannot be said in part.
        Some(definition) if name != "Secret" => {
            if !parts.contains_key(&part_name) {
                // Definitions may refer to themselves.
                parts.insert(part_name.clone(), Value::Null);
                let definition = part(definition, definitions, parts);
                parts.insert(part_name.clone(), definition);
            }
            format!("{REFERENCE}{part_name}").into()
        }
        Some(_) | None => target.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    #[test]
    fn a_preset_is_one_of_those_there_are_each_with_its_description() {
        let schema = schema();
        let names = &schema["$defs"]["UpstreamOverPreset"]["properties"]["preset"];
        let listed: Vec<_> = names["anyOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|preset| preset["const"].as_str().unwrap())
            .collect();
        assert!(crate::presets::names().eq(listed));
        assert!(names["description"].is_string());
        assert!(names["anyOf"][0]["description"].is_string());
    }

    #[test]
    fn a_block_must_be_whole_unless_it_names_a_preset() {
        let schema = schema();
        let definitions = &schema["$defs"];
        let required = |name: &str| definitions[name]["required"].clone();
        assert_eq!(
            required("WholeUpstream"),
            json!(["base_url", "request", "records", "fields"])
        );
        assert_eq!(required("UpstreamOverPreset"), json!(["preset"]));
        assert_eq!(required("Fields"), json!(["id", "name"]));
        assert_eq!(required("PartOfFields"), Value::Null);
        assert_eq!(
            definitions["UpstreamOverPreset"]["properties"]["fields"]["$ref"],
            "#/$defs/PartOfFields"
        );
        assert_eq!(required("PartOfAuth"), Value::Null);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let schema = schema();
        let text = schema.to_string();
        for (at, _) in text.match_indices(REFERENCE) {
            let name = text[at + REFERENCE.len()..].split('"').next().unwrap();
            assert!(!schema["$defs"][name].is_null(), "{name}");
        }
    }
}
