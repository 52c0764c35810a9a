//! OAuth 2.0: the client of a token endpoint, and the ways in which it asks for a token.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Json, Text};
use crate::config::Secret;
use crate::plan::{Span, TokenAlgorithm, text};

/// How a client authenticates at the token endpoint, by the names of RFC 7591, section 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// HTTP Basic authentication, with id and secret encoded as in a form first (RFC 6749, section
    /// 2.3.1): `a:b` is sent as `a%3Ab`.
    ClientSecretBasic,
    /// HTTP Basic authentication with id and secret as they are.
    ClientSecretBasicUnencoded,
    /// `client_id` and `client_secret` in the body.
    ClientSecretPost,
    /// A token that the client signs (RFC 7523, section 2.2), as `client_assertion` says.
    PrivateKeyJwt,
    /// Not at all: only `client_id` is sent, if there is one.
    None,
}

/// A token that is signed here (RFC 7523, section 3). Its `iat` is the time of signing, its `jti` is random.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedAssertion {
    /// The private key in PEM, or the JSON file of a Google service account, which brings its `issuer` and
    /// `key_id` with it. With `HS256`, `HS384` and `HS512`, the shared secret.
    pub private_key: Secret,
    /// The algorithm of the signature.
    #[serde(default = "rs256")]
    pub algorithm: TokenAlgorithm,
    /// What the token's header calls the key (`kid`). Without it, it does not.
    pub key_id: Option<String>,
    /// A file with the certificate of the key in PEM, whose thumbprint the token's header has then
    /// (`x5t#S256`), as Microsoft Entra ID wants it.
    pub certificate: Option<PathBuf>,
    /// Who signs it (`iss`). Without it, `client_id`.
    pub issuer: Option<Text>,
    /// Whom it is about (`sub`). Without it, the client in a `client_assertion`, and otherwise none.
    pub subject: Option<Text>,
    /// Whom it is for (`aud`). Without it, `token_url`.
    pub audience: Option<String>,
    /// Other claims, such as `{ scope = "https://www.googleapis.com/auth/admin.directory.group.readonly" }`.
    #[serde(default)]
    pub claims: BTreeMap<String, Json>,
    /// How long it is valid.
    #[serde(default = "five_minutes")]
    pub lifetime: Span,
}

fn rs256() -> TokenAlgorithm {
    TokenAlgorithm::RS256
}

const fn five_minutes() -> Span {
    Span::seconds(300)
}

/// The keys that all grants have.
#[derive(Debug, Clone, Copy)]
pub struct ClientKeys<'a> {
    /// The token endpoint.
    pub token_url: &'a url::Url,
    /// The client id.
    pub client_id: Option<&'a Text>,
    /// The client secret.
    pub client_secret: Option<&'a Secret>,
    /// How the client authenticates.
    pub client_auth: Option<ClientAuth>,
    /// What it signs for that.
    pub client_assertion: Option<&'a SignedAssertion>,
    /// The scope to request.
    pub scope: Option<&'a str>,
    /// The name of the service that the token is for.
    pub audience: Option<&'a str>,
    /// The URL of the service that the token is for.
    pub resource: Option<&'a str>,
    /// Other parameters.
    pub parameters: &'a BTreeMap<String, Text>,
    /// The header that carries the token.
    pub header: Option<&'a str>,
    /// The word before the token.
    pub scheme: Option<&'a str>,
    /// The query parameter that carries the token.
    pub query: Option<&'a str>,
    /// The cookie that carries the token.
    pub cookie: Option<&'a str>,
}

/// A grant: its own keys, and those that all grants have.
macro_rules! grant {
    ($(#[$docs:meta])* $name:ident { $($(#[$key_docs:meta])* $key:ident: $type:ty,)* }) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The token endpoint. It can be on another host than `base_url`.
            #[serde(deserialize_with = "text::url")]
            #[schemars(with = "String", extend("format" = "uri"))]
            pub token_url: url::Url,
            $($(#[$key_docs])* pub $key: $type,)*
            /// The client secret.
            pub client_secret: Option<Secret>,
            /// How the client authenticates at the token endpoint. Without it, by `client_assertion` if it is
            /// set, else by `client_secret` as `client_secret_basic`, else not at all.
            pub client_auth: Option<ClientAuth>,
            /// What the client signs for `client_auth = "private_key_jwt"`.
            pub client_assertion: Option<SignedAssertion>,
            /// The scope to request. Without it, none is sent.
            pub scope: Option<String>,
            /// The name of the service that the token is for. Without it, none is sent.
            pub audience: Option<String>,
            /// The URL of the service that the token is for (RFC 8707). Without it, none is sent.
            pub resource: Option<String>,
            /// Other parameters of the token request, such as `{ tenant = "acme" }`.
            #[serde(default)]
            pub parameters: BTreeMap<String, Text>,
            /// The header that carries the token. Without it, `authorization`; unless the token goes to
            /// `query` or `cookie`, or a request holds `{login.token}`.
            pub header: Option<String>,
            /// The word before the token in its header. If empty, the token stands alone. Without it,
            /// `Bearer`.
            pub scheme: Option<String>,
            /// The query parameter that carries the token.
            pub query: Option<String>,
            /// The cookie that carries the token.
            pub cookie: Option<String>,
        }

        impl $name {
            /// The keys that all grants have.
            pub fn client(&self) -> ClientKeys<'_> {
                ClientKeys {
                    token_url: &self.token_url,
                    client_id: Option::from(&self.client_id),
                    client_secret: self.client_secret.as_ref(),
                    client_auth: self.client_auth,
                    client_assertion: self.client_assertion.as_ref(),
                    scope: self.scope.as_deref(),
                    audience: self.audience.as_deref(),
                    resource: self.resource.as_deref(),
                    parameters: &self.parameters,
                    header: self.header.as_deref(),
                    scheme: self.scheme.as_deref(),
                    query: self.query.as_deref(),
                    cookie: self.cookie.as_deref(),
                }
            }
        }
    };
}

grant! {
    /// OAuth 2.0 client credentials.
    ClientCredentialsAuth {
        /// The client id.
        client_id: Text,
    }
}

grant! {
    /// The password of a user, for a token.
    PasswordAuth {
        /// The client id. Without it, none is sent.
        client_id: Option<Text>,
        /// The user name.
        username: Text,
        /// The password.
        password: Secret,
    }
}

grant! {
    /// A refresh token, for an access token.
    RefreshTokenAuth {
        /// The client id. Without it, none is sent.
        client_id: Option<Text>,
        /// The refresh token. If the server returns another one, that is used from then on, until groupgate
        /// restarts, a reload changes anything of the upstream but its times, or the server refuses it: choose a client
        /// whose refresh tokens are not used up. The request is never sent twice, as other logins are.
        refresh_token: Secret,
    }
}

grant! {
    /// A token that is signed here, for one of the server's.
    JwtBearerAuth {
        /// The client id. Without it, none is sent.
        client_id: Option<Text>,
        /// The token that is signed.
        assertion: SignedAssertion,
    }
}

grant! {
    /// The caller's token, exchanged for one that the upstream takes (RFC 8693).
    CallerExchangeAuth {
        /// The client id.
        client_id: Text,
        /// What the caller's token is.
        #[serde(default = "access_token")]
        subject_token_type: String,
    }
}

fn access_token() -> String {
    "urn:ietf:params:oauth:token-type:access_token".to_owned()
}
