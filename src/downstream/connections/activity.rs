//! What goes on on one connection, and from that when it has to end.
//!
//! An answer is on its way until the last of its bytes was handed to the socket, whatever buffers
//! they wait in before: each carries a guard that is dropped with them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Version;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::plan::ConnectionLimits;

/// How long a client may take to send the head of a request.
pub(in crate::downstream) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How HTTP/2 begins, and no request of HTTP/1 does.
const PREFACE: &[u8] = b"PRI";

/// How long a stream that was reset may take to end.
const RESETTING: Duration = Duration::from_secs(1);

/// How long a connection that was asked to close may take to do so.
const CLOSING: Duration = Duration::from_secs(5);

/// What is to be done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::downstream) enum ConnectionVerdict {
    /// It stays. This is when to look again.
    Keep(Instant),
    /// It has been idle long enough, so it is closed in good order.
    Close,
    /// Its client reads answers too slowly, so their streams were reset. This is when to look again.
    Reset(Instant),
    /// Its client is too slow, so it is broken off.
    BreakOff(&'static str),
}

/// What goes on on one connection.
#[derive(Debug)]
pub(in crate::downstream) struct ConnectionActivity {
    limits: ConnectionLimits,
    state: Mutex<ConnectionState>,
    /// Whether anything was read since the last request began.
    has_read: AtomicBool,
    /// Whether it has shown if it begins as HTTP/2 does.
    is_recognized: AtomicBool,
    /// Whether the client, or the listener, has connections that wait for others to end.
    wanted: [Arc<AtomicBool>; 2],
    /// Rung when the connection is out of use, and its end would be of use.
    idle: Arc<Notify>,
}

#[derive(Debug)]
struct ConnectionState {
    answers: Vec<PendingAnswer>,
    next: u64,
    /// Since when there are no answers on their way.
    idle_since: Instant,
    /// `None`: nothing was asked yet.
    version: Option<Version>,
    /// What is still to come of the beginning of HTTP/2. `None`: it began otherwise.
    preface: Option<&'static [u8]>,
    /// When it was first seen that a part of a head is there.
    head_since: Option<Instant>,
    closing_since: Option<Instant>,
}

/// An answer that is on its way.
#[derive(Debug)]
struct PendingAnswer {
    id: u64,
    /// How many hold it: its body, and parts of that which are on their way.
    holders: usize,
    /// By when its client must have read what was sent. `None`: it waits for us.
    until: Option<Instant>,
    /// What resets its stream, where that leaves others alone.
    end: Option<Arc<Notify>>,
}

impl ConnectionActivity {
    /// Of a connection that was opened just now. `idle` is rung when it is out of use while its place
    /// is `wanted`.
    pub(super) fn new(
        limits: ConnectionLimits,
        wanted: [Arc<AtomicBool>; 2],
        idle: Arc<Notify>,
    ) -> Self {
        Self {
            limits,
            wanted,
            state: Mutex::new(ConnectionState {
                answers: Vec::new(),
                next: 0,
                idle_since: Instant::now(),
                version: None,
                preface: Some(PREFACE),
                head_since: None,
                closing_since: None,
            }),
            has_read: AtomicBool::new(false),
            is_recognized: AtomicBool::new(false),
            idle,
        }
    }

    /// The connection is served from now on.
    pub(super) fn admitted(&self) {
        self.lock().idle_since = Instant::now();
    }

    /// This was read.
    pub(super) fn read(&self, bytes: &[u8]) {
        self.has_read.store(true, Ordering::Relaxed);
        if !self.is_recognized.load(Ordering::Relaxed) {
            let mut state = self.lock();
            state.head_since.get_or_insert_with(Instant::now);
            state.preface = state.preface.and_then(|preface| {
                let (due, later) = preface.split_at(preface.len().min(bytes.len()));
                bytes.starts_with(due).then_some(later)
            });
            let is_recognized = state.preface.is_none_or(<[u8]>::is_empty);
            self.is_recognized.store(is_recognized, Ordering::Relaxed);
        }
    }

    /// What clients may do.
    pub(in crate::downstream) const fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// A request has come. Its answer is on its way until the guard is dropped.
    pub(in crate::downstream) fn begin(self: &Arc<Self>, version: Version) -> AnswerGuard {
        let mut state = self.lock();
        let id = state.next;
        state.next += 1;
        state.answers.push(PendingAnswer {
            id,
            holders: 1,
            until: None,
            end: None,
        });
        state.version = Some(version);
        state.head_since = None;
        self.has_read.store(false, Ordering::Relaxed);
        AnswerGuard {
            activity: Arc::clone(self),
            id,
            ends: None,
        }
    }

    /// The connection was asked to close.
    pub(in crate::downstream) fn close(&self) {
        let mut state = self.lock();
        state.closing_since.get_or_insert_with(Instant::now);
    }

    /// Since when the connection is out of use. `None`: it is in use.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.lock();
        state.answers.is_empty().then_some(state.idle_since)
    }

    /// Whether a part of the next head is there. What an idle HTTP/2 connection brings may be about
    /// anything.
    pub(super) fn is_asking(&self) -> bool {
        let version = self.lock().version;
        version.is_some_and(|version| version < Version::HTTP_2)
            && self.has_read.load(Ordering::Relaxed)
    }

    /// Whether anything was asked on it.
    pub(super) fn was_asked(&self) -> bool {
        self.lock().version.is_some()
    }

    /// What is to be done with the connection.
    pub(in crate::downstream) fn verdict(&self, now: Instant) -> ConnectionVerdict {
        let mut state = self.lock();
        // No deadline is closer than this when it begins to run.
        let next = now + HEAD_TIMEOUT.min(self.limits.send_timeout.get());
        if !state.answers.is_empty() {
            return state.overdue(now, next);
        }
        if let Some(since) = state.closing_since {
            return keep_until(since.max(state.idle_since) + CLOSING, now)
                .unwrap_or(ConnectionVerdict::BreakOff("its client does not close it"));
        }
        let too_slow = ConnectionVerdict::BreakOff("its client sends a request too slowly");
        // What an idle HTTP/2 connection brings may be about anything.
        let is_http2 = state.version.map_or(state.preface == Some(&[]), |version| {
            version >= Version::HTTP_2
        });
        // One that was opened ahead is as idle as one that was used.
        if !is_http2 && self.has_read.load(Ordering::Relaxed) {
            let since = *state.head_since.get_or_insert(now);
            return keep_until(since + HEAD_TIMEOUT, now).unwrap_or(too_slow);
        }
        let end = state.idle_since + self.limits.idle.get();
        keep_until(end, now).map_or(ConnectionVerdict::Close, |_| {
            ConnectionVerdict::Keep(end.min(next))
        })
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut PendingAnswer)) {
        let mut state = self.lock();
        if let Some(answer) = state.answers.iter_mut().find(|answer| answer.id == id) {
            change(answer);
        }
    }

    /// One of those who hold an answer lets go of it, at that time or now.
    fn let_go(&self, id: u64, at: Option<Instant>) {
        let mut state = self.lock();
        let place = state.answers.iter().position(|answer| answer.id == id);
        let Some(place) = place else { return };
        let answer = &mut state.answers[place];
        answer.holders -= 1;
        if answer.holders > 0 {
            return;
        }
        state.answers.swap_remove(place);
        if state.answers.is_empty() {
            state.idle_since = at.unwrap_or_else(Instant::now);
            // What was read meanwhile belongs to what was asked.
            self.has_read.store(false, Ordering::Relaxed);
            drop(state);
            // Waking the connection costs as much as a tenth of an answer.
            if self
                .wanted
                .iter()
                .any(|wanted| wanted.load(Ordering::Relaxed))
            {
                self.idle.notify_one();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ConnectionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionState {
    /// Resets the streams of overdue answers. One that stays although it was reset, or that has the
    /// connection for itself, breaks it off.
    fn overdue(&mut self, now: Instant, next: Instant) -> ConnectionVerdict {
        let mut has_reset = false;
        for answer in &mut self.answers {
            if answer.until.is_none_or(|until| until > now) {
                continue;
            }
            let Some(end) = answer.end.take() else {
                return ConnectionVerdict::BreakOff(
                    "its client reads an answer too slowly (`send_rate`)",
                );
            };
            end.notify_one();
            answer.until = Some(now + RESETTING);
            has_reset = true;
        }
        let until = self.answers.iter().filter_map(|answer| answer.until).min();
        let until = until.map_or(next, |until| until.min(next));
        if has_reset {
            ConnectionVerdict::Reset(until)
        } else {
            ConnectionVerdict::Keep(until)
        }
    }
}

fn keep_until(end: Instant, now: Instant) -> Option<ConnectionVerdict> {
    (end > now).then_some(ConnectionVerdict::Keep(end))
}

/// One who holds an answer that is being made or read. When the last one is dropped, it ends.
#[derive(Debug)]
pub(in crate::downstream) struct AnswerGuard {
    activity: Arc<ConnectionActivity>,
    id: u64,
    /// When it lets go, where that is known.
    ends: Option<Instant>,
}

impl Drop for AnswerGuard {
    fn drop(&mut self) {
        self.activity.let_go(self.id, self.ends);
    }
}

impl AnswerGuard {
    /// The answer has nothing to send, and was there at that time.
    pub(super) fn end(mut self, answered: Option<Instant>) {
        self.ends = answered;
    }

    /// So many bytes are ready for the client, since then or now. `end` resets its stream, where that leaves others
    /// alone.
    pub(super) fn send(&self, bytes: usize, answered: Option<Instant>, end: Option<Arc<Notify>>) {
        let until = self.read_by(bytes, answered);
        self.activity.change(self.id, |answer| {
            answer.end = end;
            answer.until = Some(until);
        });
    }

    /// Nothing is ready for the client.
    pub(super) fn expect_nothing(&self) {
        self.activity.change(self.id, |answer| answer.until = None);
    }

    /// Another one who holds the answer.
    pub(super) fn share(&self) -> Self {
        self.activity.change(self.id, |answer| answer.holders += 1);
        self.shared()
    }

    /// The same for so many bytes, which are ready for the client now.
    pub(super) fn share_sent(&self, bytes: usize) -> Self {
        let until = self.read_by(bytes, None);
        self.activity.change(self.id, |answer| {
            answer.until = Some(until);
            answer.holders += 1;
        });
        self.shared()
    }

    fn shared(&self) -> Self {
        Self {
            activity: Arc::clone(&self.activity),
            id: self.id,
            ends: None,
        }
    }

    fn read_by(&self, bytes: usize, since: Option<Instant>) -> Instant {
        let since = since.unwrap_or_else(Instant::now);
        since + self.activity.limits.time_to_read(bytes as u64)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_part_of_the_preface(&["P", "RI * HTTP/2.0"], false)]
    #[case::a_larger_part(&["PR", "I", " * HTTP/2.0"], false)]
    #[case::the_preface(&["PRI * HTTP/2.0"], false)]
    #[case::a_method_that_begins_alike(&["P", "UT / HTTP/1.1"], true)]
    #[case::another_one(&["PR", "OPFIND / HTTP/1.1"], true)]
    #[case::any_other(&["GET / HTTP/1.1"], true)]
    #[tokio::test(start_paused = true)]
    async fn http_2_is_recognized_however_its_preface_is_cut(
        #[case] segments: &[&str],
        #[case] is_too_slow: bool,
    ) {
        let activity =
            ConnectionActivity::new(ConnectionLimits::default(), <_>::default(), <_>::default());
        for segment in segments {
            activity.read(segment.as_bytes());
        }
        let verdict = activity.verdict(Instant::now() + HEAD_TIMEOUT);
        let is_broken_off = matches!(verdict, ConnectionVerdict::BreakOff(_));
        assert_eq!(is_broken_off, is_too_slow, "{verdict:?}");
    }
}
