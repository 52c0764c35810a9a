//! How requests are authenticated.

use http::header::{HeaderName, HeaderValue, InvalidHeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ForwardedNames, KeyEncoding, Login, MessageSignature, SecretValue, TokenAuth};

/// How requests to one upstream are authenticated.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    /// Not at all.
    None,
    /// With the same credentials every time.
    Fixed(Fixed),
    /// With what a login returns.
    Token(Box<TokenAuth>),
    /// With an AWS Signature Version 4.
    SigV4(SigV4),
    /// With an HMAC signature over a text of the upstream's choice.
    Hmac(Box<Hmac>),
    /// With an HTTP Message Signature.
    MessageSignature(Box<MessageSignature>),
    /// With the answer to a challenge.
    Digest(DigestAccess),
    /// With headers of the caller's request.
    Forward(ForwardedNames),
}

impl Auth {
    /// The login, if it takes one.
    pub fn login(&self) -> Option<&Login> {
        match self {
            Self::Token(token) => Some(&token.login),
            Self::None
            | Self::Fixed(_)
            | Self::SigV4(_)
            | Self::Hmac(_)
            | Self::MessageSignature(_)
            | Self::Digest(_)
            | Self::Forward(_) => None,
        }
    }
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

/// Digest access authentication (RFC 7616).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestAccess {
    /// The user name.
    pub username: SecretValue,
    /// The password.
    pub password: SecretValue,
}

/// An HMAC signature (RFC 2104) over a text of the upstream's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hmac {
    /// The id of the key.
    pub key_id: SecretValue,
    /// The key.
    pub key: SecretValue,
    /// How the key is written.
    pub key_encoding: KeyEncoding,
    /// What stands before the key.
    pub key_prefix: String,
    /// The texts of which each is signed with the key before it, for the next key.
    pub derived_key: Vec<SigningText>,
    /// The hash function of the signature and of all hashes.
    pub hash: Hash,
    /// How the signature and all hashes are written.
    pub encoding: Encoding,
    /// The signing time.
    pub date: Option<SigningDate>,
    /// The headers of the canonical request, in order.
    pub signed_headers: Vec<HeaderName>,
    /// Headers that are added before the request is signed.
    pub headers: Vec<(HeaderName, SigningText)>,
    /// The text whose hash is part of what is signed.
    pub canonical_request: Option<SigningText>,
    /// Whether the query is sent in the form that is signed.
    pub has_strict_query: bool,
    /// The text to sign.
    pub string_to_sign: SigningText,
    /// Where the signature goes.
    pub place: SignaturePlace,
}

/// Where a signature goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignaturePlace {
    /// Into a header.
    Header {
        /// The name of the header.
        name: HeaderName,
        /// Its value.
        value: SigningText,
    },
    /// Into the query, with other parameters.
    Query(Vec<(String, SigningText)>),
}

/// The signing time, where it goes and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningDate {
    /// Where it goes.
    pub place: DatePlace,
    /// Its format in UTC, as a `strftime` pattern.
    pub format: String,
    /// A second format.
    pub short_format: Option<String>,
}

/// Where the signing time goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatePlace {
    /// Into a header.
    Header(HeaderName),
    /// Into a parameter of the query.
    Query(String),
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
    /// The signing time in its second format.
    ShortDate,
    /// A random text.
    Nonce,
    /// The names of the signed headers.
    SignedHeaders,
    /// The signed headers, a line each.
    CanonicalHeaders,
    /// The path, normalized and encoded once more.
    CanonicalPath,
    /// The parameters of the query in order.
    CanonicalQuery,
    /// The hash of the canonical request.
    CanonicalHash,
    /// The signature.
    Signature,
}

impl SigningText {
    /// Whether it has a placeholder.
    pub fn uses(&self, placeholder: SigningPlaceholder) -> bool {
        self.0.contains(&SigningPiece::Placeholder(placeholder))
    }

    /// Whether it has the signature.
    pub fn has_signature(&self) -> bool {
        self.uses(SigningPlaceholder::Signature)
    }
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
    /// MD5, for upstreams that support nothing better.
    Md5,
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
