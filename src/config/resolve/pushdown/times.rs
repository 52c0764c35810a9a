//! Times that are handed on: whether their format is as fine as what the upstream tells apart.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::plan::TimeFormat;
use crate::plan::pushdown::PushedTime;
use crate::plan::time::read_by_pattern;
use crate::problem::{KeyPath, Problem, Problems};

/// Checks how a time is handed on.
pub(in crate::config::resolve) fn check(
    at: &KeyPath,
    time: Option<&PushedTime>,
    problems: &mut Problems,
) {
    let Some(time) = time.filter(|time| !is_fine_enough(time)) else {
        return;
    };
    let help = match time.format {
        TimeFormat::Date => "set `round = \"24h\"`, or a multiple of it",
        TimeFormat::Rfc3339
        | TimeFormat::Epoch
        | TimeFormat::EpochMs
        | TimeFormat::DateTime
        | TimeFormat::Ldap
        | TimeFormat::Rfc1123
        | TimeFormat::Microsoft
        | TimeFormat::Pattern(_) => {
            "set `round` to whole steps of what the format shows, such as `\"1s\"` or `\"1m\"`"
        }
    };
    problems.push(
        Problem::new(
            at.join("round"),
            format!(
                "this format cannot tell times apart that differ by {}, so groups between them \
                 would be missed",
                time.round
            ),
        )
        .with_help(help),
    );
}

/// Whether times that are whole steps of `round` are written so that they read back as the same.
fn is_fine_enough(time: &PushedTime) -> bool {
    const MILLISECOND: i128 = 1_000_000;
    const SECOND: i128 = 1_000 * MILLISECOND;
    let step = i128::try_from(time.round.get().as_nanos()).unwrap_or(0);
    let finest = match &time.format {
        TimeFormat::Rfc3339 => 1,
        TimeFormat::EpochMs | TimeFormat::Microsoft => MILLISECOND,
        TimeFormat::Epoch | TimeFormat::DateTime | TimeFormat::Ldap | TimeFormat::Rfc1123 => SECOND,
        TimeFormat::Date => 24 * 60 * 60 * SECOND,
        TimeFormat::Pattern(pattern) => return step > 0 && is_fine_pattern(pattern, step),
    };
    step > 0 && step % finest == 0
}

fn is_fine_pattern(pattern: &str, step: i128) -> bool {
    /// Days of this century, and a while of each step after them.
    const DAYS: [i128; 3] = [10_957, 19_781, 23_741];
    const DAY: i128 = 86_400_000_000_000;
    let reads_back = |nanoseconds: i128| {
        let Ok(time) = Timestamp::from_nanosecond(nanoseconds) else {
            return false;
        };
        let written = strtime::format(pattern, &time.to_zoned(TimeZone::UTC));
        written.is_ok_and(|text| read_by_pattern(pattern, &text) == Some(time))
    };
    DAYS.into_iter().all(|day| {
        let first = (day * DAY).div_euclid(step);
        (first..first + 50).all(|count| reads_back(count * step))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn time(format: TimeFormat, round: &str) -> PushedTime {
        PushedTime {
            format,
            round: round.parse().unwrap(),
            open: None,
        }
    }

    #[rstest]
    #[case(TimeFormat::Rfc3339, "1s", true)]
    #[case(TimeFormat::Rfc3339, "1ms", true)]
    #[case(TimeFormat::Date, "24h", true)]
    #[case(TimeFormat::Date, "48h", true)]
    #[case(TimeFormat::Date, "1s", false)]
    #[case(TimeFormat::Date, "36h", false)]
    #[case(TimeFormat::DateTime, "1ms", false)]
    #[case(TimeFormat::Epoch, "1ms", false)]
    #[case(TimeFormat::EpochMs, "1ms", true)]
    #[case(TimeFormat::Ldap, "1s", true)]
    #[case(TimeFormat::Rfc1123, "1s", true)]
    #[case(TimeFormat::Pattern("%d/%m/%Y %H:%M".to_owned()), "1s", false)]
    #[case(TimeFormat::Pattern("%d/%m/%Y %H:%M".to_owned()), "1m", true)]
    #[case(TimeFormat::Rfc3339, "0s", false)]
    fn a_format_that_is_coarser_than_its_step_is_noticed(
        #[case] format: TimeFormat,
        #[case] round: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(is_fine_enough(&time(format, round)), expected);
    }
}
