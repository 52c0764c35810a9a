//! What is different between two configurations.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{KeyDigests, UpstreamFate};
use crate::plan::server::FIXED_AT_START;

/// What is said of an upstream whose list is dropped.
const DROPPED: &str = "; its list is dropped, and callers wait for the first walk";

/// What is different in a plan that follows another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlanChanges {
    /// What becomes of the upstreams.
    pub upstreams: UpstreamChanges,
    /// Keys outside of `upstreams` that say something else.
    pub settings: Vec<String>,
    /// Those of them that take effect only when the process is restarted.
    pub needs_restart: Vec<String>,
}

/// What becomes of the upstreams, each in order of name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UpstreamChanges {
    /// Those that were not there before.
    pub added: Vec<String>,
    /// Those that are there no longer.
    pub removed: Vec<String>,
    /// Those that begin anew, and the keys that say something else. There are none where a secret or a
    /// certificate is what has changed.
    pub changed: BTreeMap<String, Vec<String>>,
    /// Those of the changed whose lists are dropped, for they were read with another account, or for single callers:
    /// callers wait for the first walk.
    pub dropped: Vec<String>,
    /// Those that go on with all that they have, whose lists are refreshed and served on other terms, and the
    /// keys that say so. There are none where a general default is what has changed.
    pub adjusted: BTreeMap<String, Vec<String>>,
    /// Those that go on as if nothing had happened.
    pub kept: Vec<String>,
}

impl PlanChanges {
    /// What is written differently. `now` must be [beside](KeyDigests::beside) `before`.
    pub fn between(before: &KeyDigests, now: &KeyDigests) -> Self {
        let mut upstreams = UpstreamChanges::default();
        for (name, block) in &now.upstreams {
            let Some(earlier) = before.upstreams.get(name) else {
                upstreams.added.push(name.clone());
                continue;
            };
            let keys = differing(earlier, block);
            if keys.is_empty() {
                upstreams.kept.push(name.clone());
            } else {
                upstreams.changed.insert(name.clone(), keys);
            }
        }
        let gone = (before.upstreams.keys()).filter(|name| !now.upstreams.contains_key(*name));
        upstreams.removed = gone.cloned().collect();
        let settings = differing(&before.settings, &now.settings);
        let is_fixed = |key: &&String| {
            FIXED_AT_START.iter().any(|fixed| {
                let rest = key.strip_prefix(fixed);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        Self {
            upstreams,
            needs_restart: settings.iter().filter(is_fixed).cloned().collect(),
            settings,
        }
    }

    /// Corrects what is said of upstreams by what they come to: one whose plan is the same is kept, however
    /// it is written, and one whose secret was rotated is not.
    pub fn settle(&mut self, fate: impl Fn(&str) -> UpstreamFate) {
        let UpstreamChanges {
            changed,
            dropped,
            adjusted,
            kept,
            ..
        } = &mut self.upstreams;
        let written = std::mem::take(changed).into_iter();
        let same = std::mem::take(kept).into_iter();
        for (name, keys) in written.chain(same.map(|name| (name, Vec::new()))) {
            match fate(&name) {
                UpstreamFate::Kept => kept.push(name),
                UpstreamFate::Adjusted => _ = adjusted.insert(name, keys),
                UpstreamFate::Changed => _ = changed.insert(name, keys),
                UpstreamFate::Dropped => {
                    dropped.push(name.clone());
                    changed.insert(name, keys);
                }
            }
        }
        kept.sort_unstable();
        dropped.sort_unstable();
    }

    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        let UpstreamChanges {
            added,
            removed,
            changed,
            dropped: _,
            adjusted,
            kept: _,
        } = &self.upstreams;
        let none = added.is_empty() && removed.is_empty();
        none && changed.is_empty() && adjusted.is_empty() && self.settings.is_empty()
    }
}

/// The keys that say something else, or that only one side has.
fn differing(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let all = before.keys().chain(now.keys());
    let mut keys: Vec<_> = (all.filter(|key| before.get(*key) != now.get(*key)))
        .cloned()
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl fmt::Display for PlanChanges {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UpstreamChanges {
            added,
            removed,
            changed,
            dropped,
            adjusted,
            kept,
        } = &self.upstreams;
        for (what, upstreams) in [("changed ", changed), ("adjusted", adjusted)] {
            for (name, keys) in upstreams {
                let keys = keys.join(", ");
                let colon = if keys.is_empty() { "" } else { ": " };
                let drop = if dropped.contains(name) { DROPPED } else { "" };
                writeln!(formatter, "{what} {name}{colon}{keys}{drop}")?;
            }
        }
        let setting = |key: &&String| !self.needs_restart.contains(*key);
        let settings: Vec<_> = self.settings.iter().filter(setting).cloned().collect();
        for (what, names) in [
            ("added   ", added),
            ("removed ", removed),
            ("settings", &settings),
            ("restart ", &self.needs_restart),
            ("kept    ", kept),
        ] {
            if !names.is_empty() {
                writeln!(formatter, "{what} {}", names.join(", "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use toml::Value;

    use super::*;
    use crate::reload::WrittenConfiguration;

    fn changes(before: &str, now: &str) -> PlanChanges {
        let tree = |text: &str| Value::Table(text.parse().unwrap());
        let (before, now) = (tree(before), tree(now));
        let written = |tree| WrittenConfiguration {
            tree,
            upstreams: &[],
            accounts: BTreeMap::new(),
        };
        let before = KeyDigests::of(&written(&before));
        let now = before.beside(&written(&now));
        PlanChanges::between(&before, &now)
    }

    const BEFORE: &str = "
        server = { listen = 'a', deadline = '1s', connections = { total = 1 } }
        upstreams.a = { base_url = 'x', limits = { rate = '1/s' } }
        upstreams.b = { base_url = 'x' }
        upstreams.c = { base_url = 'x' }";

    #[test]
    fn what_is_written_differently_is_named_by_its_key() {
        let now = "
            server = { listen = 'a', deadline = '2s', connections = { total = 2 } }
            upstreams.a = { base_url = 'x', limits = { rate = '2/s' }, ttl = '1s' }
            upstreams.c = { base_url = 'x' }
            upstreams.d = { base_url = 'x' }";
        let changes = changes(BEFORE, now);
        assert_eq!(
            changes.to_string(),
            "changed  a: limits.rate, ttl\n\
             added    d\n\
             removed  b\n\
             settings server.deadline\n\
             restart  server.connections.total\n\
             kept     c\n"
        );
        assert!(!changes.is_empty());
    }

    #[test]
    fn what_an_upstream_comes_to_decides_over_how_it_is_written() {
        let now = BEFORE.replace("rate = '1/s'", "rate = '60/m'");
        let mut changes = changes(BEFORE, &now);
        changes.settle(|name| match name {
            "a" => UpstreamFate::Kept,
            "b" => UpstreamFate::Changed,
            _ => UpstreamFate::Adjusted,
        });
        assert_eq!(changes.to_string(), "changed  b\nadjusted c\nkept     a\n");
    }

    #[test]
    fn a_list_that_is_dropped_is_told_with_its_upstream() {
        let now = BEFORE.replace("rate = '1/s'", "rate = '2/s'");
        let mut changes = changes(BEFORE, &now);
        changes.settle(|name| match name {
            "a" | "c" => UpstreamFate::Dropped,
            _ => UpstreamFate::Kept,
        });
        assert_eq!(changes.upstreams.dropped, ["a", "c"]);
        assert_eq!(
            changes.to_string(),
            "changed  a: limits.rate; its list is dropped, and callers wait for the first walk\n\
             changed  c; its list is dropped, and callers wait for the first walk\n\
             kept     b\n"
        );
    }

    #[test]
    fn nothing_is_different_between_a_configuration_and_itself() {
        assert!(changes(BEFORE, BEFORE).is_empty());
    }
}
