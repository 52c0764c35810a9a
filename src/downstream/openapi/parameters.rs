//! What a request may say: query parameters, as the parser takes them, and headers.

use serde_json::{Value, json};

use crate::caller::{HiddenFields, HideableField, VisibleSources};
use crate::gateway::FilterableAttributes;
use crate::gateway::attributes::ATTRIBUTE;
use crate::gateway::order::SortField;
use crate::gateway::query::{FIELDS, FIXED_FIELDS, PARAMETERS, Parameter};

/// Every query parameter of `GET /groups` that a caller can use which may see this much of these `sources`. Examples
/// name sources that there are.
pub(super) fn of_list(sources: &[&str], visible: &VisibleSources) -> Vec<Value> {
    let can_use = |fields| visible.can_use(fields, sources.iter().copied());
    PARAMETERS
        .iter()
        .filter(|parameter| can_use(parameter.looks_at))
        .map(|parameter| described(parameter, sources, can_use))
        .collect()
}

/// The attributes that a caller can filter by.
pub(super) fn of_attributes(
    attributes: &FilterableAttributes,
    visible: &VisibleSources,
) -> Vec<Value> {
    let usable = attributes.usable(visible);
    let described = usable.by_name().into_iter().map(|(name, places)| {
        let sources: Vec<_> = places.keys().map(|source| format!("`{source}`")).collect();
        let description = format!(
            "Only groups whose attribute `{name}` has exactly this value. The source that has it: {}.",
            sources.join(", ")
        );
        json!({
            "name": format!("{ATTRIBUTE}{name}"),
            "in": "query",
            "description": description,
            "schema": { "type": "string", "minLength": 1 },
        })
    });
    described.collect()
}

fn described(
    parameter: &Parameter,
    sources: &[&str],
    can_use: impl Fn(HiddenFields) -> bool,
) -> Value {
    // The table's schemas are JSON text; a test reads every one.
    let mut schema: Value = serde_json::from_str(parameter.schema).unwrap_or_default();
    let mut description = parameter.description.to_owned();
    let mut example = parameter.example.map(str::to_owned);
    match parameter.name {
        "source" => {
            let first = &sources[..sources.len().min(2)];
            example = (!first.is_empty()).then(|| first.join(","));
        }
        "id" => example = Some(group_id(sources)),
        "fields" => {
            let is_usable = |field: &&&str| {
                let field = field.parse::<HideableField>();
                field.map_or(true, |field| can_use(HiddenFields::of(&[field])))
            };
            let fields: Vec<_> = FIELDS.iter().filter(is_usable).copied().collect();
            let one = fields.join("|");
            schema["pattern"] = format!("^({one})(,({one}))*$").into();
            let optional = fields.iter().filter(|field| !FIXED_FIELDS.contains(field));
            let names: Vec<_> = optional.map(|field| format!("`{field}`")).collect();
            description.push_str(" There are also ");
            description.push_str(&names.join(", "));
            description.push('.');
        }
        "sort" => {
            let hidden = SortField::ALL.into_iter();
            for field in hidden.filter(|field| !can_use(field.looks_at())) {
                let word = field.as_str();
                description = description.replace(&format!("`{word}`, "), "");
                let pattern = schema["pattern"].as_str().unwrap_or_default();
                schema["pattern"] = pattern.replace(&format!("{word}|"), "").into();
                example = Some("-name".to_owned());
            }
        }
        _ => {}
    }
    // With a cursor, what is not sent is what the cursor says. Generated clients send what a schema
    // calls the default, and would contradict it.
    let default = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("default"));
    if let Some(default) = default {
        let default = default
            .as_str()
            .map_or_else(|| default.to_string(), str::to_owned);
        description = format!("{description} By default `{default}`.");
    }
    let mut described = json!({
        "name": parameter.name,
        "in": "query",
        "description": description,
        "schema": schema,
    });
    if parameter.repeatable {
        described["schema"] = json!({ "type": "array", "items": schema });
        described["example"] = json!([example]);
    } else if let Some(example) = example {
        described["example"] = example.into();
    }
    described
}

/// An id that has the form of one. No group needs to have it.
pub(super) fn group_id(sources: &[&str]) -> String {
    format!("{}:1001", sources.first().unwrap_or(&"directory"))
}

/// The request header that makes an answer whole or none.
pub(super) fn strictness() -> Value {
    header(
        "Prefer",
        "`handling=strict`: an incomplete answer becomes a problem instead.",
        "handling=strict",
    )
}

/// The request header that has the sources read anew.
pub(super) fn revalidation() -> Value {
    header(
        "Cache-Control",
        "`no-cache`: the sources are read anew, as often as they allow.",
        "no-cache",
    )
}

/// The request header for what the caller has already.
pub(super) fn condition() -> Value {
    header(
        "If-None-Match",
        "The `ETag` of an answer that the caller has: if it is still right, 304 says so.",
        "W/\"6e340b9cffb37a989ca544e6bb780a2c\"",
    )
}

fn header(name: &str, description: &str, example: &str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "description": description,
        "schema": { "type": "string" },
        "example": example,
    })
}
