//! What a response means: rules over its status, headers and body, which apply before the defaults.

use std::fmt;
use std::str::FromStr;

use http::StatusCode;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::{OneOrMany, PathOr, Scalar};
use crate::plan::Path;

/// What a response means. All given conditions must match, and at least one of `status`, `header`,
/// `path` and `content_type` is required. The first rule that matches applies. If none does,
/// `success` and the status decide.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The status: `404`, `"5xx"`, or a list of which one must match.
    pub status: Option<OneOrMany<StatusPattern>>,
    /// A header that must be present.
    pub header: Option<HeaderCondition>,
    /// A path in the body whose value must exist and be neither null nor false.
    pub path: Option<Path>,
    /// The value at `path`, or a list of which one must match. Compared as text.
    pub equals: Option<OneOrMany<Scalar>>,
    /// The media type, such as `text/html`. Parameters are ignored.
    pub content_type: Option<String>,
    /// What such a response means.
    pub means: Meaning,
    /// Where the response says when to retry: a path in the body, or a table. Without it, the
    /// `Retry-After` header counts. Only with `rate_limited` and `retry`.
    #[schemars(with = "Option<PathOr<Path, RetryAfter>>")]
    pub retry_after: Option<RetryAfter>,
    /// Where the response explains the error. Without it, the upstream's `message` applies. Only
    /// for failures.
    pub message: Option<OneOrMany<Path>>,
}

/// A header that a response must have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderCondition {
    /// The name of the header.
    pub name: String,
    /// The value of the header, or a list of which one must match. Without it, any value matches.
    pub equals: Option<OneOrMany<Scalar>>,
}

/// What a response means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Meaning {
    /// It is a page, whatever its status.
    Ok,
    /// It failed, but may succeed if retried.
    Retry,
    /// A rate limit was exceeded. All requests wait as long as the response says, and this one is
    /// retried.
    RateLimited,
    /// The credentials were rejected. The token of a login is renewed, and the request is retried
    /// once.
    Unauthorized,
    /// It failed, and retrying does not help.
    Failed,
    /// The list has already ended, for example a 404 for the page after the last. On the first page of
    /// partitions, of the groups of one, or of people, a 404 or 410 is a failure all the same. A total that it states
    /// counts, but for one that is less than a page before stated.
    End,
}

impl Meaning {
    /// Whether it says that something went wrong.
    pub const fn is_failure(self) -> bool {
        match self {
            Self::Ok | Self::End => false,
            Self::Retry | Self::RateLimited | Self::Unauthorized | Self::Failed => true,
        }
    }

    /// Whether the same request is tried again.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Retry | Self::RateLimited)
    }
}

/// A status from 200 to 599, such as `404`, or a class: `"2xx"`, `"3xx"`, `"4xx"` or `"5xx"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, strum::Display)]
#[schemars(with = "serde_json::Value")]
pub enum StatusPattern {
    /// Exactly this one.
    #[strum(to_string = "{0}")]
    Code(u16),
    /// All that begin with this digit.
    #[strum(to_string = "{0}xx")]
    Class(u16),
}

impl StatusPattern {
    /// Whether a status is meant.
    pub fn matches(self, status: StatusCode) -> bool {
        match self {
            Self::Code(code) => status.as_u16() == code,
            Self::Class(digit) => status.as_u16() / 100 == digit,
        }
    }
}

impl FromStr for StatusPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_status = |code: &u16| (200..=599).contains(code);
        let code = text.parse().ok().filter(is_status).map(Self::Code);
        let class = match text {
            "2xx" => Some(Self::Class(2)),
            "3xx" => Some(Self::Class(3)),
            "4xx" => Some(Self::Class(4)),
            "5xx" => Some(Self::Class(5)),
            _ => None,
        };
        code.or(class).ok_or_else(|| {
            format!(
                "`{text}` is not a response status: write one from 200 to 599, or all of a kind \
                 as `5xx`"
            )
        })
    }
}

impl<'de> Deserialize<'de> for StatusPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Scalar(text) = Scalar::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Where a response says when to retry. Set exactly one of `path` and `header`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum RetryAfter {
    /// In the body.
    Body {
        /// A path from the root of the body.
        path: Path,
        /// The unit of the value.
        #[schemars(rename = "as", default)]
        unit: DelayUnit,
    },
    /// In a header.
    Header {
        /// The name of the header.
        header: String,
        /// The unit of the value.
        #[schemars(rename = "as", default)]
        unit: DelayUnit,
    },
}

/// How a response says when to retry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DelayUnit {
    /// Seconds from now, possibly with a fraction. A header can also hold an HTTP date.
    #[default]
    Seconds,
    /// A Unix time in seconds.
    Epoch,
    /// A Unix time in milliseconds.
    EpochMs,
}

impl<'de> Deserialize<'de> for RetryAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RetryAfterTable {
            path: Option<Path>,
            header: Option<String>,
            #[serde(default, rename = "as")]
            unit: DelayUnit,
        }

        struct RetryAfterVisitor;

        impl<'de> Visitor<'de> for RetryAfterVisitor {
            type Value = RetryAfter;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a path such as `/retry_after`, or a table as \
                     `{ header = \"x-ratelimit-reset\", as = \"epoch\" }`",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RetryAfter, E> {
                let path = text.parse().map_err(E::custom)?;
                Ok(RetryAfter::Body {
                    path,
                    unit: DelayUnit::default(),
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RetryAfter, A::Error> {
                match RetryAfterTable::deserialize(MapAccessDeserializer::new(map))? {
                    RetryAfterTable {
                        path: Some(path),
                        header: None,
                        unit,
                    } => Ok(RetryAfter::Body { path, unit }),
                    RetryAfterTable {
                        path: None,
                        header: Some(header),
                        unit,
                    } => Ok(RetryAfter::Header { header, unit }),
                    RetryAfterTable { .. } => Err(A::Error::custom(
                        "the delay stands in one place: name exactly one of `path` and `header`",
                    )),
                }
            }
        }

        deserializer.deserialize_any(RetryAfterVisitor)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("404", 404, true)]
    #[case("404", 403, false)]
    #[case("5xx", 599, true)]
    #[case("5xx", 499, false)]
    fn a_pattern_fits_its_status(#[case] pattern: &str, #[case] status: u16, #[case] fits: bool) {
        let pattern: StatusPattern = pattern.parse().unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(pattern.matches(status), fits);
    }

    #[rstest]
    fn what_is_no_status_is_refused(
        #[values("", "5x", "6xx", "1xx", "99", "100", "600", "ok")] text: &str,
    ) {
        assert!(text.parse::<StatusPattern>().is_err());
    }
}
