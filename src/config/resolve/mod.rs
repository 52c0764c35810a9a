//! One pass from settings to a plan.
//!
//! Each part is checked and decided in one place: what is wrong becomes a problem at its key, and the
//! pass goes on. What depends on several keys is checked only where all of them could be read:
//! otherwise every slip of the pen would drag a tail of false alarms behind it.

mod answers;
#[cfg(test)]
pub(crate) use answers::classify_rules;

mod auth;
#[cfg(test)]
pub(crate) use auth::tests::auth_in;

pub(crate) mod block;
mod callers;
mod connection;
mod cursors;
pub(crate) mod digest;
mod edge;
mod fields;
mod filterable;
mod incremental;
mod limits;
mod locations;
mod login_names;
pub(crate) mod mapping;
mod on_behalf;
mod outer_names;
pub(crate) mod pagination;
mod paths;
mod placeholders;
pub(crate) mod pushdown;
mod record_filter;
mod records;
mod related;
pub(crate) mod request;
mod secrets;
pub(crate) use secrets::in_requests;
pub(super) use secrets::named;

mod server;
mod texts;
mod tokens;
mod unused_logins;
mod upstream;
mod written_upstream;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::layers::variable_name;
use super::{SecretReader, Settings};
use crate::plan::Plan;
use crate::problem::{KeyPath, Problem, Problems};

/// Resolves settings in which the keys `unread` hold stand-ins. There is a plan only where nothing is
/// wrong.
pub(super) fn resolve(
    settings: &Settings,
    unread: &[KeyPath],
    secrets: &SecretReader<'_>,
) -> (Option<Plan>, Problems) {
    let mut problems = Problems::default();
    let server = server::server(&settings.server, secrets, &mut problems);
    let cache = server::cache(&settings.cache, &mut problems);
    let rate_limit = server::rate_limit(&settings.rate_limit, &mut problems);
    let callers = callers::callers(settings, server.as_ref(), secrets, &mut problems);
    let cursor_keys = server::cursor_keys(&settings.cursor, secrets, &mut problems);
    if settings.upstreams.is_empty() && unread.is_empty() {
        problems.push(
            Problem::new(KeyPath::default(), "no upstreams: there is nothing to ask")
                .with_help("describe each group backend under `[upstreams.NAME]`"),
        );
    }
    check_names(settings, &mut problems);
    let mut upstreams = Vec::new();
    for (name, upstream) in &settings.upstreams {
        let written = written_upstream::WrittenUpstream {
            name,
            upstream,
            cache: &settings.cache,
            unread,
        };
        match written.resolve(secrets, &mut problems) {
            Some(resolved) => upstreams.push(Arc::new(resolved)),
            // Whatever kept it from being decided has become a problem. Should it not have, an upstream
            // must not vanish all the same.
            None if problems.is_empty() && unread.is_empty() => problems.push(Problem::new(
                KeyPath::new(["upstreams", name]),
                "this block cannot be decided, and no key is known to be wrong",
            )),
            None => {}
        }
    }
    problems.retain(|problem| !unread.iter().any(|unread| problem.at.is_within(unread)));
    let plan = server.zip(cursor_keys).map(|(server, cursor_keys)| Plan {
        server,
        min_sources: settings.gateway.min_sources,
        cache,
        rate_limit,
        access_log: settings.access_log.clone(),
        callers,
        audit: server::audit(&settings.audit, &mut problems),
        cursor_keys,
        upstreams,
    });
    (plan.filter(|_| problems.is_empty()), problems)
}

/// Refuses names that a variable cannot tell apart: it has `_` for `-`.
fn check_names(settings: &Settings, problems: &mut Problems) {
    let mut names = BTreeMap::new();
    for name in settings.upstreams.keys() {
        if let Some(other) = names.insert(variable_name(name), name) {
            problems.push(
                Problem::new(
                    KeyPath::new(["upstreams", name]),
                    format!("`{name}` and `{other}` differ only in `-` and `_`"),
                )
                .with_help("rename one of them: an environment variable reaches both by one name"),
            );
        }
    }
}

fn at_least_one(table: &KeyPath, key: &str, value: u64, problems: &mut Problems) {
    if value == 0 {
        problems.push(Problem::new(
            table.join(key),
            format!("`{key}` must be at least 1"),
        ));
    }
}
