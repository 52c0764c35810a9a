//! How often a caller may ask: 429 beyond its allowance, and on every answer how much is left.
//!
//! Each caller, which is known by its network or by who it is, has a token bucket of its own. The buckets live in a
//! bounded cache, for callers choose their addresses and must not choose our memory: the one that asked longest ago is
//! forgotten first, and by then its bucket is most likely full again. A connection holds on to the bucket of its client
//! for a moment, for looking it up costs more than counting.

use std::cell::Cell;
use std::fmt;
use std::hash::Hash;
use std::io::Write as _;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::{HeaderName, HeaderValue};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

use crate::plan::ClientRateLimit;

/// What is left, as in draft-ietf-httpapi-ratelimit-headers-10, section 4.
pub(crate) const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What is allowed, as in section 3 of the same draft.
pub(crate) const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How many callers are remembered: some tens of MiB at most.
const CALLERS: u64 = 100_000;

type Bucket = RateLimiter<NotKeyed, InMemoryState, ArrivalClock, StateInformationMiddleware>;

thread_local! {
    /// When the request came that this thread counts, after its limiter was made.
    static ARRIVED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The time at which the request came that is counted. It is known: to look at the clock again takes as long as
/// counting.
#[derive(Debug, Clone, Copy)]
struct ArrivalClock;

impl Clock for ArrivalClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        ARRIVED.get()
    }
}

/// Counts what each caller asks, by what tells callers apart.
pub(crate) struct CallerRateLimiter<K = IpAddr> {
    /// What headers call its limit.
    name: &'static str,
    quota: Quota,
    made: Instant,
    buckets: Cache<K, Arc<Bucket>>,
    /// Which limiter it is: a bucket belongs to one.
    number: u64,
    /// The same for everybody, so it is written once.
    policy: HeaderValue,
}

impl<K> fmt::Debug for CallerRateLimiter<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("CallerRateLimiter");
        shown.field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// How long a connection takes it that its client's bucket was not forgotten.
const HELD: Duration = Duration::from_secs(1);

/// The number of the next limiter.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The bucket of a connection's client, where it was looked up not long ago.
#[derive(Debug)]
pub(crate) struct HeldBucket<K = IpAddr>(Mutex<Option<FoundBucket<K>>>);

impl<K> Default for HeldBucket<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[derive(Debug)]
struct FoundBucket<K> {
    caller: K,
    bucket: Arc<Bucket>,
    limiter: u64,
    at: Instant,
    /// What was said last. A client that asks seldom enough is told the same each time.
    told: Option<(u32, HeaderValue)>,
}

/// What an answer says of its caller's allowance.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// What is allowed.
    pub(crate) policy: HeaderValue,
    /// What is left of it.
    pub(crate) left: Option<HeaderValue>,
}

/// What a bucket says of one request.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// How long to wait, if the request is refused.
    pub(crate) wait: Option<Duration>,
    /// What is left, as a header says it.
    pub(crate) left: Option<HeaderValue>,
}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> CallerRateLimiter<K> {
    /// Admits what the plan allows. Headers call the limit by this name.
    pub(crate) fn new(limit: &ClientRateLimit, name: &'static str) -> Self {
        Self::every(limit.per_client.interval(), limit.burst, name)
    }

    /// Admits one request in each interval, and so many at once.
    pub(crate) fn every(interval: Duration, burst: NonZeroU32, name: &'static str) -> Self {
        // The shortest interval that can be counted is a nanosecond: a rate beyond it is no limit.
        let interval = interval.max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval)
            .unwrap_or(Quota::per_second(NonZeroU32::MAX))
            .allow_burst(burst);
        Self {
            name,
            policy: policy(name, quota),
            quota,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            made: Instant::now(),
            buckets: Cache::builder()
                .max_capacity(CALLERS)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        }
    }

    /// Counts a request of `caller` that came `now`, over a connection that may hold its bucket.
    pub(crate) fn ask(&self, caller: K, held: &HeldBucket<K>, now: Instant) -> Admitted {
        ARRIVED.set(now.saturating_duration_since(self.made));
        let mut held = held.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = |found: &FoundBucket<K>| {
            found.limiter == self.number && found.caller == caller && now < found.at + HELD
        };
        let found = match &mut *held {
            Some(found) if is_ours(found) => found,
            place => place.insert(FoundBucket {
                caller,
                bucket: self.find(caller),
                limiter: self.number,
                at: now,
                told: None,
            }),
        };
        let (wait, remaining) = match found.bucket.check() {
            Ok(state) => (None, state.remaining_burst_capacity()),
            Err(until) => (Some(until.wait_time_from(ArrivalClock.now())), 0),
        };
        if found
            .told
            .as_ref()
            .is_none_or(|(told, _)| *told != remaining)
        {
            found.told = self.left(remaining).map(|left| (remaining, left));
        }
        Admitted {
            wait,
            left: found.told.as_ref().map(|(_, left)| left.clone()),
        }
    }

    fn find(&self, caller: K) -> Arc<Bucket> {
        let bucket = || RateLimiter::direct_with_clock(self.quota, ArrivalClock).with_middleware();
        let found = self.buckets.get(&caller);
        found.unwrap_or_else(|| self.buckets.get_with(caller, || Arc::new(bucket())))
    }

    /// What is allowed, as a header says it.
    pub(crate) const fn policy(&self) -> &HeaderValue {
        &self.policy
    }

    /// What is left, as a header says it.
    fn left(&self, remaining: u32) -> Option<HeaderValue> {
        let missing = self.quota.burst_size().get().saturating_sub(remaining);
        let reset = whole_seconds(self.quota.replenish_interval() * missing);
        let (mut first, mut second) = (itoa::Buffer::new(), itoa::Buffer::new());
        let parts = [
            "\"",
            self.name,
            "\";r=",
            first.format(remaining),
            ";t=",
            second.format(reset),
        ];
        // Room for both numbers at their largest.
        let mut text = [0; 48];
        let mut room = &mut text[..];
        for part in parts {
            room.write_all(part.as_bytes()).ok()?;
        }
        let unused = room.len();
        HeaderValue::from_bytes(&text[..text.len() - unused]).ok()
    }
}

/// What is allowed, as a header says it.
fn policy(name: &str, quota: Quota) -> HeaderValue {
    let burst = quota.burst_size().get();
    let window = whole_seconds(quota.burst_size_replenished_in());
    HeaderValue::try_from(format!(r#""{name}";q={burst};w={window}"#))
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

    fn limiter() -> CallerRateLimiter {
        CallerRateLimiter::new(
            &ClientRateLimit {
                per_client: "1/h".parse().unwrap(),
                burst: 3.try_into().unwrap(),
            },
            "client",
        )
    }

    /// How many requests are left, as the header says it.
    fn remaining(admitted: &Admitted) -> u32 {
        let left = admitted.left.as_ref().unwrap().to_str().unwrap();
        let (_, left) = left.split_once("r=").unwrap();
        left.split_once(';').unwrap().0.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn connections_of_a_client_share_its_bucket_and_those_of_another_do_not() {
        let limiter = limiter();
        let [first, second, other] = <[HeldBucket; 3]>::default();
        let ask = |network: [u8; 4], held| limiter.ask(network.into(), held, Instant::now());
        let here = [192, 0, 2, 1];
        for (held, expected) in [(&first, 2), (&second, 1), (&first, 0)] {
            assert_eq!(remaining(&ask(here, held)), expected);
        }
        for held in [&first, &second] {
            assert!(ask(here, held).wait.is_some());
        }
        assert_eq!(remaining(&ask([192, 0, 2, 2], &other)), 2);
        // It is looked up again.
        tokio::time::advance(HELD).await;
        assert!(ask(here, &first).wait.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_holds_no_bucket_of_the_limiter_before() {
        let held = HeldBucket::default();
        let network = [192, 0, 2, 1].into();
        for limiter in [limiter(), limiter()] {
            let admitted = limiter.ask(network, &held, Instant::now());
            assert_eq!(remaining(&admitted), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_several_use_counts_each_for_itself() {
        let (limiter, held) = (limiter(), HeldBucket::default());
        let ask = |last| limiter.ask([192, 0, 2, last].into(), &held, Instant::now());
        for (last, expected) in [(1, 2), (2, 2), (1, 1), (2, 1)] {
            assert_eq!(remaining(&ask(last)), expected);
        }
    }

    #[test]
    fn what_is_left_has_room_for_the_largest_numbers() {
        let slow = CallerRateLimiter::<IpAddr>::new(
            &ClientRateLimit {
                per_client: "1/h".parse().unwrap(),
                burst: NonZeroU32::MAX,
            },
            "client",
        );
        assert!(slow.left(0).is_some());
    }
}
