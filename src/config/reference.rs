//! The reference of `gateway.toml` for people: the schema's own words, as Markdown.
//!
//! Nothing is said here that the configuration types do not say themselves; a test keeps
//! `docs/adapters.md` equal to it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::schema::settings;

const HEAD: &str = "\
# Everything that gateway.toml may say

Made from the configuration types: `groupgate schema --markdown`. [recipes.md](recipes.md) shows the
same keys at work, one recipe per style.

A path with a leading slash is an RFC 6901 pointer from the page's root; one without starts at the
record; `.` is the record itself. For XML the same segments name elements, and `@name` an attribute.
Secrets are named, never written: `{ env = \"NAME\" }` or `{ file = \"path\" }`. Every key can also be
set by a variable: `GROUPGATE__UPSTREAMS__NAME__LIMITS__RATE=5/s`.
";

/// The reference as Markdown.
pub fn reference() -> String {
    let schema = settings();
    let none = Map::new();
    let definitions = schema
        .get("$defs")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let mut text = HEAD.to_owned();
    let mut told = BTreeSet::new();
    let mut waiting: Vec<(String, &Value)> = vec![("The file".to_owned(), &schema)];
    // Breadth first, so that a table comes after the one that names it.
    while !waiting.is_empty() {
        let mut next = Vec::new();
        for (title, definition) in waiting {
            text.push_str(&section(&title, definition));
            for name in named_by(definition) {
                let Some(definition) = definitions.get(&name) else {
                    continue;
                };
                if told.insert(name.clone()) {
                    next.push((name, definition));
                }
            }
        }
        waiting = next;
    }
    text
}

fn section(title: &str, definition: &Value) -> String {
    let mut text = format!("\n## {title}\n");
    if let Some(description) = description(definition) {
        // Writing into a string does not fail.
        let _ = writeln!(text, "\n{description}");
    }
    match variants(definition) {
        Some(variants) => {
            for variant in variants {
                text.push_str(&told(variant));
            }
        }
        None => text.push_str(&table(definition)),
    }
    text
}

/// One variant of a tagged table, or one word of an enumeration.
fn told(variant: &Value) -> String {
    let description = description(variant).unwrap_or_default();
    if let Some(word) = variant.get("const") {
        return format!("\n- `{word}`: {}\n", one_line(&description));
    }
    let Some((tag, word)) = tag(variant) else {
        let keys = table(variant);
        let said = one_line(&description);
        return if keys.is_empty() {
            // Without a word to say, no blank is left at the end of the line.
            let line = format!("- {}: {said}", kind(variant));
            format!("\n{}\n", line.trim_end())
        } else {
            format!("\n- a table: {said}\n{keys}")
        };
    };
    format!(
        "\n### `{tag} = {word}`\n\n{description}\n{}",
        table(variant)
    )
}

/// The keys of a table, a row each; nothing for what has no keys.
fn table(definition: &Value) -> String {
    let Some(properties) = definition.get("properties").and_then(Value::as_object) else {
        return String::new();
    };
    let required: Vec<_> = definition
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let rows: String = properties
        .iter()
        .filter(|(_, property)| property.get("const").is_none())
        .map(|(name, property)| {
            let default = match property.get("default") {
                _ if required.contains(&name.as_str()) => "required".to_owned(),
                Some(default) if !default.is_object() && !default.is_null() => {
                    format!("`{default}`")
                }
                Some(_) | None => String::new(),
            };
            let said = one_line(&description(property).unwrap_or_default());
            format!("| `{name}` | {} | {default} | {said} |\n", kind(property))
        })
        .collect();
    if rows.is_empty() {
        return rows;
    }
    format!("\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}")
}

fn description(definition: &Value) -> Option<String> {
    definition
        .get("description")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// Text for a table's cell: on one line, without what would end the cell.
fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

fn variants(definition: &Value) -> Option<&Vec<Value>> {
    ["oneOf", "anyOf"]
        .into_iter()
        .find_map(|key| definition.get(key))
        .and_then(Value::as_array)
}

/// The key of a variant whose value is fixed, and the value.
fn tag(variant: &Value) -> Option<(&str, &Value)> {
    variant
        .get("properties")?
        .as_object()?
        .iter()
        .find_map(|(name, property)| Some((name.as_str(), property.get("const")?)))
}

/// What a value may be, in a few words: linked where it has a section of its own.
fn kind(property: &Value) -> String {
    if let Some(name) = reference_of(property) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(variants) = variants(property) {
        let kinds: Vec<_> = variants
            .iter()
            .filter(|variant| variant.get("type").and_then(Value::as_str) != Some("null"))
            .map(kind)
            .collect();
        return kinds.join(" or ");
    }
    let words: Vec<_> = match property.get("type") {
        Some(Value::String(word)) => vec![word.as_str()],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    };
    let inner = ["items", "additionalProperties"]
        .into_iter()
        .find_map(|key| property.get(key))
        .filter(|inner| inner.is_object())
        .map(kind);
    let words: Vec<_> = words.into_iter().filter(|word| *word != "null").collect();
    match (words.as_slice(), inner) {
        (["array"], Some(inner)) => format!("list of {inner}"),
        (["object"], Some(inner)) => format!("table of {inner}"),
        ([], _) => "any value".to_owned(),
        (words, _) => words.join(" or "),
    }
}

fn reference_of(property: &Value) -> Option<String> {
    let target = property.get("$ref")?.as_str()?;
    target.rsplit('/').next().map(str::to_owned)
}

/// The definitions that a definition refers to, in the order of its text.
fn named_by(definition: &Value) -> Vec<String> {
    let mut names = Vec::new();
    collect(definition, &mut names);
    names
}

fn collect(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            names.extend(reference_of(value));
            for (key, member) in members {
                if key != "$defs" {
                    collect(member, names);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_of_the_schema_has_its_section() {
        let schema = settings();
        let text = reference();
        for name in schema["$defs"].as_object().unwrap().keys() {
            assert!(text.contains(&format!("\n## {name}\n")), "{name}");
        }
    }

    #[test]
    fn the_committed_reference_is_the_generated_one() {
        let committed = include_str!("../../docs/adapters.md");
        assert!(
            committed == reference(),
            "write it anew: cargo run -- schema --markdown > docs/adapters.md"
        );
    }
}
