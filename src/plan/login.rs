//! Logins: what is sent, what is kept of the answer, and where that goes.

use http::header::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    BodyFormat, ClassifyRules, Expiry, Format, LoginLocation, Oauth2Client, Request, TokenRequest,
};

/// What placeholders call the token itself.
pub(crate) const LOGIN_TOKEN: &str = "token";

/// What they call the cookies that the login set.
pub(crate) const LOGIN_COOKIES: &str = "cookies";

/// What a login returns, and where that goes.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenAuth {
    /// Where the token goes.
    pub place: TokenPlace,
    /// Whether the cookies that the login set go with every request.
    pub sends_cookies: bool,
    /// The login.
    pub login: Login,
}

/// Where a token goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// Into a header.
    Header {
        /// The name of the header.
        name: HeaderName,
        /// The word before the token. If empty, the token stands alone.
        scheme: String,
    },
    /// Into a parameter of the query.
    Query(String),
    /// Into a cookie.
    Cookie(String),
    /// Only where a request has a placeholder for it.
    Requests,
}

/// A login.
#[derive(Debug, Clone, PartialEq)]
pub struct Login {
    /// The logins that come before it, each after those that it uses.
    pub chain: Vec<EarlierLogin>,
    /// What is sent, and where the response holds the token.
    pub grant: Grant,
    /// What its responses mean.
    pub rules: ClassifyRules,
}

/// A login that comes before another one.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlierLogin {
    /// What placeholders call it.
    pub name: String,
    /// The names of those whose values its request has.
    pub uses: Vec<String>,
    /// What is sent, and where the response holds the token.
    pub grant: Grant,
    /// What its responses mean.
    pub rules: ClassifyRules,
}

impl Login {
    /// The requests of the upstream's own that it and those before it send.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.grants().filter_map(|grant| match grant {
            Grant::Exchange(exchange) => Some(&exchange.request),
            Grant::Oauth2(_) | Grant::CallerToken(_) => None,
        })
    }

    /// The clients of OAuth 2.0 that it and those before it are.
    pub fn clients(&self) -> impl Iterator<Item = &Oauth2Client> {
        self.grants().filter_map(|grant| match grant {
            Grant::Oauth2(client) | Grant::CallerToken(client) => Some(client),
            Grant::Exchange(_) => None,
        })
    }

    fn grants(&self) -> impl Iterator<Item = &Grant> {
        let earlier = self.chain.iter().map(|step| &step.grant);
        earlier.chain([&self.grant])
    }
}

/// What a login sends, and where its response holds the token.
#[derive(Debug, Clone, PartialEq)]
pub enum Grant {
    /// A request of the upstream's own.
    Exchange(Box<LoginExchange>),
    /// A grant of OAuth 2.0.
    Oauth2(Oauth2Client),
    /// The caller's token, exchanged for another one (RFC 8693), in the name of this client. The body
    /// lacks the caller's token.
    CallerToken(Oauth2Client),
}

impl Grant {
    /// Whether what it sends may be good for one request only, as a refresh token is that the server rotates (RFC 9700,
    /// section 4.14.2).
    pub const fn uses_up_its_credential(&self) -> bool {
        matches!(
            self,
            Self::Oauth2(Oauth2Client {
                request: TokenRequest::RefreshToken(_),
                ..
            })
        )
    }
}

/// A login request of the upstream's own, and what is kept of its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct LoginExchange {
    /// The request.
    pub request: Request,
    /// Where the response holds the token, if there is one.
    pub token: Option<LoginLocation>,
    /// Where the response holds other values, by the names that placeholders have for them.
    pub values: Vec<(String, LoginLocation)>,
    /// Whether a response that sets no cookie is no login.
    pub needs_cookies: bool,
    /// When the token expires. Without it, the token is used until it is rejected.
    pub expires: Option<Expiry>,
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
