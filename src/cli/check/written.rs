//! What a block says in words of its own: where requests go, how pages follow, which the plan
//! no longer calls by name.

use crate::config::upstream::{Connection, Pagination, Total, Upstream};
use crate::plan::{CursorSource, HttpVersion, Location, Pushable, ShortPage};

/// What of the way to an upstream is not as usual.
pub(super) fn explain_connection(connection: &Connection) -> Option<String> {
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

/// What the upstream is asked by. That each stands in the request was checked.
pub(super) fn explain_filters(upstream: &Upstream) -> String {
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

pub(super) fn explain_pagination(pagination: &Pagination) -> String {
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
pub(super) fn explain_origins(pagination: &Pagination) -> String {
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
    let more = (terms.more).map(|more| format!("while {} is true", cursor_source(more)));
    more.or_else(|| Some(format!("until {} is true", cursor_source(terms.last?))))
}

/// How far the pages go, where that is known before they are read.
fn announced(pages: Option<&Location>, total: Option<&Total>) -> Option<String> {
    Some(match (pages, total) {
        (Some(pages), _) => format!("the number of pages at {}", location(pages)),
        (None, Some(total)) => stated(total),
        (None, None) => return None,
    })
}

/// What states how many records there are.
fn stated(total: &Total) -> String {
    match total {
        Total::Call(call) => format!("the total that {} tells", call.request.path),
        Total::Page(_) => format!("the total at {}", location(total.at())),
    }
}

pub(super) fn location(location: &Location) -> String {
    match location {
        Location::Body(path) => path.to_string(),
        Location::Header { header } => format!("the header {header}"),
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
