//! How requests are authenticated.

use bytes::Bytes;
use http::Uri;
use http::header::{HeaderName, HeaderValue, InvalidHeaderValue};
use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::{
    BodyFormat, ClassifyRules, Format, ForwardedNames, Location, Path, Request, SecretValue, Span,
    text,
};

/// How requests to one upstream are authenticated.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    /// Not at all.
    None,
    /// With the same credentials every time.
    Fixed(Fixed),
    /// With the token that a login returns.
    Token(Box<TokenAuth>),
    /// With an AWS Signature Version 4.
    SigV4(SigV4),
    /// With an HMAC signature over a text of the upstream's choice.
    Hmac(Box<Hmac>),
    /// With headers of the caller's request.
    Forward(ForwardedNames),
}

/// Credentials that are the same in every request, and where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fixed {
    /// In a header.
    Header {
        /// The name of the header.
        name: HeaderName,
        /// Its value, marked sensitive.
        value: HeaderValue,
    },
    /// In a query parameter.
    Query {
        /// The name of the parameter.
        name: String,
        /// The key.
        key: SecretValue,
    },
}

/// A token in a header, and the login that returns it.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenAuth {
    /// The header that carries the token.
    pub header: HeaderName,
    /// The word before the token. If empty, the token stands alone.
    pub scheme: String,
    /// The login.
    pub login: Login,
}

/// A login that returns a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Login {
    /// What is sent, and where the response holds the token.
    pub grant: Grant,
    /// What its responses mean.
    pub rules: ClassifyRules,
}

/// What a login sends, and where its response holds the token.
#[derive(Debug, Clone, PartialEq)]
pub enum Grant {
    /// A request of the upstream's own.
    Exchange {
        /// The request.
        request: Box<Request>,
        /// Where the response holds the token.
        token: Location,
        /// When the token expires. Without it, the token is used until it is rejected.
        expires: Option<Expiry>,
    },
    /// OAuth 2.0 client credentials.
    ClientCredentials(ClientCredentials),
    /// The caller's token, exchanged for another one (RFC 8693), in the name of this client. The body
    /// lacks the caller's token.
    CallerToken(ClientCredentials),
}

/// A client of an OAuth 2.0 token endpoint, and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// The token endpoint.
    pub token_url: Uri,
    /// The client's id and secret, as HTTP Basic authentication. Marked sensitive.
    pub authorization: HeaderValue,
    /// The body of the token request.
    pub form: Bytes,
}

/// AWS Signature Version 4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigV4 {
    /// The region in the credential scope.
    pub region: String,
    /// The service in the credential scope.
    pub service: String,
    /// The access key id.
    pub access_key: SecretValue,
    /// The secret access key.
    pub secret_key: SecretValue,
    /// The session token of temporary credentials.
    pub session_token: Option<SecretValue>,
    /// Headers to sign although a proxy may change them.
    pub sign_headers: Vec<HeaderName>,
}

/// An HMAC signature (RFC 2104) over a text of the upstream's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hmac {
    /// The id of the key.
    pub key_id: SecretValue,
    /// The key.
    pub key: SecretValue,
    /// The hash function of the signature and of the body's hash.
    pub hash: Hash,
    /// How the signature and the body's hash are written.
    pub encoding: Encoding,
    /// The header that carries the signing time.
    pub date: Option<DateHeader>,
    /// The text to sign.
    pub string_to_sign: SigningText,
    /// The value of the header that carries the signature.
    pub header: SigningText,
    /// The name of that header.
    pub header_name: HeaderName,
}

/// A header that carries the signing time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateHeader {
    /// The name of the header.
    pub header: HeaderName,
    /// The time's format in UTC, as a `strftime` pattern.
    pub format: String,
}

/// A text with placeholders for parts of the request and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningText(pub Vec<SigningPiece>);

/// A part of a [`SigningText`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningPiece {
    /// Text that stands for itself.
    Literal(String),
    /// What a request has in this place.
    Placeholder(SigningPlaceholder),
}

/// What a placeholder in a [`SigningText`] stands for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum SigningPlaceholder {
    /// The HTTP method.
    Method,
    /// The path as it is sent.
    Path,
    /// The query as it is sent.
    Query,
    /// The signing time.
    Date,
    /// The hash of the body.
    BodyHash,
    /// The value of the `Host` header.
    Host,
    /// The id of the key.
    KeyId,
    /// The signature.
    Signature,
}

/// A scheme's word and the credentials as one header value (RFC 9110, section 11.4). Without a
/// word, the credentials alone.
pub(crate) fn credentials(scheme: &str, secret: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    if scheme.is_empty() {
        return sensitive(secret.to_owned());
    }
    sensitive(format!("{scheme} {secret}"))
}

/// A header value that is not shown when its request is printed.
pub(crate) fn sensitive(text: String) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::try_from(text)?;
    value.set_sensitive(true);
    Ok(value)
}

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

impl From<LoginFormat> for BodyFormat {
    fn from(format: LoginFormat) -> Self {
        match format {
            LoginFormat::Json => Self::Decoded(Format::Json),
            LoginFormat::Xml => Self::Decoded(Format::Xml),
            LoginFormat::Text => Self::Text,
        }
    }
}

/// When a token expires, in one of three forms:
///
/// - `"jwt"`: the token is a JWT, and its `exp` claim says when it expires.
/// - A duration such as `"50m"`, counted from the login.
/// - A path such as `"/expires_in"` to a value in the login response, as a number or a string: seconds
///   from now, a Unix time in seconds (from 1,000,000,000 on) or milliseconds (from 100,000,000,000
///   on), a duration such as `3600s` or `PT1H`, an RFC 3339 timestamp, `2026-11-21 10:30:00` in UTC, or
///   an HTTP date.
///
/// If the expiry is missing, cannot be read or has already passed, a warning in the log and `probe` say
/// why, and the token is used until the upstream rejects it.
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
                "`{text}` is not an expiry: write `jwt`, a duration such as `50m`, or a path such as \
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
