//! What answers look like, and how the schemas that the types have become those of the document.

use std::mem;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::downstream::envelope::Envelope;
use crate::gateway::query::{FIELDS, FIXED_FIELDS};
use crate::group::Group;

/// The answer of `GET /groups`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Groups")]
pub(super) struct DescribedAnswer {
    /// The groups of this page.
    groups: Vec<Group>,
    #[serde(flatten)]
    envelope: Envelope,
}

/// Where a schema with this name stands.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The name of a group that has every key.
pub(super) const WHOLE_GROUP: &str = "WholeGroup";

/// The name of what a source sends and no field takes.
const ATTRIBUTES: &str = "Attributes";

/// What makes schemas of types.
pub(super) fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        // As it is sent, every key is there: null stands for what is not known.
        .for_serialize()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator()
}

/// The schemas that were referred to, by name.
pub(super) fn definitions(mut schemas: SchemaGenerator) -> Map<String, Value> {
    let mut definitions = schemas.take_definitions(true);
    for schema in definitions.values_mut() {
        name_values(schema);
    }
    // In a list, `fields` chooses which keys there are.
    if let Some(group) = definitions.get_mut("Group") {
        group["required"] = json!(FIXED_FIELDS);
        // By name: generators would make a type of it for each kind of group, and call both the same.
        let named = reference(ATTRIBUTES);
        let attributes = mem::replace(&mut group["properties"]["attributes"], named);
        definitions.insert(ATTRIBUTES.to_owned(), attributes);
    }
    let whole = json!({
        "description": "One group with every key.",
        "type": "object",
        "allOf": [reference("Group")],
        "required": FIELDS,
    });
    definitions.insert(WHOLE_GROUP.to_owned(), whole);
    definitions
}

/// Makes an `enum` of a choice between constants, wherever one stands: generators of clients read
/// that. What each value means goes where such tools look for it.
fn name_values(schema: &mut Value) {
    let children: &mut dyn Iterator<Item = &mut Value> = match schema {
        Value::Object(members) => &mut members.values_mut(),
        Value::Array(items) => &mut items.iter_mut(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
    };
    children.for_each(name_values);
    let Some(choices) = schema["oneOf"].as_array() else {
        return;
    };
    let mut values = Vec::new();
    let mut meanings = Vec::new();
    for choice in choices {
        let meaning = choice["description"].as_str().unwrap_or_default();
        let constants = choice.get("const").into_iter();
        let constants = constants.chain(choice["enum"].as_array().into_iter().flatten());
        for value in constants {
            values.push(value.clone());
            meanings.push(Value::from(meaning));
        }
    }
    let is_complete = values.len() >= choices.len() && values.iter().all(Value::is_string);
    if let (true, Some(schema)) = (is_complete, schema.as_object_mut()) {
        schema.remove("oneOf");
        schema.insert("type".to_owned(), "string".into());
        schema.insert("enum".to_owned(), values.into());
        schema.insert("x-enum-descriptions".to_owned(), meanings.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_between_constants_is_an_enum_and_any_other_is_left_alone() {
        let mut schema = json!({ "properties": {
            "state": { "oneOf": [
                { "type": "string", "const": "fresh", "description": "Good." },
                { "type": "string", "enum": ["stale", "failed"] },
            ] },
            "other": { "oneOf": [{ "const": "x" }, { "type": "integer" }] },
        } });
        name_values(&mut schema);
        let expected = json!({ "properties": {
            "state": {
                "type": "string",
                "enum": ["fresh", "stale", "failed"],
                "x-enum-descriptions": ["Good.", "", ""],
            },
            "other": { "oneOf": [{ "const": "x" }, { "type": "integer" }] },
        } });
        assert_eq!(schema, expected);
    }
}
