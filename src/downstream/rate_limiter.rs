//! How often a caller may ask: 429 beyond its allowance, and on every answer how much is left.
//!
//! Each caller has a token bucket of its own. The buckets live in a bounded cache, for callers
//! choose their addresses and must not choose our memory: the one that asked longest ago is
//! forgotten first, and by then its bucket is most likely full again.

use std::io::{Cursor, Write as _};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::HeaderValue;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::clock::TokioClock;
use crate::plan::ClientRateLimit;

/// How many callers are remembered: some tens of MiB at most.
const CALLERS: u64 = 100_000;

type Bucket = RateLimiter<NotKeyed, InMemoryState, TokioClock, StateInformationMiddleware>;

/// Counts what each caller asks.
#[derive(Debug)]
pub(crate) struct CallerRateLimiter {
    quota: Quota,
    clock: TokioClock,
    buckets: Cache<IpAddr, Arc<Bucket>>,
    /// The same for everybody, so it is written once.
    policy: HeaderValue,
}

/// What a bucket says of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// How long to wait, if the request is refused.
    pub(crate) wait: Option<Duration>,
    /// How many requests are left at once.
    remaining: u32,
}

impl CallerRateLimiter {
    /// Admits what the plan allows.
    pub(crate) fn new(limit: &ClientRateLimit) -> Self {
        // The shortest interval that can be counted is a nanosecond: a rate beyond it is no limit.
        let interval = limit.per_client.interval().max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval)
            .unwrap_or(Quota::per_second(NonZeroU32::MAX))
            .allow_burst(limit.burst);
        Self {
            policy: policy(quota),
            quota,
            clock: TokioClock::new(),
            buckets: Cache::builder()
                .max_capacity(CALLERS)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        }
    }

    /// Counts a request from `network`.
    pub(crate) fn ask(&self, network: IpAddr) -> Admitted {
        let bucket = self.buckets.get(&network);
        let bucket =
            bucket.unwrap_or_else(|| self.buckets.get_with(network, || Arc::new(self.bucket())));
        match bucket.check() {
            Ok(state) => Admitted {
                wait: None,
                remaining: state.remaining_burst_capacity(),
            },
            Err(until) => Admitted {
                wait: Some(until.wait_time_from(self.clock.now())),
                remaining: 0,
            },
        }
    }

    fn bucket(&self) -> Bucket {
        RateLimiter::direct_with_clock(self.quota, self.clock).with_middleware()
    }

    /// What is allowed, as a header says it.
    pub(crate) const fn policy(&self) -> &HeaderValue {
        &self.policy
    }

    /// What is left, as a header says it.
    pub(crate) fn left(&self, verdict: Admitted) -> Option<HeaderValue> {
        let remaining = verdict.remaining;
        let missing = self.quota.burst_size().get().saturating_sub(remaining);
        let reset = whole_seconds(self.quota.replenish_interval() * missing);
        // Room for both numbers at their largest.
        let mut text = Cursor::new([0; 48]);
        write!(text, r#""client";r={remaining};t={reset}"#).ok()?;
        let length = text.position() as usize;
        HeaderValue::from_bytes(&text.get_ref()[..length]).ok()
    }
}

/// What is allowed, as a header says it.
fn policy(quota: Quota) -> HeaderValue {
    let burst = quota.burst_size().get();
    let window = whole_seconds(quota.burst_size_replenished_in());
    HeaderValue::try_from(format!(r#""client";q={burst};w={window}"#))
        // Quotes, letters and digits always make a header value.
        .unwrap_or(HeaderValue::from_static(""))
}

/// Rounds up: whoever waits so long has waited long enough.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_has_room_for_the_largest_numbers() {
        let slow = CallerRateLimiter::new(&ClientRateLimit {
            per_client: "1/h".parse().unwrap(),
            burst: NonZeroU32::MAX,
        });
        let nothing = Admitted {
            wait: None,
            remaining: 0,
        };
        assert!(slow.left(nothing).is_some());
    }
}
