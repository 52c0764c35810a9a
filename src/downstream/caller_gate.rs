//! What tells callers apart, and how often each of them may ask.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::authentication::Authenticator;
use crate::caller::Asker;
use crate::observe::Observers;
use crate::plan::{Callers, ClientRateLimit, Rate};

use super::rate_limiter::{CallerRateLimiter, HeldBucket};

/// How often an address may send credentials that are not accepted: one in five seconds, and 20 at once. It
/// does not keep keys from being guessed, which nobody can, but a mistake from filling the log.
const FAILURES: (Duration, NonZeroU32) = (
    Duration::from_secs(5),
    match NonZeroU32::new(20) {
        Some(burst) => burst,
        None => NonZeroU32::MIN,
    },
);

/// How much of a rate may be used at once.
const BURST: Duration = Duration::from_secs(2);

/// Tells callers apart, and counts what each asks.
#[derive(Debug)]
pub(crate) struct CallerGate {
    pub(crate) authenticator: Authenticator,
    /// What each address has tried in vain.
    failures: Arc<CallerRateLimiter<IpAddr>>,
    /// What each caller has asked, by what its grants allow.
    limiters: Vec<(Rate, Arc<CallerRateLimiter<Asker>>)>,
}

impl CallerGate {
    /// Lets in the callers of a plan, and remembers `room` bytes of what they bring. What clients have used of
    /// equal limits of `before` counts.
    pub(crate) fn new(
        callers: &Callers,
        room: u64,
        observers: &Observers,
        before: Option<&Self>,
    ) -> Self {
        let mut limiters: Vec<(Rate, Arc<CallerRateLimiter<Asker>>)> = Vec::new();
        for rate in callers.grants.values().filter_map(|grant| grant.rate) {
            if limiters.iter().any(|(other, _)| *other == rate) {
                continue;
            }
            let kept = before.and_then(|before| before.limiter(rate)).cloned();
            let limiter = kept.unwrap_or_else(|| {
                let limit = ClientRateLimit {
                    per_client: rate,
                    burst: burst(rate),
                };
                Arc::new(CallerRateLimiter::new(&limit, "caller"))
            });
            limiters.push((rate, limiter));
        }
        let failures = before.map(|before| Arc::clone(&before.failures));
        let (interval, burst) = FAILURES;
        Self {
            authenticator: Authenticator::new(
                callers,
                room,
                observers,
                before.map(|before| &before.authenticator),
            ),
            failures: failures
                .unwrap_or_else(|| Arc::new(CallerRateLimiter::every(interval, burst, "failures"))),
            limiters,
        }
    }

    /// Counts credentials from `network` that were not accepted. How long to wait, if there were too
    /// many.
    pub(crate) fn count_failure(&self, network: IpAddr, now: Instant) -> Option<Duration> {
        self.failures.ask(network, &HeldBucket::default(), now).wait
    }

    /// What counts the requests of callers with this rate.
    pub(crate) fn limiter(&self, rate: Rate) -> Option<&Arc<CallerRateLimiter<Asker>>> {
        let mut found = self.limiters.iter();
        let (_, limiter) = found.find(|(other, _)| *other == rate)?;
        Some(limiter)
    }
}

/// How many requests a rate allows at once: as many as in two seconds, and at least one.
fn burst(rate: Rate) -> NonZeroU32 {
    let interval = rate.interval().as_nanos().max(1);
    let count = u32::try_from(BURST.as_nanos() / interval).unwrap_or(u32::MAX);
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::testing::plan;

    const ROOM: u64 = 1 << 20;

    #[rstest]
    #[case("50/s", 100)]
    #[case("1/s", 2)]
    #[case("60/m", 2)]
    #[case("20/m", 1)]
    #[case("1/h", 1)]
    #[case("4294967295/s", u32::MAX)]
    fn a_burst_is_what_the_rate_allows_in_two_seconds(#[case] rate: &str, #[case] expected: u32) {
        let burst = burst(rate.parse().unwrap()).get();
        // A rate of billions has no whole number of nanoseconds between two.
        assert!(burst == expected || burst >= 2_000_000_000, "{burst}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_used_of_an_equal_rate_counts_after_a_reload() {
        let rates = |first: &str| {
            let text = format!(
                "callers.required = false
                grants.a = {{ sources = ['*'], rate = '{first}' }}
                grants.b = {{ sources = ['*'], rate = '1/h' }}"
            );
            plan(&text).callers.unwrap()
        };
        let asker = Asker::default();
        let waits = |gate: &CallerGate, rate: &str| {
            let limiter = gate.limiter(rate.parse().unwrap()).unwrap();
            let answer = limiter.ask(asker, &HeldBucket::default(), Instant::now());
            answer.wait.is_some()
        };
        let before = CallerGate::new(&rates("2/h"), ROOM, &Observers::default(), None);
        assert!(!waits(&before, "1/h") && !waits(&before, "2/h"));
        let after = CallerGate::new(&rates("3/h"), ROOM, &Observers::default(), Some(&before));
        assert!(waits(&after, "1/h") && !waits(&after, "3/h"));
        assert!(after.limiter("2/h".parse().unwrap()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_address_has_tried_in_vain_counts_after_a_reload() {
        let callers = |grants| {
            let text = format!("callers.required = false\ngrants.a.sources = {grants}");
            plan(&text).callers.unwrap()
        };
        let [network, other] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let before = CallerGate::new(&callers("['*']"), ROOM, &Observers::default(), None);
        for _ in 0..20 {
            assert_eq!(before.count_failure(network, Instant::now()), None);
        }
        let after = CallerGate::new(
            &callers("['b']"),
            ROOM,
            &Observers::default(),
            Some(&before),
        );
        assert_ne!(after.count_failure(network, Instant::now()), None);
        assert_eq!(after.count_failure(other, Instant::now()), None);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(after.count_failure(network, Instant::now()), None);
        assert_ne!(after.count_failure(network, Instant::now()), None);
    }
}
