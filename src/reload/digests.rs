//! What each key of a configuration says, as digests: two configurations can be compared by them where
//! neither may be seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::hex::hex;

/// A digest of every key's value as it is written, presets and environment variables laid in. Secrets
/// count by where they are, never by what they are. Each process has a salt of its own:
/// digests of two processes cannot be compared, and no table made beforehand helps. The salt goes out with
/// them, for whoever compares needs it, so that a value of which there are few can be guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDigests {
    salt: String,
    /// The same under every salt.
    whole: String,
    /// Keys that belong to no upstream.
    pub(super) settings: BTreeMap<String, String>,
    /// The keys of each upstream.
    pub(super) upstreams: BTreeMap<String, BTreeMap<String, String>>,
}

impl KeyDigests {
    /// The digests of a configuration under a salt of their own.
    pub fn of(tree: &Value) -> Self {
        Self::salted(tree, hex(&rand::random::<[u8; 16]>()))
    }

    /// The digests of another configuration, which can be compared with these.
    #[must_use]
    pub fn beside(&self, tree: &Value) -> Self {
        Self::salted(tree, self.salt.clone())
    }

    /// The digest of the whole configuration.
    pub fn whole(&self) -> &str {
        &self.whole
    }

    fn salted(tree: &Value, salt: String) -> Self {
        let key = blake3::derive_key("groupgate configuration keys 1", salt.as_bytes());
        let mut digests = Self {
            salt,
            whole: short(blake3::hash(&written(tree))),
            settings: BTreeMap::new(),
            upstreams: BTreeMap::new(),
        };
        for (name, value) in tree.as_table().into_iter().flatten() {
            match (name.as_str(), value) {
                ("upstreams", Value::Table(upstreams)) => {
                    for (name, block) in upstreams {
                        let keys = digests.upstreams.entry(name.clone()).or_default();
                        leaves(String::new(), block, &key, keys);
                    }
                }
                _ => leaves(name.clone(), value, &key, &mut digests.settings),
            }
        }
        digests
    }
}

/// Adds what is in a value, by the keys that lead to it.
fn leaves(path: String, value: &Value, key: &[u8; 32], into: &mut BTreeMap<String, String>) {
    if let Value::Table(table) = value
        && !table.is_empty()
    {
        for (name, value) in table {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            leaves(path, value, key, into);
        }
        return;
    }
    into.insert(path, short(blake3::keyed_hash(key, &written(value))));
}

/// A value in one form. Tables are in order of their keys.
fn written(value: &Value) -> Vec<u8> {
    // Values of TOML are values of JSON.
    serde_json::to_vec(value).unwrap_or_default()
}

fn short(hash: blake3::Hash) -> String {
    hex(&hash.as_bytes()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Value {
        Value::Table(text.parse().unwrap())
    }

    #[test]
    fn one_configuration_has_one_digest_and_keys_that_only_its_salt_compares() {
        let tree = tree("server.deadline = '1s'\nupstreams.a.limits.rate = '1/s'");
        let (first, second) = (KeyDigests::of(&tree), KeyDigests::of(&tree));
        assert_eq!(first.whole(), second.whole());
        assert_ne!(first.upstreams, second.upstreams);
        assert_eq!(first.beside(&tree), first);
        let keys: Vec<_> = first.upstreams["a"].keys().collect();
        assert_eq!(keys, ["limits.rate"]);
        assert_eq!(
            first.settings.keys().collect::<Vec<_>>(),
            ["server.deadline"]
        );
    }
}
