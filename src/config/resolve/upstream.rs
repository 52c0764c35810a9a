//! One `[upstreams.NAME]` block.

use std::sync::Arc;

use crate::config::upstream::Auth;
use crate::config::{Cache, SecretReader, Upstream};
use crate::plan::{self, Refresh, Span};
use crate::problem::{KeyPath, Problem, Problems};

use super::outer_names::OuterNames;
use super::written_upstream::WrittenUpstream;
use super::{
    answers, auth, connection, digest, filterable, incremental, limits, mapping, on_behalf,
    pagination, placeholders, pushdown, records, related, request,
};

impl WrittenUpstream<'_> {
    /// Checks the block and decides it.
    pub(super) fn resolve(
        self,
        secrets: &SecretReader<'_>,
        problems: &mut Problems,
    ) -> Option<plan::Upstream> {
        let Self { name, upstream, .. } = self;
        let at = &KeyPath::new(["upstreams", name]);
        check_name(at, name, problems);
        check_account(at, upstream, problems);
        check_refresh(at, upstream, self.cache, problems);
        check_conditional(at, upstream, problems);
        request::check_base_url(&at.join("base_url"), &upstream.base_url, problems);
        let common = request::common_headers(upstream, at, secrets, problems);
        let has_common = common.is_some();
        let common = common.unwrap_or_default();
        let links = pagination::link_rules(upstream);
        let requests = request::requests(upstream, &links, at, &common, secrets, problems);
        let requests = requests.filter(|_| has_common);
        let auth = auth::auth(upstream, at, secrets, problems);
        let classify = answers::classify_rules(upstream, at, problems);
        let paging = pagination::paging(at, upstream, problems);
        records::check_prefix(at, upstream, problems);
        limits::check(at, upstream, problems);
        connection::check(&at.join("connection"), &upstream.connection, problems);
        if self.has_read(at, ASKING) {
            check_asking(at, upstream, problems);
        }
        if self.has_read(at, &["connection", "auth"]) {
            connection::check_together(&at.join("connection"), upstream, problems);
        }
        if self.has_read_all_of(&at.join("auth")) {
            check_login(&at.join("auth"), &upstream.auth, problems);
        }
        let incremental = (self.has_read(at, ASKING))
            .then(|| incremental::incremental(at, upstream, problems))
            .flatten();
        let related = related::related(self, &common, secrets, problems);
        let asked = requests.as_ref().zip(auth.as_ref());
        let on_behalf = (asked.zip(related.as_ref())).and_then(|((requests, auth), related)| {
            let all = related.readings().map(|(_, list)| &list.requests);
            let all: Vec<_> = std::iter::once(requests).chain(all).collect();
            on_behalf::on_behalf(at, upstream, (&all, auth), problems)
        });
        let beside = related.as_ref().map_or_else(Vec::new, related::beside);
        let mapping = if self.has_read(at, &["records", "fields"]) {
            mapping::mapping(at, name, upstream, beside, problems)
        } else {
            let at = at.join("records");
            records::records(&at, &upstream.records, upstream.format, problems);
            None
        };
        let lookup = mapping
            .as_ref()
            .and_then(|mapping| mapping::lookup(at, upstream, (mapping, &paging), problems));
        let filterable = filterable::filterable(at, upstream, problems);
        // Last: no file is read whose key is wrong already.
        let connection = connection::resolve(at, upstream, secrets, problems);
        // A secret that cannot be read has become a problem where it stands: each file is read once.
        let account = digest::account_of(upstream, secrets).ok();
        Some(plan::Upstream {
            name: self.name.into(),
            shape: digest::shape_of(upstream),
            account: account?,
            list: upstream.list,
            auth: Arc::new(auth?),
            on_behalf,
            classify,
            pushdown: pushdown::rules(upstream),
            requests: requests?,
            lookup,
            conditional: upstream.conditional,
            incremental,
            filtered_paging: pagination::filtered(upstream, &paging),
            paging,
            mapping: Arc::new(mapping?),
            related: related?,
            filterable,
            connection: connection?,
            limits: limits::resolve(&upstream.limits),
            breaker: upstream.breaker.enabled.then(|| upstream.breaker.clone()),
            hedge: upstream.hedge.clone(),
            terms: terms(upstream, self.cache),
            trace_context: upstream.trace_context,
        })
    }

    /// Whether all keys could be read that have a say in these tables. One that is in no table of the
    /// block may be a misspelt `request`.
    fn has_read(&self, at: &KeyPath, tables: &[&str]) -> bool {
        !self.unread.iter().any(|unread| {
            unread.is_within(at)
                && match &unread.keys()[at.keys().len()..] {
                    [] | [_] => true,
                    [table, ..] => tables.contains(&table.as_str()),
                }
        })
    }

    fn has_read_all_of(&self, table: &KeyPath) -> bool {
        !self.unread.iter().any(|unread| unread.is_within(table))
    }
}

/// The terms of its list, where it does not say them itself those of `[cache]`.
fn terms(upstream: &Upstream, cache: &Cache) -> plan::ListTerms {
    let or = |own: Option<Span>, general: Span| own.unwrap_or(general).get();
    plan::ListTerms {
        freshness: plan::Freshness {
            ttl: or(upstream.ttl, cache.ttl),
            stale_while_revalidate: or(
                upstream.stale_while_revalidate,
                cache.stale_while_revalidate,
            ),
            stale_if_error: or(upstream.stale_if_error, cache.stale_if_error),
            min_refresh: or(upstream.min_refresh, cache.min_refresh),
        },
        refresh: upstream.refresh,
        shrink_guard: upstream.shrink_guard,
        required: upstream.required,
    }
}

/// The tables that have a say in how an upstream is asked and what its answers mean.
const ASKING: &[&str] = &[
    "request",
    "continuation",
    "pagination",
    "answers",
    "pushdown",
    "incremental",
];

fn check_name(at: &KeyPath, name: &str, problems: &mut Problems) {
    let is_plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if (1..=64).contains(&name.len()) && name.bytes().all(is_plain) {
        return;
    }
    problems.push(
        Problem::new(
            at.clone(),
            format!("`{name}` cannot name an upstream: clients see it before each group's id"),
        )
        .with_help("use 1 to 64 of `a` to `z`, `0` to `9`, `_` and `-`"),
    );
}

fn check_account(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    if upstream.account.as_ref().is_some_and(String::is_empty) {
        problems.push(
            Problem::new(at.join("account"), "the name of the account is empty")
                .with_help("give it a name, or leave `account` out"),
        );
    }
}

/// A list that is renewed before it expires needs a time in which it has not.
fn check_refresh(at: &KeyPath, upstream: &Upstream, cache: &Cache, problems: &mut Problems) {
    let ttl = upstream.ttl.unwrap_or(cache.ttl);
    if upstream.refresh == Refresh::Background && ttl.get().is_zero() {
        problems.push(
            Problem::new(
                at.join("refresh"),
                "a list cannot be renewed before it expires when its `ttl` is zero",
            )
            .with_help("give it a `ttl`, or leave `refresh` at `\"on_demand\"`"),
        );
    }
}

/// The rows of a page that has not changed are those of the list, which has them as they were listed only where
/// nothing is laid over them.
fn check_conditional(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let has_more = upstream.details.is_some()
        || upstream.users.is_some()
        || upstream.member_lists().next().is_some();
    if upstream.conditional && has_more {
        problems.push(
            Problem::new(
                at.join("conditional"),
                "the list does not keep groups as its pages have them where details or lists of people belong to them",
            )
            .with_help("leave `conditional` out; `reuse` says which groups are not asked for again"),
        );
    }
}

/// Checks what depends on several keys of how an upstream is asked.
fn check_asking(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    request::check_bodies(at, upstream, problems);
    let outer = OuterNames::of_groups(upstream);
    placeholders::check(at, upstream, outer, problems);
    pushdown::check(at, upstream, problems);
    pagination::check(at, upstream, outer, problems);
    answers::check(&at.join("answers"), &upstream.answers, problems);
}

/// Checks what depends on several keys of a login.
fn check_login(at: &KeyPath, auth: &Auth, problems: &mut Problems) {
    request::check_login_body(at, auth, problems);
    check_login_answers(at, auth, problems);
}

/// Checks the rules over the answers of a login and of those before it.
fn check_login_answers(at: &KeyPath, auth: &Auth, problems: &mut Problems) {
    if let Auth::TokenExchange(login) = auth {
        answers::check_login(&at.join("answers"), &login.answers, problems);
        for (name, step) in &login.chain {
            check_login_answers(&at.join("chain").join(name), step, problems);
        }
    }
}
