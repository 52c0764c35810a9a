//! What an emulation state: how the gateway behaves, seen from the other side.

use std::sync::Mutex;

use http::StatusCode;

use super::message::RequestKind;
use crate::tools::lock::lock;

/// What one emulation counted since it started, or since its stats were reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests of any kind.
    pub requests: u64,
    /// List requests, answered or refused.
    pub pages: u64,
    /// List requests for the first page: with no retries, the walks that were begun.
    pub walks: u64,
    /// Login requests.
    pub logins: u64,
    /// Answers that refused a credential (401 or 403).
    pub unauthorized: u64,
    /// The most list requests that were in flight at once.
    pub max_in_flight: u64,
    /// Requests to the foreign host that a redirect or a link led to.
    pub foreign_host: u64,
}

/// Keeps the [`Stats`] of one emulation.
#[derive(Debug, Default)]
pub(super) struct StatsRecorder(Mutex<StatsState>);

#[derive(Debug, Default)]
struct StatsState {
    stats: Stats,
    in_flight: u64,
}

impl StatsRecorder {
    /// The counts so far.
    pub(super) fn stats(&self) -> Stats {
        lock(&self.0).stats
    }

    /// Starts again from zero; requests in flight stay in flight.
    pub(super) fn reset(&self) {
        let mut state = lock(&self.0);
        state.stats = Stats {
            max_in_flight: state.in_flight,
            ..Stats::default()
        };
    }

    /// Counts a request to the foreign host, and nothing else.
    pub(super) fn record_foreign_host(&self) {
        lock(&self.0).stats.foreign_host += 1;
    }

    /// Counts a request, which is in flight until the guard is dropped.
    pub(super) fn begin(&self, kind: RequestKind) -> RequestInFlight<'_> {
        let mut state = lock(&self.0);
        state.stats.requests += 1;
        match kind {
            RequestKind::Login => state.stats.logins += 1,
            RequestKind::FirstPage | RequestKind::LaterPage => {
                state.in_flight += 1;
                state.stats.pages += 1;
                state.stats.walks += u64::from(kind == RequestKind::FirstPage);
                state.stats.max_in_flight = state.stats.max_in_flight.max(state.in_flight);
            }
            RequestKind::Other => {}
        }
        RequestInFlight {
            recorder: self,
            kind,
            pages: state.stats.pages,
        }
    }
}

/// A request in flight. Also ends when the caller goes away and the request is dropped.
#[derive(Debug)]
pub(super) struct RequestInFlight<'a> {
    recorder: &'a StatsRecorder,
    kind: RequestKind,
    pages: u64,
}

impl RequestInFlight<'_> {
    /// Which list request it is, counted from 1.
    pub(super) fn page(&self) -> Option<u64> {
        self.kind.is_list().then_some(self.pages)
    }

    /// Counts what was answered.
    pub(super) fn answered(self, status: StatusCode) {
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            lock(&self.recorder.0).stats.unauthorized += 1;
        }
    }
}

impl Drop for RequestInFlight<'_> {
    fn drop(&mut self) {
        if self.kind.is_list() {
            lock(&self.recorder.0).in_flight -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_list_requests_count_as_pages_in_flight() {
        let recorder = StatsRecorder::default();
        let first = recorder.begin(RequestKind::FirstPage);
        let second = recorder.begin(RequestKind::LaterPage);
        recorder
            .begin(RequestKind::Login)
            .answered(StatusCode::UNAUTHORIZED);
        first.answered(StatusCode::OK);
        recorder
            .begin(RequestKind::LaterPage)
            .answered(StatusCode::OK);
        recorder.record_foreign_host();
        assert_eq!(
            recorder.stats(),
            Stats {
                requests: 4,
                pages: 3,
                walks: 1,
                logins: 1,
                unauthorized: 1,
                max_in_flight: 2,
                foreign_host: 1,
            }
        );
        recorder.reset();
        assert_eq!(recorder.stats().max_in_flight, 1);
        drop(second);
        recorder.reset();
        assert_eq!(recorder.stats(), Stats::default());
    }
}
