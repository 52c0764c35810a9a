//! What caches between us and the caller may do with an answer, and what ours did for it.
//!
//! What an `ETag` stands for is the gateway's matter: see [`Validator`].

use std::fmt::Write as _;
use std::slice;
use std::time::Duration;

use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::caller::{Caller, VisibleSources};
use crate::catalog::{CacheMode, State};
use crate::gateway::listing::{Found, SourceReport};
use crate::gateway::{Listing, Query, Representation, Validator};

use super::negotiate::Format;
use super::render;

/// What caches did with the request (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// The request headers that an answer depends on.
const VARIES_BY: HeaderValue = HeaderValue::from_static("accept, accept-encoding, prefer");

/// What an answer was made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Basis<'a> {
    complete: bool,
    max_age: Duration,
    sources: &'a [SourceReport],
}

impl<'a> From<&'a Listing> for Basis<'a> {
    fn from(listing: &'a Listing) -> Self {
        Self {
            complete: listing.complete,
            max_age: listing.max_age,
            sources: &listing.sources,
        }
    }
}

impl<'a> From<&'a Found> for Basis<'a> {
    fn from(found: &'a Found) -> Self {
        Self {
            complete: true,
            max_age: found.source.held.fresh_for,
            sources: slice::from_ref(&found.source),
        }
    }
}

/// The weak `ETag` of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityTag(HeaderValue);

impl EntityTag {
    /// The tag of the page that `query` asks for.
    pub(crate) fn of_page(
        query: &Query,
        visible: &VisibleSources,
        format: Format,
        listing: &Listing,
    ) -> Self {
        Validator::of_page(query, visible, representation(format), listing).into()
    }

    /// The tag of a single group.
    pub(crate) fn of_group(format: Format, found: &Found) -> Self {
        Validator::of_group(representation(format), found).into()
    }

    /// The tag of a text.
    pub(crate) fn of_text(text: &str) -> Self {
        Validator::of_text(text).into()
    }

    /// The tag as a header says it.
    pub(crate) const fn value(&self) -> &HeaderValue {
        &self.0
    }

    /// Whether the caller has this very answer already (RFC 9110, section 13.1.2; a weak
    /// comparison).
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        let own = opaque(self.0.as_bytes());
        headers
            .get_all(IF_NONE_MATCH)
            .iter()
            // Our tags hold no comma.
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .any(|known| known == b"*" || opaque(known) == own)
    }
}

/// A tag without its weakness.
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

impl From<Validator> for EntityTag {
    fn from(validator: Validator) -> Self {
        let mut tag = String::from("W/\"");
        for byte in validator.0 {
            // Writing into a string does not fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        // Hexadecimal digits and quotes always make a header value.
        Self(HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("W/\"\"")))
    }
}

const fn representation(format: Format) -> Representation {
    Representation {
        media_type: format.media_type(),
        renderer: render::VERSION,
    }
}

/// Says on a response, a 304 too, how it may be cached and how ours was.
pub(crate) fn describe(
    headers: &mut HeaderMap,
    tag: &EntityTag,
    basis: Basis<'_>,
    caller: &Caller,
) {
    headers.insert(ETAG, tag.0.clone());
    headers.insert(VARY, VARIES_BY);
    if let Ok(value) = HeaderValue::try_from(cache_control(basis, caller)) {
        headers.insert(CACHE_CONTROL, value);
    }
    // A list without members is no field at all (RFC 9651, section 3.1).
    if basis.sources.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(cache_status(basis.sources)) {
        headers.insert(CACHE_STATUS, value);
    }
}

fn cache_control(basis: Basis<'_>, caller: &Caller) -> String {
    if !basis.complete {
        return "no-store".to_owned();
    }
    let max_age = basis.max_age.as_secs();
    if caller.is_anyone() {
        format!("max-age={max_age}")
    } else {
        format!("private, max-age={max_age}")
    }
}

fn cache_status(reports: &[SourceReport]) -> String {
    let members: Vec<_> = reports.iter().map(cache_status_member).collect();
    members.join(", ")
}

fn cache_status_member(report: &SourceReport) -> String {
    let held = &report.held;
    let mut member = cache_name(&held.source);
    match held.outcome.forwarded {
        Some(reason) => {
            member.push_str("; fwd=");
            member.push_str(reason);
        }
        None if report.contributed() => member.push_str("; hit"),
        // Nothing is held, and nobody was asked: the failure is too recent.
        None => {}
    }
    match held.state {
        // Rounded down, as `max-age` is.
        State::Fresh => {
            // Writing into a string does not fail.
            let _ = write!(member, "; ttl={}", held.fresh_for.as_secs());
        }
        State::Stale => member.push_str("; ttl=0"),
        State::Pending | State::Failed => {}
    }
    if held.outcome.collapsed {
        member.push_str("; collapsed");
    }
    if let Some(detail) = held.outcome.detail {
        member.push_str("; detail=");
        member.push_str(detail);
    }
    member
}

/// A source's name as a structured field token (RFC 9651, section 3.3.4) where it can be one,
/// else as a string. Names consist of lower-case letters, digits and underscores.
fn cache_name(source: &str) -> String {
    if source.starts_with(|first: char| first.is_ascii_alphabetic()) {
        source.to_owned()
    } else {
        format!("\"{source}\"")
    }
}

/// How fresh the caller wants the answer (RFC 9111, section 5.2.1.4).
pub(crate) fn mode(headers: &HeaderMap) -> CacheMode {
    let directives = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for directive in directives {
        if directive.trim().eq_ignore_ascii_case("no-cache") {
            return CacheMode::Revalidate;
        }
    }
    CacheMode::Cached
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::sources::tests::{failed, fresh};
    use super::*;
    use crate::caller::Identity;
    use crate::catalog::{CacheOutcome, SourceLookup};
    use crate::error::ErrorKind;

    fn reports(held: impl IntoIterator<Item = SourceLookup>) -> Vec<SourceReport> {
        held.into_iter().map(SourceReport::new).collect()
    }

    fn basis(sources: &[SourceReport]) -> Basis<'_> {
        Basis {
            complete: sources.iter().all(SourceReport::contributed),
            max_age: Duration::from_millis(12_800),
            sources,
        }
    }

    #[rstest]
    #[case("*", true)]
    #[case("W/\"abc\"", true)]
    #[case("\"abc\"", true)]
    #[case("\"x\", W/\"abc\"", true)]
    #[case("W/\"abcd\"", false)]
    #[case("abc", false)]
    fn a_known_tag_is_found_by_weak_comparison(#[case] sent: &'static str, #[case] known: bool) {
        let tag = EntityTag(HeaderValue::from_static("W/\"abc\""));
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static(sent));
        assert_eq!(tag.is_known(&headers), known);
    }

    #[test]
    fn an_answer_may_be_kept_as_long_as_all_of_it_is_fresh() {
        let whole = reports([fresh("alpha", &[])]);
        let anyone = Caller::default();
        assert_eq!(cache_control(basis(&whole), &anyone), "max-age=12");
        let part = reports([fresh("alpha", &[]), failed("beta", ErrorKind::Dns)]);
        assert_eq!(cache_control(basis(&part), &anyone), "no-store");
    }

    #[test]
    fn what_depends_on_the_caller_is_kept_by_nobody_else() {
        let known = Caller {
            identity: Identity::Authenticated([0; 32]),
            ..Caller::default()
        };
        let limited = Caller {
            visible: VisibleSources::only(["alpha"]),
            ..Caller::default()
        };
        let whole = reports([fresh("alpha", &[])]);
        for caller in [known, limited] {
            let value = cache_control(basis(&whole), &caller);
            assert_eq!(value, "private, max-age=12");
        }
    }

    #[test]
    fn each_source_says_what_its_cache_did() {
        let mut waited = fresh("beta", &[]);
        waited.outcome = CacheOutcome {
            forwarded: Some("stale"),
            collapsed: true,
            detail: None,
        };
        let mut stale = fresh("9to5", &[]);
        stale.state = State::Stale;
        stale.outcome.detail = Some("min_refresh");
        let mut gone = failed("gamma", ErrorKind::Dns);
        gone.outcome.forwarded = Some("miss");
        let resting = failed("delta", ErrorKind::Dns);
        let sources = reports([fresh("alpha", &[]), waited, stale, gone, resting]);
        assert_eq!(
            cache_status(&sources),
            "alpha; hit; ttl=12, beta; fwd=stale; ttl=12; collapsed, \
             \"9to5\"; hit; ttl=0; detail=min_refresh, gamma; fwd=miss, delta"
        );
    }

    #[test]
    fn where_no_source_was_asked_no_cache_has_a_status() {
        let mut headers = HeaderMap::new();
        let (tag, anyone) = (EntityTag::of_text(""), Caller::default());
        describe(&mut headers, &tag, basis(&[]), &anyone);
        assert!(!headers.contains_key(CACHE_STATUS));
        let asked = reports([fresh("alpha", &[])]);
        describe(&mut headers, &tag, basis(&asked), &anyone);
        assert!(headers.contains_key(CACHE_STATUS));
    }

    #[rstest]
    #[case("no-cache", CacheMode::Revalidate)]
    #[case("max-age=0, No-Cache", CacheMode::Revalidate)]
    #[case("no-store", CacheMode::Cached)]
    fn no_cache_asks_for_a_new_walk(#[case] sent: &'static str, #[case] expected: CacheMode) {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(sent));
        assert_eq!(mode(&headers), expected);
    }
}
