//! When something happened to a group.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize, Serializer};

/// An instant that RFC 3339 can write. The last [`Timestamp`] is 26 hours before the end of the year
/// 9999, and many systems write that end for "never".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
// Every row of a snapshot has two.
#[repr(Rust, packed(4))]
pub struct Moment {
    seconds: i64,
    /// Of the same sign as the seconds.
    nanoseconds: i32,
}

/// How long an instant of whole seconds is, without its `Z`.
const SECONDS: usize = 19;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANOSECOND_DIGITS: usize = 9;

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

    /// What stands for no instant where a word more would be kept a million times.
    pub(crate) const NONE: Self = Self {
        seconds: i64::MIN,
        nanoseconds: 0,
    };

    /// The instant, unless it is [`Self::NONE`].
    #[inline]
    pub(crate) const fn known(self) -> Option<Self> {
        if self.seconds == i64::MIN {
            None
        } else {
            Some(self)
        }
    }

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
    /// year 9999, nor anything shorter than a nanosecond, which is cut off.
    pub fn read(text: &str, reader: impl Fn(&str) -> Option<Timestamp>) -> Option<Self> {
        let read = |text: &str| {
            let last = || {
                let text = text.contains(LAST_YEAR).then_some(text)?;
                let before = text.replacen(LAST_YEAR, CYCLE_BEFORE, 1);
                Self::a_cycle_after(reader(&before)?)
            };
            reader(text).map(Self::from).or_else(last)
        };
        read(text).or_else(|| read(&to_nanoseconds(text)?))
    }

    /// The instant of a text that is written as [`Self`]'s `Display` does, which any other reader reads
    /// as well. Most upstreams write it so.
    #[inline]
    pub(crate) fn read_own(text: &str) -> Option<Self> {
        let (seconds, rest) = text.as_bytes().split_first_chunk::<SECONDS>()?;
        // Read by eight bytes each, which overlap: `YYYY-MM-`, `MM-DDThh` and `hh:mm:ss`.
        let [date @ .., _, _, _, _, _, _] = seconds;
        let (years, days) = (
            pairs(date.first_chunk()?, YEAR)?,
            pairs(date.last_chunk()?, DAY)?,
        );
        let times = pairs(seconds.last_chunk()?, TIME)?;
        let pair = |pairs: u64, at: u32| (pairs >> (8 * at) & 0xff) as i32;
        let (year, month) = (pair(years, 0) * 100 + pair(years, 2), pair(years, 5));
        let (day, hour) = (pair(days, 3), pair(days, 6));
        let (minute, second) = (pair(times, 3), pair(times, 6));
        let nanoseconds = match rest {
            b"Z" => 0,
            [b'.', digits @ .., b'Z'] => fraction(digits)?,
            _ => return None,
        };
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + i32::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => return None,
        };
        // The last hours of the year 9999 are for the others.
        let is_plain = (1970..9999).contains(&year)
            && (1..=days).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !is_plain {
            return None;
        }
        Some(Self {
            seconds: i64::from(days_since_1970(year, month, day)) * 86_400
                + i64::from(hour * 3600 + minute * 60 + second),
            nanoseconds,
        })
    }

    /// An instant that is later than the last [`Timestamp`].
    fn a_cycle_after(time: Timestamp) -> Option<Self> {
        let later = Self {
            seconds: time.as_second() + CYCLE,
            ..Self::from(time)
        };
        (later > Self::from(Timestamp::MAX) && later <= Self::MAX).then_some(later)
    }

    /// Writes the instant as [`Self`]'s `Display` does.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        // Times since 1970 are what there is. Of the last second before it only the nanoseconds are negative.
        match Timestamp::new(self.seconds, self.nanoseconds) {
            Ok(time) if self.seconds >= 0 && self.nanoseconds >= 0 => {
                let civil = Offset::UTC.to_datetime(time);
                let mut text = *b"0000-00-00T00:00:00.000000000Z";
                digits(&mut text[0..4], civil.year().unsigned_abs().into());
                digits(&mut text[5..7], civil.month().unsigned_abs().into());
                digits(&mut text[8..10], civil.day().unsigned_abs().into());
                digits(&mut text[11..13], civil.hour().unsigned_abs().into());
                digits(&mut text[14..16], civil.minute().unsigned_abs().into());
                digits(&mut text[17..19], civil.second().unsigned_abs().into());
                let mut length = SECONDS;
                if self.nanoseconds > 0 {
                    digits(&mut text[20..29], self.nanoseconds.unsigned_abs());
                    let last = text[..29].iter().rposition(|&digit| digit != b'0');
                    length = last.map_or(SECONDS, |last| last + 1);
                }
                text[length] = b'Z';
                out.extend_from_slice(&text[..=length]);
            }
            _ => out.extend_from_slice(self.to_string().as_bytes()),
        }
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

/// How a text of eight bytes looks in which some are digits.
#[derive(Clone, Copy)]
struct DigitForm {
    /// The text with a zero for each digit.
    zeros: u64,
    /// What may be added to each byte that differs from these, so that it stays below 128 if it fits.
    room: u64,
}

const YEAR: DigitForm = DigitForm::of(*b"0000-00-");
const DAY: DigitForm = DigitForm::of(*b"00-00T00");
const TIME: DigitForm = DigitForm::of(*b"00:00:00");

impl DigitForm {
    /// Digits where there is a zero, and otherwise these very bytes.
    const fn of(text: [u8; 8]) -> Self {
        let mut room = [0; 8];
        let mut at = 0;
        while at < text.len() {
            room[at] = if text[at] == b'0' { 0x7f - 9 } else { 0x7f };
            at += 1;
        }
        Self {
            zeros: u64::from_le_bytes(text),
            room: u64::from_le_bytes(room),
        }
    }
}

/// The number of each two digits that stand together in a text of a form, in the byte of the first of them,
/// where the first byte is the lowest.
#[inline]
fn pairs(text: &[u8; 8], form: DigitForm) -> Option<u64> {
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let digits = u64::from_le_bytes(*text) ^ form.zeros;
    if (digits | ((digits & !HIGH) + form.room)) & HIGH != 0 {
        return None;
    }
    Some(digits * 10 + (digits >> 8))
}

/// The days from 1970 to a day that is not before it, in the Gregorian calendar. Years that begin in March
/// end with the day that not all have.
const fn days_since_1970(year: i32, month: i32, day: i32) -> i32 {
    const FROM_YEAR_0: i32 = 719_468;
    let year = year - (month <= 2) as i32;
    let months = (month + 9) % 12;
    let day_of_year = (153 * months + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - FROM_YEAR_0
}

/// The nanoseconds of a fraction without zeros at its end.
fn fraction(digits: &[u8]) -> Option<i32> {
    let is_short = (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    if !is_short || digits.ends_with(b"0") {
        return None;
    }
    let number = digits.iter();
    let number = number.fold(0, |number, digit| number * 10 + i32::from(digit - b'0'));
    Some((digits.len()..9).fold(number, |number, _| number * 10))
}

/// A text without those digits of a fraction that are beyond nanoseconds, if it has any. RFC 3339, section 5.6 bounds
/// them by no number.
fn to_nanoseconds(text: &str) -> Option<String> {
    let mut points = text.match_indices(['.', ',']);
    points.find_map(|(at, _)| {
        let (kept, rest) = text.split_at_checked(at + 1 + NANOSECOND_DIGITS)?;
        let digits = kept.get(at + 1..)?;
        let after = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let is_beyond = digits.bytes().all(|digit| digit.is_ascii_digit()) && after != rest;
        is_beyond.then(|| format!("{kept}{after}"))
    })
}

/// Writes a number over all of these bytes.
fn digits(out: &mut [u8], number: u32) {
    let mut left = number;
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
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
    #[case("1969-12-31T23:59:59.000000001Z", "1969-12-31T23:59:59.000000001Z")]
    #[case("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z")]
    #[case("1970-01-01T00:00:00.5Z", "1970-01-01T00:00:00.5Z")]
    #[case("2024-01-01T00:00:00.123456789123Z", "2024-01-01T00:00:00.123456789Z")]
    #[case("9999-12-31T23:59:59.9999999999999Z", "9999-12-31T23:59:59.999999999Z")]
    #[case("1969-12-31T23:59:58.0000000001+00:00", "1969-12-31T23:59:58Z")]
    fn every_instant_of_rfc_3339_reads_back(#[case] text: &str, #[case] expected: &str) {
        let moment: Moment = text.parse().unwrap();
        assert_eq!(moment.to_string(), expected);
        let mut written = Vec::new();
        moment.write(&mut written);
        assert_eq!(written, expected.as_bytes());
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
    #[case("2024-01-01T00:00:00.123456789123")]
    #[case("2024-01-01T00:00:00.123456789123x4Z")]
    #[case("2024-01-01T00:00:00.\u{fc}123456789123Z")]
    #[case("2024-01-01T00:00:00.12345678\u{fc}123Z")]
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
