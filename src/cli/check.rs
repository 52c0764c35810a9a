//! `groupgate check`: validates a configuration, and says what it understood.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::app::App;
use crate::catalog::pages_kept;
use crate::clock::WallClock;
use crate::config::upstream::{Auth, Connection, Limits, Method, Pagination, Total, Upstream};
use crate::config::{Environment, Settings};
use crate::plan::Share;
use crate::plan::{
    CursorSource, Format, HttpVersion, List, Location, Pushable, Refresh, ShortPage,
};
use crate::terminal::{Failure, print};
use crate::upstream::Adapter;

use super::load;

/// Validate a configuration and explain what it means.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration to check.
    #[arg(default_value = "gateway.toml")]
    file: PathBuf,
}

impl Check {
    pub(super) fn run(self, environment: Environment) -> Result<(), Failure> {
        let loaded = load(&self.file, environment)?;
        let compiled = App::compile(&loaded, &WallClock::system())
            .map_err(|report| Failure::report(&report))?;
        print(&explain(&loaded.settings, &compiled.adapters))
    }
}

fn explain(settings: &Settings, adapters: &[Arc<Adapter>]) -> String {
    let mut text = format!(
        "serves groups on {} and health on {}, every answer within {}\n\
         each caller may ask {}, in bursts of {}; caches take up to {}\n",
        settings.server.listen,
        settings.server.admin,
        settings.server.deadline,
        settings.rate_limit.per_client,
        settings.rate_limit.burst,
        settings.cache.capacity,
    );
    if let Some(directory) = &settings.cache.directory {
        let directory = directory.display();
        let _ = writeln!(
            text,
            "snapshots are kept in {directory} as well, for a restart"
        );
    }
    if settings.cursor.keys.is_empty() {
        text.push_str(
            "warning: no `cursor.keys`: cursors end with the process, and replicas do not know \
             each other's\n",
        );
    }
    for (name, upstream) in &settings.upstreams {
        // Writing into a string does not fail.
        let _ = write!(text, "\n{name}\n{}", explain_upstream(upstream, settings));
        let adapter = adapters.iter().find(|adapter| **adapter.name() == **name);
        let directory = settings.cache.directory.as_deref();
        let pages = adapter
            .zip(directory)
            .and_then(|(adapter, directory)| pages_kept(directory, adapter));
        text.extend(pages.and_then(|pages| too_slow(&upstream.limits, pages)));
    }
    let count = settings.upstreams.len();
    let plural = if count == 1 { "" } else { "s" };
    let _ = write!(text, "\nok: {count} upstream{plural}");
    text
}

fn explain_upstream(upstream: &Upstream, settings: &Settings) -> String {
    let request = &upstream.request;
    let method = match request.method.unwrap_or_default() {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    let format = match upstream.format {
        Format::Json => "JSON",
        Format::Xml => "XML",
    };
    let prefix = upstream.strip_prefix.as_ref();
    let prefix = prefix.map_or_else(String::new, |prefix| format!(" after `{prefix}`"));
    let base = upstream.base_url.as_str().trim_end_matches('/');
    let limits = &upstream.limits;
    let rate = limits.rate.map_or_else(
        || "as fast as it answers".to_owned(),
        |rate| rate.to_string(),
    );
    let cache = &settings.cache;
    let mut lines = vec![
        format!("asks     {method} {base}{}", request.path),
        format!(
            "reads    {format}{prefix}, records at {}",
            upstream.records.at()
        ),
        format!(
            "pages    {}{}",
            explain_pagination(&upstream.pagination),
            explain_origins(&upstream.pagination)
        ),
        format!("auth     {}", explain_auth(&upstream.auth)),
        "sees     every caller sees what this account sees".to_owned(),
        format!(
            "pace     {rate}, {} at once, {} a try, {} a walk",
            limits.concurrency, limits.timeout, limits.walk
        ),
        format!(
            "serves   {} as fresh; after that up to {} while it refreshes, up to {} if that fails",
            upstream.ttl.unwrap_or(cache.ttl),
            upstream
                .stale_while_revalidate
                .unwrap_or(cache.stale_while_revalidate),
            upstream.stale_if_error.unwrap_or(cache.stale_if_error),
        ),
    ];
    if let Some(connection) = explain_connection(&upstream.connection) {
        lines.insert(1, format!("through  {connection}"));
    }
    if upstream.list == List::ByQuery {
        lines.insert(1, format!("filters  {}", explain_filters(upstream)));
    }
    if let Some(preset) = &upstream.preset {
        lines.insert(0, format!("over     the preset {preset}"));
    }
    if let Some(hedge) = &upstream.hedge {
        lines.push(format!(
            "hedges   a page that is {} late is asked for a second time",
            hedge.after
        ));
    }
    if !upstream.breaker.enabled {
        lines.push("breaker  none: however often it fails, it is asked again".to_owned());
    }
    if upstream.refresh == Refresh::Background {
        lines.push("renews   its list before that, though nobody asks".to_owned());
    }
    if upstream.shrink_guard == Share::NONE {
        lines.push("guards   nothing: a list that suddenly shrinks is believed at once".to_owned());
    }
    if upstream.required {
        lines.push("required no answer is given without it".to_owned());
    }
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

/// What of the way to an upstream is not as usual.
fn explain_connection(connection: &Connection) -> Option<String> {
    let proxy = connection.proxy.as_ref().map(|proxy| {
        let credentials = connection.proxy_password.as_ref();
        let credentials = credentials.map(|password| format!(", password from {password}"));
        let credentials = credentials.unwrap_or_default();
        let proxy = proxy.as_str().trim_end_matches('/');
        format!("the proxy {proxy}{credentials}")
    });
    let mut told: Vec<String> = proxy.into_iter().collect();
    if let Some(ca) = &connection.ca {
        told.push(format!("TLS that only {} vouches for", ca.display()));
    }
    if let (Some(certificate), Some(key)) = (&connection.client_certificate, &connection.client_key)
    {
        let certificate = certificate.display();
        told.push(format!(
            "with the certificate {certificate}, key from {key}"
        ));
    }
    match connection.http {
        HttpVersion::Auto => {}
        HttpVersion::One => told.push("HTTP/1.1 only".to_owned()),
        HttpVersion::Two => told.push("HTTP/2 only".to_owned()),
    }
    (!told.is_empty()).then(|| told.join("; "))
}

/// What is to be said of a walk that cannot read as many pages as the last one did.
fn too_slow(limits: &Limits, pages: u64) -> Option<String> {
    let rate = limits.rate?;
    let takes = rate
        .interval()
        .saturating_mul(u32::try_from(pages).unwrap_or(u32::MAX));
    (takes > limits.walk.get()).then(|| {
        format!(
            "  warning: the last walk read {pages} pages, which take {} s at {rate}: longer than \
             {} (`limits.walk`)\n",
            takes.as_secs(),
            limits.walk
        )
    })
}

/// What the upstream is asked by. That each stands in the request was checked.
fn explain_filters(upstream: &Upstream) -> String {
    let asked: Vec<_> = upstream
        .request
        .filters()
        .into_iter()
        .map(Pushable::as_str)
        .collect();
    let pages = if upstream.pushdown.paged {
        ""
    } else {
        ", then without pages"
    };
    format!(
        "asked by query: {}{pages}; its whole list only where a query has none of these",
        asked.join(", ")
    )
}

fn explain_pagination(pagination: &Pagination) -> String {
    let flag = flag(pagination);
    let only = flag.as_deref().map(|flag| format!(", and only {flag}"));
    let only = only.unwrap_or_default();
    let until = |pages, total, short_page| match (announced(pages, total), &flag) {
        (Some(announced), Some(_)) => format!("up to {announced}{only}"),
        (Some(announced), None) => format!("up to {announced}, several at once"),
        (None, Some(flag)) => flag.clone(),
        (None, None) if short_page == ShortPage::End => "until a page is short".to_owned(),
        (None, None) => "until a page is empty".to_owned(),
    };
    match pagination {
        Pagination::None(_) => "none: the first answer is the whole list".to_owned(),
        Pagination::Cursor(style) => format!(
            "by the cursor at {}, until there is none{only}",
            cursor_source(&style.next)
        ),
        Pagination::Offset(style) => format!(
            "by offset from {}, {}",
            style.first,
            until(None, style.total.as_ref(), style.short_page)
        ),
        Pagination::Page(style) => format!(
            "by number from {}, {}",
            style.first,
            until(style.pages.as_ref(), style.total.as_ref(), style.short_page)
        ),
        Pagination::Link(_) => {
            format!("by the Link header's rel=\"next\", until there is none{only}")
        }
        Pagination::NextUrl(style) => format!(
            "by the URL at {}, until there is none{only}",
            location(&style.next)
        ),
    }
}

/// Our credentials go wherever pages are read from, which is worth a word.
fn explain_origins(pagination: &Pagination) -> String {
    let origins: Vec<_> = pagination
        .origins()
        .iter()
        .map(ToString::to_string)
        .collect();
    if origins.is_empty() {
        return String::new();
    }
    format!("; credentials go to {} too", origins.join(" and "))
}

fn cursor_source(source: &CursorSource) -> String {
    match source {
        CursorSource::Page(place) => location(place),
        CursorSource::Record { last_record } => format!("{last_record} of the last record"),
    }
}

/// What a page says of whether another follows.
fn flag(pagination: &Pagination) -> Option<String> {
    let terms = pagination.terms();
    let more = (terms.more).map(|more| format!("while {} is true", location(more)));
    more.or_else(|| Some(format!("until {} is true", location(terms.last?))))
}

/// How far the pages go, where that is known before they are read.
fn announced(pages: Option<&Location>, total: Option<&Total>) -> Option<String> {
    Some(match (pages, total) {
        (Some(pages), _) => format!("the number of pages at {}", location(pages)),
        (None, Some(Total::Page(total))) => format!("the total at {}", location(total)),
        (None, Some(Total::Call(call))) => format!("the total that {} tells", call.request.path),
        (None, None) => return None,
    })
}

fn location(location: &Location) -> String {
    match location {
        Location::Body(path) => path.to_string(),
        Location::Header { header } => format!("the header {header}"),
    }
}

fn explain_auth(auth: &Auth) -> String {
    match auth {
        Auth::None => "none: it sends no credentials".to_owned(),
        Auth::Bearer(auth) => format!("a token from {}", auth.token),
        Auth::Basic(auth) => format!("a user with the password from {}", auth.password),
        Auth::ApiKey(auth) => format!("a key from {}", auth.key),
        Auth::TokenExchange(auth) => format!(
            "a login at {}, token at {}",
            auth.request.path,
            location(&auth.token)
        ),
        Auth::Oauth2ClientCredentials(auth) => {
            format!("an OAuth 2.0 client at {}", auth.token_url)
        }
        Auth::AwsSigv4(auth) => format!(
            "an AWS signature for {} in {}, key from {}",
            auth.service, auth.region, auth.access_key
        ),
        Auth::Hmac(auth) => format!(
            "a signature in `{}`, key from {}",
            auth.header_name, auth.key_id
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_that_ends_the_pages_is_spoken_of() {
        let explained = |text: &str| explain_pagination(&toml::from_str(text).unwrap());
        assert_eq!(
            explained("style = 'offset'\nmore = '/more'"),
            "by offset from 0, while /more is true"
        );
        assert_eq!(
            explained("style = 'page'\nfirst = 1\nlast = { header = 'X-Last' }\ntotal = '/total'"),
            "by number from 1, up to the total at /total, and only until the header X-Last is true"
        );
        assert_eq!(
            explained("style = 'next_url'\nnext = '/links/next'\nmore = '/meta/has_more'"),
            "by the URL at /links/next, until there is none, and only while /meta/has_more is true"
        );
        assert_eq!(
            explained("style = 'page'\nfirst = 1\nlimit = 10\nshort_page = 'end'"),
            "by number from 1, until a page is short"
        );
    }

    #[test]
    fn a_usual_connection_is_not_spoken_of_and_any_other_is() {
        assert_eq!(explain_connection(&Connection::default()), None);
        let connection = "
            ca = 'ca.pem'
            client_certificate = 'client.pem'
            client_key = { file = 'client.key' }
            proxy = 'http://proxy:3128'
            proxy_username = 'us'
            proxy_password = { env = 'PROXY_PASSWORD' }
            http = '1'
        ";
        assert_eq!(
            explain_connection(&toml::from_str(connection).unwrap()).as_deref(),
            Some(
                "the proxy http://proxy:3128, password from the environment variable \
                 `PROXY_PASSWORD`; TLS that only ca.pem vouches for; with the certificate \
                 client.pem, key from the file `client.key`; HTTP/1.1 only"
            )
        );
    }
}
