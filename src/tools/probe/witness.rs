//! Watches a walk, and tells of it while it goes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::config::upstream::Upstream;
use crate::error::UpstreamError;
use crate::observe::{Event, Observer};
use crate::terminal::print;
use crate::upstream::extensions::Purpose;
use crate::upstream::pager::Position;
use crate::upstream::walk::Walked;
use crate::upstream::{Adapter, FetchedPage};

use super::story::{Detail, Step, Story, Summary, Trouble};
use super::tape::{Tape, Try};
use super::veil::Veil;
use super::{glance, text};

/// What is told, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// A text, page by page.
    Text,
    /// One JSON object, at the end.
    Json,
    /// One page's body, at the end.
    Raw,
}

/// Watches the walk of one upstream.
#[derive(Debug)]
pub(super) struct Witness {
    pub(super) adapter: Arc<Adapter>,
    pub(super) block: Upstream,
    pub(super) veil: Arc<Veil>,
    pub(super) tape: Arc<Tape>,
    /// The page to look at more closely, counted from 1.
    pub(super) page: u64,
    pub(super) voice: Voice,
    /// Whether requests are sent.
    pub(super) is_sent: bool,
    pub(super) seen: Mutex<Seen>,
    /// Woken when there is nothing left to wait for.
    pub(super) satisfied: Notify,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    steps: Vec<Step>,
    detail: Option<Detail>,
    raw: Option<Bytes>,
    summary: Summary,
    /// The tries of the page that was read last.
    last: Vec<Try>,
    /// The page that did not come.
    failed: Option<Position>,
}

impl Observer for Witness {
    fn observe(&self, event: &Event<'_>) {
        let seen = &mut *self.seen();
        match event {
            Event::RecordsCounted(_)
            | Event::RequestSent { .. }
            | Event::ResponseReceived { .. } => {}
            Event::PageRead(page) => self.read(page, seen),
            Event::NextDecided { next, reason } => {
                let onward = glance::onward(next, *reason, &self.veil);
                self.say(&text::onward(&onward));
                if let Some(step) = seen.steps.last_mut() {
                    step.next = Some(onward);
                }
            }
            Event::Repeated { what, is_end } => {
                if *is_end {
                    seen.summary.ended_by = Some(what.to_string());
                }
            }
            Event::PageFailed { position, .. } => seen.failed = Some((*position).clone()),
            Event::WalkRestarted(reason) => {
                let reason = self.veil.mask(&reason.to_string()).into_owned();
                self.say(&format!(
                    "\nthe list changed while it was read, and is read again: {reason}\n"
                ));
                // What did not come has been told.
                self.tape.take(|_| true);
                let mut restarts = std::mem::take(&mut seen.summary.restarts);
                restarts.push(reason);
                *seen = Seen::default();
                seen.summary.restarts = restarts;
            }
            Event::TotalChecked { announced, .. } => seen.summary.announced = *announced,
        }
    }
}

impl Witness {
    fn read(&self, turn: &FetchedPage, seen: &mut Seen) {
        let page = Purpose::Page(turn.position.clone());
        let is_its_own = |purpose: &Purpose| {
            matches!(purpose, Purpose::Login | Purpose::Count) || *purpose == page
        };
        let tries = self.tape.take(is_its_own);
        seen.summary.pages += 1;
        seen.summary.records += turn.listed();
        seen.summary.bytes += turn.bytes();
        let number = seen.summary.pages;
        let step = glance::step(number, turn, &tries, &self.veil);
        if number == self.page {
            let detail = glance::detail(number, turn, &self.adapter, &self.veil);
            self.say(&text::full(&step, &detail, &self.block, self.is_sent));
            seen.detail = Some(detail);
            seen.raw = body(&tries);
            if self.voice == Voice::Raw {
                self.satisfied.notify_one();
            }
        } else {
            self.say(&text::brief(&step));
        }
        if self.voice != Voice::Json {
            seen.steps.clear();
        }
        seen.steps.push(step);
        seen.last = tries;
    }

    /// The body of the page that was to be looked at, as it came.
    pub(super) fn raw(&self) -> Option<Bytes> {
        let seen = &mut *self.seen();
        if seen.raw.is_none() && seen.summary.pages + 1 == self.page {
            // It came, and was none.
            let failed = seen.failed.clone().map(Purpose::Page);
            seen.raw = body(&self.tape.take(|purpose| Some(purpose) == failed.as_ref()));
        }
        seen.raw.clone()
    }

    /// How many pages there were.
    pub(super) fn pages(&self) -> u64 {
        self.seen().summary.pages
    }

    /// The whole story of a walk that came to its end, or to the end of what was recorded.
    pub(super) fn ended(&self, walked: Option<&Walked>, milliseconds: f64) -> Story {
        let seen = &mut *self.seen();
        let mut summary = seen.summary.clone();
        summary.milliseconds = milliseconds;
        match walked {
            Some(walked) => {
                summary.groups = walked.groups.len() as u64;
                summary.skipped = walked.counts.skipped;
                summary.repeated = walked.counts.repeated;
                summary.unparsed_timestamps = walked.counts.unparsed_timestamps;
                summary.drifted = walked.counts.drifted;
            }
            None => summary.is_part = true,
        }
        self.story(seen, Some(summary), None)
    }

    /// The whole story of a walk that failed.
    pub(super) fn failed(&self, error: &UpstreamError) -> Story {
        let seen = &mut *self.seen();
        let failed = seen.failed.clone().map(Purpose::Page);
        let mut tries = self.tape.take(|purpose| match (purpose, &failed) {
            (Purpose::Login | Purpose::Count, _) => true,
            (Purpose::Page(_), Some(failed)) => purpose == failed,
            (Purpose::Page(_), None) => seen.last.is_empty(),
        });
        let is_of_the_last = tries.is_empty();
        if is_of_the_last {
            tries.clone_from(&seen.last);
        }
        let last = tries.last();
        let purpose = last.and_then(|one| one.purpose.as_ref());
        let heard = last.and_then(|one| one.answer.as_ref());
        let trouble = Trouble {
            kind: error.kind.as_str(),
            detail: self.veil.mask(&error.detail).into_owned(),
            page: (seen.summary.pages + u64::from(!is_of_the_last)).max(1),
            requests: tries
                .iter()
                .map(|one| glance::asked(one, &self.veil))
                .collect(),
            expected: glance::expected(
                error.kind,
                purpose,
                heard.map(|heard| heard.status),
                &self.block,
            ),
            body: heard.and_then(|heard| glance::beginning(heard, purpose, &self.veil)),
        };
        self.story(seen, None, Some(trouble))
    }

    fn story(&self, seen: &mut Seen, summary: Option<Summary>, error: Option<Trouble>) -> Story {
        Story {
            upstream: self.adapter.name().to_string(),
            pages: std::mem::take(&mut seen.steps),
            detail: seen.detail.take(),
            summary,
            error,
        }
    }

    fn say(&self, said: &str) {
        if self.voice == Voice::Text {
            // Where nobody reads on, the walk goes on all the same: it may be recorded.
            let _ = print(said);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // What was seen is whole between any two events.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last body that came.
fn body(tries: &[Try]) -> Option<Bytes> {
    let heard = tries.iter().rev().find_map(|one| one.answer.as_ref())?;
    Some(heard.body.clone())
}
