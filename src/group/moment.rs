//! When something happened to a group.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// An instant that RFC 3339 can write. The last [`Timestamp`] is 26 hours before the end of the year
/// 9999, and many systems write that end for "never".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Moment {
    seconds: i64,
    /// Of the same sign as the seconds.
    nanoseconds: i32,
}

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// After 400 years the calendar repeats itself, weekdays too.
const CYCLE: i64 = 146_097 * 86_400;
const LAST_YEAR: &str = "9999";
const CYCLE_BEFORE: &str = "9599";

impl Moment {
    /// The end of the year 9999.
    pub const MAX: Self = Self {
        seconds: 253_402_300_799,
        nanoseconds: 999_999_999,
    };

    /// Seconds and nanoseconds since 1970.
    pub fn new(seconds: i64, nanoseconds: i32) -> Option<Self> {
        let at = |seconds| Timestamp::new(seconds, nanoseconds).ok();
        let last = || Self::a_cycle_after(at(seconds.checked_sub(CYCLE)?)?);
        at(seconds).map(Self::from).or_else(last)
    }

    /// Nanoseconds since 1970.
    pub fn from_nanosecond(count: i128) -> Option<Self> {
        let seconds = i64::try_from(count / NANOS_PER_SECOND).ok()?;
        Self::new(seconds, (count % NANOS_PER_SECOND) as i32)
    }

    /// The instant of a text with a year of four digits. `reader` need not know the last hours of the
    /// year 9999.
    pub fn read(text: &str, reader: impl Fn(&str) -> Option<Timestamp>) -> Option<Self> {
        let last = || {
            let text = text.contains(LAST_YEAR).then_some(text)?;
            let before = text.replacen(LAST_YEAR, CYCLE_BEFORE, 1);
            Self::a_cycle_after(reader(&before)?)
        };
        reader(text).map(Self::from).or_else(last)
    }

    /// An instant that is later than the last [`Timestamp`].
    fn a_cycle_after(time: Timestamp) -> Option<Self> {
        let later = Self {
            seconds: time.as_second() + CYCLE,
            ..Self::from(time)
        };
        (later > Self::from(Timestamp::MAX) && later <= Self::MAX).then_some(later)
    }

    /// The whole seconds since 1970.
    pub const fn as_second(self) -> i64 {
        self.seconds
    }

    /// The nanoseconds beside the whole seconds.
    pub const fn subsec_nanosecond(self) -> i32 {
        self.nanoseconds
    }

    /// The nanoseconds since 1970.
    pub fn as_nanosecond(self) -> i128 {
        i128::from(self.seconds) * NANOS_PER_SECOND + i128::from(self.nanoseconds)
    }

    /// The nearest [`Timestamp`].
    pub fn nearest(self) -> Timestamp {
        Timestamp::new(self.seconds, self.nanoseconds).unwrap_or(Timestamp::MAX)
    }
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Self {
            seconds: time.as_second(),
            nanoseconds: time.subsec_nanosecond(),
        }
    }
}

impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        let read = Self::read(text, |text| text.parse().ok());
        read.map_or_else(|| text.parse().map(|time: Timestamp| time.into()), Ok)
    }
}

impl TryFrom<String> for Moment {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        text.parse()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(time) = Timestamp::new(self.seconds, self.nanoseconds) {
            return time.fmt(formatter);
        }
        let before = Timestamp::new(self.seconds - CYCLE, self.nanoseconds);
        let before = before.map_err(|_| fmt::Error)?.to_string();
        formatter.write_str(&before.replacen(CYCLE_BEFORE, LAST_YEAR, 1))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("9999-12-30T22:00:00.999999999Z", "9999-12-30T22:00:00.999999999Z")]
    #[case("9999-12-30T22:00:01Z", "9999-12-30T22:00:01Z")]
    #[case("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z")]
    #[case("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z")]
    #[case("9999-12-31T23:59:59+02:00", "9999-12-31T21:59:59Z")]
    #[case("1969-12-31T23:59:58.5Z", "1969-12-31T23:59:58.5Z")]
    fn every_instant_of_rfc_3339_reads_back(#[case] text: &str, #[case] expected: &str) {
        let moment: Moment = text.parse().unwrap();
        assert_eq!(moment.to_string(), expected);
        assert_eq!(
            Moment::from_nanosecond(moment.as_nanosecond()),
            Some(moment)
        );
        let written = serde_json::to_string(&moment).unwrap();
        assert_eq!(serde_json::from_str::<Moment>(&written).unwrap(), moment);
    }

    #[rstest]
    #[case("9999-12-31T23:59:59-12:00")]
    #[case("9999-13-31T23:59:59Z")]
    #[case("9999-12-31T23:59:59")]
    fn no_other_instant_is_read(#[case] text: &str) {
        assert!(text.parse::<Moment>().is_err());
    }

    #[test]
    fn instants_are_in_order() {
        let texts = [
            "1969-12-31T23:59:58.5Z",
            "1969-12-31T23:59:59.5Z",
            "1970-01-01T00:00:00.5Z",
            "9999-12-30T22:00:00.999999999Z",
            "9999-12-30T22:00:01Z",
            "9999-12-31T23:59:59.999999999Z",
        ];
        let moments = texts.map(|text| text.parse::<Moment>().unwrap());
        assert!(moments.is_sorted_by(|left, right| left < right));
        assert_eq!(moments[5], Moment::MAX);
    }
}
