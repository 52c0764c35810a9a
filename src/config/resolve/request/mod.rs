//! Requests: what is decided of them, and what they cannot say.

mod checks;
mod parts;
mod syntax;

pub(super) use checks::{
    before_query, check_base_url, check_bodies, check_header_name, check_header_value,
    check_login_body,
};

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, USER_AGENT};
use url::Url;

use crate::config::SecretReader;
use crate::config::upstream::{self as written, Method, Upstream};
use crate::plan::placeholder::{Piece, scan};
use crate::plan::request::{RequestLink, Text};
use crate::plan::{LinkRules, OuterValue, Request, Requests};
use crate::problem::{KeyPath, Problems};

use super::block::Block;
use super::placeholders;
use parts::PartsResolver;

const AGENT: &str = concat!("groupgate/", env!("CARGO_PKG_VERSION"));

/// Headers that requests have unless they have one of that name.
pub(crate) type CommonHeaders = Vec<(HeaderName, Text)>;

/// Resolves the headers of all requests of the upstream whose block stands at `at`.
pub(crate) fn common_headers(
    upstream: &Upstream,
    at: &KeyPath,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<CommonHeaders> {
    let request = &upstream.common_request();
    placeholders::check_common(at, request, upstream, problems);
    let block = &mut Block::new(at.clone(), secrets, problems);
    let content_type = request.headers.keys();
    let mut content_type =
        content_type.filter(|name| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
    if let Some(name) = content_type.next() {
        block.table("headers").wrong(
            name,
            "the type of a body is said by the request that has it",
            "leave it out: it follows from `json`, `form` or `body`; or write it under the `headers` of that request",
        );
    }
    let resolver = PartsResolver::new(request, block);
    resolver.headers(&request.headers, &mut block.table("headers"))
}

/// Resolves the requests that list the groups of the upstream whose block stands at `at`. `links` says where URLs may
/// lead that records around the list have.
pub(crate) fn requests(
    upstream: &Upstream,
    links: &LinkRules,
    at: &KeyPath,
    common: &CommonHeaders,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<Requests> {
    let block = &mut Block::new(at.clone(), secrets, problems);
    let accept = upstream.format.media_type();
    let request = |written: &written::Request, mut block: Block<'_>| {
        let request = resolve(&upstream.base_url, written, (common, accept), &mut block)?;
        let link = link(&written.path).map(|value| RequestLink {
            value,
            rules: links.clone(),
        });
        Some(Request { link, ..request })
    };
    let listing = request(&upstream.request, block.table("request"));
    let continuation = (upstream.continuation.as_ref())
        .map(|continuation| request(continuation, block.table("continuation")));
    let count = upstream.pagination.total_call().map(|call| {
        let mut pagination = block.table("pagination");
        let mut total = pagination.table("total");
        request(&call.request, total.table("request"))
    });
    let lookup = upstream.pushdown.lookup().map(|lookup| {
        let mut pushdown = block.table("pushdown");
        let mut id = pushdown.table("id");
        request(lookup, id.table("request"))
    });
    Some(Requests {
        listing: listing?,
        continuation: optional(continuation)?,
        count: optional(count)?,
        lookup: optional(lookup)?,
    })
}

/// Resolves a request that is about no page and no query: a login, which may have placeholders for what the
/// `logins` before it return. `block` is the request's table.
pub(crate) fn resolve_unpaged(
    base_url: &Url,
    request: &written::Request,
    accept: &str,
    logins: &[String],
    block: &mut Block<'_>,
) -> Option<Request> {
    placeholders::check_unpaged(&block.own_path(), request, logins, block.problems());
    resolve(base_url, request, (&Vec::new(), accept), block)
}

/// Resolves the request in `block`, and checks what it says by itself. It has the `common` headers that it does not
/// have itself, and without an `Accept` among all of them, it asks for `accept`.
///
/// Which placeholders have a value depends on other keys, so [`placeholders`] refuses those that
/// have none.
pub(crate) fn resolve(
    base_url: &Url,
    request: &written::Request,
    (common, accept): (&CommonHeaders, &str),
    block: &mut Block<'_>,
) -> Option<Request> {
    let resolver = PartsResolver::new(request, block);
    let path = if link(&request.path).is_some() {
        Some(Vec::new())
    } else {
        resolver.path(&request.path, block)
    };
    let query = resolver.parameters(&request.query, &mut block.table("query"));
    let body = resolver.body(request, block);
    let headers = resolver.headers(&request.headers, &mut block.table("headers"));
    let (mut headers, body) = (headers?, body?);
    let mut default = |name: HeaderName, value: Text| {
        if headers.iter().all(|(present, _)| *present != name) {
            headers.push((name, value));
        }
    };
    for (name, value) in common {
        default(name.clone(), value.clone());
    }
    default(USER_AGENT, AGENT.into());
    default(ACCEPT, accept.into());
    if let Some(body) = &body {
        default(CONTENT_TYPE, body.media_type().into());
    }
    Some(Request {
        method: match request.method.unwrap_or_default() {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        },
        base_url: base_url.clone(),
        link: None,
        path: path?,
        query: query?,
        headers,
        body,
        idempotent: request.idempotent,
    })
}

/// The value of a record around the list that a path is, which is then a URL.
fn link(path: &str) -> Option<OuterValue> {
    let pieces = scan(path).ok()?;
    let [Piece::Placeholder(name)] = &pieces[..] else {
        return None;
    };
    OuterValue::named(name).filter(|value| *value != OuterValue::Since)
}

/// What is at a key that need not be there: nothing, or what it resolves to.
#[expect(clippy::option_option, reason = "no value and an invalid one differ")]
fn optional<T>(resolved: Option<Option<T>>) -> Option<Option<T>> {
    resolved.map_or(Some(None), |resolved| resolved.map(Some))
}
