//! One answer, ready to be sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::catalog::{CacheOutcome, SourceState};
use crate::downstream::audited_answer::AuditedAnswer;
use crate::downstream::caching::{Countdown, EntityTag, KnownTags};
use crate::downstream::rate_limiter::{RATELIMIT, RATELIMIT_POLICY};
use crate::downstream::request_id::X_REQUEST_ID;
use crate::downstream::response::{AS_IT_SAYS, Content, PLACES, Response};
use crate::gateway::Listing;
use crate::gateway::listing::SourceReport;
use crate::observe::AnswerTraits;

use super::key::AnswerKey;

/// About what an answer takes beside its body and the values of its headers.
const FIXED_BYTES: usize = 4096;

/// How long an answer is kept in which a source is not fresh: its refresh is due, or due soon, and
/// begins only when a request reaches the catalog.
const UNLESS_FRESH: Duration = Duration::from_secs(1);

/// Whether the same is answered again until the catalog's epoch moves. Where a request waited for a
/// source, its answer says so.
pub(crate) fn is_steady(listing: &Listing) -> bool {
    let mut outcomes = listing.sources.iter().map(|report| report.held.outcome);
    let waited = |outcome: CacheOutcome| {
        outcome.forwarded.is_some() || outcome.collapsed || outcome.detail.is_some()
    };
    !outcomes.any(waited)
}

/// What an answer was made of, as far as it says how long it holds.
#[derive(Debug)]
pub(crate) struct Made {
    /// The catalog's epoch, read before the catalog was asked.
    pub(crate) epoch: u64,
    /// When it was asked.
    pub(crate) held_at: Instant,
    /// How long what it held stays the same by itself.
    pub(crate) lasts: Option<Duration>,
    pub(crate) countdown: Countdown,
    /// What records say of it, where there are any.
    pub(crate) audited: Option<Arc<AuditedAnswer>>,
}

/// One answer, ready to be sent.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What it answers.
    key: AnswerKey,
    /// The catalog's epoch that it was made under.
    epoch: u64,
    /// When a source in it passes into another state. `None`: not by itself.
    ends: Option<Instant>,
    /// Until when the fields are right that count seconds.
    counts_until: Option<Instant>,
    countdown: Countdown,
    tag: EntityTag,
    traits: AnswerTraits,
    audited: Option<Arc<AuditedAnswer>>,
    /// Every header of a `GET`. Those of the request alone are empty yet.
    headers: HeaderMap,
    /// The same of a 304.
    unchanged: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// An answer of what the catalog held, to this question.
    pub(crate) fn new(
        made: Made,
        tag: EntityTag,
        key: &AnswerKey,
        described: HeaderMap,
        body: Bytes,
    ) -> Self {
        // Places for what every request is told in the end, where `set` looks for them.
        let places: [_; PLACES] = [X_REQUEST_ID, RATELIMIT_POLICY, RATELIMIT];
        let places = places.map(|name| (name, HeaderValue::from_static("")));
        let mut headers = HeaderMap::from_iter(places);
        headers.extend(described);
        headers.extend([AS_IT_SAYS]);
        Self {
            key: key.detached(),
            unchanged: unchanged(&headers),
            epoch: made.epoch,
            ends: made.lasts.map(|lasts| made.held_at + lasts),
            counts_until: made.countdown.holds_until(made.held_at),
            countdown: made.countdown,
            audited: made.audited,
            tag,
            traits: AnswerTraits {
                format: Some(key.format.name()),
                cache: Some("ready"),
                problem: None,
            },
            headers,
            body,
        }
    }

    /// Whether it is still what the catalog would give.
    pub(super) fn holds(&self, epoch: u64, now: Instant) -> bool {
        self.epoch == epoch && self.ends.is_none_or(|ends| now < ends)
    }

    /// What it answers.
    pub(super) const fn key(&self) -> &AnswerKey {
        &self.key
    }

    /// Whether its fields that count seconds are wrong.
    pub(super) fn is_to_recount(&self, now: Instant) -> bool {
        self.counts_until.is_some_and(|until| until < now)
    }

    /// The same answer, counted anew, where that is due.
    pub(super) fn recounted(&self, now: Instant) -> Option<Self> {
        if !self.is_to_recount(now) {
            return None;
        }
        let mut headers = self.headers.clone();
        self.countdown.tell(&mut headers, now);
        Some(Self {
            key: self.key.clone(),
            unchanged: unchanged(&headers),
            epoch: self.epoch,
            ends: self.ends,
            counts_until: self.countdown.holds_until(now),
            countdown: self.countdown.clone(),
            tag: self.tag.clone(),
            traits: self.traits,
            audited: self.audited.clone(),
            headers,
            body: self.body.clone(),
        })
    }

    /// The response to a caller who knows these tags: all of it, or that the caller has it already.
    pub(crate) fn respond<'a>(&self, known: impl Into<KnownTags<'a>>) -> Box<Response> {
        let mut response = Box::<Response>::default();
        response.body_mut().traits = self.traits;
        response.body_mut().audited.clone_from(&self.audited);
        if self.tag.is_known(known) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.headers_mut() = self.unchanged.clone();
        } else {
            response.body_mut().content = Content::Full(self.body.clone());
            *response.headers_mut() = self.headers.clone();
        }
        response
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let values: usize = self.headers.values().map(HeaderValue::len).sum();
        // The fields that count seconds are kept as texts, too.
        FIXED_BYTES + 2 * values + self.body.len()
    }
}

/// The headers of a 304, of those of the whole answer.
fn unchanged(headers: &HeaderMap) -> HeaderMap {
    let mut unchanged = headers.clone();
    unchanged.remove(CONTENT_TYPE);
    unchanged.remove(CONTENT_ENCODING);
    unchanged
}

/// How long what is said of all sources of a listing stays the same by itself.
pub(crate) fn lasts(listing: &Listing) -> Option<Duration> {
    listing.sources.iter().filter_map(lasts_of).min()
}

fn lasts_of(report: &SourceReport) -> Option<Duration> {
    let held = &report.held;
    let counted = held.error.as_ref().and_then(|error| error.retry_after);
    let counted = counted.map(|wait| {
        // It is told in whole seconds, rounded up: until the next lower one.
        let told = wait.as_millis().div_ceil(1000) as u64;
        wait.saturating_sub(Duration::from_millis(told.saturating_sub(1) * 1000 + 1))
    });
    let unless_fresh = (held.state != SourceState::Fresh).then_some(UNLESS_FRESH);
    [held.changes_in, counted, unless_fresh]
        .into_iter()
        .flatten()
        .min()
}
