//! Which tokens (JWT) tell who asks.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jsonptr::PointerBuf;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use super::{KeySet, PemFile, TokenAlgorithm, text};

/// Which tokens are accepted, and what they say of their caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// Who must have issued a token (`iss`).
    pub issuer: String,
    /// For whom: one of these must be among its audiences (`aud`).
    pub audiences: Vec<String>,
    /// Where the keys are that it must be signed with.
    pub keys: KeySource,
    /// The algorithms that it may be signed with.
    pub algorithms: Vec<TokenAlgorithm>,
    /// The claim that says who asks.
    pub identity: ClaimPointer,
    /// How far the clocks of issuers may be off.
    pub leeway: Duration,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// They were read from a file.
    File(KeySet),
    /// They are fetched while the gateway runs.
    Url {
        /// From where.
        url: Url,
        /// The only CAs to trust there. Without them, those that the system trusts.
        ca: Option<PemFile>,
    },
}

impl KeySource {
    /// Where they are fetched from, if they are.
    pub(crate) const fn url(&self) -> Option<&Url> {
        match self {
            Self::File(_) => None,
            Self::Url { url, .. } => Some(url),
        }
    }
}

/// Where a claim stands in a token: a JSON pointer (RFC 6901), such as `/sub`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPointer(String);

impl ClaimPointer {
    /// The usual one for who asks, `/sub`.
    pub fn subject() -> Self {
        Self("/sub".to_owned())
    }

    /// What stands there.
    pub fn find<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        claims.pointer(&self.0)
    }

    /// Whether it points to a scope, which is a list of words (RFC 8693, section 4.2). Some issuers call it
    /// `scp`.
    pub fn is_scope(&self) -> bool {
        matches!(&*self.0, "/scope" | "/scp")
    }
}

impl fmt::Display for ClaimPointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ClaimPointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let help = "write a JSON pointer, such as `/sub` or `/realm_access/roles`";
        if !text.starts_with('/') {
            return Err(format!("`{text}` does not begin with a slash: {help}"));
        }
        PointerBuf::parse(text)
            .map(|pointer| Self(pointer.to_string()))
            .map_err(|_| {
                format!("`{text}` is no JSON pointer: `~` must be followed by 0 or 1; {help}")
            })
    }
}

impl<'de> Deserialize<'de> for ClaimPointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(deserializer, "a JSON pointer such as `/sub`", str::parse)
    }
}

impl JsonSchema for ClaimPointer {
    fn schema_name() -> Cow<'static, str> {
        "ClaimPointer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^/",
            "description": "A JSON pointer (RFC 6901) to a claim, such as `\"/sub\"` or `\"/realm_access/roles\"`. In a name, `~1` stands for `/` and `~0` for `~`.",
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("/sub", Some("anna"))]
    #[case("/realm/0", Some("staff"))]
    #[case("/https:~1~1example.com~1id", Some("a-1"))]
    #[case("/absent", None)]
    fn a_pointer_finds_its_claim(#[case] pointer: &str, #[case] expected: Option<&str>) {
        let claims = json!({ "sub": "anna", "realm": ["staff"], "https://example.com/id": "a-1" });
        let pointer: ClaimPointer = pointer.parse().unwrap();
        assert_eq!(pointer.find(&claims).and_then(Value::as_str), expected);
    }

    #[rstest]
    #[case("sub")]
    #[case("")]
    #[case("/a~2b")]
    fn what_is_no_pointer_is_refused(#[case] text: &str) {
        assert!(text.parse::<ClaimPointer>().is_err());
    }
}
