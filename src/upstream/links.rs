//! URLs that an upstream names: what they are relative to, and where they may lead.

use http::Uri;
use thiserror::Error;
use url::Url;

use crate::page::format::excerpt;
use crate::plan::{LinkRules, LinkTarget, holds_userinfo};

/// Why a URL that an upstream names is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// It is no URL.
    #[error("is invalid")]
    Invalid,
    /// It is relative to nothing that is known.
    #[error("is neither a URL nor a path that begins with a slash")]
    Relative,
    /// It is relative to a URL of ours that is none.
    #[error("is relative to the URL of a request that cannot be read back")]
    NoBase,
    /// It has another origin, to which our credentials must not be sent.
    #[error("has another origin, `{origin}`, which `pagination.origins` does not list: `{link}`")]
    Foreign {
        /// That origin.
        origin: String,
        /// The URL without its values.
        link: String,
    },
    /// It holds what only `auth` may say.
    #[error("holds a user name or password, which is never sent on: credentials belong in `auth`")]
    Userinfo,
}

impl LinkRules {
    /// The URL at `target`, relative to `base`. Allowed are the origin of `base` and those that the plan lists.
    pub(super) fn follow(&self, target: &str, base: &Url) -> Result<Url, LinkError> {
        let url = base.join(target).map_err(|_| LinkError::Invalid)?;
        let url = match &self.target {
            LinkTarget::Page => url,
            LinkTarget::Origin(home) => rebased(&url, home, url.path())?,
            LinkTarget::Base(_) if is_relative_to_page(target) => url,
            LinkTarget::Base(home) => rebased(&url, home, &below(home.path(), url.path()))?,
        };
        let origin = url.origin();
        let is_allowed = origin == base.origin() || self.origins.iter().any(|one| one.covers(&url));
        if !is_allowed {
            return Err(LinkError::Foreign {
                origin: excerpt(&origin.ascii_serialization(), ORIGIN_CHARS),
                link: excerpt(&without_values(&url), LINK_CHARS),
            });
        }
        if holds_userinfo(&url) {
            return Err(LinkError::Userinfo);
        }
        Ok(url)
    }
}

/// The URL of a request, for links that are relative to it.
pub(super) fn requested(uri: &Uri) -> Result<Url, LinkError> {
    Url::parse(&uri.to_string()).map_err(|_| LinkError::NoBase)
}

/// The path and the query of a URL at another origin.
fn rebased(url: &Url, home: &Url, path: &str) -> Result<Url, LinkError> {
    if holds_userinfo(url) {
        return Err(LinkError::Userinfo);
    }
    if url.cannot_be_a_base() {
        return Err(LinkError::Invalid);
    }
    let mut rebased = home.clone();
    rebased.set_path(path);
    rebased.set_query(url.query());
    Ok(rebased)
}

/// Whether a target says nothing of where its path begins.
pub(super) fn is_relative_to_page(target: &str) -> bool {
    !target.starts_with('/') && Url::parse(target) == Err(url::ParseError::RelativeUrlWithoutBase)
}

/// A path below another one, unless it is there already.
fn below(base: &str, path: &str) -> String {
    let base = base.trim_end_matches('/');
    let rest = path.strip_prefix(base);
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return path.to_owned();
    }
    format!("{base}{path}")
}

/// A URL as a message shows it: without a user, and of its parameters the names, for the values may be credentials, in
/// the path, too (`;jsessionid=…`).
fn without_values(url: &Url) -> String {
    let query = url.query().map_or_else(String::new, |query| {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            // Base64 ends in one or two of these.
            Some((name, value)) if !value.trim_matches('=').is_empty() => format!("{name}=…"),
            Some(_) | None => "…".to_owned(),
        });
        format!("?{}", pairs.collect::<Vec<_>>().join("&"))
    });
    if url.cannot_be_a_base() {
        return format!("{}:…", url.scheme());
    }
    let path = url
        .path()
        .split('/')
        .map(|segment| match segment.split_once([';', '=', '(']) {
            Some((name, _)) => format!("{name}…"),
            None => segment.to_owned(),
        });
    let path = path.collect::<Vec<_>>().join("/");
    let origin = url.origin();
    let start = if origin.is_tuple() {
        origin.ascii_serialization()
    } else {
        format!("{}:", url.scheme())
    };
    format!("{start}{path}{query}")
}

/// How much of an origin an error shows: more than any that exists.
const ORIGIN_CHARS: usize = 300;

/// How much of a URL without its values an error shows.
const LINK_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::user_and_parameters(
        "https://me:pw@x.example/a?key=s3cret&flag",
        "https://x.example/a?key=…&…"
    )]
    #[case::one_value_alone("https://x.example/a?c2VjcmV0cw==", "https://x.example/a?…")]
    #[case::parameters_of_the_path("https://x.example/a;jsessionid=7F/b", "https://x.example/a…/b")]
    #[case::arguments_of_the_path(
        "https://x.example/delta(token='s3cret')",
        "https://x.example/delta…"
    )]
    #[case::no_hierarchy("blob:https://me:pw@x.example/1", "blob:…")]
    fn a_url_is_shown_without_what_may_be_a_credential(#[case] url: Url, #[case] shown: &str) {
        assert_eq!(without_values(&url), shown);
    }
}
