//! Who we are to an upstream: one variant for each scheme.

use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::value::{Nothing, nothing_else};
use super::{Location, Request, Rule, Success, Text};
use crate::config::tree::{self, Misfit};
use crate::config::{Path, Secret, Span, text};

/// Who we are to this upstream.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Auth {
    /// Nobody: the upstream does not ask.
    #[default]
    #[serde(deserialize_with = "nothing_else")]
    None,
    /// A token in the `Authorization` header (RFC 6750).
    Bearer(BearerAuth),
    /// User and password (RFC 7617).
    Basic(BasicAuth),
    /// A key in a header or a query parameter.
    ApiKey(ApiKeyAuth),
    /// A login call that answers with a token.
    TokenExchange(Box<TokenExchangeAuth>),
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4).
    Oauth2ClientCredentials(Oauth2Auth),
    /// AWS Signature Version 4.
    AwsSigv4(AwsSigv4Auth),
    /// A signature over a string of your own making, in a header of your own shape.
    Hmac(HmacAuth),
}

impl Auth {
    /// The key that names the scheme.
    pub(in crate::config) const TAG: &'static str = "type";

    /// What is wrong with the keys beside the tag, and where. serde forgets the where when it
    /// reads a tagged table, so a refused one is read again as its scheme's own struct.
    pub(in crate::config) fn misfit(scheme: &str, keys: toml::Value) -> Option<Misfit> {
        match scheme {
            "none" => tree::read::<Nothing>(keys).err(),
            "bearer" => tree::read::<BearerAuth>(keys).err(),
            "basic" => tree::read::<BasicAuth>(keys).err(),
            "api_key" => tree::read::<ApiKeyAuth>(keys).err(),
            "token_exchange" => tree::read::<TokenExchangeAuth>(keys).err(),
            "oauth2_client_credentials" => tree::read::<Oauth2Auth>(keys).err(),
            "aws_sigv4" => tree::read::<AwsSigv4Auth>(keys).err(),
            "hmac" => tree::read::<HmacAuth>(keys).err(),
            _ => None,
        }
    }
}

/// A token in the `Authorization` header.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BearerAuth {
    /// The token.
    pub token: Secret,
    /// The word before it.
    #[serde(default = "bearer")]
    pub scheme: String,
}

fn bearer() -> String {
    "Bearer".to_owned()
}

/// User and password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// The user's name, which must not contain a colon.
    pub username: Text,
    /// The password.
    pub password: Secret,
}

/// A key in a header or a query parameter: name exactly one of the two.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyAuth {
    /// The key.
    pub key: Secret,
    /// The header that carries it.
    pub header: Option<String>,
    /// The query parameter that carries it.
    pub query: Option<String>,
}

/// A login call that answers with a token. The token is kept, renewed before it ends, and renewed
/// once when the upstream refuses it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenExchangeAuth {
    /// The login request, below the same `base_url`.
    pub request: Request,
    /// What the answer is written in. Without it, JSON; or anything, if only headers are read.
    pub answer: Option<LoginFormat>,
    /// Where the answer holds the token. `/` is the whole answer, as a JSON string or a text.
    pub token: Location,
    /// When the token ends. Without it, when it is refused.
    pub expires: Option<Expiry>,
    /// How to tell from the body whether the login was a success. Without it, the upstream's own
    /// `success` counts, except that an absent status is a success.
    pub success: Option<Success>,
    /// What the login's answers mean where status and `success` do not tell. The upstream's own
    /// rules are not for logins.
    #[serde(default)]
    pub answers: Vec<Rule>,
    /// The header that carries the token.
    #[serde(default = "authorization")]
    pub header: String,
    /// The word before it; empty for none.
    #[serde(default = "bearer")]
    pub scheme: String,
}

fn authorization() -> String {
    "authorization".to_owned()
}

/// What a login's answer is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginFormat {
    /// JSON (RFC 8259).
    Json,
    /// Plain text: the answer is the token.
    Text,
    /// XML 1.0.
    Xml,
}

/// When a token ends.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub enum Expiry {
    /// `"jwt"`: the token is a JWT, and its `exp` says so. One that cannot be read lives until it
    /// is refused.
    Jwt,
    /// A duration such as `"50m"`: so long after the login.
    After(Span),
    /// A path such as `"/expires_in"`: where the answer holds seconds from now, or an instant.
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

/// OAuth 2.0 client credentials.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oauth2Auth {
    /// The token endpoint.
    #[serde(deserialize_with = "text::url")]
    #[schemars(with = "String", extend("format" = "uri"))]
    pub token_url: url::Url,
    /// The client's id.
    pub client_id: Text,
    /// The client's secret.
    pub client_secret: Secret,
    /// The scope to ask for.
    pub scope: Option<String>,
}

/// AWS Signature Version 4.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsSigv4Auth {
    /// The region in the credential scope.
    pub region: String,
    /// The service in the credential scope.
    pub service: String,
    /// The access key id.
    pub access_key: Secret,
    /// The secret access key.
    pub secret_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret>,
    /// Headers to sign although a hop may change them, such as `user-agent`. All others are signed
    /// anyway.
    #[serde(default)]
    pub sign_headers: Vec<String>,
}

/// A signature over a string of your own making, in a header of your own shape.
///
/// Placeholders: `{method} {path} {query} {date} {body_hash} {host} {key_id}`, and in `header`
/// also `{signature}`. `\n` is a line feed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HmacAuth {
    /// The key's id.
    pub key_id: Secret,
    /// The key.
    pub secret: Secret,
    /// The hash function.
    #[serde(default)]
    pub hash: Hash,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// The header that says when the request was signed.
    pub date: Option<DateHeader>,
    /// What is signed.
    pub string_to_sign: String,
    /// The value of the header that carries the signature.
    pub header: String,
    /// The header that carries the signature.
    #[serde(default = "authorization")]
    pub header_name: String,
}

/// The header that says when a request was signed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateHeader {
    /// The header's name.
    pub header: String,
    /// How the moment is written, always UTC, in `strftime` words such as `%Y%m%dT%H%M%SZ`.
    pub format: String,
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
    /// SHA-1, for upstreams that know no better.
    Sha1,
}

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Lower-case hexadecimal.
    #[default]
    Hex,
    /// Base64 with padding (RFC 4648, section 4).
    Base64,
}
