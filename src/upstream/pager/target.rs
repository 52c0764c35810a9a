//! The URL that a page names as the next one: what it is relative to, and where it may lead.

use url::Url;

use super::error::PagerError;
use crate::page::format::excerpt;
use crate::page::position::Position;
use crate::plan::{LinkTarget, Paging, holds_userinfo};

impl Paging {
    /// The position of the page at `target`, relative to `base`. Allowed are the origin of this page
    /// and those that the plan lists.
    pub(super) fn at_url(&self, target: &str, base: &Url) -> Result<Position, PagerError> {
        let url = base.join(target).map_err(|_| PagerError::BadUrl)?;
        let url = match &self.links {
            LinkTarget::Page => url,
            LinkTarget::Origin(home) => rebased(&url, home, url.path())?,
            LinkTarget::Base(_) if is_relative_to_page(target) => url,
            LinkTarget::Base(home) => rebased(&url, home, &below(home.path(), url.path()))?,
        };
        let origin = url.origin();
        let is_allowed = origin == base.origin() || self.origins.iter().any(|one| one.covers(&url));
        if !is_allowed {
            let origin = excerpt(&origin.ascii_serialization(), ORIGIN_CHARS);
            return Err(PagerError::ForeignUrl(origin));
        }
        if holds_userinfo(&url) {
            return Err(PagerError::UserinfoUrl);
        }
        Ok(Position::Url(url))
    }
}

/// The path and the query of a URL at another origin.
fn rebased(url: &Url, home: &Url, path: &str) -> Result<Url, PagerError> {
    if holds_userinfo(url) {
        return Err(PagerError::UserinfoUrl);
    }
    if url.cannot_be_a_base() {
        return Err(PagerError::BadUrl);
    }
    let mut rebased = home.clone();
    rebased.set_path(path);
    rebased.set_query(url.query());
    Ok(rebased)
}

/// Whether a target says nothing of where its path begins.
fn is_relative_to_page(target: &str) -> bool {
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

/// How much of an origin an error shows: more than any that exists.
const ORIGIN_CHARS: usize = 300;
