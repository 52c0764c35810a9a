//! What a URL, a path, a header and a body cannot be.

use std::borrow::Cow;

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
            Problem::new(at.clone(), "a URL cannot contain a user name or password")
                .with_help("set `auth = { type = \"basic\", username = \"...\", password = { env = \"NAME\" } }`"),
        );
        return;
    }
    if !matches!(url.scheme(), "http" | "https") {
        problems.push(
            Problem::new(
                at.clone(),
                format!("unsupported URL scheme `{}`", url.scheme()),
            )
            .with_help("use `https://` or `http://`"),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{}` has a query or a fragment", before_query(url.as_str())),
            )
            .with_help("parameters belong under `request.query`"),
        );
    }
}

/// A URL or a path up to its query, which may hold a secret.
pub(in crate::config::resolve) fn before_query(url: &str) -> Cow<'_, str> {
    match url.find(['?', '#']) {
        Some(end) => Cow::Owned(format!("{}...", &url[..=end])),
        None => Cow::Borrowed(url),
    }
}

/// Checks the bodies of all requests of an upstream.
pub(in crate::config::resolve) fn check_bodies(
    at: &KeyPath,
    upstream: &Upstream,
    problems: &mut Problems,
) {
    for (keys, request) in upstream.requests() {
        check_body(&at.append(&keys), request, problems);
    }
}

/// Checks the bodies of the requests of a login and of those before it.
pub(in crate::config::resolve) fn check_login_body(
    at: &KeyPath,
    auth: &Auth,
    problems: &mut Problems,
) {
    if let Auth::TokenExchange(login) = auth {
        check_body(&at.join("request"), &login.request, problems);
        for (name, step) in &login.chain {
            check_login_body(&at.join("chain").join(name), step, problems);
        }
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
                format!("a request has one body, but `{first}` and `{second}` are both set"),
            )
            .with_help("set only one of `json`, `form` and `body`"),
        );
    }
    if request.method.is_none() {
        problems.push(
            Problem::new(at.join(first), "a body needs a method")
                .with_help("set `method = \"POST\"`, or move the values to `query`"),
        );
    }
}

/// Where in a record a link most likely is meant to be, if a path is one placeholder that leads into something.
fn record_place(path: &str) -> Option<&str> {
    let name = path.strip_prefix('{')?.strip_suffix('}')?;
    let place = name.strip_prefix("record/").unwrap_or(name);
    let place = place.trim_start_matches('/');
    let is_other = name.starts_with("caller.") || name.strip_prefix("record/") == Some(place);
    let leads_on = name.contains('/') && !name.contains(['{', '}']) && !place.is_empty();
    (leads_on && !is_other).then_some(place)
}

pub(super) fn check_path(at: &KeyPath, path: &str, problems: &mut Problems) {
    if let Some(place) = record_place(path) {
        let problem = Problem::new(at.clone(), format!("`{path}` is no value of a record"));
        problems.push(problem.with_help(format!(
            "write `{{record/{place}}}`, which leads from the record of the group, or a path that starts with a slash"
        )));
        return;
    }
    if path.starts_with('{') {
        problems.push(
            Problem::new(
                at.clone(),
                format!("the path `{}` begins with a placeholder", before_query(path)),
            )
            .with_help(
                "a value that is a URL stands alone, with parameters under `query`; else start the path with a slash: \
                 it is relative to `base_url`",
            ),
        );
        return;
    }
    if !path.starts_with('/') {
        problems.push(
            Problem::new(
                at.clone(),
                format!(
                    "the path `{}` does not start with a slash",
                    before_query(path)
                ),
            )
            .with_help("start it with a slash: it is relative to `base_url`"),
        );
    }
    if path.contains(['?', '#']) {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{}` has a query or a fragment", before_query(path)),
            )
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
                format!("the segment `{dots}` would be resolved, so the request would go to another path"),
            )
            .with_help("write the resulting path; shorten `base_url` if necessary"),
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
                format!("`{}` is not a valid header name", name.escape_debug()),
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
            Problem::new(at.clone(), "this value cannot be sent in a header")
                .with_help("use one line of visible ASCII characters"),
        );
    }
}

pub(super) fn check_var_name(at: &KeyPath, name: &str, problems: &mut Problems) {
    if POSITIONS.contains(&name) {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{{{name}}}` is reserved for pagination"),
            )
            .with_help("give the value another name"),
        );
        return;
    }
    let is_name = scan(&format!("{{{name}}}")) == Ok(vec![Piece::Placeholder(name.to_owned())]);
    if !is_name || name.contains('.') {
        problems.push(
            Problem::new(
                at.clone(),
                format!("`{name}` is not a valid placeholder name"),
            )
            .with_help("use `a` to `z`, `0` to `9` and `_`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_query_is_never_shown() {
        let mut problems = Problems::default();
        let at = KeyPath::default();
        let url = "https://a.example/x?api_key=hush#hush".parse().unwrap();
        check_base_url(&at, &url, &mut problems);
        check_path(&at, "x?api_key=hush", &mut problems);
        check_path(&at, "/x#hush", &mut problems);
        let problems = format!("{problems:?}");
        let shown = "`https://a.example/x?...` has a query";
        assert!(problems.contains(shown), "{problems}");
        assert!(!problems.contains("hush"), "{problems}");
    }
}
