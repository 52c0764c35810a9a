//! How requests are authenticated: one variant per scheme.

mod login;
pub use login::TokenExchangeAuth;

use std::str::FromStr as _;

use schemars::JsonSchema;
use serde::Deserialize;
use strum::{EnumDiscriminants, EnumString};

use super::value::{Nothing, nothing_else};
use super::{
    CallerExchangeAuth, ClientCredentialsAuth, ClientKeys, HmacAuth, JwtBearerAuth,
    MessageSignatureAuth, PasswordAuth, RefreshTokenAuth, Text,
};
use crate::config::Secret;
use crate::config::tree::{self, Misfit};

/// How requests to this upstream are authenticated.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum_discriminants(
    name(AuthScheme),
    vis(pub(in crate::config)),
    derive(EnumString),
    strum(serialize_all = "snake_case")
)]
pub enum Auth {
    /// No authentication. This is the default.
    #[default]
    #[serde(deserialize_with = "nothing_else")]
    None,
    /// A static token in the `Authorization` header (RFC 6750).
    Bearer(BearerAuth),
    /// User name and password (RFC 7617), sent in UTF-8 and Base64 and not encoded otherwise.
    Basic(BasicAuth),
    /// A key in a header or in a query parameter. Set exactly one of `header` and `query`.
    ApiKey(ApiKeyAuth),
    /// A login request that returns a token, cookies or other values. They are cached and renewed after
    /// 80 to 90 percent of the token's lifetime. If the upstream rejects them, they are renewed once.
    ///
    /// The token goes to `header`, `query` or `cookie`. Any request of the upstream can hold
    /// `{login.token}`, `{login.NAME}` for a name under `values`, and `{login.cookies}` for the cookies that
    /// the login set, as a `Cookie` header has them; also in a JSON body:
    /// `json = { session = "{login.token}" }`.
    TokenExchange(Box<TokenExchangeAuth>),
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4). Any request of the upstream can hold
    /// `{login.token}`.
    Oauth2ClientCredentials(Box<ClientCredentialsAuth>),
    /// The password of a user, sent for a token (RFC 6749, section 4.3).
    Oauth2Password(Box<PasswordAuth>),
    /// A refresh token, sent for an access token (RFC 6749, section 6).
    Oauth2RefreshToken(Box<RefreshTokenAuth>),
    /// A token that is signed here, sent for one of the server's (RFC 7523, section 2.1), as with a service
    /// account of Google.
    Oauth2JwtBearer(Box<JwtBearerAuth>),
    /// Headers of the caller's own request. Each caller is asked for by itself, with what it sent, and
    /// only if it authenticated to groupgate.
    Forward(ForwardAuth),
    /// The caller's own token (a JWT), exchanged for one that the upstream takes (RFC 8693). Each caller
    /// is asked for by itself. The new token is cached for as long as it lives.
    TokenExchangeCaller(Box<CallerExchangeAuth>),
    /// AWS Signature Version 4.
    AwsSigv4(AwsSigv4Auth),
    /// An HMAC signature (RFC 2104) over a text that you define, sent in a header or in parameters that you
    /// define.
    ///
    /// Placeholders in all of its texts:
    ///
    /// - `{method}`: the HTTP method, in upper case.
    /// - `{path}`: the path as it is sent, percent-encoded.
    /// - `{query}`: the query string as it is sent, without the question mark; empty if there is
    ///   none.
    /// - `{host}`: the value of the `Host` header, with the port unless it is the default one.
    /// - `{date}` and `{short_date}`: the signing time, as `date` writes it.
    /// - `{body_hash}`: the hash of the request body, in `encoding`. An empty body has a hash too.
    /// - `{key_id}`: the id of the key.
    /// - `{nonce}`: 32 random hexadecimal digits, the same in all texts of one request.
    /// - `{signed_headers}`: the names of the `signed_headers`, in order, as in `host;x-date`.
    ///
    /// In `canonical_request` and `string_to_sign`, and where the signature is sent, also:
    ///
    /// - `{canonical_headers}`: a line for each of the `signed_headers`, as in `x-date:20261121T120000Z`,
    ///   with a line feed at its end.
    /// - `{canonical_path}`: the path without empty segments and dots, each segment percent-encoded once more.
    /// - `{canonical_query}`: the parameters in the order of their names, with all but unreserved characters
    ///   percent-encoded. The query is then sent with this encoding, too.
    /// - `{canonical_hash}`: the hash of `canonical_request`, in `encoding`. Only in `string_to_sign` and after.
    /// - `{signature}`: the signature. Only in `header` or `query`, one of which must contain it.
    ///
    /// `{{` and `}}` are literal braces.
    Hmac(Box<HmacAuth>),
    /// An HTTP Message Signature (RFC 9421) in the headers `Signature` and `Signature-Input`.
    HttpMessageSignatures(Box<MessageSignatureAuth>),
    /// Digest access authentication (RFC 7616): the user name, and a hash of the password with what the
    /// upstream asks for in its 401. Its challenge is kept and answered with every further request. MD5,
    /// SHA-256 and SHA-512-256 are known, each also as `-sess`, and `qop=auth`. `limits.rate` does not count
    /// the request that brings a challenge apart from the one that answers it.
    Digest(DigestAuth),
}

impl Auth {
    /// The key that names the scheme.
    pub(in crate::config) const TAG: &'static str = "type";

    /// Where its logins go that have a URL of their own.
    pub fn login_urls(&self) -> Vec<&url::Url> {
        match self {
            Self::Oauth2ClientCredentials(_)
            | Self::Oauth2Password(_)
            | Self::Oauth2RefreshToken(_)
            | Self::Oauth2JwtBearer(_)
            | Self::TokenExchangeCaller(_) => {
                let client = self.oauth2_client();
                client.into_iter().map(|keys| keys.token_url).collect()
            }
            Self::TokenExchange(auth) => {
                let before = auth.chain.values().flat_map(Self::login_urls);
                auth.base_url.iter().chain(before).collect()
            }
            Self::None
            | Self::Bearer(_)
            | Self::Basic(_)
            | Self::ApiKey(_)
            | Self::Forward(_)
            | Self::AwsSigv4(_)
            | Self::Hmac(_)
            | Self::HttpMessageSignatures(_)
            | Self::Digest(_) => Vec::new(),
        }
    }

    /// The client of a token endpoint, if it is one.
    pub fn oauth2_client(&self) -> Option<ClientKeys<'_>> {
        Some(match self {
            Self::Oauth2ClientCredentials(auth) => auth.client(),
            Self::Oauth2Password(auth) => auth.client(),
            Self::Oauth2RefreshToken(auth) => auth.client(),
            Self::Oauth2JwtBearer(auth) => auth.client(),
            Self::TokenExchangeCaller(auth) => auth.client(),
            Self::None
            | Self::Bearer(_)
            | Self::Basic(_)
            | Self::ApiKey(_)
            | Self::TokenExchange(_)
            | Self::Forward(_)
            | Self::AwsSigv4(_)
            | Self::Hmac(_)
            | Self::HttpMessageSignatures(_)
            | Self::Digest(_) => return None,
        })
    }

    /// What is wrong with the keys beside the tag, and where. serde forgets the where when it
    /// reads a tagged table, so a refused one is read again as its scheme's own struct.
    pub(in crate::config) fn misfit(scheme: &str, keys: toml::Value) -> Option<Misfit> {
        match AuthScheme::from_str(scheme).ok()? {
            AuthScheme::None => tree::read::<Nothing>(keys).err(),
            AuthScheme::Bearer => tree::read::<BearerAuth>(keys).err(),
            AuthScheme::Basic => tree::read::<BasicAuth>(keys).err(),
            AuthScheme::ApiKey => tree::read::<ApiKeyAuth>(keys).err(),
            AuthScheme::TokenExchange => tree::read::<TokenExchangeAuth>(keys).err(),
            AuthScheme::Oauth2ClientCredentials => tree::read::<ClientCredentialsAuth>(keys).err(),
            AuthScheme::Oauth2Password => tree::read::<PasswordAuth>(keys).err(),
            AuthScheme::Oauth2RefreshToken => tree::read::<RefreshTokenAuth>(keys).err(),
            AuthScheme::Oauth2JwtBearer => tree::read::<JwtBearerAuth>(keys).err(),
            AuthScheme::Forward => tree::read::<ForwardAuth>(keys).err(),
            AuthScheme::TokenExchangeCaller => tree::read::<CallerExchangeAuth>(keys).err(),
            AuthScheme::AwsSigv4 => tree::read::<AwsSigv4Auth>(keys).err(),
            AuthScheme::Hmac => tree::read::<HmacAuth>(keys).err(),
            AuthScheme::HttpMessageSignatures => tree::read::<MessageSignatureAuth>(keys).err(),
            AuthScheme::Digest => tree::read::<DigestAuth>(keys).err(),
        }
    }
}

/// A token in the `Authorization` header.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BearerAuth {
    /// The token.
    pub token: Secret,
    /// The word before the token. If empty, the token stands alone.
    #[serde(default = "bearer")]
    pub scheme: String,
}

fn bearer() -> String {
    "Bearer".to_owned()
}

/// User name and password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// The user name. It cannot contain a colon.
    pub username: Text,
    /// The password.
    pub password: Secret,
}

/// User name and password, of which only hashes are sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestAuth {
    /// The user name.
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
    /// The header that carries the key.
    pub header: Option<String>,
    /// The query parameter that carries the key.
    pub query: Option<String>,
}

/// Headers of the caller's own request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardAuth {
    /// The names of the headers, such as `authorization`. They are forwarded as they came; a caller that did
    /// not send all of them cannot be asked for. A cookie is forwarded only if `cookie` is named. Headers
    /// that belong to one connection or to the body, such as `host`, are refused.
    #[schemars(length(min = 1))]
    pub headers: Vec<String>,
    /// The names of headers that are forwarded as well if the caller sent them.
    #[serde(default)]
    pub optional_headers: Vec<String>,
}

/// AWS Signature Version 4.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsSigv4Auth {
    /// The region in the credential scope, such as `us-east-1`.
    pub region: String,
    /// The service in the credential scope, such as `iam`.
    pub service: String,
    /// The access key id.
    pub access_key: Secret,
    /// The secret access key.
    pub secret_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret>,
    /// Headers that are normally not signed because proxies may change them, such as `user-agent`,
    /// and that this upstream wants signed. All other headers are always signed. `authorization` is
    /// refused.
    #[serde(default)]
    pub sign_headers: Vec<String>,
}
