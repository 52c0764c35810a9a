//! How requests are authenticated.

use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::{Path, Span, text};

/// The format of a login response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginFormat {
    /// JSON (RFC 8259).
    Json,
    /// Plain text: the whole response is the token.
    Text,
    /// XML 1.0.
    Xml,
}

/// When a token expires, in one of three forms:
///
/// - `"jwt"`: the token is a JWT, and its `exp` claim says when it expires.
/// - A duration such as `"50m"`, counted from the login.
/// - A path such as `"/expires_in"` to a value in the login response: a number of seconds from now,
///   or an RFC 3339 timestamp. Both can be strings. Unix times and HTTP dates are not recognized.
///
/// If the expiry is missing, cannot be read or has already passed, the token is used until the
/// upstream rejects it.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub enum Expiry {
    /// The token is a JWT, and its `exp` claim counts.
    Jwt,
    /// This long after the login.
    After(Span),
    /// At a path in the response.
    At(Path),
}

impl std::str::FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "jwt" {
            return Ok(Self::Jwt);
        }
        if text.starts_with('/') {
            return text.parse().map(Self::At);
        }
        text.parse().map(Self::After).map_err(|_| {
            format!(
                "`{text}` is no expiry: write `jwt`, a duration such as `50m`, or a path such as \
                 `/expires_in`"
            )
        })
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(
            deserializer,
            "`jwt`, a duration such as `50m`, or a path such as `/expires_in`",
            str::parse,
        )
    }
}

/// A hash function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hash {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
    /// SHA-1, for upstreams that support nothing better.
    Sha1,
}

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Lowercase hexadecimal.
    #[default]
    Hex,
    /// Base64 with padding (RFC 4648, section 4).
    Base64,
}
