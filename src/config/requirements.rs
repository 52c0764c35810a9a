//! Which keys a block must have, in the schema: all that it cannot do without, unless it names a
//! preset, which may bring any of them.
//!
//! The types know nothing of presets: a preset is laid under the block before the block is read. An
//! editor sees the block alone. So the keys that the types require are taken out of the definitions,
//! and required in one place: the `else` of "if the block names a preset".

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::preset;

/// What a reference to a definition starts with.
pub(super) const REFERENCE: &str = "#/$defs/";

/// Lets an upstream that names a preset leave out what the preset says.
pub(super) fn allow_presets(definitions: &mut Map<String, Value>) {
    let Some(upstream) = definitions.get("Upstream") else {
        return;
    };
    let mut requirements = Requirements {
        definitions,
        relaxed: BTreeSet::new(),
    };
    let required = requirements.of(upstream);
    let mut relaxed = requirements.relaxed;
    relaxed.insert("Upstream".to_owned());
    for (_, definition) in definitions
        .iter_mut()
        .filter(|(name, _)| relaxed.contains(*name))
    {
        relax(definition);
    }
    let upstream = &mut definitions["Upstream"];
    upstream["if"] = json!({ "required": [preset::KEY] });
    upstream["else"] = Value::Object(required);
}

/// Collects what the tables of a schema require.
struct Requirements<'a> {
    definitions: &'a Map<String, Value>,
    /// The definitions that were looked into, so that they need not require anything themselves.
    relaxed: BTreeSet<String>,
}

impl Requirements<'_> {
    /// A schema that requires what `schema` requires, here and in the tables below, and says nothing
    /// else. A preset's lists are replaced as a whole, so what is in a list stays required there.
    fn of(&mut self, schema: &Value) -> Map<String, Value> {
        if let Some(name) = definition_name(schema) {
            let Some(definition) = self.definitions.get(name) else {
                return Map::new();
            };
            self.relaxed.insert(name.to_owned());
            return self.of(definition);
        }
        let mut found = Map::new();
        if is_table(schema) {
            found.extend(
                schema
                    .get("required")
                    .map(|keys| ("required".to_owned(), keys.clone())),
            );
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let below: Map<_, _> = (properties.into_iter().flatten())
            .map(|(key, property)| (key.clone(), Value::Object(self.of(property))))
            .filter(|(_, required)| *required != json!({}))
            .collect();
        if !below.is_empty() {
            found.insert("properties".to_owned(), Value::Object(below));
        }
        for variant in variants(schema) {
            self.add_variant(&mut found, variant);
        }
        found
    }

    /// Adds what one variant of a value requires. The keys of a tagged table go by its tag.
    fn add_variant(&mut self, found: &mut Map<String, Value>, variant: &Value) {
        let mut required = self.of(variant);
        let Some((tag, word)) = tag(variant) else {
            // Of the other unions, at most one variant is a table with keys of its own.
            found.extend(required);
            return;
        };
        found.insert("required".to_owned(), json!([tag]));
        if let Some(keys) = required.get_mut("required").and_then(Value::as_array_mut) {
            keys.retain(|key| key != tag);
        }
        required.retain(|_, required| *required != json!([]));
        if required.is_empty() {
            return;
        }
        let case = json!({
            "if": { "properties": { tag: { "const": word } }, "required": [tag] },
            "then": required,
        });
        let cases = found.entry("allOf").or_insert_with(|| json!([]));
        if let Some(cases) = cases.as_array_mut() {
            cases.push(case);
        }
    }
}

/// Takes what a schema requires out of it, which [`Requirements::of`] has found there.
fn relax(schema: &mut Value) {
    let is_table = is_table(schema);
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    if is_table {
        members.shift_remove("required");
    }
    let is_tables = |variants: &Value| {
        variants
            .as_array()
            .is_some_and(|all| all.iter().any(self::is_table))
    };
    if members.get("oneOf").is_some_and(is_tables) {
        // Without its tag, a table may fit several variants.
        let variants = members.shift_remove("oneOf");
        members.extend(variants.map(|variants| ("anyOf".to_owned(), variants)));
    }
    for variant in members
        .get_mut("anyOf")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        relax(variant);
    }
    let properties = members.get_mut("properties").and_then(Value::as_object_mut);
    properties
        .into_iter()
        .flat_map(Map::values_mut)
        .for_each(relax);
}

/// The name of the definition that a schema refers to, unless it is that of a secret: where a secret
/// is cannot be said in part.
fn definition_name(schema: &Value) -> Option<&str> {
    let name = schema.get("$ref")?.as_str()?.strip_prefix(REFERENCE)?;
    Some(name).filter(|name| *name != "Secret")
}

pub(super) fn variants(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf"]
        .into_iter()
        .filter_map(|key| schema.get(key)?.as_array())
        .flatten()
}

/// Whether a schema is that of a table with keys of ours. One that is nothing but its tag is none:
/// without the tag, every table would do.
fn is_table(schema: &Value) -> bool {
    schema.get("additionalProperties") == Some(&Value::Bool(false))
}

/// The key that names a variant, and the word that it has there.
pub(super) fn tag(variant: &Value) -> Option<(&str, &Value)> {
    let properties = variant.get("properties")?.as_object()?;
    let mut tags = properties
        .iter()
        .filter_map(|(key, property)| Some((key.as_str(), property.get("const")?)));
    tags.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::{schema, settings};

    #[test]
    fn a_preset_is_one_of_those_there_are_each_with_its_description() {
        let schema = schema();
        let names = &schema["$defs"]["Upstream"]["properties"][preset::KEY];
        let listed: Vec<_> = names["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|preset| preset["const"].as_str().unwrap())
            .collect();
        assert!(crate::presets::names().eq(listed));
        assert!(names["description"].is_string());
        assert!(names["oneOf"][0]["description"].is_string());
    }

    #[test]
    fn a_block_must_be_whole_unless_it_names_a_preset() {
        let schema = schema();
        let upstream = &schema["$defs"]["Upstream"];
        assert_eq!(upstream["if"], json!({ "required": ["preset"] }));
        assert_eq!(upstream["required"], Value::Null);
        let whole = &upstream["else"];
        assert_eq!(
            whole["required"],
            json!(["base_url", "request", "records", "fields"])
        );
        assert_eq!(
            whole["properties"]["fields"]["required"],
            json!(["id", "name"])
        );
        let login = json!({
            "if": { "properties": { "type": { "const": "token_exchange" } }, "required": ["type"] },
            "then": {
                "required": ["request"],
                "properties": {
                    "request": { "required": ["path"] },
                    "success": { "required": ["path", "equals"] },
                },
            },
        });
        let auth = &whole["properties"]["auth"];
        assert_eq!(auth["required"], json!(["type"]));
        assert!(auth["allOf"].as_array().unwrap().contains(&login), "{auth}");
    }

    #[test]
    fn what_the_types_require_is_required_in_the_definition_or_of_the_whole_block() {
        let (strict, relaxed) = (settings(), schema());
        let whole = &relaxed["$defs"]["Upstream"]["else"];
        let mut moved = 0;
        for (name, definition) in strict["$defs"].as_object().unwrap() {
            let required = &definition["required"];
            if relaxed["$defs"][name]["required"] != *required {
                assert!(whole.to_string().contains(&required.to_string()), "{name}");
                moved += 1;
            }
        }
        assert!(moved > 5, "{moved}");
        // A list is replaced as a whole, so a rule over a preset is whole too.
        assert_eq!(relaxed["$defs"]["Rule"]["required"], json!(["means"]));
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
