//! The JSON Schema of `gateway.toml`, for editors.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Settings;
use super::requirements::allow_presets;
use crate::did_you_mean::list;
use crate::problem::KeyPath;

/// The schema of all that `gateway.toml` may say (JSON Schema, draft 2020-12).
pub fn schema() -> Value {
    let mut schema = settings();
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        allow_presets(definitions);
    }
    schema
}

/// The schema of the settings, in which no preset fills a gap.
pub(super) fn settings() -> Value {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12())
        .into_root_schema_for::<Settings>()
        .to_value();
    forget_null(&mut schema);
    schema
}

/// Takes the null out of what may be left out: TOML has none.
fn forget_null(node: &mut Value) {
    match node {
        Value::Object(members) => {
            if members.get("default").is_some_and(Value::is_null) {
                members.shift_remove("default");
            }
            if let Some(Value::Array(types)) = members.get("type")
                && let [one, null] = types.as_slice()
                && null == "null"
            {
                let one = one.clone();
                members.insert("type".to_owned(), one);
            }
            if let Some(Value::Array(variants)) = members.get("anyOf")
                && let [one, null] = variants.as_slice()
                && null["type"] == "null"
                && let Some(one) = one.as_object().cloned()
            {
                members.shift_remove("anyOf");
                for (key, member) in one {
                    members.entry(key).or_insert(member);
                }
            }
            members.values_mut().for_each(forget_null);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What the manual says of a key, in the table that `tree` has around it.
pub(super) fn describe(at: &KeyPath, tree: &toml::Value) -> Option<String> {
    let schema = settings();
    let (last, tables) = at.keys().split_last()?;
    let mut node = &schema;
    let mut value = Some(tree);
    for key in tables {
        node = fitting(&schema, node, value).find_map(|shape| child(shape, key))?;
        value = value.and_then(|value| value.get(key));
    }
    let described: Vec<&Value> = fitting(&schema, node, value)
        .filter_map(|shape| child(shape, last))
        .collect();
    if let Some(words) = list(described.iter().filter_map(|property| tag(property))) {
        return Some(format!("one of {words}"));
    }
    let description = described.first()?.get("description")?.as_str()?;
    Some(description.replace('\n', " "))
}

/// The schemas of a value that agree with the tags that it has.
fn fitting<'a>(
    schema: &'a Value,
    node: &'a Value,
    value: Option<&toml::Value>,
) -> impl Iterator<Item = &'a Value> {
    shapes(schema, node)
        .into_iter()
        .filter(move |shape| fits(shape, value))
}

/// The schemas that describe the same value as `node`: itself, what it refers to, its variants.
fn shapes<'a>(schema: &'a Value, node: &'a Value) -> Vec<&'a Value> {
    let referred = (node.get("$ref").and_then(Value::as_str))
        .and_then(|reference| schema.pointer(reference.strip_prefix('#')?));
    let variants = ["oneOf", "anyOf"]
        .into_iter()
        .filter_map(|key| node.get(key)?.as_array())
        .flatten();
    let inner = referred
        .into_iter()
        .chain(variants)
        .flat_map(|node| shapes(schema, node));
    std::iter::once(node).chain(inner).collect()
}

/// Whether a value has the tag that a variant's schema asks for, or none yet.
fn fits(shape: &Value, value: Option<&toml::Value>) -> bool {
    let properties = shape.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().all(|(key, property)| {
        let found = value.and_then(|value| value.get(key)?.as_str());
        found.is_none() || tag(property).is_none_or(|tag| found == Some(tag))
    })
}

/// The one word that a property may hold.
fn tag(property: &Value) -> Option<&str> {
    property.get("const")?.as_str()
}

fn child<'a>(shape: &'a Value, key: &str) -> Option<&'a Value> {
    let property = shape.get("properties").and_then(|keys| keys.get(key));
    property
        .or_else(|| {
            shape
                .get("additionalProperties")
                .filter(|any| any.is_object())
        })
        .or_else(|| shape.get("items"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_generated_one_and_the_shipped_file_names_it() {
        let committed: Value =
            serde_json::from_str(include_str!("../../docs/gateway.schema.json")).unwrap();
        assert!(
            committed == schema(),
            "write it anew: cargo run -- schema > docs/gateway.schema.json"
        );
        let first = include_str!("../../gateway.toml").lines().next();
        assert_eq!(first, Some("#:schema docs/gateway.schema.json"));
    }

    /// Calls `visit` with every property of the schema and its place.
    fn walk(node: &Value, place: &str, visit: &mut impl FnMut(&str, &Value)) {
        if let Some(properties) = node.get("properties").and_then(Value::as_object) {
            for (key, property) in properties {
                visit(&format!("{place}.{key}"), property);
            }
        }
        match node {
            Value::Object(entries) => {
                for (key, inner) in entries {
                    walk(inner, &format!("{place}/{key}"), visit);
                }
            }
            Value::Array(items) => {
                for (index, inner) in items.iter().enumerate() {
                    walk(inner, &format!("{place}/{index}"), visit);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_key_is_described() {
        let mut count = 0;
        walk(&settings(), "", &mut |place, property| {
            count += 1;
            // The tag of a variant says all with its value; its variant is described.
            let is_tag = property.get("const").is_some();
            assert!(is_tag || property.get("description").is_some(), "{place}");
        });
        assert!(count > 100, "{count}");
    }

    #[test]
    fn every_secret_has_a_name_that_is_masked() {
        walk(&schema(), "", &mut |place, property| {
            let is_secret = property.to_string().contains("#/$defs/Secret\"");
            let (_, key) = place.rsplit_once('.').unwrap();
            if is_secret {
                let at = KeyPath::new(["upstreams", "any", "auth", key]);
                assert!(super::super::mask::may_be_secret(&at, None), "{place}");
            }
        });
    }

    #[test]
    fn the_tags_of_styles_and_schemes_are_in_the_schema() {
        let schema = settings();
        for (definition, tag, words) in [
            (
                "Pagination",
                "style",
                &["none", "cursor", "offset", "page", "link", "next_url"][..],
            ),
            (
                "Auth",
                "type",
                &[
                    "none",
                    "bearer",
                    "basic",
                    "api_key",
                    "token_exchange",
                    "oauth2_client_credentials",
                    "oauth2_password",
                    "oauth2_refresh_token",
                    "oauth2_jwt_bearer",
                    "forward",
                    "token_exchange_caller",
                    "aws_sigv4",
                    "hmac",
                    "http_message_signatures",
                    "digest",
                ],
            ),
        ] {
            let variants = schema["$defs"][definition]["oneOf"].as_array().unwrap();
            let found: Vec<&str> = variants
                .iter()
                .map(|variant| variant["properties"][tag]["const"].as_str().unwrap())
                .collect();
            assert_eq!(found, words);
            assert!(
                variants
                    .iter()
                    .all(|variant| variant.get("description").is_some())
            );
        }
    }

    #[test]
    fn a_key_is_described_as_its_own_scheme_means_it() {
        let tree = "[upstreams.a.auth]\ntype = \"token_exchange\"".parse::<toml::Table>();
        let tree = toml::Value::Table(tree.unwrap());
        let at = KeyPath::new(["upstreams", "a", "auth", "token"]);
        assert_eq!(
            describe(&at, &tree).as_deref(),
            Some(
                "Where the response holds the token: a path (`/` is the whole response, as a JSON string or as plain text), a header or a cookie. It can be left out with `cookies` or `values`."
            )
        );
    }
}
