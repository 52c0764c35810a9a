//! The rate limit headers of a response: how many requests an upstream still allows.
//!
//! Three variants are known, each optional in each response. `docs/recipes.md` lists who sends
//! which.
//!
//! * `RateLimit: "default";r=50;t=30` with `RateLimit-Policy: "default";q=100;w=60`
//!   (draft-ietf-httpapi-ratelimit-headers-10), and the single header of draft 7, `RateLimit:
//!   limit=100, remaining=50, reset=30`;
//! * `RateLimit-Limit`, `-Remaining` and `-Reset` (drafts 0 to 6);
//! * the same with the prefix `X-RateLimit-` or `X-Rate-Limit-`, also with a name between, as in
//!   `X-Sentry-Rate-Limit-Remaining`.
//!
//! Parsing is a plain function; [`Pacing`](crate::upstream::transport) says what follows from it.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use super::delay::reset;

/// How many remaining requests are few if the upstream does not state its limit.
const FEW: u64 = 20;

/// What stands before `-limit`, `-remaining` and `-reset`, after `x-` and whatever name.
const WORDS: [&str; 2] = ["ratelimit", "rate-limit"];

/// One limit of the upstream, as a response states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::upstream) struct RateLimitStatus {
    pub(in crate::upstream) remaining: u64,
    pub(in crate::upstream) limit: Option<u64>,
    pub(in crate::upstream) resets_in: Duration,
}

/// That a response states that no request remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exhausted {
    /// How long until more requests are allowed, if the response says so.
    pub(super) resets_in: Option<Duration>,
}

impl RateLimitStatus {
    /// Whether so few requests remain that they have to be spread: a fifth of all.
    pub(in crate::upstream) fn is_scarce(self) -> bool {
        match self.limit {
            Some(limit) => self.remaining.saturating_mul(5) <= limit,
            None => self.remaining <= FEW,
        }
    }

    /// The interval between two requests at which the remaining ones suffice.
    pub(in crate::upstream) fn interval(self) -> Duration {
        self.resets_in / u32::try_from(self.remaining.max(1)).unwrap_or(u32::MAX)
    }
}

/// A limit as it is written: some responses do not say when it resets.
struct Stated {
    remaining: u64,
    limit: Option<u64>,
    resets_in: Option<Duration>,
}

/// All limits that a response states with the time at which they reset.
pub(in crate::upstream) fn parse(headers: &HeaderMap, now: Timestamp) -> Vec<RateLimitStatus> {
    stated(headers, now)
        .filter_map(|stated| {
            Some(RateLimitStatus {
                remaining: stated.remaining,
                limit: stated.limit,
                resets_in: stated.resets_in.filter(|resets_in| !resets_in.is_zero())?,
            })
        })
        .collect()
}

/// Whether a response states that no request remains.
pub(super) fn exhausted(headers: &HeaderMap, now: Timestamp) -> Option<Exhausted> {
    stated(headers, now)
        .filter(|stated| stated.remaining == 0)
        .map(|stated| stated.resets_in)
        .reduce(Option::max)
        .map(|resets_in| Exhausted { resets_in })
}

/// Some upstreams send a limit of zero for no limit.
fn stated(headers: &HeaderMap, now: Timestamp) -> impl Iterator<Item = Stated> {
    let separate = headers.keys().filter_map(move |name| {
        let prefix = name.as_str().strip_suffix("-remaining")?;
        is_of_limit(prefix).then_some(prefix)
    });
    let separate = separate.filter_map(move |prefix| {
        let read = |what: &str| text(headers, &format!("{prefix}-{what}"));
        Some(Stated {
            remaining: read("remaining")?.trim().parse().ok()?,
            // Some append their policies to the limit, as in `100, 100;w=60`.
            limit: read("limit").and_then(|limit| first_number(&limit)),
            resets_in: read("reset").and_then(|until| reset(&until, now)),
        })
    });
    combined(headers, now)
        .into_iter()
        .chain(separate)
        .filter(|stated| stated.limit != Some(0))
}

/// Whether headers that begin so state a limit of requests.
fn is_of_limit(prefix: &str) -> bool {
    let is_named = |word: &&str| {
        let name = prefix.strip_suffix(*word);
        name.is_some_and(|name| name.starts_with("x-") && name.ends_with('-'))
    };
    prefix == "ratelimit" || WORDS.iter().any(is_named)
}

/// The limits in the `RateLimit` header of drafts 7 and later.
fn combined(headers: &HeaderMap, now: Timestamp) -> Vec<Stated> {
    let Some(field) = text(headers, "ratelimit") else {
        return Vec::new();
    };
    let members: Vec<_> = split(&field, ',').map(member).collect();
    let keyed = |key: &str| members.iter().find(|(name, _)| name.starts_with(key));
    let value = |key: &str| Some(keyed(key)?.0.split_once('=')?.1.trim().to_owned());
    if let Some(remaining) = value("remaining") {
        let stated = || {
            Some(Stated {
                remaining: remaining.parse().ok()?,
                limit: value("limit").and_then(|limit| limit.parse().ok()),
                resets_in: value("reset").and_then(|until| reset(&until, now)),
            })
        };
        return stated().into_iter().collect();
    }
    let policies = text(headers, "ratelimit-policy").unwrap_or_default();
    let policies: Vec<_> = split(&policies, ',').map(member).collect();
    let stated = |(name, parameters): &(&str, Vec<&str>)| {
        let policy = policies.iter().find(|(policy, _)| policy == name);
        Some(Stated {
            remaining: parameter(parameters, "r")?.parse().ok()?,
            limit: policy
                .and_then(|(_, parameters)| parameter(parameters, "q"))
                .and_then(|quota| quota.parse().ok()),
            resets_in: parameter(parameters, "t").and_then(|until| reset(until, now)),
        })
    };
    members.iter().filter_map(stated).collect()
}

/// The name and parameters of a list member (RFC 9651).
fn member(text: &str) -> (&str, Vec<&str>) {
    let mut parts = split(text, ';').map(str::trim);
    (parts.next().unwrap_or_default(), parts.collect())
}

fn parameter<'a>(parameters: &[&'a str], key: &str) -> Option<&'a str> {
    let mut pairs = parameters.iter().filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// Splits a text at separators outside of quotes.
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
        parse(&headers(lines), now)
            .into_iter()
            .map(|status| (status.remaining, status.limit, status.resets_in.as_secs()))
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
    #[case::with_a_name(
        "X-Sentry-Rate-Limit-Limit: 40\nX-Sentry-Rate-Limit-Remaining: 5\nX-Sentry-Rate-Limit-Reset: 1795253460",
        &[(5, Some(40), 60)]
    )]
    #[case::of_something_else(
        "X-Sentry-Rate-Limit-ConcurrentRemaining: 0\nX-Sentry-Rate-Limit-Reset: 60\nCost-RateLimit-Remaining: 1\n\
         Cost-RateLimit-Reset: 60",
        &[]
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
    fn the_remaining_requests_are_read_from_all_known_headers(
        #[case] lines: &str,
        #[case] expected: &[(u64, Option<u64>, u64)],
    ) {
        assert_eq!(read(lines), expected);
    }

    #[rstest]
    #[case::with_an_end("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 60", Some("in 60s"))]
    #[case::without_an_end("X-RateLimit-Remaining: 0", Some("at no stated time"))]
    #[case::of_two_limits("RateLimit: \"second\";r=0;t=1, \"hour\";r=0;t=300", Some("in 300s"))]
    #[case::of_one_of_two(
        "RateLimit: \"second\";r=5;t=1, \"hour\";r=0",
        Some("at no stated time")
    )]
    #[case::draft_7("RateLimit: limit=100, remaining=0", Some("at no stated time"))]
    #[case::some_remain("X-RateLimit-Remaining: 1\nX-RateLimit-Reset: 60", None)]
    #[case::no_limit("X-RateLimit-Limit: 0\nX-RateLimit-Remaining: 0", None)]
    #[case::nothing_is_said("Content-Type: text/plain", None)]
    fn whether_no_request_remains_is_read_with_and_without_a_reset(
        #[case] lines: &str,
        #[case] expected: Option<&str>,
    ) {
        let found = exhausted(&headers(lines), NOW.parse().unwrap());
        let found = found.map(|found| match found.resets_in {
            Some(resets_in) => format!("in {}s", resets_in.as_secs()),
            None => "at no stated time".to_owned(),
        });
        assert_eq!(found.as_deref(), expected);
    }
}
