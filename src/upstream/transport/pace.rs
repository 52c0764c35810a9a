//! What an upstream's answers say of its own rate limit, before it refuses anything.
//!
//! Three spellings are known, each optional in each answer. Whose they are stands in
//! `docs/recipes.md`.
//!
//! * `RateLimit: "default";r=50;t=30` with `RateLimit-Policy: "default";q=100;w=60`
//!   (draft-ietf-httpapi-ratelimit-headers-10), and the one header of draft 7, `RateLimit:
//!   limit=100, remaining=50, reset=30`;
//! * `RateLimit-Limit`, `-Remaining` and `-Reset` (drafts 0 to 6);
//! * the same with `X-RateLimit-` or `X-Rate-Limit-` before them.
//!
//! Reading is a plain function; [`Spread`] says what follows. The quota waits.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::upstream::classify::delay::{LONGEST_DELAY, reset};

/// What is left of a limit of which nobody has said how large it is, when it is little.
const LITTLE: u64 = 20;
/// The longest that an answer which refuses nothing keeps a turn back. One that brought what was
/// asked for may be wrong about what is left, or know of nothing but the next hour; what is refused
/// after this says itself when to come back.
pub(super) const LONGEST_PACE: Duration = Duration::from_mins(1);
/// Two ends of a window that are no further apart are one: they are told in whole seconds.
const SAME_WINDOW: Duration = Duration::from_millis(1500);

/// What comes before `limit`, `remaining` and `reset`.
const PREFIXES: [&str; 3] = ["ratelimit", "x-ratelimit", "x-rate-limit"];

/// How much more may be asked, and for how long that has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    left: u64,
    of: Option<u64>,
    lasts: Duration,
}

impl Allowance {
    /// Whether so little is left that it has to be spread: a fifth of all.
    fn is_scarce(self) -> bool {
        match self.of {
            Some(of) => self.left.saturating_mul(5) <= of,
            None => self.left <= LITTLE,
        }
    }

    /// The time between two turns that makes it do.
    fn interval(self) -> Duration {
        self.lasts / u32::try_from(self.left.max(1)).unwrap_or(u32::MAX)
    }
}

/// All that an answer says. A limit of zero is how some say that there is none.
pub(super) fn allowances(headers: &HeaderMap, now: Timestamp) -> Vec<Allowance> {
    let listed = listed(headers, now);
    let single = PREFIXES.iter().filter_map(|prefix| {
        let read = |what: &str| text(headers, &format!("{prefix}-{what}"));
        Some(Allowance {
            left: read("remaining")?.trim().parse().ok()?,
            // Beside the limit itself some list their policies, as in `100, 100;w=60`.
            of: read("limit").and_then(|limit| first_number(&limit)),
            lasts: reset(&read("reset")?, now)?,
        })
    });
    listed
        .into_iter()
        .chain(single)
        .filter(|allowance| allowance.of != Some(0) && !allowance.lasts.is_zero())
        .collect()
}

/// What the one header says that holds everything.
fn listed(headers: &HeaderMap, now: Timestamp) -> Vec<Allowance> {
    let Some(field) = text(headers, "ratelimit") else {
        return Vec::new();
    };
    let members: Vec<_> = split(&field, ',').map(member).collect();
    let keyed = |key: &str| members.iter().find(|(name, _)| name.starts_with(key));
    let value = |key: &str| Some(keyed(key)?.0.split_once('=')?.1.trim().to_owned());
    if let (Some(left), Some(until)) = (value("remaining"), value("reset")) {
        let allowance = || {
            Some(Allowance {
                left: left.parse().ok()?,
                of: value("limit").and_then(|limit| limit.parse().ok()),
                lasts: reset(&until, now)?,
            })
        };
        return allowance().into_iter().collect();
    }
    let policies = text(headers, "ratelimit-policy").unwrap_or_default();
    let policies: Vec<_> = split(&policies, ',').map(member).collect();
    let allowance = |(name, parameters): &(&str, Vec<&str>)| {
        let policy = policies.iter().find(|(policy, _)| policy == name);
        Some(Allowance {
            left: parameter(parameters, "r")?.parse().ok()?,
            of: policy
                .and_then(|(_, parameters)| parameter(parameters, "q"))
                .and_then(|quota| quota.parse().ok()),
            lasts: reset(parameter(parameters, "t")?, now)?,
        })
    };
    members.iter().filter_map(allowance).collect()
}

/// A member of a list (RFC 9651): its name, and its parameters.
fn member(text: &str) -> (&str, Vec<&str>) {
    let mut parts = split(text, ';').map(str::trim);
    (parts.next().unwrap_or_default(), parts.collect())
}

fn parameter<'a>(parameters: &[&'a str], key: &str) -> Option<&'a str> {
    let mut pairs = parameters.iter().filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// Splits a text where no quotes are open.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |character| {
        is_quoted ^= character == '"';
        character == at && !is_quoted
    })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn first_number(text: &str) -> Option<u64> {
    text.split([',', ';']).next()?.trim().parse().ok()
}

/// What is left, spread over the time until more comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    left: u64,
    ends: Instant,
    next: Instant,
    /// The longest time between two turns.
    longest: Duration,
}

impl Spread {
    /// What follows from `said`, given what followed from earlier answers. No turn waits for longer
    /// than `longest` after the one before.
    pub(super) fn after(
        earlier: Option<Self>,
        said: &[Allowance],
        now: Instant,
        longest: Duration,
    ) -> Option<Self> {
        let earlier = earlier.filter(|spread| spread.ends > now);
        let is_same = |spread: &Self, allowance: &Allowance| {
            let ends = now + allowance.lasts;
            let apart = ends.max(spread.ends) - ends.min(spread.ends);
            apart <= SAME_WINDOW
        };
        let scarce = said.iter().filter(|allowance| allowance.is_scarce());
        let tightest = scarce.max_by_key(|allowance| match allowance.left {
            0 => (true, allowance.lasts),
            _ => (false, allowance.interval()),
        });
        match (earlier, tightest) {
            // Answers overtake each other: one that knows of less is right about its window.
            (Some(spread), Some(allowance)) if is_same(&spread, allowance) => Some(Self {
                left: spread.left.min(allowance.left),
                next: match allowance.left {
                    0 => spread.next.max(now + allowance.interval().min(longest)),
                    _ => spread.next,
                },
                longest,
                ..spread
            }),
            (earlier, Some(allowance)) => {
                let soon = now + allowance.interval().min(longest);
                Some(Self {
                    left: allowance.left,
                    ends: now + allowance.lasts.min(LONGEST_DELAY),
                    next: match (allowance.left, earlier) {
                        (0, _) => soon,
                        (_, Some(spread)) => spread.next.min(soon).max(now),
                        (_, None) => now,
                    },
                    longest,
                })
            }
            (Some(spread), None) => {
                let is_over = said.iter().any(|allowance| !is_same(&spread, allowance));
                (!is_over).then_some(spread)
            }
            (None, None) => None,
        }
    }

    /// When the next turn is, if it is not now.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        if now >= self.ends {
            return None;
        }
        let due = self.next.min(self.ends);
        (due > now).then_some(due)
    }

    /// Takes a turn.
    pub(super) fn take(&mut self, now: Instant) {
        let Some(lasts) = self.ends.checked_duration_since(now) else {
            return;
        };
        let left = u32::try_from(self.left.max(1)).unwrap_or(u32::MAX);
        self.next = now + (lasts / left).min(self.longest);
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-11-21T09:30:00Z";
    /// [`NOW`] as seconds since 1970.
    const EPOCH: i64 = 1_795_253_400;

    fn headers(lines: &str) -> HeaderMap {
        let pairs = lines.lines().map(|line| {
            let (name, value) = line.trim().split_once(": ").unwrap();
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    fn read(lines: &str) -> Vec<(u64, Option<u64>, u64)> {
        let now: Timestamp = NOW.parse().unwrap();
        assert_eq!(now.as_second(), EPOCH);
        allowances(&headers(lines), now)
            .into_iter()
            .map(|said| (said.left, said.of, said.lasts.as_secs()))
            .collect()
    }

    #[rstest]
    #[case::the_draft(
        "RateLimit-Policy: \"default\";q=100;w=60\nRateLimit: \"default\";r=50;t=30",
        &[(50, Some(100), 30)]
    )]
    #[case::the_draft_without_policy("RateLimit: \"a;r=1,b\";r=50;t=30", &[(50, None, 30)])]
    #[case::two_limits(
        "RateLimit-Policy: \"minute\";q=10;w=60, \"hour\";q=1000;w=3600\n\
         RateLimit: \"minute\";r=5;t=20, \"hour\" ;r=7; t=300",
        &[(5, Some(10), 20), (7, Some(1000), 300)]
    )]
    #[case::draft_7("RateLimit: limit=100, remaining=50, reset=30", &[(50, Some(100), 30)])]
    #[case::draft_6(
        "RateLimit-Limit: 100, 100;w=60\nRateLimit-Remaining: 50\nRateLimit-Reset: 30",
        &[(50, Some(100), 30)]
    )]
    #[case::a_delta("X-RateLimit-Remaining: 5\nX-RateLimit-Reset: 60", &[(5, None, 60)])]
    #[case::an_epoch(
        "X-RateLimit-Limit: 5000\nX-RateLimit-Remaining: 5\nX-RateLimit-Reset: 1795253460",
        &[(5, Some(5000), 60)]
    )]
    #[case::an_epoch_in_milliseconds(
        "X-RateLimit-Remaining: 5\nX-RateLimit-Reset: 1795253460000",
        &[(5, None, 60)]
    )]
    #[case::with_two_hyphens(
        "x-rate-limit-limit: 600\nx-rate-limit-remaining: 3\nx-rate-limit-reset: 1795253410",
        &[(3, Some(600), 10)]
    )]
    #[case::a_date(
        "RateLimit-Remaining: 5\nRateLimit-Reset: Sat, 21 Nov 2026 09:31:00 GMT",
        &[(5, None, 60)]
    )]
    #[case::far_away("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 9999999999", &[(0, None, 600)])]
    #[case::over("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1000000000", &[])]
    #[case::no_limit("X-RateLimit-Limit: 0\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 60", &[])]
    #[case::without_an_end("X-RateLimit-Remaining: 0", &[])]
    #[case::nonsense("RateLimit: ;;=,\"\nX-RateLimit-Remaining: -1\nX-RateLimit-Reset: soon", &[])]
    fn what_is_left_is_read_in_every_known_spelling(
        #[case] lines: &str,
        #[case] expected: &[(u64, Option<u64>, u64)],
    ) {
        assert_eq!(read(lines), expected);
    }

    fn said(left: u64, of: u64, seconds: u64) -> [Allowance; 1] {
        [Allowance {
            left,
            of: Some(of),
            lasts: Duration::from_secs(seconds),
        }]
    }

    fn after(earlier: Option<Spread>, said: &[Allowance], now: Instant) -> Option<Spread> {
        Spread::after(earlier, said, now, LONGEST_DELAY)
    }

    fn turns(mut spread: Spread, count: usize) -> Vec<u64> {
        let start = Instant::now();
        let mut now = start;
        let turn = || {
            if let Some(due) = spread.due(now) {
                now = due;
            }
            spread.take(now);
            (now - start).as_secs()
        };
        std::iter::repeat_with(turn).take(count).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn while_much_is_left_nothing_is_spread() {
        assert!(after(None, &said(21, 100, 30), Instant::now()).is_none());
        assert!(after(None, &said(20, 100, 30), Instant::now()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_spread_evenly_over_the_time_until_more_comes() {
        let spread = after(None, &said(3, 100, 30), Instant::now()).unwrap();
        assert_eq!(turns(spread, 5), [0, 10, 20, 30, 30]);
        let spread = after(None, &said(0, 100, 30), Instant::now()).unwrap();
        assert_eq!(turns(spread, 1), [30]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_little_is_left_of_a_long_window_keeps_no_turn_back_for_too_long() {
        let now = Instant::now();
        for (left, expected) in [(0, [60, 120, 180]), (2, [0, 60, 120])] {
            let spread = Spread::after(None, &said(left, 100, 600), now, LONGEST_PACE);
            assert_eq!(turns(spread.unwrap(), 3), expected);
        }
        // Said again by each answer, it is no longer.
        let spread = Spread::after(None, &said(0, 100, 600), now, LONGEST_PACE);
        let again = Spread::after(spread, &said(0, 100, 600), now, LONGEST_PACE);
        assert_eq!(turns(again.unwrap(), 2), [60, 120]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_tightest_of_several_limits_counts() {
        let both = [
            said(5, 100, 5)[0],
            said(2, 100, 60)[0],
            said(90, 100, 600)[0],
        ];
        let spread = after(None, &both, Instant::now()).unwrap();
        assert_eq!(turns(spread, 2), [0, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_overtaken_does_not_give_back_what_is_spent() {
        let now = Instant::now();
        let spread = after(None, &said(0, 100, 30), now);
        let spread = after(spread, &said(1, 100, 30), now);
        assert_eq!(turns(spread.unwrap(), 1), [30]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_window_counts_anew() {
        let now = Instant::now();
        let spread = after(None, &said(1, 100, 2), now);
        let later = now + Duration::from_secs(3);
        assert!(after(spread, &said(99, 100, 60), later).is_none());
        let early = now + Duration::from_secs(1);
        assert!(after(spread, &said(99, 100, 60), early).is_none());
        assert!(after(spread, &[], early).is_some());
    }
}
