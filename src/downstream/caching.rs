//! What caches between us and the caller may do with an answer, and what ours did for it.
//!
//! Validators are made of what an answer says, never of when or by whom it was made: every
//! replica gives the same `ETag`, and a refresh that brings the same content keeps it.

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::slice;
use std::time::Duration;

use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use crate::catalog::{CacheMode, Scope, State};
use crate::gateway::Listing;
use crate::gateway::listing::{Found, SourceReport};

use super::negotiate::Format;

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
    /// The only group that is shown, as JSON: the others of its source do not matter.
    row: Option<&'a [u8]>,
}

impl<'a> From<&'a Listing> for Basis<'a> {
    fn from(listing: &'a Listing) -> Self {
        Self {
            complete: listing.complete,
            max_age: listing.max_age,
            sources: &listing.sources,
            row: None,
        }
    }
}

impl<'a> From<&'a Found> for Basis<'a> {
    fn from(found: &'a Found) -> Self {
        Self {
            complete: true,
            max_age: found.source.held.fresh_for,
            sources: slice::from_ref(&found.source),
            row: Some(found.row().json()),
        }
    }
}

/// The weak `ETag` of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityTag(HeaderValue);

impl EntityTag {
    /// The tag of what was `asked`, answered in a format.
    pub(crate) fn of(asked: &impl Hash, format: Format, basis: Basis<'_>) -> Self {
        let mut content = ContentHasher(Sha256::new());
        asked.hash(&mut content);
        format.hash(&mut content);
        basis.complete.hash(&mut content);
        basis.row.hash(&mut content);
        for report in basis.sources {
            let held = &report.held;
            held.source.hash(&mut content);
            held.state.hash(&mut content);
            if basis.row.is_none() {
                report.content().hash(&mut content);
            }
            let error = held.error.as_ref();
            error.map(|error| error.kind).hash(&mut content);
            report.missed.hash(&mut content);
        }
        content.tag()
    }

    /// The tag of a text.
    pub(crate) fn of_text(text: &str) -> Self {
        let mut content = ContentHasher(Sha256::new());
        text.hash(&mut content);
        content.tag()
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

/// Hashes structured values to a digest that every replica agrees on.
struct ContentHasher(Sha256);

impl ContentHasher {
    fn tag(self) -> EntityTag {
        let mut tag = String::from("W/\"");
        for byte in &self.0.finalize()[..16] {
            // Writing into a string does not fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        // Hexadecimal digits and quotes always make a header value.
        EntityTag(HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("W/\"\"")))
    }
}

impl Hasher for ContentHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    // Needed by the trait; the digest is what counts.
    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest[..8]
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte))
    }
}

/// Says on a response, a 304 too, how it may be cached and how ours was.
pub(crate) fn describe(headers: &mut HeaderMap, tag: &EntityTag, basis: Basis<'_>, scope: &Scope) {
    headers.insert(ETAG, tag.0.clone());
    headers.insert(VARY, VARIES_BY);
    if let Ok(value) = HeaderValue::try_from(cache_control(basis, scope)) {
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

fn cache_control(basis: Basis<'_>, scope: &Scope) -> String {
    if !basis.complete {
        return "no-store".to_owned();
    }
    let max_age = basis.max_age.as_secs();
    match scope {
        Scope::Shared => format!("max-age={max_age}"),
        Scope::Caller(_) => format!("private, max-age={max_age}"),
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

    use super::super::sources::tests::{empty, failed, fresh};
    use super::*;
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
            row: None,
        }
    }

    fn tag(sources: &[SourceReport]) -> EntityTag {
        EntityTag::of(&"query", Format::Json, basis(sources))
    }

    #[test]
    fn equal_content_has_equal_tags_whenever_it_was_read() {
        let first = reports([fresh("alpha", &["x"])]);
        let mut later = reports([fresh("alpha", &["x"])]);
        later[0].held.as_of = Some("2027-01-01T00:00:00Z".parse().unwrap());
        later[0].held.fresh_for = Duration::ZERO;
        assert_eq!(tag(&first), tag(&later));
    }

    #[test]
    fn whatever_the_answer_shows_changes_the_tag() {
        let sources = reports([fresh("alpha", &["x"]), failed("beta", ErrorKind::Dns)]);
        let other_content = reports([fresh("alpha", &["y"]), failed("beta", ErrorKind::Dns)]);
        let other_error = reports([fresh("alpha", &["x"]), failed("beta", ErrorKind::Tls)]);
        let other_state = reports([fresh("alpha", &["x"]), empty("beta", State::Pending)]);
        let mut missed = sources.clone();
        missed[0].missed = Some(ErrorKind::Dns);
        let own = tag(&sources);
        for others in [&other_content, &other_error, &other_state, &missed] {
            assert_ne!(tag(others), own);
        }
        let basis = basis(&sources);
        assert_ne!(EntityTag::of(&"other", Format::Json, basis), own);
        assert_ne!(EntityTag::of(&"query", Format::Csv, basis), own);
    }

    #[test]
    fn the_tag_of_one_group_changes_with_that_group_alone() {
        let tag = |names: &[&str]| {
            let source = SourceReport::new(fresh("alpha", names));
            let snapshot = source.held.snapshot.clone().unwrap();
            let index = snapshot.find("alpha:0").unwrap();
            let found = Found {
                snapshot,
                index,
                source,
            };
            EntityTag::of(&"alpha:0", Format::Json, Basis::from(&found))
        };
        assert_eq!(tag(&["x"]), tag(&["x", "y"]));
        assert_ne!(tag(&["x"]), tag(&["y"]));
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
        assert_eq!(cache_control(basis(&whole), &Scope::Shared), "max-age=12");
        assert_eq!(
            cache_control(basis(&whole), &Scope::Caller([0; 32])),
            "private, max-age=12"
        );
        let part = reports([fresh("alpha", &[]), failed("beta", ErrorKind::Dns)]);
        assert_eq!(cache_control(basis(&part), &Scope::Shared), "no-store");
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
        describe(&mut headers, &tag(&[]), basis(&[]), &Scope::Shared);
        assert!(!headers.contains_key(CACHE_STATUS));
        let asked = reports([fresh("alpha", &[])]);
        describe(&mut headers, &tag(&asked), basis(&asked), &Scope::Shared);
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
