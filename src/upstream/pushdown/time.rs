//! Moments, as an upstream takes them: widened, and never finer than it sees.
//!
//! Ours are inclusive after and exclusive before. An upstream may have it the other way round, cut
//! what it compares with down to whole seconds or days, or round it: one step of that size to the
//! outside makes up for each of these, and for all of them together.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::group::Moment;
use crate::page::mapping::time::read_exactly;
use crate::plan::TimeFormat;
use crate::plan::pushdown::PushedTime;

use super::pushed::PushedValue;

/// The moment from which on an upstream is asked, so that nothing at or after `moment` is missed.
pub(super) fn after(rule: &PushedTime, moment: Moment) -> Option<PushedValue> {
    let step = step(rule)?;
    let whole = moment.as_nanosecond().div_euclid(step).checked_mul(step)?;
    write(rule, whole.checked_sub(step)?)
}

/// The same as a text.
pub(in crate::upstream) fn text_after(rule: &PushedTime, moment: Moment) -> Option<String> {
    Some(match after(rule, moment)? {
        PushedValue::Text(text) => text,
        PushedValue::Number(number) => number.to_string(),
    })
}

/// The moment up to which an upstream is asked, so that nothing before `moment` is missed.
pub(super) fn before(rule: &PushedTime, moment: Moment) -> Option<PushedValue> {
    let step = step(rule)?;
    let below = moment.as_nanosecond().checked_neg()?.div_euclid(step);
    let whole = below.checked_mul(step)?.checked_neg()?;
    write(rule, whole.checked_add(step)?)
}

fn step(rule: &PushedTime) -> Option<i128> {
    let step = i128::try_from(rule.round.get().as_nanos()).ok()?;
    (step > 0).then_some(step)
}

/// The moment as the upstream reads it, if it can be read back as the same.
fn write(rule: &PushedTime, nanoseconds: i128) -> Option<PushedValue> {
    let moment = Timestamp::from_nanosecond(nanoseconds).ok()?;
    let by = |pattern: &str| strtime::format(pattern, &moment.to_zoned(TimeZone::UTC)).ok();
    let number = |count: i64| u64::try_from(count).ok().map(PushedValue::Number);
    let written = match &rule.format {
        TimeFormat::Rfc3339 => PushedValue::Text(moment.to_string()),
        TimeFormat::Epoch => number(moment.as_second())?,
        TimeFormat::EpochMs => number(moment.as_millisecond())?,
        TimeFormat::DateTime => PushedValue::Text(by("%Y-%m-%d %H:%M:%S")?),
        TimeFormat::Date => PushedValue::Text(by("%Y-%m-%d")?),
        TimeFormat::Ldap => PushedValue::Text(by("%Y%m%d%H%M%SZ")?),
        TimeFormat::Rfc1123 => PushedValue::Text(by("%a, %d %b %Y %H:%M:%S GMT")?),
        TimeFormat::Microsoft => PushedValue::Text(format!("/Date({})/", moment.as_millisecond())),
        TimeFormat::Pattern(pattern) => PushedValue::Text(by(pattern)?),
    };
    let text = match &written {
        PushedValue::Text(text) => text.clone(),
        PushedValue::Number(number) => number.to_string(),
    };
    (read_exactly(&rule.format, &text) == Some(moment.into())).then_some(written)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::Span;

    fn rule(format: TimeFormat, round: &str) -> PushedTime {
        PushedTime {
            format,
            round: round.parse().unwrap(),
            open: None,
        }
    }

    fn moment(text: &str) -> Moment {
        text.parse().unwrap()
    }

    fn text(text: &str) -> PushedValue {
        PushedValue::Text(text.to_owned())
    }

    #[test]
    fn a_moment_goes_out_one_step_to_the_outside_and_whole() {
        let days = rule(TimeFormat::Date, "24h");
        let noon = moment("2024-01-15T12:00:00Z");
        assert_eq!(after(&days, noon), Some(text("2024-01-14")));
        assert_eq!(before(&days, noon), Some(text("2024-01-17")));
        let midnight = moment("2024-01-15T00:00:00Z");
        assert_eq!(after(&days, midnight), Some(text("2024-01-14")));
        assert_eq!(before(&days, midnight), Some(text("2024-01-16")));
        let seconds = rule(TimeFormat::Epoch, "1s");
        assert_eq!(
            after(&seconds, moment("1970-01-01T00:00:10.5Z")),
            Some(PushedValue::Number(9))
        );
        assert_eq!(
            before(&seconds, moment("1970-01-01T00:00:10.5Z")),
            Some(PushedValue::Number(12))
        );
    }

    #[test]
    fn a_moment_that_the_format_cannot_hold_is_not_written() {
        // A count from 1970 below zero is read by few, and 0 is never.
        let seconds = rule(TimeFormat::Epoch, "1s");
        assert_eq!(after(&seconds, moment("1970-01-01T00:00:00Z")), None);
        assert_eq!(after(&seconds, moment("1970-01-01T00:00:01Z")), None);
        let plain = PushedTime::default();
        assert_eq!(after(&plain, Timestamp::MIN.into()), None);
        assert_eq!(before(&plain, Timestamp::MAX.into()), None);
        let years = rule(TimeFormat::Pattern("%d.%m.%y".to_owned()), "24h");
        assert_eq!(after(&years, moment("1900-06-01T00:00:00Z")), None);
    }

    /// How an upstream compares: what becomes of the time of a group, and whether the bound itself
    /// counts.
    #[derive(Debug, Clone, Copy)]
    enum Rounding {
        Down,
        Up,
        Nearest,
        Not,
    }

    fn seen(time: i128, rounding: Rounding, step: i128) -> i128 {
        match rounding {
            Rounding::Down => time.div_euclid(step) * step,
            Rounding::Up => -(-time).div_euclid(step) * step,
            Rounding::Nearest => (time + step / 2).div_euclid(step) * step,
            Rounding::Not => time,
        }
    }

    fn some_rule() -> impl Strategy<Value = PushedTime> {
        prop::sample::select(vec![
            rule(TimeFormat::Rfc3339, "1s"),
            rule(TimeFormat::Rfc3339, "1ms"),
            rule(TimeFormat::Epoch, "1s"),
            rule(TimeFormat::EpochMs, "1ms"),
            rule(TimeFormat::Date, "24h"),
            rule(TimeFormat::DateTime, "1m"),
            rule(TimeFormat::Ldap, "1h"),
            rule(TimeFormat::Rfc1123, "1s"),
            rule(TimeFormat::Pattern("%d/%m/%Y %H:%M".to_owned()), "1m"),
        ])
    }

    proptest! {
        #[test]
        fn no_upstream_loses_a_group_that_lies_in_our_range(
            rule in some_rule(),
            bound in 0_i128..2_000_000_000_000_000_000,
            distance in prop_oneof![0_i128..3, 0_i128..2_000_000_000, 0_i128..200_000_000_000_000],
            rounding in prop::sample::select(vec![Rounding::Down, Rounding::Up, Rounding::Nearest, Rounding::Not]),
            inclusive in any::<bool>(),
        ) {
            let step = i128::try_from(rule.round.get().as_nanos()).unwrap();
            let read = |written: PushedValue| {
                let text = match written {
                    PushedValue::Text(text) => text,
                    PushedValue::Number(number) => number.to_string(),
                };
                read_exactly(&rule.format, &text).unwrap().as_nanosecond()
            };
            let moment = Moment::from_nanosecond(bound).unwrap();
            if let Some(written) = after(&rule, moment) {
                let (asked, time) = (read(written), seen(bound + distance, rounding, step));
                prop_assert!(time > asked || (inclusive && time == asked));
            }
            if let Some(written) = before(&rule, moment) {
                let (asked, time) = (read(written), seen(bound - 1 - distance, rounding, step));
                prop_assert!(time < asked || (inclusive && time == asked));
            }
        }
    }

    #[test]
    fn a_moment_is_handed_on_by_seconds_unless_said_otherwise() {
        assert_eq!(PushedTime::default().round, Span::seconds(1));
        let noon = moment("2024-01-15T12:00:00.25Z");
        assert_eq!(
            after(&PushedTime::default(), noon),
            Some(text("2024-01-15T11:59:59Z"))
        );
        assert_eq!(
            before(&PushedTime::default(), noon),
            Some(text("2024-01-15T12:00:02Z"))
        );
    }
}
