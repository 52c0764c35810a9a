//! The formats in which an upstream writes times.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _};

/// The format of a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TimeFormat {
    /// RFC 3339. What is shorter than a nanosecond is cut off.
    #[default]
    Rfc3339,
    /// Seconds since 1970, possibly with a fraction. 0 means no time.
    Epoch,
    /// Milliseconds since 1970. 0 means no time.
    EpochMs,
    /// `2024-01-15 10:30:00` in UTC, possibly with a fraction, or with a `T` in the middle.
    DateTime,
    /// `2024-01-15`, which is midnight UTC.
    Date,
    /// `20240115103000Z`, the generalized time of LDAP (RFC 4517, section 3.3.13).
    Ldap,
    /// `Mon, 15 Jan 2024 10:30:00 GMT` (RFC 1123, section 5.2.14).
    Rfc1123,
    /// `/Date(1705314600000)/` or `/Date(1705314600000+0100)/`, as Microsoft's older services write JSON:
    /// milliseconds since 1970 in UTC, whatever the offset. 0 and the year 1 mean no time.
    Microsoft,
    /// A `strftime` pattern such as `%d/%m/%Y %H:%M`. Without an offset it is UTC.
    #[serde(untagged)]
    #[strum(to_string = "{0}")]
    Pattern(#[schemars(regex(pattern = "%"))] String),
}

impl TimeFormat {
    /// The words for what has a name.
    const WORDS: &'static [&'static str] = &[
        "rfc3339",
        "epoch",
        "epoch_ms",
        "date_time",
        "date",
        "ldap",
        "rfc1123",
        "microsoft",
    ];

    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "rfc3339" => Self::Rfc3339,
            "epoch" => Self::Epoch,
            "epoch_ms" => Self::EpochMs,
            "date_time" => Self::DateTime,
            "date" => Self::Date,
            "ldap" => Self::Ldap,
            "rfc1123" => Self::Rfc1123,
            "microsoft" => Self::Microsoft,
            _ => return None,
        })
    }
}

/// A pattern by which times can be read.
struct Pattern(String);

impl FromStr for Pattern {
    type Err = String;

    /// Writes one moment by the pattern and reads it back, which shows what no list of directives
    /// could: whether they are known, can be read, and together name a moment.
    fn from_str(pattern: &str) -> Result<Self, String> {
        let refuse = |error: jiff::Error| format!("no time can be read by `{pattern}`: {error}");
        let moment = BrokenDownTime::from(&Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC));
        let written = moment.to_string(pattern).map_err(refuse)?;
        let read = BrokenDownTime::parse(pattern, &written).map_err(refuse)?;
        if read.timestamp().is_none() {
            read.to_datetime().map_err(refuse)?;
        }
        Ok(Self(pattern.to_owned()))
    }
}

/// Parses a time by a `strftime` pattern. Without an offset it is UTC.
pub(crate) fn read_by_pattern(pattern: &str, text: &str) -> Option<Timestamp> {
    let read = BrokenDownTime::parse(pattern, text).ok()?;
    if read.timestamp().is_some() || read.offset().is_some() {
        return read.to_timestamp().ok();
    }
    if read.iana_time_zone().is_some() {
        return Some(read.to_zoned().ok()?.timestamp());
    }
    Offset::UTC.to_timestamp(read.to_datetime().ok()?).ok()
}

impl<'de> Deserialize<'de> for TimeFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = crate::plan::text::parse(
            deserializer,
            "a word such as `epoch`, or a pattern such as `%d/%m/%Y %H:%M`",
            |text| Ok(text.to_owned()),
        )?;
        if text.contains('%') {
            let Pattern(pattern) = text.parse().map_err(D::Error::custom)?;
            return Ok(Self::Pattern(pattern));
        }
        Self::of(&text).ok_or_else(|| D::Error::unknown_variant(&text, Self::WORDS))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_word_names_the_format_that_the_schema_shows() {
        for word in TimeFormat::WORDS {
            let format = TimeFormat::of(word).unwrap();
            assert_eq!(serde_json::to_value(format).unwrap(), *word);
        }
    }

    #[rstest]
    #[case("%Y-%m-%d %H:%M:%S")]
    #[case("%d/%m/%Y")]
    #[case("%d.%m.%y %H:%M")]
    #[case("%b %d, %Y %I:%M %p")]
    #[case("%Y-%m-%dT%H:%M:%S%.f%z")]
    #[case("%s")]
    fn a_pattern_that_names_a_moment_is_taken(#[case] pattern: &str) {
        assert!(pattern.parse::<Pattern>().is_ok());
    }

    #[rstest]
    #[case::no_date("%H:%M")]
    #[case::no_year("%d %b")]
    #[case::unknown("%Y-%m-%d %E")]
    #[case::a_lone_percent("100%")]
    #[case::a_zone_that_cannot_be_read("%Y-%m-%d %Z")]
    fn a_pattern_that_names_no_moment_is_refused(#[case] pattern: &str) {
        assert!(pattern.parse::<Pattern>().is_err());
    }
}
