//! Durations, rates and shares as a person writes them: `"10s"`, `"5m"`, `"100/s"`, `0.5`.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use super::text;

/// A duration of zero or more, written with its unit: `"250ms"`, `"10s"`, `"5m"`, `"1h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

/// The longest duration. A few of these can be added to any moment, and to each other.
const LONGEST: Duration = Duration::from_hours(1000 * 366 * 24);

impl Span {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The length of time.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = text.parse::<SignedDuration>().ok();
        let span = span.and_then(|span| Duration::try_from(span).ok());
        match span {
            Some(span) if span > LONGEST => Err(format!(
                "`{text}` is longer than a thousand years: write a shorter one, such as `8760h` for a year"
            )),
            Some(span) => Ok(Self(span)),
            None => Err(format!(
                "`{text}` is not a duration: write a number and a unit, as in `10s` or `5m`"
            )),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SignedDuration::try_from(self.0) {
            Ok(span) => write!(formatter, "{span:#}"),
            Err(_) => write!(formatter, "{:?}", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(deserializer, "a duration such as `10s`", str::parse)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A duration of zero or more with its unit: `\"250ms\"`, `\"10s\"`, `\"5m\"`, `\"1h\"`. A number without a unit is refused.",
        })
    }
}

/// A number of events per second, minute or hour: `"5/s"`, `"600/m"`, `"1000/h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    const fn length(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_mins(1),
            Self::Hour => Duration::from_hours(1),
        }
    }
}

impl Rate {
    /// So many a second; zero is taken as one.
    pub const fn per_second(count: u32) -> Self {
        let count = match NonZeroU32::new(count) {
            Some(count) => count,
            None => NonZeroU32::MIN,
        };
        Self {
            count,
            unit: Unit::Second,
        }
    }

    /// The time between two, at this rate.
    pub fn interval(self) -> Duration {
        self.unit.length() / self.count.get()
    }

    /// How many in one unit of time.
    pub const fn count(self) -> NonZeroU32 {
        self.count
    }

    /// The unit of time that [`Rate::count`] counts in.
    pub const fn window(self) -> Duration {
        self.unit.length()
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(count, unit)| {
            let unit = match unit.trim() {
                "s" => Unit::Second,
                "m" => Unit::Minute,
                "h" => Unit::Hour,
                _ => return None,
            };
            let count = count.trim().parse().ok()?;
            Some(Self { count, unit })
        });
        parsed.ok_or_else(|| {
            format!(
                "`{text}` is not a rate: write a whole number of at least 1 per `s`, `m` or `h`, as in `5/s`"
            )
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
        };
        write!(formatter, "{}/{unit}", self.count)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(deserializer, "a rate such as `5/s`", str::parse)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^\\s*[1-9][0-9]*\\s*/\\s*[smh]\\s*$",
            "description": "A whole number of at least 1 per second, minute or hour: `\"5/s\"`, `\"600/m\"`, `\"1000/h\"`.",
        })
    }
}

/// A fraction from 0 (none) to 1 (all): `0.5` is half.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// A half.
    pub const HALF: Self = Self(0.5);

    /// A tenth.
    pub const TENTH: Self = Self(0.1);

    /// All.
    pub const ALL: Self = Self(1.0);

    /// Nothing.
    pub const NONE: Self = Self(0.0);

    /// The part, if `part` is one.
    pub fn new(part: f64) -> Option<Self> {
        (0.0..=1.0).contains(&part).then_some(Self(part))
    }

    /// The part, from 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShareVisitor;

        impl ShareVisitor {
            fn share<E: Error>(part: f64) -> Result<Share, E> {
                Share::new(part).ok_or_else(|| {
                    E::custom(format!(
                        "`{part}` is not a share: write a number from 0 to 1, as in `0.5`"
                    ))
                })
            }
        }

        impl Visitor<'_> for ShareVisitor {
            type Value = Share;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number from 0 to 1, such as `0.5`")
            }

            fn visit_f64<E: Error>(self, part: f64) -> Result<Share, E> {
                Self::share(part)
            }

            fn visit_i64<E: Error>(self, part: i64) -> Result<Share, E> {
                Self::share(part as f64)
            }

            // As a variable brings it.
            fn visit_str<E: Error>(self, text: &str) -> Result<Share, E> {
                Self::share(text.parse().unwrap_or(f64::NAN)).map_err(|_: E| {
                    E::custom(format!(
                        "`{text}` is not a share: write a number from 0 to 1, as in `0.5`"
                    ))
                })
            }
        }

        deserializer.deserialize_any(ShareVisitor)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "A fraction from 0 (none) to 1 (all).",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        assert_eq!("10s".parse(), Ok(Span::seconds(10)));
        assert_eq!("5m".parse(), Ok(Span::seconds(300)));
        assert_eq!(
            "250ms".parse::<Span>().map(Span::get),
            Ok(Duration::from_millis(250))
        );
        assert!("10".parse::<Span>().is_err());
        assert!("-1s".parse::<Span>().is_err());
    }

    #[test]
    fn a_duration_that_no_clock_could_count_to_is_refused() {
        assert!("8760000h".parse::<Span>().is_ok());
        for endless in ["9000000h", "9223372036854775807s"] {
            let error = endless.parse::<Span>().unwrap_err();
            assert!(
                error.contains(endless) && error.contains("8760h"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_share_is_a_part_of_a_whole() {
        let read = |toml: &str| toml::from_str::<toml::Table>(toml).unwrap()["share"].clone();
        let share = |toml: &str| Share::deserialize(read(toml));
        assert_eq!(share("share = 0.5"), Ok(Share::HALF));
        assert_eq!(share("share = 0"), Ok(Share::NONE));
        assert_eq!(share("share = '0.5'"), Ok(Share::HALF));
        for wrong in ["share = 1.5", "share = -1", "share = nan", "share = 'half'"] {
            let error = share(wrong).unwrap_err().to_string();
            assert!(error.contains("write a number from 0 to 1"), "{error}");
        }
    }

    #[test]
    fn rates_read_as_people_write_them() {
        let rate: Rate = "600/m".parse().unwrap();
        assert_eq!(rate.interval(), Duration::from_millis(100));
        assert_eq!(rate.to_string(), "600/m");
        for wrong in ["5", "0/s", "5/d", "-1/s", "x/s"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }
}
