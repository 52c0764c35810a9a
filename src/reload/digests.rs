//! What each key of a configuration says, as digests: two configurations can be compared by them where
//! neither may be seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::hex::hex;
use crate::plan::{Account, ListTerms, Upstream};

/// What becomes of an upstream that both configurations have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamFate {
    /// It goes on as if nothing had happened.
    Kept,
    /// It goes on, and its list is refreshed and served on other terms.
    Adjusted,
    /// It begins anew.
    Changed,
}

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
    /// How each upstream is asked, treated and read, with what it takes from general settings.
    plans: BTreeMap<String, String>,
    /// On what terms the list of each upstream is refreshed and served.
    terms: BTreeMap<String, String>,
}

impl KeyDigests {
    /// The digests of a configuration and the upstreams that it comes to, under a salt of their own.
    pub fn of(tree: &Value, upstreams: &[Arc<Upstream>]) -> Self {
        Self::salted(tree, upstreams, hex(&rand::random::<[u8; 16]>()))
    }

    /// The digests of another configuration, which can be compared with these.
    #[must_use]
    pub fn beside(&self, tree: &Value, upstreams: &[Arc<Upstream>]) -> Self {
        Self::salted(tree, upstreams, self.salt.clone())
    }

    /// What becomes of an upstream where another configuration follows this one, secrets and certificates
    /// aside.
    pub fn fate(&self, upstream: &str, other: &Self) -> UpstreamFate {
        if self.plans.get(upstream) != other.plans.get(upstream) {
            UpstreamFate::Changed
        } else if self.terms.get(upstream) != other.terms.get(upstream) {
            UpstreamFate::Adjusted
        } else {
            UpstreamFate::Kept
        }
    }

    /// The digest of the whole configuration.
    pub fn whole(&self) -> &str {
        &self.whole
    }

    fn salted(tree: &Value, upstreams: &[Arc<Upstream>], salt: String) -> Self {
        let key = blake3::derive_key("groupgate configuration keys 1", salt.as_bytes());
        let mut digests = Self {
            salt,
            whole: short(blake3::hash(&written(tree))),
            settings: BTreeMap::new(),
            upstreams: BTreeMap::new(),
            plans: BTreeMap::new(),
            terms: BTreeMap::new(),
        };
        for upstream in upstreams {
            let name = upstream.name.to_string();
            let digest = |shown: String| short(blake3::keyed_hash(&key, shown.as_bytes()));
            let terms = digest(format!("{:?}", upstream.terms));
            digests.terms.insert(name.clone(), terms);
            digests.plans.insert(name, digest(resolved(upstream)));
        }
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

/// What an upstream comes to, but for its terms and for what follows from its secrets: those are shown nowhere,
/// and its account is a hash of them that could be guessed.
fn resolved(upstream: &Upstream) -> String {
    let shown = Upstream {
        account: Account::default(),
        terms: ListTerms::default(),
        ..upstream.clone()
    };
    format!("{shown:?}")
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
        let (first, second) = (KeyDigests::of(&tree, &[]), KeyDigests::of(&tree, &[]));
        assert_eq!(first.whole(), second.whole());
        assert_ne!(first.upstreams, second.upstreams);
        assert_eq!(first.beside(&tree, &[]), first);
        let keys: Vec<_> = first.upstreams["a"].keys().collect();
        assert_eq!(keys, ["limits.rate"]);
        assert_eq!(
            first.settings.keys().collect::<Vec<_>>(),
            ["server.deadline"]
        );
    }

    #[test]
    fn what_an_upstream_comes_to_is_compared_without_its_secrets() {
        let digests = |token: &str, ttl: &str, rate: &str| {
            let text = format!(
                "[upstreams.a]\nbase_url = 'https://a.example'\nrequest = {{ path = '/' }}\nrecords = '/'\n\
                 fields = {{ id = 'id', name = 'name' }}\nttl = '{ttl}'\nlimits = {{ rate = '{rate}' }}\n\
                 auth = {{ type = 'bearer', token = {{ env = 'TOKEN' }} }}\n"
            );
            let environment = [("TOKEN", token)].into_iter().collect();
            let loaded = crate::config::load_text("gateway.toml", &text, environment).unwrap();
            KeyDigests::salted(loaded.tree(), &loaded.plan.upstreams, "salt".to_owned())
        };
        let first = digests("first", "60s", "1/s");
        let fate = |other: KeyDigests| first.fate("a", &other);
        assert_eq!(fate(digests("second", "1m", "1/s")), UpstreamFate::Kept);
        assert_eq!(fate(digests("first", "2m", "1/s")), UpstreamFate::Adjusted);
        assert_eq!(fate(digests("first", "2m", "2/s")), UpstreamFate::Changed);
    }
}
