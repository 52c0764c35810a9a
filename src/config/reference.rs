//! The reference of `gateway.toml` for people: the schema's own words, as Markdown.
//!
//! Nothing is said here that the configuration types do not say themselves; a test keeps
//! `docs/adapters.md` equal to it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::requirements::{REFERENCE, tag, variants};
use super::schema::settings;

const HEAD: &str = "\
# Everything in gateway.toml

Generated from the configuration types by `groupgate schema --markdown`. [recipes.md](recipes.md) has
a working block for each style.

- **Paths.** A path with a leading slash is an RFC 6901 pointer from the root of the page. A path
  without one starts at the record, and `.` is the record itself. For XML, each segment names an
  element, and `@name` an attribute.
- **Numbers.** An integer of JSON is read as its digits, however it is written: `7.0` and `70e-1` are `7`, as an id
  and wherever it is compared. Texts are read as they are.
- **Secrets** are named, never written out: `{ env = \"NAME\" }` or `{ file = \"path\" }`.
- **Environment.** A variable can set any key of groupgate's own, such as
  `GROUPGATE__UPSTREAMS__NAME__LIMITS__RATE=5/s`. It cannot set the names inside `query`, `headers`,
  `json`, `form` or `vars`, nor reach into a list.
- **Defaults.** A key without a default can be left out unless it is marked as required. Its
  description says what happens then.
- **Presets.** A block that names a preset can leave out every key that the preset sets, including
  required ones.
- Unknown keys are errors.
";

/// The longest list of allowed words that is shown in a table.
const FEW_WORDS: usize = 6;

/// The reference as Markdown.
pub fn reference() -> String {
    let schema = settings();
    let none = Map::new();
    let definitions = schema.get("$defs").and_then(Value::as_object);
    let reference = Reference {
        definitions: definitions.unwrap_or(&none),
    };
    let mut text = HEAD.to_owned();
    for (title, definition) in reference.sections(&schema) {
        text.push_str(&reference.section(title, definition));
    }
    text
}

/// Writes the sections, which refer to each other.
struct Reference<'a> {
    definitions: &'a Map<String, Value>,
}

impl<'a> Reference<'a> {
    /// The definitions in the order of their sections: breadth first, so that a table comes after
    /// the one that names it.
    fn sections(&self, schema: &'a Value) -> Vec<(&'a str, &'a Value)> {
        let mut sections = vec![("The file", schema)];
        let mut seen = BTreeSet::new();
        let mut next = 0;
        while let Some((_, definition)) = sections.get(next) {
            for name in self.links(definition) {
                if let Some(definition) = self.definitions.get(name)
                    && seen.insert(name)
                {
                    sections.push((name, definition));
                }
            }
            next += 1;
        }
        sections
    }

    /// The definitions with a section of their own that a schema leads to, in the order of its text.
    fn links(&self, schema: &'a Value) -> Vec<&'a str> {
        match schema {
            Value::Object(members) => match self.referred(schema) {
                Some((_, definition)) if is_combination(definition) => self.links(definition),
                Some((name, _)) => vec![name],
                None => (members.iter())
                    .filter(|(key, _)| *key != "$defs")
                    .flat_map(|(_, member)| self.links(member))
                    .collect(),
            },
            Value::Array(items) => items.iter().flat_map(|item| self.links(item)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        }
    }

    fn referred(&self, schema: &'a Value) -> Option<(&'a str, &'a Value)> {
        let name = schema.get("$ref")?.as_str()?.strip_prefix(REFERENCE)?;
        Some((name, self.definitions.get(name)?))
    }

    fn section(&self, title: &str, definition: &'a Value) -> String {
        let mut text = format!("\n## {title}\n");
        if let Some(description) = description(definition) {
            // Writing into a string does not fail.
            let _ = writeln!(text, "\n{description}");
        }
        text.push_str(&self.table(definition));
        let mut words = String::new();
        for variant in variants(definition) {
            match tag(variant) {
                Some((tag, word)) => {
                    let _ = writeln!(text, "\n### `{tag} = {word}`");
                    let _ = writeln!(text, "\n{}", description(variant).unwrap_or_default());
                    text.push_str(&self.table(variant));
                }
                None if variant.get("properties").is_some() => {
                    let said = description(variant).unwrap_or("A table:");
                    let _ = writeln!(text, "\n{said}");
                    text.push_str(&self.table(variant));
                }
                None => words.push_str(&self.word(variant)),
            }
        }
        if !words.is_empty() {
            let _ = write!(text, "\n{words}");
        }
        text
    }

    /// A word, or another value without keys, as an item of a list.
    fn word(&self, variant: &'a Value) -> String {
        let kind = self.kind(variant);
        match description(variant) {
            Some(said) => format!("- {kind}: {}\n", one_line(said)),
            None => format!("- {kind}\n"),
        }
    }

    /// The keys of a table, a row each; nothing for what has no keys.
    fn table(&self, definition: &'a Value) -> String {
        let properties = definition.get("properties").and_then(Value::as_object);
        let required = definition.get("required").and_then(Value::as_array);
        let is_required =
            |key: &str| required.is_some_and(|keys| keys.iter().any(|one| one == key));
        let rows: String = (properties.into_iter().flatten())
            .filter(|(_, property)| property.get("const").is_none())
            .map(|(name, property)| {
                let default = match property.get("default") {
                    _ if is_required(name) => "required".to_owned(),
                    Some(default) if !default.is_object() => format!("`{default}`"),
                    Some(_) | None => String::new(),
                };
                let said = one_line(description(property).unwrap_or_default());
                format!(
                    "| `{name}` | {} | {default} | {said} |\n",
                    self.kind(property)
                )
            })
            .collect();
        if rows.is_empty() {
            return rows;
        }
        format!("\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}")
    }

    /// What a value may be, in a few words: linked where it has a section of its own.
    fn kind(&self, schema: &'a Value) -> String {
        if let Some((name, definition)) = self.referred(schema) {
            let words: Vec<_> = words(definition).collect();
            let link = format!("(#{})", name.to_lowercase());
            return match words.len() {
                _ if is_combination(definition) => self.kind(definition),
                1..=FEW_WORDS => format!("[{}]{link}", words.join(", ")),
                _ => format!("[{name}]{link}"),
            };
        }
        if let Some(word) = schema.get("const") {
            return format!("`{word}`");
        }
        let kinds: Vec<_> = variants(schema).map(|variant| self.kind(variant)).collect();
        match kinds.as_slice() {
            [] => {}
            [one, many] if *many == format!("list of {one}") => {
                return format!("{one}, or a list of them");
            }
            _ if words(schema).next().is_some() => return kinds.join(", "),
            _ => return kinds.join(" or "),
        }
        let inner = ["items", "additionalProperties"]
            .into_iter()
            .find_map(|key| schema.get(key).filter(|inner| inner.is_object()))
            .map(|inner| self.kind(inner));
        let types: Vec<_> = match schema.get("type") {
            Some(Value::String(word)) => vec![word.as_str()],
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            Some(_) | None => Vec::new(),
        };
        match (types.as_slice(), inner) {
            (["array"], Some(inner)) => format!("list of {inner}"),
            (["object"], Some(inner)) if inner.contains(' ') => {
                format!("table; each value: {inner}")
            }
            (["object"], Some(inner)) => format!("table of {inner}"),
            (["string"], None) if schema.get("format").is_some_and(|format| format == "uri") => {
                "URL".to_owned()
            }
            (["boolean"], None) => "`true` or `false`".to_owned(),
            (["integer" | "number"], None) => number(schema),
            ([], _) => "any value".to_owned(),
            (types, _) => types.join(" or "),
        }
    }
}

/// Whether a definition only combines others, as "one of these, or a list of them" does: it is shown
/// where it is used, and has no section.
fn is_combination(definition: &Value) -> bool {
    let combines = |variant: &Value| {
        variant.get("$ref").is_some()
            || variant
                .get("items")
                .is_some_and(|items| items.get("$ref").is_some())
    };
    variants(definition).next().is_some() && variants(definition).all(combines)
}

/// The words of an enumeration, as they are written.
fn words(definition: &Value) -> impl Iterator<Item = String> {
    let is_enumeration = variants(definition).all(|variant| variant.get("const").is_some());
    variants(definition)
        .filter(move |_| is_enumeration)
        .filter_map(|variant| Some(format!("`{}`", variant.get("const")?)))
}

/// A number and the values that it may have.
fn number(schema: &Value) -> String {
    let kind = schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!("{kind} from {least} to {most}"),
        (Some(least), None) => format!("{kind} from {least}"),
        (None, Some(most)) => format!("{kind} up to {most}"),
        (None, None) => kind.to_owned(),
    }
}

fn description(definition: &Value) -> Option<&str> {
    definition.get("description").and_then(Value::as_str)
}

/// Text for a table's cell: on one line, without what would end the cell.
fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_of_the_schema_has_its_section_or_is_shown_where_it_is_used() {
        let schema = settings();
        let text = reference();
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            let has_section = text.contains(&format!("\n## {name}\n"));
            assert_eq!(has_section, !is_combination(definition), "{name}");
        }
    }

    #[test]
    fn what_newcomers_missed_is_in_the_reference() {
        let text = reference();
        for said in [
            // Which letters a block's name may have.
            "`[upstreams.NAME]` block each. NAME has 1 to 64 characters from `a` to `z`, `0` to `9`, `_` and `-`",
            "- `{body_hash}`: the hash of the request body, in `encoding`.",
            "`{{` and `}}` are literal braces.",
            "both without their prefixes: write `Group` for `ns:Group`",
            "Every child element of XML is a list there, also a single one.",
            "HTTP Basic authentication, with id and secret encoded as in a form first",
            "a Unix time in seconds (from 1,000,000,000 on) or milliseconds",
            "| `deadline` | [Duration](#duration) | `\"10s\"` |",
            "| `encoding` | [`\"hex\"`, `\"base64\"`](#encoding) | `\"hex\"` |",
            "| `trust` | [`\"exact\"`, `\"hint\"`](#trust) | `\"exact\"` |",
        ] {
            let flat = text.replace('\n', " ");
            assert!(flat.contains(said), "{said}");
        }
        assert!(!text.contains("PartOf"));
    }

    #[test]
    fn every_link_leads_to_a_section() {
        let text = reference();
        let headings: BTreeSet<_> = (text.lines())
            .filter_map(|line| line.strip_prefix("## "))
            .map(str::to_lowercase)
            .collect();
        for (at, _) in text.match_indices("](#") {
            let target = text[at + 3..].split(')').next().unwrap();
            assert!(headings.contains(target), "{target}");
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
