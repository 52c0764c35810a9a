//! Parses timestamps in the formats of upstreams.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::group::{GroupText, GroupTime, Moment};
use crate::plan::TimeFormat;
use crate::plan::time::read_by_pattern;

use super::item::Reading;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANOS_PER_MILLISECOND: i128 = 1_000_000;

/// Parses the text of a time. What is written as groupgate writes it is kept as it is.
#[inline]
pub(super) fn of_text<'t>(format: &TimeFormat, written: GroupText<'t>) -> Reading<GroupTime<'t>> {
    if let (Cow::Borrowed(text), TimeFormat::Rfc3339 | TimeFormat::DateTime) =
        (&written.text, format)
        && let Some(moment) = Moment::read_own(text)
    {
        let text = Some(*text);
        return Reading::Value(GroupTime { moment, text });
    }
    let moment = read(format, written.text.trim());
    moment.map(|moment| GroupTime { moment, text: None })
}

/// Parses a timestamp. An epoch of 0 is null: upstreams send it for never.
pub(super) fn read(format: &TimeFormat, text: &str) -> Reading<Moment> {
    let time = match format {
        TimeFormat::Rfc3339 => text.parse().ok(),
        TimeFormat::Epoch => return counted(text, NANOS_PER_SECOND),
        TimeFormat::EpochMs => return counted(text, NANOS_PER_MILLISECOND),
        TimeFormat::DateTime => Moment::read(text, date_time),
        TimeFormat::Date => Moment::read(text, date),
        TimeFormat::Ldap => Moment::read(text, generalized),
        TimeFormat::Rfc1123 => Moment::read(text, rfc1123),
        TimeFormat::Microsoft => return microsoft(text),
        TimeFormat::Pattern(pattern) => Moment::read(text, |text| read_by_pattern(pattern, text)),
    };
    time.map_or(Reading::Unfit, Reading::Value)
}

/// Parses a timestamp, if it is one.
pub(crate) fn read_exactly(format: &TimeFormat, text: &str) -> Option<Moment> {
    match read(format, text) {
        Reading::Value(time) => Some(time),
        Reading::Absent | Reading::Null | Reading::Unfit => None,
    }
}

/// A number of units since 1970, of `unit` nanoseconds each.
fn counted(text: &str, unit: i128) -> Reading<Moment> {
    match nanoseconds(text, unit) {
        Some(0) => Reading::Null,
        Some(count) => Moment::from_nanosecond(count).map_or(Reading::Unfit, Reading::Value),
        None => Reading::Unfit,
    }
}

/// A decimal number of units, truncated to nanoseconds.
fn nanoseconds(text: &str, unit: i128) -> Option<i128> {
    if text.contains(['e', 'E']) {
        return scientific(text, unit);
    }
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let count = number(whole)?.checked_mul(unit)? + fraction(part, unit)?;
    Some(if is_negative { -count } else { count })
}

/// Some serializers write large numbers as `1.7053146E9`. A float of that size has microsecond
/// precision.
fn scientific(text: &str, unit: i128) -> Option<i128> {
    let count: f64 = text.parse().ok()?;
    let microseconds = (count * (unit / 1000) as f64).round();
    // Out of range, the cast saturates, and the multiplication overflows.
    (microseconds as i128).checked_mul(1000)
}

/// Parses digits only.
fn number(digits: &str) -> Option<i128> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// The digits after a decimal point, as a fraction of `unit`.
fn fraction(digits: &str, unit: i128) -> Option<i128> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = &digits[..digits.len().min(9)];
    let scale = 10_i128.pow(9 - digits.len() as u32);
    Some(number(digits)? * scale * unit / NANOS_PER_SECOND)
}

fn in_utc(civil: DateTime) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(civil).ok()
}

fn date_time(text: &str) -> Option<Timestamp> {
    // An offset, if present, is respected.
    (text.parse().ok()).or_else(|| in_utc(text.parse().ok()?))
}

fn date(text: &str) -> Option<Timestamp> {
    // The parser would ignore a time of day.
    let is_date = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date: Date = text.parse().ok().filter(|_| is_date)?;
    in_utc(date.into())
}

/// `YYYYMMDDhh[mm[ss]][.fraction](Z|±hh[mm])`, with a fraction of the last unit present (RFC 4517,
/// section 3.3.13).
fn generalized(text: &str) -> Option<Timestamp> {
    let zone = text.find(['Z', '+', '-'])?;
    let (local, zone) = text.split_at(zone);
    let (digits, part) = local.split_once(['.', ',']).unwrap_or((local, "0"));
    number(digits)?;
    let field = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i8>().ok();
    let (minute, second, unit) = match digits.len() {
        10 => (0, 0, 3600),
        12 => (field(10..12)?, 0, 60),
        14 => (field(10..12)?, field(12..14)?, 1),
        _ => return None,
    };
    let year = digits.get(..4)?.parse().ok()?;
    let (month, day, hour) = (field(4..6)?, field(6..8)?, field(8..10)?);
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let time = offset(zone)?.to_timestamp(civil).ok()?;
    let nanoseconds = fraction(part, unit * NANOS_PER_SECOND)?;
    time.checked_add(SignedDuration::from_nanos_i128(nanoseconds))
        .ok()
}

/// `Z`, `±hh` or `±hhmm`.
fn offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, digits) = text.split_at_checked(1)?;
    number(digits)?;
    let (hours, minutes) = match digits.len() {
        2 => (digits, "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()
}

/// `/Date(ms)/`, with an offset that only says whose local time was meant.
fn microsoft(text: &str) -> Reading<Moment> {
    /// `DateTime.MinValue` of .NET.
    const YEAR_ONE: i128 = -62_135_596_800_000;
    let inside = text
        .strip_prefix("/Date(")
        .and_then(|rest| rest.strip_suffix(")/"));
    let Some(inside) = inside else {
        return Reading::Unfit;
    };
    // The first character may be the sign of the number.
    let sign = inside
        .char_indices()
        .skip(1)
        .find(|(_, letter)| matches!(letter, '+' | '-'));
    let (digits, zone) = inside.split_at(sign.map_or(inside.len(), |(at, _)| at));
    if !zone.is_empty() && offset(zone).is_none() {
        return Reading::Unfit;
    }
    match nanoseconds(digits, NANOS_PER_MILLISECOND) {
        Some(count) if count == YEAR_ONE * NANOS_PER_MILLISECOND => Reading::Null,
        Some(_) | None => counted(digits, NANOS_PER_MILLISECOND),
    }
}

fn rfc1123(text: &str) -> Option<Timestamp> {
    // The weekday is redundant, so a wrong one does no harm.
    let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    parser.parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use jiff::fmt::strtime;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::super::tests::group;
    use super::*;

    fn format(word: &str) -> TimeFormat {
        let table: toml::Table = format!("format = '{word}'").parse().unwrap();
        table["format"].clone().try_into().unwrap()
    }

    #[rstest]
    #[case("rfc3339", "2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z")]
    #[case("rfc3339", "2024-01-15T12:30:00.5+02:00", "2024-01-15T10:30:00.5Z")]
    #[case(
        "rfc3339",
        "2024-01-15T10:30:00.123456789Z",
        "2024-01-15T10:30:00.123456789Z"
    )]
    #[case(
        "rfc3339",
        "2024-01-15T12:30:00.1234567899876+02:00",
        "2024-01-15T10:30:00.123456789Z"
    )]
    #[case(
        "date_time",
        "2024-01-15 10:30:00.1234567899",
        "2024-01-15T10:30:00.123456789Z"
    )]
    #[case(
        "date_time",
        "2024-01-15T12:30:00.1234567899+02:00",
        "2024-01-15T10:30:00.123456789Z"
    )]
    #[case(
        "%d.%m.%Y %H:%M:%S%.f",
        "15.01.2024 10:30:00.1234567899",
        "2024-01-15T10:30:00.123456789Z"
    )]
    #[case(
        "epoch",
        "1705314600.1234567890123456789012345678901234567890",
        "2024-01-15T10:30:00.123456789Z"
    )]
    #[case(
        "ldap",
        "20240115103000.1234567890123456789012345678901234567890Z",
        "2024-01-15T10:30:00.123456789Z"
    )]
    #[case("epoch", "1705314600", "2024-01-15T10:30:00Z")]
    #[case("epoch", "1705314600.25", "2024-01-15T10:30:00.25Z")]
    #[case("epoch", "1705314600.1234567899", "2024-01-15T10:30:00.123456789Z")]
    #[case("epoch", "1.7053146005E9", "2024-01-15T10:30:00.5Z")]
    #[case("epoch", "-1.5", "1969-12-31T23:59:58.5Z")]
    #[case("epoch_ms", "1705314600123", "2024-01-15T10:30:00.123Z")]
    #[case("epoch_ms", "1705314600123.5", "2024-01-15T10:30:00.1235Z")]
    #[case("epoch_ms", "1.705314600123E12", "2024-01-15T10:30:00.123Z")]
    #[case("microsoft", "/Date(1705314600123)/", "2024-01-15T10:30:00.123Z")]
    #[case("microsoft", "/Date(1705314600000+0530)/", "2024-01-15T10:30:00Z")]
    #[case("microsoft", "/Date(1705314600000-0800)/", "2024-01-15T10:30:00Z")]
    #[case("microsoft", "/Date(-1500)/", "1969-12-31T23:59:58.5Z")]
    #[case("date_time", "2024-01-15 10:30:00", "2024-01-15T10:30:00Z")]
    #[case("date_time", "2024-01-15 10:30:00.125", "2024-01-15T10:30:00.125Z")]
    #[case("date_time", "2024-01-15T10:30:00", "2024-01-15T10:30:00Z")]
    #[case("date_time", "2024-01-15 12:30:00+02:00", "2024-01-15T10:30:00Z")]
    #[case("date", "2024-01-15", "2024-01-15T00:00:00Z")]
    #[case("ldap", "20240115103000Z", "2024-01-15T10:30:00Z")]
    #[case("ldap", "20240115103000.0Z", "2024-01-15T10:30:00Z")]
    #[case("ldap", "20240115103000,25Z", "2024-01-15T10:30:00.25Z")]
    #[case("ldap", "20240115123000+0200", "2024-01-15T10:30:00Z")]
    #[case("ldap", "20240115053000-05", "2024-01-15T10:30:00Z")]
    #[case("ldap", "202401151030Z", "2024-01-15T10:30:00Z")]
    #[case("ldap", "2024011510.5Z", "2024-01-15T10:30:00Z")]
    #[case("rfc1123", "Mon, 15 Jan 2024 10:30:00 GMT", "2024-01-15T10:30:00Z")]
    #[case("rfc1123", "Mon, 15 Jan 2024 12:30:00 +0200", "2024-01-15T10:30:00Z")]
    #[case("%d/%m/%Y %H:%M", "15/01/2024 10:30", "2024-01-15T10:30:00Z")]
    #[case("%d.%m.%Y", "15.01.2024", "2024-01-15T00:00:00Z")]
    #[case("%Y-%m-%d %H:%M %z", "2024-01-15 12:30 +0200", "2024-01-15T10:30:00Z")]
    #[case("%s", "1705314600", "2024-01-15T10:30:00Z")]
    #[case("rfc3339", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z")]
    #[case(
        "rfc3339",
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59.9999999Z"
    )]
    #[case("epoch", "253402300799", "9999-12-31T23:59:59Z")]
    #[case("epoch_ms", "253402300799999", "9999-12-31T23:59:59.999Z")]
    #[case("date_time", "9999-12-31 23:59:59", "9999-12-31T23:59:59Z")]
    #[case("date", "9999-12-31", "9999-12-31T00:00:00Z")]
    #[case("ldap", "99991231235959.9Z", "9999-12-31T23:59:59.9Z")]
    #[case("rfc1123", "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z")]
    #[case("%d/%m/%Y %H:%M", "31/12/9999 23:59", "9999-12-31T23:59:00Z")]
    fn a_time_is_read_as_it_is_written(
        #[case] word: &str,
        #[case] text: &str,
        #[case] expected: &str,
    ) {
        let expected = Reading::Value(expected.parse().unwrap());
        assert_eq!(read(&format(word), text), expected);
    }

    #[rstest]
    #[case("rfc3339", "2024-01-15 10:30")]
    #[case("epoch", "soon")]
    #[case("epoch", "")]
    #[case("epoch", "1.2.3")]
    #[case("epoch", "+5")]
    #[case("epoch", "1705314600123456")]
    #[case("epoch", "99999999999999999999999999999999999999999")]
    #[case("epoch", "1e999")]
    #[case("epoch", "253402300800")]
    #[case("rfc3339", "9999-12-31T23:59:59-01:00")]
    #[case("epoch_ms", "NaN")]
    #[case("date_time", "0000-00-00 00:00:00")]
    #[case("date", "2024-02-30")]
    #[case("date", "2024-01-15 10:30:00")]
    #[case("ldap", "20240115103000")]
    #[case("ldap", "20241315103000Z")]
    #[case("ldap", "2024é115103000Z")]
    #[case("ldap", "20240115103000+é")]
    #[case("ldap", "20240115103000+99999")]
    #[case("rfc1123", "15.01.2024")]
    #[case("microsoft", "1705314600123")]
    #[case("microsoft", "/Date()/")]
    #[case("microsoft", "/Date(1705314600000+é)/")]
    #[case("microsoft", "/Date(1705314600000+9999)/")]
    #[case("microsoft", "/Date(soon)/")]
    #[case("%d/%m/%Y", "2024-01-15")]
    fn what_is_no_time_is_not_guessed(#[case] word: &str, #[case] text: &str) {
        assert_eq!(read(&format(word), text), Reading::Unfit);
    }

    #[rstest]
    #[case("epoch", "0")]
    #[case("epoch", "0.0")]
    #[case("epoch", "-0")]
    #[case("epoch_ms", "0")]
    #[case("epoch_ms", "0E0")]
    #[case("microsoft", "/Date(0)/")]
    #[case("microsoft", "/Date(-62135596800000)/")]
    fn counting_from_1970_zero_is_never(#[case] word: &str, #[case] text: &str) {
        assert_eq!(read(&format(word), text), Reading::Null);
    }

    #[test]
    fn a_time_that_is_never_is_null_and_taken() {
        let fields = "id = 'id'\nname = 'id'\n                      created_at = { path = 'made', format = 'epoch' }\n                      updated_at = [{ path = 'new', format = 'epoch' }, { path = 'old', format = 'date' }]\n                      deleted_at = { path = 'gone', null = ['0000-00-00'], format = 'date' }";
        let group = group(
            fields,
            &json!({"id": 1, "made": 0, "new": 0, "old": "2024-01-15", "gone": "0000-00-00"}),
        );
        assert_eq!((group.created_at, group.deleted_at), (None, None));
        assert_eq!(
            group.updated_at.unwrap().to_string(),
            "2024-01-15T00:00:00Z"
        );
        assert!(group.attributes.is_empty(), "{:?}", group.attributes);
    }

    /// How each format writes a time, and the finest step that it can write.
    fn written(time: Timestamp, word: &str) -> (String, Timestamp) {
        let cut = |step: i128| {
            let nanoseconds = time.as_nanosecond();
            Timestamp::from_nanosecond(nanoseconds - nanoseconds.rem_euclid(step)).unwrap()
        };
        let second = cut(NANOS_PER_SECOND);
        let with = |pattern: &str, time: Timestamp| strtime::format(pattern, time).unwrap();
        match word {
            "rfc3339" => (time.to_string(), time),
            "epoch" => (with("%s.%9f", time), time),
            "epoch_ms" => {
                let time = cut(NANOS_PER_MILLISECOND);
                (time.as_millisecond().to_string(), time)
            }
            "date_time" => (with("%Y-%m-%d %H:%M:%S%.f", time), time),
            "date" => (with("%Y-%m-%d", time), cut(86_400 * NANOS_PER_SECOND)),
            "ldap" => (with("%Y%m%d%H%M%S%.fZ", time), time),
            "rfc1123" => (with("%a, %d %b %Y %H:%M:%S GMT", time), second),
            pattern => (with(pattern, time), second),
        }
    }

    proptest! {
        #[test]
        fn a_time_that_is_written_as_groupgate_does_is_read_by_any_reader_and_stays_as_it_is(
            second in -62_000_000_000..254_000_000_000_i64,
            nanosecond in prop_oneof![Just(0), Just(500_000_000), Just(1_000), 0..1_000_000_000_i32],
            change in prop::option::of((0..31_usize, "[0-9:.TZ+ -]")),
        ) {
            let moment = Moment::new(second, nanosecond);
            let mut text = moment.map_or_else(String::new, |moment| moment.to_string());
            let is_common = (0..253_370_764_800).contains(&second);
            prop_assert!(!is_common || Moment::read_own(&text) == moment);
            if let Some((at, letter)) = change
                && at < text.len()
            {
                text.replace_range(at..=at, &letter);
            }
            if let Some(own) = Moment::read_own(&text) {
                prop_assert_eq!(text.parse().ok(), Some(own));
                prop_assert_eq!(own.to_string(), text);
            }
        }

        #[test]
        fn what_a_format_writes_reads_back(
            second in 86_400_i64..200_000_000_000,
            nanosecond in prop_oneof![Just(0), 0..1_000_000_000_i32],
        ) {
            let time = Timestamp::new(second, nanosecond).unwrap();
            for word in ["rfc3339", "epoch", "epoch_ms", "date_time", "date", "ldap", "rfc1123", "%d.%m.%Y %I:%M:%S %p", "%A %j %Y %T"] {
                let (text, expected) = written(time, word);
                prop_assert_eq!(read(&format(word), &text), Reading::Value(expected.into()), "{} {}", word, text);
            }
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in prop_oneof![any::<String>(), "[0-9eE+.,Z -]{0,24}"]) {
            for word in ["rfc3339", "epoch", "epoch_ms", "date_time", "date", "ldap", "rfc1123", "%Y-%m-%d"] {
                let reading = read(&format(word), &text);
                prop_assert!(reading != Reading::Absent);
            }
        }
    }
}
