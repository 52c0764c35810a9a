//! What an emulation counted: how the gateway behaved, seen from the other side.

use std::sync::Mutex;

use http::StatusCode;

use super::exchange::Kind;
use super::lock;

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
    /// The most list requests that were under way at once.
    pub max_in_flight: u64,
    /// Requests to the other host, where a redirect or a link has led.
    pub elsewhere: u64,
}

/// Keeps the [`Stats`] of one emulation.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    stats: Stats,
    in_flight: u64,
}

impl Tally {
    /// The counts so far.
    pub(super) fn stats(&self) -> Stats {
        lock(&self.0).stats
    }

    /// Starts again from zero; requests under way stay under way.
    pub(super) fn reset(&self) {
        let mut counts = lock(&self.0);
        counts.stats = Stats {
            max_in_flight: counts.in_flight,
            ..Stats::default()
        };
    }

    /// Counts a request to the other host, and nowhere else.
    pub(super) fn went_elsewhere(&self) {
        lock(&self.0).stats.elsewhere += 1;
    }

    /// Counts a request, which is under way until the guard is dropped.
    pub(super) fn begin(&self, kind: Kind) -> UnderWay<'_> {
        let mut counts = lock(&self.0);
        counts.stats.requests += 1;
        match kind {
            Kind::Login => counts.stats.logins += 1,
            Kind::FirstPage | Kind::LaterPage => {
                counts.in_flight += 1;
                counts.stats.pages += 1;
                counts.stats.walks += u64::from(kind == Kind::FirstPage);
                counts.stats.max_in_flight = counts.stats.max_in_flight.max(counts.in_flight);
            }
            Kind::Other => {}
        }
        UnderWay {
            tally: self,
            kind,
            pages: counts.stats.pages,
        }
    }
}

/// A request under way. Also ends when the caller goes away and the request is dropped.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    tally: &'a Tally,
    kind: Kind,
    pages: u64,
}

impl UnderWay<'_> {
    /// Which list request it is, counted from 1.
    pub(super) const fn page(&self) -> Option<u64> {
        match self.kind {
            Kind::FirstPage | Kind::LaterPage => Some(self.pages),
            Kind::Login | Kind::Other => None,
        }
    }

    /// Counts what was answered.
    pub(super) fn answered(self, status: StatusCode) {
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            lock(&self.tally.0).stats.unauthorized += 1;
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        match self.kind {
            Kind::FirstPage | Kind::LaterPage => lock(&self.tally.0).in_flight -= 1,
            Kind::Login | Kind::Other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_list_requests_count_as_pages_in_flight() {
        let tally = Tally::default();
        let first = tally.begin(Kind::FirstPage);
        let second = tally.begin(Kind::LaterPage);
        tally.begin(Kind::Login).answered(StatusCode::UNAUTHORIZED);
        first.answered(StatusCode::OK);
        tally.begin(Kind::LaterPage).answered(StatusCode::OK);
        tally.went_elsewhere();
        assert_eq!(
            tally.stats(),
            Stats {
                requests: 4,
                pages: 3,
                walks: 1,
                logins: 1,
                unauthorized: 1,
                max_in_flight: 2,
                elsewhere: 1,
            }
        );
        tally.reset();
        assert_eq!(tally.stats().max_in_flight, 1);
        drop(second);
        tally.reset();
        assert_eq!(tally.stats(), Stats::default());
    }
}
