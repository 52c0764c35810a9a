//! `groupgate check`: validates a configuration, and says what it understood.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytesize::ByteSize;
use clap::Args;

use crate::app::App;
use crate::catalog::kept_list;
use crate::clock::WallClock;
use crate::config::upstream::Upstream as Written;
use crate::config::{Environment, Loaded};
use crate::plan::{AccessLogRules, AuditRules, BodyFormat, List, Refresh, Share, Span, Upstream};
use crate::terminal::{CommandError, print};
use crate::upstream::Adapter;

use super::load;

mod again;
use again::explain_again;

mod against;
use against::Against;

mod callers;
use callers::explain_callers;

mod connection;
use connection::explain_connection;

mod credentials;
use credentials::{explain_auth, warn_of_login_in_query, warn_of_plain_http};

mod edge;
use edge::explain_edge;

mod list_requests;

mod paging;
mod related;
use paging::{explain_filters, explain_paging, explain_total};
use related::explain_related;

mod records;
use records::{explain_only, explain_values};

mod requests;
use requests::explain_requests;

mod target;
use target::explain_target;

mod walk_requests;

mod warnings;
use warnings::{warn_of_disk, warn_of_requests};

const EXAMPLES: &str = "\
Examples:
  groupgate check
  groupgate check /etc/groupgate/gateway.toml
  groupgate check next.toml --against http://127.0.0.1:9090 --token-env ADMIN_TOKEN";

/// Validate a configuration and explain what it means.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Check {
    /// The configuration to check.
    #[arg(default_value = "gateway.toml")]
    file: PathBuf,
    #[command(flatten)]
    against: Against,
}

impl Check {
    pub(super) async fn run(self, environment: Environment) -> Result<(), CommandError> {
        let loaded = load(&self.file, environment.clone())?;
        let compiled = App::compile(&loaded, &WallClock::system())
            .map_err(|report| CommandError::report(&report))?;
        let compared = self.against.compare(&loaded, &environment).await?;
        let explained = explain(&loaded, &compiled.adapters, &warn_of_disk(&loaded));
        print(&format!("{explained}\n{compared}"))
    }
}

/// The plan in words. Only the block says what placeholders are called, and where secrets are read.
fn explain(loaded: &Loaded, adapters: &[Arc<Adapter>], warnings: &str) -> String {
    let plan = &loaded.plan;
    let server = &plan.server;
    let mut text = format!(
        "serves groups on {} and health on {}, every answer within {}\n\
         each caller may ask {}, in bursts of {}; caches take up to {}\n\
         an answer needs {} of the sources that are asked; a shutdown takes up to {} and {}\n\
         up to {} connections, {} served at once for one client, each closed after {} without a \
         request; an answer is read within {} and a second for each {}\n",
        server.listen,
        server.admin,
        server.deadline,
        plan.rate_limit.per_client,
        plan.rate_limit.burst,
        ByteSize(plan.cache.capacity),
        plan.min_sources,
        Span::from(server.shutdown_delay),
        Span::from(server.drain),
        server.connections.total,
        server.connections.per_client,
        server.connections.idle,
        server.connections.send_timeout,
        server.connections.send_rate,
    );
    if let Some(directory) = &plan.cache.directory {
        let directory = directory.display();
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "snapshots are kept in {directory} as well, for a restart"
        );
    }
    text.push_str(&explain_edge(server));
    text.push_str(&explain_access_log(&plan.access_log));
    text.push_str(&explain_audit(&plan.audit));
    if !server.watch {
        text.push_str("files are not watched: SIGHUP and POST /reload load them again\n");
    }
    if server.server_timing {
        text.push_str("callers are told where the time of an answer went (Server-Timing)\n");
    }
    text.push_str(warnings);
    for exposure in plan.exposures() {
        let listen = server.listen;
        let _ = writeln!(text, "warning: on {listen}, {exposure}");
    }
    for (name, missing) in plan.never_asked() {
        let _ = writeln!(
            text,
            "warning: the upstream `{name}` can never be asked: there is {missing}"
        );
    }
    if plan.cursor_keys.is_empty() {
        text.push_str(
            "warning: no `cursor.keys`: cursors end with the process, and replicas do not know \
             each other's\n",
        );
    }
    for (upstream, written) in plan
        .upstreams
        .iter()
        .zip(loaded.settings.upstreams.values())
    {
        let _ = write!(
            text,
            "\n{}\n{}",
            upstream.name,
            explain_upstream(upstream, written, plan.callers.is_some())
        );
        let adapter = (adapters.iter()).find(|adapter| *adapter.name() == upstream.name);
        let directory = plan.cache.directory.as_deref();
        let kept = adapter
            .zip(directory)
            .and_then(|(adapter, directory)| kept_list(directory, adapter));
        text.push_str(&explain_requests(loaded, upstream, written, kept));
        text.push_str(&warn_of_requests(loaded, &upstream.name, written));
    }
    text.push_str(&explain_callers(plan));
    let count = plan.upstreams.len();
    let plural = if count == 1 { "" } else { "s" };
    let _ = write!(text, "\nok: {count} upstream{plural}");
    text
}

fn explain_access_log(rules: &AccessLogRules) -> String {
    if !rules.enabled {
        return "requests are not logged\n".to_owned();
    }
    let fields: Vec<&str> = rules.fields.iter().map(Into::into).collect();
    let which = if rules.sample == Share::ALL {
        "every request".to_owned()
    } else {
        format!(
            "every request that fails, and {} of the others",
            rules.sample
        )
    };
    format!("{which} is logged, with {}\n", fields.join(", "))
}

fn explain_audit(rules: &AuditRules) -> String {
    if !rules.enabled {
        return String::new();
    }
    let place = rules.file.as_deref().map_or_else(
        || "the log".to_owned(),
        |file| format!("`{}`", file.display()),
    );
    format!("every request is recorded for audits in {place}\n")
}

fn explain_upstream(upstream: &Upstream, written: &Written, is_granted: bool) -> String {
    let listing = &upstream.requests.listing;
    let granted = if is_granted {
        " that is granted it"
    } else {
        ""
    };
    let format = match upstream.classify.format {
        BodyFormat::Decoded(format) => format.title(),
        BodyFormat::Text => "text",
    };
    let prefix = upstream.classify.strip_prefix.as_ref();
    let prefix = prefix.map_or_else(String::new, |prefix| format!(" after `{prefix}`"));
    let mut lines = Vec::new();
    if let Some(preset) = &written.preset {
        lines.push(format!("over     the preset {preset}"));
    }
    lines.push(format!(
        "asks     {}",
        explain_target(listing, &written.request)
    ));
    if upstream.list == List::ByQuery {
        lines.push(format!("filters  {}", explain_filters(upstream)));
    }
    if let Some(connection) = explain_connection(&written.connection) {
        lines.push(format!("through  {connection}"));
    }
    lines.push(format!(
        "reads    {format}{prefix}, records at {}{}",
        upstream.mapping.records.at,
        explain_only(&upstream.mapping.records)
    ));
    lines.extend(explain_values(upstream));
    lines.push(format!("pages    {}", explain_paging(upstream)));
    for total in explain_total(upstream, written.preset.as_deref()) {
        lines.push(format!("total    {total}"));
    }
    lines.extend(explain_related(upstream, written));
    lines.extend([
        format!("auth     {}", explain_auth(written)),
        match &upstream.on_behalf {
            Some(_) => "sees     each caller sees what is shown on its behalf".to_owned(),
            None => format!("sees     every caller{granted} sees what this account sees"),
        },
    ]);
    lines.extend(explain_limits(upstream));
    lines.extend(explain_freshness(upstream));
    lines.extend(explain_again(upstream, written));
    lines.extend(warn_of_plain_http(written));
    lines.extend(warn_of_login_in_query(written));
    if !upstream.trace_context {
        lines.push("traces   its requests carry no trace context".to_owned());
    }
    if upstream.terms.required {
        lines.push("required no answer is given without it".to_owned());
    }
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

/// How much it is asked for, and what happens when it fails.
fn explain_limits(upstream: &Upstream) -> Vec<String> {
    let limits = &upstream.limits;
    let rate = limits.rate.map_or_else(
        || "as fast as it answers".to_owned(),
        |rate| rate.to_string(),
    );
    let head = limits
        .head_timeout
        .map(|head| format!("{head} for a head, "));
    let mut lines = vec![
        format!(
            "pace     {rate}, {} at once, {} a try, {} a walk",
            limits.concurrency, limits.timeout, limits.walk
        ),
        format!(
            "waits    {} to connect, {}{} for a pause in a body; tries {} times more",
            limits.connect_timeout,
            head.unwrap_or_default(),
            limits.idle_timeout,
            limits.retries
        ),
        format!(
            "bounds   {} pages, {} groups, {} a page, {} a walk, {} levels deep",
            limits.pages, limits.groups, limits.page_bytes, limits.walk_bytes, limits.depth
        ),
    ];
    if let Some(hedge) = &upstream.hedge {
        lines.push(format!(
            "hedges   a page that is {} late is asked for a second time",
            hedge.after
        ));
    }
    lines.push(match &upstream.breaker {
        Some(breaker) => format!(
            "breaker  opens for {} after {} failures in a row, or {} of {} or more within {}",
            breaker.open_for, breaker.failures, breaker.rate, breaker.calls, breaker.window
        ),
        None => "breaker  none: however often it fails, it is asked again".to_owned(),
    });
    lines
}

/// How long its list serves, and when it is read again.
fn explain_freshness(upstream: &Upstream) -> Vec<String> {
    let terms = upstream.terms;
    let freshness = terms.freshness;
    let refresh = match terms.refresh {
        Refresh::OnDemand => "when it is asked for after that",
        Refresh::Background => "before that, though nobody asks",
    };
    let guard = if terms.shrink_guard == Share::NONE {
        "nothing: a list that suddenly shrinks is believed at once".to_owned()
    } else {
        format!(
            "a list that shrinks below {} of itself is held back until a second walk agrees",
            terms.shrink_guard
        )
    };
    vec![
        format!(
            "serves   {} as fresh; after that up to {} while it refreshes, up to {} if that fails",
            Span::from(freshness.ttl),
            Span::from(freshness.stale_while_revalidate),
            Span::from(freshness.stale_if_error),
        ),
        format!(
            "renews   its list {refresh}; on demand and after a failure every {} at most",
            Span::from(freshness.min_refresh)
        ),
        format!("guards   {guard}"),
    ]
}
