//! What a URL, a path, a header and a body cannot be.

use http::{HeaderName, HeaderValue};
use url::Url;

use crate::config::Upstream;
use crate::config::mask::has_password;
use crate::config::resolve::placeholders::POSITIONS;
use crate::config::upstream::{Auth, Request};
use crate::plan::placeholder::{Piece, scan};
use crate::problem::{KeyPath, Problem, Problems};

pub(in crate::config::resolve) fn check_base_url(at: &KeyPath, url: &Url, problems: &mut Problems) {
    if has_password(url.as_str()) {
        problems.push(
            Problem::new(at.clone(), "a URL is no place for a user and a password")
                .with_help("set `auth = { type = \"basic\", username = \"...\", password = { env = \"NAME\" } }`"),
        );
        return;
    }
    if !matches!(url.scheme(), "http" | "https") {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{}` is no scheme to ask by", url.scheme()),
            )
            .with_help("write `https://` or `http://`"),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{url}` has more than scheme, host and path"),
            )
            .with_help("parameters belong under `request.query`"),
        );
    }
}

/// Checks the bodies of all requests of an upstream.
pub(in crate::config::resolve) fn check_bodies(
    at: &KeyPath,
    upstream: &Upstream,
    problems: &mut Problems,
) {
    check_body(&at.join("request"), &upstream.request, problems);
    if let Some(continuation) = &upstream.continuation {
        check_body(&at.join("continuation"), continuation, problems);
    }
    if let Some(call) = upstream.pagination.total_call() {
        let at = at.join("pagination").join("total").join("request");
        check_body(&at, &call.request, problems);
    }
}

/// Checks the body of a login's request.
pub(in crate::config::resolve) fn check_login_body(
    at: &KeyPath,
    auth: &Auth,
    problems: &mut Problems,
) {
    if let Auth::TokenExchange(login) = auth {
        check_body(&at.join("request"), &login.request, problems);
    }
}

fn check_body(at: &KeyPath, request: &Request, problems: &mut Problems) {
    let mut bodies = [
        ("json", request.json.is_some()),
        ("form", request.form.is_some()),
        ("body", request.body.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, is_there)| is_there.then_some(key));
    let Some(first) = bodies.next() else {
        return;
    };
    if let Some(second) = bodies.next() {
        problems.push(
            Problem::new(
                at.join(second),
                format!("a request has one body: `{first}` and `{second}` are two"),
            )
            .with_help("name one of `json`, `form` and `body`"),
        );
    }
    if request.method.is_none() {
        problems.push(
            Problem::new(at.join(first), "a body needs a method")
                .with_help("set `method = \"POST\"`, or move the values to `query`"),
        );
    }
}

pub(super) fn check_path(at: &KeyPath, path: &str, problems: &mut Problems) {
    if !path.starts_with('/') {
        problems.push(
            Problem::new(
                at.clone(),
                format!("the path `{path}` does not start with a slash"),
            )
            .with_help("start it with a slash: it stands below `base_url`"),
        );
    }
    if path.contains(['?', '#']) {
        problems.push(
            Problem::new(at.clone(), format!("`{path}` is more than a path"))
                .with_help("parameters belong under `query`"),
        );
    }
    // RFC 3986, section 6.2.2.2: a dot that is encoded is a dot.
    let is_dots = |segment: &str| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        matches!(segment.as_str(), "." | "..")
    };
    if let Some(dots) = path.split('/').find(|segment| is_dots(segment)) {
        problems.push(
            Problem::new(
                at.clone(),
                format!("the segment `{dots}` would be resolved away, and the path lead elsewhere"),
            )
            .with_help("write where it leads to; `base_url` may be shorter"),
        );
    }
}

pub(in crate::config::resolve) fn check_header_name(
    at: &KeyPath,
    name: &str,
    problems: &mut Problems,
) {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{}` cannot name a header", name.escape_debug()),
            )
            .with_help("use letters, digits and `-`"),
        );
    }
}

/// Never repeats the value: it may belong to a secret.
pub(in crate::config::resolve) fn check_header_value(
    at: &KeyPath,
    value: &str,
    problems: &mut Problems,
) {
    if HeaderValue::from_str(value).is_err() {
        problems.push(
            Problem::new(at.clone(), "this cannot be a header's value")
                .with_help("use one line of visible ASCII"),
        );
    }
}

pub(super) fn check_var_name(at: &KeyPath, name: &str, problems: &mut Problems) {
    if POSITIONS.contains(&name) {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{{{name}}}` already means the position of a page"),
            )
            .with_help("give the value another name"),
        );
        return;
    }
    let is_name = scan(&format!("{{{name}}}")) == Ok(vec![Piece::Placeholder(name.to_owned())]);
    if !is_name || name.contains('.') {
        problems.push(
            Problem::new(at.clone(), format!("`{name}` cannot name a placeholder"))
                .with_help("use `a` to `z`, `0` to `9` and `_`"),
        );
    }
}
