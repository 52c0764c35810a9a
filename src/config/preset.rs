//! Lays presets under the upstreams that name them.
//!
//! A preset is the lowest layer: the file and the environment say what differs. Tables are merged
//! key by key, everything else is replaced whole, and so is a table that stands for another thing
//! than the preset's: pages of another style, a secret in a file instead of a variable.
//!
//! What came from a preset is remembered, because the file has no line to show for it.

use std::collections::BTreeMap;

use schemars::{Schema, SchemaGenerator, json_schema};
use toml::{Table, Value};

use super::upstream::{Auth, Pagination};
use crate::did_you_mean::{list, nearest};
use crate::presets::{self, Preset};
use crate::problem::{KeyPath, Problem};

/// The key that names a preset.
pub(super) const KEY: &str = "preset";

/// What presets brought into the tree.
#[derive(Debug, Clone, Default)]
pub(super) struct Laid {
    /// The keys whose whole values came from a preset.
    keys: BTreeMap<KeyPath, Preset>,
    /// The upstreams that have one.
    upstreams: BTreeMap<KeyPath, Preset>,
    /// Upstreams whose preset cannot be known: they were taken out of the tree.
    pub(super) unread: Vec<KeyPath>,
    /// What is to be said of those.
    pub(super) problems: Vec<Problem>,
}

/// A key that came from a preset.
#[derive(Debug, Clone)]
pub(super) struct PresetOrigin {
    /// The preset.
    pub(super) preset: Preset,
    /// The key in it.
    pub(super) key: KeyPath,
    /// The key that names the preset.
    pub(super) named_at: KeyPath,
}

/// Lays a preset under every upstream in the tree that names one.
pub(super) fn lay(tree: &mut Value) -> Laid {
    let mut laid = Laid::default();
    let Some(upstreams) = tree.get_mut("upstreams").and_then(Value::as_table_mut) else {
        return laid;
    };
    upstreams.retain(|name, upstream| {
        let at = KeyPath::new(["upstreams", name]);
        let Some(upstream) = upstream.as_table_mut() else {
            return true;
        };
        let Some(named) = upstream.get(KEY) else {
            return true;
        };
        // Without its preset every key that a block leaves out would be reported as missing.
        match read(at.join(KEY), named) {
            Ok((preset, adapter)) => {
                laid.upstreams.insert(at.clone(), preset);
                laid.merge(preset, &at, adapter, upstream);
                true
            }
            Err(problem) => {
                laid.problems.push(problem);
                laid.unread.push(at);
                false
            }
        }
    });
    laid
}

/// The preset that the value at a key names, and the adapter that it is.
fn read(at: KeyPath, named: &Value) -> Result<(Preset, Table), Problem> {
    let all = list(presets::names()).unwrap_or_default();
    let Some(name) = named.as_str() else {
        let problem = Problem::new(at, "expected a string, the name of a preset");
        return Err(problem.with_help(format!("the presets are {all}")));
    };
    let Some(preset) = presets::get(name) else {
        let help = match nearest(name, presets::names()) {
            Some(nearest) => format!("did you mean `{nearest}`? The presets are {all}"),
            None => format!("the presets are {all}"),
        };
        return Err(Problem::new(at, format!("there is no preset `{name}`")).with_help(help));
    };
    let adapter = preset.text.parse().map_err(|error| {
        Problem::new(at, format!("the preset `{name}` cannot be read: {error}"))
    })?;
    Ok((preset, adapter))
}

impl Laid {
    /// Where a key's value came from, if a preset brought it.
    pub(super) fn origin(&self, at: &KeyPath) -> Option<PresetOrigin> {
        let (_, &preset) = std::iter::successors(Some(at.clone()), KeyPath::parent)
            .find_map(|at| self.keys.get_key_value(&at))?;
        let [upstreams, name, key @ ..] = at.keys() else {
            return None;
        };
        Some(PresetOrigin {
            preset,
            key: KeyPath::new(key.iter().cloned()),
            named_at: KeyPath::new([upstreams, name]).join(KEY),
        })
    }

    /// What to say of a missing key that a preset leaves to each deployment.
    pub(super) fn need(&self, at: &KeyPath) -> Option<Problem> {
        let [upstreams, name, key @ ..] = at.keys() else {
            return None;
        };
        let upstream = KeyPath::new([upstreams, name]);
        let preset = self.upstreams.get(&upstream)?;
        let key = KeyPath::new(key.iter().cloned()).to_string();
        let (_, assignment) = preset.needs().find(|(needed, _)| *needed == key)?;
        Some(
            Problem::new(
                upstream.join(KEY),
                format!("the preset `{}` needs `{key}`", preset.name),
            )
            .with_help(format!("set yours beside it, as in `{assignment}`")),
        )
    }

    /// Lays a preset's table under the one at `at`.
    fn merge(&mut self, preset: Preset, at: &KeyPath, under: Table, over: &mut Table) {
        for (key, under) in under {
            let at = at.join(&key);
            match (under, over.get_mut(&key)) {
                (under, None) => {
                    over.insert(key, under);
                    self.keys.insert(at, preset);
                }
                (Value::Table(under), Some(Value::Table(over)))
                    if is_same_thing(&at, &under, over) =>
                {
                    self.merge(preset, &at, under, over);
                }
                (_, Some(_)) => {}
            }
        }
    }
}

/// Keys of which a table has one at most: with another of them it stands for another thing.
const ALTERNATIVES: [&[&str]; 3] = [
    // A secret.
    &["env", "file"],
    // The source of a field.
    &["path", "template", "constant", "partition"],
    // A place in an answer.
    &["header", "at", "last_record"],
];

/// Whether two tables at one key say something of the same thing, so that they can be merged.
fn is_same_thing(at: &KeyPath, under: &Table, over: &Table) -> bool {
    let keys: Vec<&str> = at.keys().iter().map(String::as_str).collect();
    let tag = match keys.as_slice() {
        [_, _, "pagination"] | [_, _, _, "pagination"] => Pagination::TAG,
        [_, _, "auth"] => Auth::TAG,
        // Partitions that are written out are not listed by the upstream.
        [_, _, "partitions"] => return has_constants(under) || !has_constants(over),
        // Names in these are the upstream's, and mean nothing to us.
        [.., "query" | "headers" | "form" | "json" | "vars"] => return true,
        _ => return ALTERNATIVES.iter().all(|keys| agree(keys, under, over)),
    };
    over.get(tag)
        .is_none_or(|over| under.get(tag) == Some(over))
}

/// Whether partitions are written out.
fn has_constants(partitions: &Table) -> bool {
    let values = partitions.get("values").and_then(Value::as_table);
    values.is_some_and(|values| values.values().any(Value::is_array))
}

/// Whether two tables do not hold different ones of these keys.
fn agree(keys: &[&str], under: &Table, over: &Table) -> bool {
    let one_of = |table: &Table| keys.iter().find(|key| table.contains_key(**key)).copied();
    match (one_of(under), one_of(over)) {
        (Some(under), Some(over)) => under == over,
        (None, _) | (_, None) => true,
    }
}

/// The names of the presets, each with what it is, for editors.
pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<_> = presets::names()
        .filter_map(presets::get)
        .map(|preset| json_schema!({ "const": preset.name, "description": preset.title }))
        .collect();
    json_schema!({ "type": "string", "oneOf": names })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(under: &str, over: &str) -> Table {
        let mut over: Table = over.parse().unwrap();
        let preset = presets::names().find_map(presets::get).unwrap();
        Laid::default().merge(
            preset,
            &KeyPath::new(["upstreams", "a"]),
            under.parse().unwrap(),
            &mut over,
        );
        over
    }

    #[track_caller]
    fn check(under: &str, over: &str, expected: &str) {
        assert_eq!(merged(under, over), expected.parse().unwrap());
    }

    #[test]
    fn tables_are_merged_key_by_key_and_the_block_has_its_say() {
        check(
            "records = '/a'\nrequest = { path = '/x', query = { a = '1', b = '2' } }",
            "records = '/b'\nrequest = { query = { b = '3', c = '4' } }",
            "records = '/b'\nrequest = { path = '/x', query = { a = '1', b = '3', c = '4' } }",
        );
    }

    #[test]
    fn lists_are_replaced_whole() {
        check("a = [1, 2]", "a = [3]", "a = [3]");
        check("a = [1, 2]", "a = { b = 3 }", "a = { b = 3 }");
    }

    #[test]
    fn a_tagged_table_is_merged_under_its_own_tag_and_under_none() {
        let under = "pagination = { style = 'offset', limit = 1, total = '/t' }";
        check(
            under,
            "pagination = { limit = 2 }",
            "pagination = { style = 'offset', limit = 2, total = '/t' }",
        );
        check(
            under,
            "pagination = { style = 'offset', limit = 2 }",
            "pagination = { style = 'offset', limit = 2, total = '/t' }",
        );
    }

    #[test]
    fn a_tagged_table_with_another_tag_is_replaced_whole() {
        check(
            "pagination = { style = 'offset', limit = 1, total = '/t' }",
            "pagination = { style = 'link' }",
            "pagination = { style = 'link' }",
        );
        check(
            "auth = { type = 'bearer', token = { env = 'A' } }",
            "auth = { type = 'none' }",
            "auth = { type = 'none' }",
        );
    }

    #[test]
    fn partitions_that_are_written_out_replace_those_that_are_listed() {
        let under = "[partitions]\nrequest = { path = '/orgs' }\nvalues = { org = 'login' }";
        check(
            under,
            "partitions.values = { org = ['a', 'b'] }",
            "partitions.values = { org = ['a', 'b'] }",
        );
        check(
            under,
            "partitions.request = { path = '/user/orgs' }",
            "[partitions]\nrequest = { path = '/user/orgs' }\nvalues = { org = 'login' }",
        );
    }

    #[test]
    fn a_secret_a_field_and_a_place_are_replaced_by_another_kind() {
        check(
            "token = { env = 'A' }",
            "token = { file = 'b' }",
            "token = { file = 'b' }",
        );
        check(
            "name = { path = 'a', split = '/', take = 'last' }",
            "name = { template = '{a} {b}' }",
            "name = { template = '{a} {b}' }",
        );
        check(
            "total = { at = '/count', request = { path = '/count' } }",
            "total = { header = 'x-total' }",
            "total = { header = 'x-total' }",
        );
        check(
            "name = { path = 'a', format = 'epoch' }",
            "name = { path = 'b' }",
            "name = { path = 'b', format = 'epoch' }",
        );
    }

    #[test]
    fn a_parameter_may_be_called_like_a_key_of_ours() {
        check(
            "query = { env = 'x', type = 'a' }",
            "query = { file = 'y', type = 'b' }",
            "query = { env = 'x', file = 'y', type = 'b' }",
        );
    }
}
