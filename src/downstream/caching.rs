//! What caches between us and the caller may do with an answer, and what ours did for it.
//!
//! What an `ETag` stands for is the gateway's matter: see [`Validator`].

use std::fmt::Write as _;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::caller::{Caller, VisibleSources};
use crate::catalog::{CacheMode, CacheOutcome, SourceState};
use crate::gateway::listing::{FoundGroup, SourceReport};
use crate::gateway::{Listing, Query, Representation, Validator};
use crate::hex::hex;

use super::negotiate::AnswerFormat;
use super::render;

/// What caches did with the request (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// The request headers that an answer depends on.
const VARIES_BY: HeaderValue = HeaderValue::from_static("accept, accept-encoding, prefer");

/// What an answer was made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Basis<'a> {
    pub(crate) complete: bool,
    pub(crate) max_age: Duration,
    pub(crate) sources: &'a [SourceReport],
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

impl<'a> From<&'a FoundGroup> for Basis<'a> {
    fn from(found: &'a FoundGroup) -> Self {
        Self {
            complete: true,
            max_age: found.source.held.fresh_for,
            sources: slice::from_ref(&found.source),
        }
    }
}

/// The tags of what a caller has already (`If-None-Match`).
#[derive(Debug, Clone, Copy)]
pub(crate) enum KnownTags<'a> {
    /// Those of this field, or none.
    Only(Option<&'a HeaderValue>),
    /// Those of all such fields among these: there are several, or nobody has looked for them yet.
    Among(&'a HeaderMap),
}

impl<'a> From<&'a HeaderMap> for KnownTags<'a> {
    fn from(headers: &'a HeaderMap) -> Self {
        Self::Among(headers)
    }
}

/// The weak `ETag` of an answer, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityTag(Option<HeaderValue>);

impl EntityTag {
    /// The tag of the page that `query` asks for. None of a whole list of which something is hidden: that of the list
    /// would tell of what is hidden, and one of what is shown costs as much as the answer.
    pub(crate) fn of_page(
        query: &Query,
        visible: &VisibleSources,
        format: AnswerFormat,
        listing: &Listing,
    ) -> Self {
        if listing.hides() && listing.seen.is_none() {
            return Self(None);
        }
        Validator::of_page(query, visible, representation(format), listing).into()
    }

    /// The tag of a single group.
    pub(crate) fn of_group(format: AnswerFormat, found: &FoundGroup) -> Self {
        Validator::of_group(representation(format), found).into()
    }

    /// The tag of a text.
    pub(crate) fn of_text(text: &str) -> Self {
        Validator::of_text(text).into()
    }

    /// The tag as a header says it.
    pub(crate) const fn value(&self) -> Option<&HeaderValue> {
        self.0.as_ref()
    }

    /// Whether the caller has this very answer already (RFC 9110, section 13.1.2; a weak
    /// comparison).
    pub(crate) fn is_known<'a>(&self, known: impl Into<KnownTags<'a>>) -> bool {
        let Some(own) = &self.0 else {
            return false;
        };
        let is_own = |known: &HeaderValue| known == own || Self::is_among(own, known);
        match known.into() {
            KnownTags::Only(known) => known.is_some_and(is_own),
            KnownTags::Among(headers) => headers.get_all(IF_NONE_MATCH).iter().any(is_own),
        }
    }

    fn is_among(own: &HeaderValue, known: &HeaderValue) -> bool {
        let own = opaque(own.as_bytes());
        // Our tags hold no comma.
        let known = known.as_bytes().split(|byte| *byte == b',');
        let mut known = known.map(<[u8]>::trim_ascii);
        known.any(|known| known == b"*" || opaque(known) == own)
    }
}

/// A tag without its weakness.
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

impl From<Validator> for EntityTag {
    fn from(validator: Validator) -> Self {
        let tag = format!("W/\"{}\"", hex(&validator.0));
        // Hexadecimal digits and quotes always make a header value.
        Self(HeaderValue::try_from(tag).ok())
    }
}

const fn representation(format: AnswerFormat) -> Representation {
    Representation {
        media_type: format.media_type(),
        renderer: render::VERSION,
    }
}

/// The two fields of an answer that count down while it stays the same: how long it may be kept
/// (`Cache-Control`), and what the cache of each source did (`Cache-Status`).
#[derive(Debug, Clone)]
pub(crate) struct Countdown {
    complete: bool,
    is_private: bool,
    fresh_until: Instant,
    sources: Box<[SourceCountdown]>,
}

/// What `Cache-Status` says of one source. It holds no snapshot.
#[derive(Debug, Clone)]
struct SourceCountdown {
    name: Arc<str>,
    outcome: CacheOutcome,
    contributed: bool,
    state: SourceState,
    fresh_until: Instant,
}

impl Countdown {
    /// What to say of an answer that was made from what the catalog held at `held_at`.
    pub(crate) fn new(basis: Basis<'_>, caller: &Caller, held_at: Instant) -> Self {
        let source = |report: &SourceReport| SourceCountdown {
            name: Arc::clone(&report.held.source),
            outcome: report.held.outcome,
            contributed: report.contributed(),
            state: report.held.state,
            fresh_until: held_at + report.held.fresh_for,
        };
        Self {
            complete: basis.complete,
            is_private: !caller.is_anyone(),
            fresh_until: held_at + basis.max_age,
            sources: basis.sources.iter().map(source).collect(),
        }
    }

    /// Says it as it is `now`.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, now: Instant) {
        if let Ok(value) = HeaderValue::try_from(self.cache_control(now)) {
            headers.insert(CACHE_CONTROL, value);
        }
        // A list without members is no field at all (RFC 9651, section 3.1).
        if self.sources.is_empty() {
            return;
        }
        if let Ok(value) = HeaderValue::try_from(self.cache_status(now)) {
            headers.insert(CACHE_STATUS, value);
        }
    }

    /// Until when what it says `now` is right to the second.
    pub(crate) fn holds_until(&self, now: Instant) -> Option<Instant> {
        let ends = self.sources.iter().map(|source| source.fresh_until);
        let ends = ends.chain([self.fresh_until]);
        ends.filter(|end| *end > now)
            .map(|end| end.saturating_duration_since(now).subsec_nanos())
            .min()
            .map(|left| now + Duration::from_nanos(left.into()))
    }

    fn cache_control(&self, now: Instant) -> String {
        if !self.complete {
            return "no-store".to_owned();
        }
        let max_age = seconds_until(self.fresh_until, now);
        if self.is_private {
            format!("private, max-age={max_age}")
        } else {
            format!("max-age={max_age}")
        }
    }

    fn cache_status(&self, now: Instant) -> String {
        let mut status = String::new();
        for (place, source) in self.sources.iter().enumerate() {
            if place > 0 {
                status.push_str(", ");
            }
            source.write(&mut status, now);
        }
        status
    }
}

impl SourceCountdown {
    fn write(&self, status: &mut String, now: Instant) {
        push_name(status, &self.name);
        match self.outcome.forwarded {
            Some(reason) => {
                status.push_str("; fwd=");
                status.push_str(reason);
            }
            None if self.contributed => status.push_str("; hit"),
            // Nothing is held, and nobody was asked: the failure is too recent.
            None => {}
        }
        match self.state {
            SourceState::Fresh => {
                // Writing into a string does not fail.
                let _ = write!(status, "; ttl={}", seconds_until(self.fresh_until, now));
            }
            SourceState::Stale => status.push_str("; ttl=0"),
            SourceState::Pending | SourceState::Failed => {}
        }
        if self.outcome.collapsed {
            status.push_str("; collapsed");
        }
        if let Some(detail) = self.outcome.detail {
            status.push_str("; detail=");
            status.push_str(detail);
        }
    }
}

/// Rounded down: nobody keeps an answer longer than it is fresh.
fn seconds_until(end: Instant, now: Instant) -> u64 {
    end.saturating_duration_since(now).as_secs()
}

/// Says on a response, a 304 too, what it is and what it varies by.
pub(crate) fn describe(headers: &mut HeaderMap, tag: &EntityTag) {
    headers.extend(tag.value().map(|tag| (ETAG, tag.clone())));
    headers.insert(VARY, VARIES_BY);
}

/// Writes a source's name as a structured field token (RFC 9651, section 3.3.4) where it can be one,
/// else as a string. Names consist of lower-case letters, digits and underscores.
fn push_name(text: &mut String, source: &str) {
    if source.starts_with(|first: char| first.is_ascii_alphabetic()) {
        text.push_str(source);
    } else {
        text.extend(["\"", source, "\""]);
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
mod tests;
