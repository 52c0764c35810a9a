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
    /// It begins anew, and its list serves as stale until it has been read anew.
    Changed,
    /// It begins anew without its list, which was read with another account, or for single callers.
    Dropped,
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
    /// What the list of each upstream may not be served beyond: its account as it is written, or all of it. An older
    /// process does not say.
    #[serde(default)]
    lists: BTreeMap<String, String>,
}

impl KeyDigests {
    /// The digests of a configuration, under a salt of their own.
    pub fn of(written: &WrittenConfiguration<'_>) -> Self {
        Self::salted(written, hex(&rand::random::<[u8; 16]>()))
    }

    /// The digests of another configuration, which can be compared with these.
    #[must_use]
    pub fn beside(&self, written: &WrittenConfiguration<'_>) -> Self {
        Self::salted(written, self.salt.clone())
    }

    /// What becomes of an upstream where another configuration follows this one, secrets and certificates
    /// aside.
    pub fn fate(&self, upstream: &str, other: &Self) -> UpstreamFate {
        let lists = self.lists.get(upstream).zip(other.lists.get(upstream));
        if lists.is_some_and(|(before, now)| before != now) {
            UpstreamFate::Dropped
        } else if self.plans.get(upstream) != other.plans.get(upstream) {
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

    fn salted(written: &WrittenConfiguration<'_>, salt: String) -> Self {
        let WrittenConfiguration {
            tree,
            upstreams,
            accounts,
        } = written;
        let key = blake3::derive_key("groupgate configuration keys 1", salt.as_bytes());
        let mut digests = Self {
            salt,
            whole: short(blake3::hash(&encoded(tree))),
            settings: BTreeMap::new(),
            upstreams: BTreeMap::new(),
            plans: BTreeMap::new(),
            terms: BTreeMap::new(),
            lists: BTreeMap::new(),
        };
        for upstream in *upstreams {
            let name = upstream.name.to_string();
            let digest = |shown: &str| short(blake3::keyed_hash(&key, shown.as_bytes()));
            let terms = digest(&format!("{:?}", upstream.terms));
            let plan = digest(&resolved(upstream));
            let account = format!("{:?}", accounts.get(&name));
            let list = upstream.on_behalf.as_ref().map(|_| plan.clone());
            let list = list.unwrap_or_else(|| digest(&account));
            digests.terms.insert(name.clone(), terms);
            digests.lists.insert(name.clone(), list);
            digests.plans.insert(name, plan);
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

/// A configuration as it is written, and what its upstreams come to.
#[derive(Debug, Clone)]
pub struct WrittenConfiguration<'a> {
    /// What its files, variables and presets write together.
    pub tree: &'a Value,
    /// The upstreams that it comes to.
    pub upstreams: &'a [Arc<Upstream>],
    /// With which account each of them is read, of whose secrets only counts where they are.
    pub accounts: BTreeMap<String, Account>,
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
    into.insert(path, short(blake3::keyed_hash(key, &encoded(value))));
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
fn encoded(value: &Value) -> Vec<u8> {
    // Values of TOML are values of JSON.
    serde_json::to_vec(value).unwrap_or_default()
}

fn short(hash: blake3::Hash) -> String {
    hex(&hash.as_bytes()[..8])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn tree(text: &str) -> Value {
        Value::Table(text.parse().unwrap())
    }

    #[test]
    fn one_configuration_has_one_digest_and_keys_that_only_its_salt_compares() {
        let tree = tree("server.deadline = '1s'\nupstreams.a.limits.rate = '1/s'");
        let written = WrittenConfiguration {
            tree: &tree,
            upstreams: &[],
            accounts: BTreeMap::new(),
        };
        let (first, second) = (KeyDigests::of(&written), KeyDigests::of(&written));
        assert_eq!(first.whole(), second.whole());
        assert_ne!(first.upstreams, second.upstreams);
        assert_eq!(first.beside(&written), first);
        let keys: Vec<_> = first.upstreams["a"].keys().collect();
        assert_eq!(keys, ["limits.rate"]);
        assert_eq!(
            first.settings.keys().collect::<Vec<_>>(),
            ["server.deadline"]
        );
    }

    /// The digests of a configuration with one upstream, whose token is this.
    fn digests(token: &str, block: &str) -> KeyDigests {
        let text = format!("[upstreams.a]\n{block}");
        let environment = [("TOKEN", token), ("OTHER", token)].into_iter().collect();
        let loaded = crate::config::load_text("gateway.toml", &text, environment)
            .unwrap_or_else(|report| panic!("{report}"));
        let written = WrittenConfiguration {
            tree: loaded.tree(),
            upstreams: &loaded.plan.upstreams,
            accounts: loaded.written_accounts(),
        };
        KeyDigests::salted(&written, "salt".to_owned())
    }

    const BLOCK: &str = "base_url = 'https://a.example'\nrecords = '/'\n\
        request = { path = '/', query = { from = '{offset}' } }\n\
        fields = { id = 'id', name = 'name' }\nttl = '60s'\nlimits = { rate = '1/s' }\n\
        pagination = { style = 'offset', total = { request = { path = '/n' }, at = '/n' } }\n\
        auth = { type = 'bearer', token = { env = 'TOKEN' } }\n\
        members = { request = { path = '/{group.id}' }, records = '/', fields = { id = 'id' } }\n";

    #[test]
    fn what_an_upstream_comes_to_is_compared_without_its_secrets() {
        let first = digests("first", BLOCK);
        let fate = |token: &str, block: &str| first.fate("a", &digests(token, block));
        let minute = BLOCK.replace("60s", "1m");
        assert_eq!(fate("second", &minute), UpstreamFate::Kept);
        let longer = BLOCK.replace("60s", "2m");
        assert_eq!(fate("first", &longer), UpstreamFate::Adjusted);
        let faster = longer.replace("1/s", "2/s");
        assert_eq!(fate("first", &faster), UpstreamFate::Changed);
    }

    #[rstest]
    #[case::fields("name = 'name'", "name = 'title'", UpstreamFate::Changed)]
    #[case::paging("'offset'", "'offset', limit = 7", UpstreamFate::Changed)]
    #[case::another_server("a.example", "b.example", UpstreamFate::Dropped)]
    #[case::a_parameter("'{offset}' }", "'{offset}', expand = 'x' }", UpstreamFate::Dropped)]
    #[case::a_header(
        "path = '/',",
        "path = '/', headers = { user-agent = 'y' },",
        UpstreamFate::Dropped
    )]
    #[case::headers_of_all(
        "records",
        "headers = { user-agent = 'y' }\nrecords",
        UpstreamFate::Dropped
    )]
    #[case::a_continuation(
        "records",
        "continuation = { path = '/n', query = { o = '{offset}' } }\nrecords",
        UpstreamFate::Dropped
    )]
    #[case::the_request_for_a_total("'/n' }", "'/count' }", UpstreamFate::Dropped)]
    #[case::a_related_request("'/{group.id}'", "'/{group.id}/all'", UpstreamFate::Dropped)]
    #[case::where_a_token_is("'TOKEN'", "'OTHER'", UpstreamFate::Dropped)]
    #[case::a_name_for_the_account("ttl", "account = 'svc'\nttl", UpstreamFate::Dropped)]
    fn what_is_asked_and_as_whom_decides_whether_a_list_is_dropped(
        #[case] from: &str,
        #[case] to: &str,
        #[case] fate: UpstreamFate,
    ) {
        let first = digests("token", BLOCK);
        let block = BLOCK.replacen(from, to, 1);
        assert_ne!(block, BLOCK);
        let other = digests("token", &block);
        assert_eq!(first.fate("a", &other), fate, "{block}");
        // An older process does not say.
        let older = KeyDigests {
            lists: BTreeMap::new(),
            ..first
        };
        assert_ne!(older.fate("a", &other), UpstreamFate::Dropped);
    }

    #[test]
    fn lists_of_single_callers_are_dropped_with_any_change() {
        let forward = "{ type = 'forward', headers = ['x-session'] }";
        let block = BLOCK.replace("{ type = 'bearer', token = { env = 'TOKEN' } }", forward);
        let first = digests("token", &block);
        let other = digests("token", &block.replace("1/s", "2/s"));
        assert_eq!(first.fate("a", &other), UpstreamFate::Dropped);
    }
}
