//! Where a login's answer holds what is kept of it, and how it says when that ends.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{Path, Span};

/// Where a login's response holds a value.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum LoginLocation {
    /// A path from the root of the body.
    Body(Path),
    /// A response header.
    Header {
        /// The name of the header.
        header: String,
    },
    /// A cookie that the response sets.
    Cookie {
        /// The name of the cookie.
        cookie: String,
    },
}

/// When a token expires, in one of these forms:
///
/// - `"jwt"`: the token is a JWT, and its `exp` claim says when it expires.
/// - A duration such as `"50m"`, counted from the login.
/// - A path such as `"/expires_in"` to a value in the login response, as a number or a string: seconds
///   from now, a Unix time in seconds (from 1,000,000,000 on) or milliseconds (from 100,000,000,000
///   on), a duration such as `3600s` or `PT1H`, an RFC 3339 timestamp, `2026-11-21 10:30:00` in UTC (also
///   with a `T`), `/Date(1795257000000)/`, or an HTTP date.
/// - A table with one of `path`, `header` and `cookie`, and `as` for a number that counts from now and not in
///   seconds: `{ path = "/ttl", as = "milliseconds" }`. A cookie says it by `Max-Age` or `Expires`.
///
/// A value that is there and cannot be read is an error, and so is a path, header or cookie that is not
/// there. If the response says that there is no end (null, 0, a negative number, a cookie without one), if the
/// end has already passed, or if the token is no JWT, a warning in the log and `probe` say why, and the token
/// is used until the upstream rejects it.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "WrittenExpiry")]
pub enum Expiry {
    /// The token is a JWT, and its `exp` claim counts.
    Jwt,
    /// This long after the login.
    After(Span),
    /// At a place in the response.
    At(LoginLocation, ExpiryUnit),
}

/// What a number that counts from now counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Minutes.
    Minutes,
}

/// An [`Expiry`] as it is written.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum WrittenExpiry {
    /// `jwt`, a duration, or a path.
    Text(String),
    /// A place in the response. Set exactly one of `path`, `header` and `cookie`.
    Table {
        /// A path from the root of the body.
        path: Option<Path>,
        /// The name of a response header.
        header: Option<String>,
        /// The name of a cookie that the response sets.
        cookie: Option<String>,
        /// What a number that counts from now counts.
        #[schemars(rename = "as", default)]
        unit: ExpiryUnit,
    },
}

/// A place as a table: exactly one of three keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceTable {
    path: Option<Path>,
    header: Option<String>,
    cookie: Option<String>,
    #[serde(rename = "as")]
    unit: Option<ExpiryUnit>,
}

impl PlaceTable {
    fn location<E: Error>(self) -> Result<(LoginLocation, Option<ExpiryUnit>), E> {
        let location = match (self.path, self.header, self.cookie) {
            (Some(path), None, None) => LoginLocation::Body(path),
            (None, Some(header), None) => LoginLocation::Header { header },
            (None, None, Some(cookie)) => LoginLocation::Cookie { cookie },
            _ => {
                return Err(E::custom(
                    "expected exactly one of `path`, `header` and `cookie`",
                ));
            }
        };
        Ok((location, self.unit))
    }
}

impl<'de> Deserialize<'de> for LoginLocation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LoginLocationVisitor;

        impl<'de> Visitor<'de> for LoginLocationVisitor {
            type Value = LoginLocation;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a path such as `/token`, `{ header = \"X-Token\" }`, or `{ cookie = \"SID\" }`",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<LoginLocation, E> {
                text.parse().map(LoginLocation::Body).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LoginLocation, A::Error> {
                match PlaceTable::deserialize(MapAccessDeserializer::new(map))?.location()? {
                    (location, None) => Ok(location),
                    (_, Some(_)) => Err(A::Error::custom("`as` belongs to `expires`")),
                }
            }
        }

        deserializer.deserialize_any(LoginLocationVisitor)
    }
}

impl FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "jwt" {
            return Ok(Self::Jwt);
        }
        if text.starts_with('/') {
            let path = text.parse().map(LoginLocation::Body)?;
            return Ok(Self::At(path, ExpiryUnit::default()));
        }
        text.parse().map(Self::After).map_err(|_| {
            format!(
                "`{text}` is not an expiry: write `jwt`, a duration such as `50m`, or a path such as \
                 `/expires_in`"
            )
        })
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ExpiryVisitor;

        impl<'de> Visitor<'de> for ExpiryVisitor {
            type Value = Expiry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "`jwt`, a duration such as `50m`, a path such as `/expires_in`, or a table such as \
                     `{ path = \"/ttl\", as = \"milliseconds\" }`",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Expiry, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expiry, A::Error> {
                let place = PlaceTable::deserialize(MapAccessDeserializer::new(map))?;
                let (location, unit) = place.location()?;
                Ok(Expiry::At(location, unit.unwrap_or_default()))
            }
        }

        deserializer.deserialize_any(ExpiryVisitor)
    }
}
