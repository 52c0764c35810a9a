//! Limits, the breaker and hedging: bounds that leave no room, or that another bound makes idle.

use super::at_least_one;
use crate::config::Upstream;
use crate::config::upstream::Limits;
use crate::plan::limits::DEEPEST;
use crate::plan::{self, BreakerThresholds, Hedging};
use crate::problem::{KeyPath, Problem, Problems};

pub(super) fn check(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let limits = &upstream.limits;
    check_limits(&at.join("limits"), limits, problems);
    check_timeouts(&at.join("limits"), limits, problems);
    check_breaker(&at.join("breaker"), &upstream.breaker, problems);
    if let Some(hedge) = &upstream.hedge {
        check_hedge(&at.join("hedge"), hedge, upstream, problems);
    }
}

/// The limits, with the defaults of what is left out.
pub(crate) fn resolve(limits: &Limits) -> plan::Limits {
    let usual = plan::Limits::default();
    plan::Limits {
        rate: limits.rate,
        pacing: limits.pacing,
        concurrency: limits.concurrency,
        timeout: limits.timeout,
        connect_timeout: limits.connect_timeout.unwrap_or(usual.connect_timeout),
        head_timeout: limits.head_timeout,
        idle_timeout: limits.idle_timeout.unwrap_or(usual.idle_timeout),
        retries: limits.retries,
        walk: limits.walk,
        pages: limits.pages,
        groups: limits.groups,
        page_bytes: limits.page_bytes,
        depth: limits.depth,
        walk_bytes: limits.walk_bytes,
    }
}

fn check_limits(at: &KeyPath, limits: &Limits, problems: &mut Problems) {
    for (key, value) in [
        ("concurrency", u64::from(limits.concurrency)),
        ("pages", u64::from(limits.pages)),
        ("groups", u64::from(limits.groups)),
        ("page_bytes", limits.page_bytes.as_u64()),
        ("depth", u64::from(limits.depth)),
        ("walk_bytes", limits.walk_bytes.as_u64()),
    ] {
        at_least_one(at, key, value, problems);
    }
    if limits.depth > DEEPEST {
        problems.push(
            Problem::new(
                at.join("depth"),
                format!("`depth` must be at most {DEEPEST}"),
            )
            .with_help(
                "lists of groups are not that deep; check that the request is the right one",
            ),
        );
    }
    if limits.timeout.get().is_zero() {
        problems.push(Problem::new(
            at.join("timeout"),
            "`timeout` must be longer than zero",
        ));
    }
    if limits.timeout > limits.walk {
        problems.push(
            Problem::new(
                at.join("timeout"),
                format!(
                    "one attempt may take {}, but the whole walk only {}",
                    limits.timeout, limits.walk
                ),
            )
            .with_help("shorten `timeout`, or give `walk` more time"),
        );
    }
    if limits.page_bytes > limits.walk_bytes {
        problems.push(Problem::new(
            at.join("page_bytes"),
            format!(
                "one page may have {}, but the whole walk only {}",
                limits.page_bytes, limits.walk_bytes
            ),
        ));
    }
}

/// Checks the limits on parts of one try.
fn check_timeouts(at: &KeyPath, limits: &Limits, problems: &mut Problems) {
    for (key, part, does) in [
        ("connect_timeout", limits.connect_timeout, "connecting"),
        (
            "head_timeout",
            limits.head_timeout,
            "the head of a response",
        ),
        ("idle_timeout", limits.idle_timeout, "a pause in a body"),
    ] {
        let Some(part) = part else {
            continue;
        };
        if part.get().is_zero() {
            problems.push(Problem::new(
                at.join(key),
                format!("`{key}` must be longer than zero"),
            ));
        } else if part > limits.timeout {
            problems.push(
                Problem::new(
                    at.join(key),
                    format!(
                        "{does} may take {part}, but a whole attempt only {}",
                        limits.timeout
                    ),
                )
                .with_help(format!("shorten `{key}`, or give `timeout` more time")),
            );
        }
    }
}

fn check_breaker(at: &KeyPath, breaker: &BreakerThresholds, problems: &mut Problems) {
    for (key, value) in [
        ("failures", u64::from(breaker.failures)),
        ("calls", u64::from(breaker.calls)),
    ] {
        at_least_one(at, key, value, problems);
    }
    if !(breaker.rate > 0.0 && breaker.rate <= 1.0) {
        problems.push(
            Problem::new(
                at.join("rate"),
                format!(
                    "`{}` is not a fraction of the requests: write a number above 0 and up to 1",
                    breaker.rate
                ),
            )
            .with_help("half of them is `rate = 0.5`"),
        );
    }
    for (key, span) in [("window", breaker.window), ("open_for", breaker.open_for)] {
        if span.get().is_zero() {
            problems.push(
                Problem::new(at.join(key), format!("`{key}` must be longer than zero"))
                    .with_help("`enabled = false` switches the breaker off"),
            );
        }
    }
}

fn check_hedge(at: &KeyPath, hedge: &Hedging, upstream: &Upstream, problems: &mut Problems) {
    let limits = &upstream.limits;
    if hedge.after.get().is_zero() {
        problems.push(Problem::new(
            at.join("after"),
            "`after` must be longer than zero, or every request would be sent twice",
        ));
    }
    if hedge.after >= limits.timeout {
        problems.push(
            Problem::new(
                at.join("after"),
                format!(
                    "a response is never {} late, because an attempt ends after {} (`limits.timeout`)",
                    hedge.after, limits.timeout
                ),
            )
            .with_help("shorten `after`, or give `limits.timeout` more time"),
        );
    }
    if limits.concurrency == 1 {
        problems.push(
            Problem::new(
                at.clone(),
                "with `limits.concurrency = 1` a second request waits until the first has ended",
            )
            .with_help("allow two at least, or leave `hedge` out"),
        );
    }
    if !upstream.request.may_repeat() {
        problems.push(
            Problem::new(
                at.clone(),
                "a POST that is not `idempotent` is never sent twice",
            )
            .with_help("say `request.idempotent = true` if it only reads, or leave `hedge` out"),
        );
    }
}
