//! Who we are to an upstream: how [`Auth`] acts.
//!
//! It signs a request at the bottom of the transport, once per try: a signature covers what
//! is sent, when it is sent. It decides and never waits. Where a login brings the token, a
//! [`TokenCell`] keeps it, and the exchange itself happens above, through the transport like any
//! other, so that it never waits for a permit which its own request holds.
//!
//! Each scheme is a file. Header values that carry credentials are marked sensitive, so that they
//! do not show when a request is printed.

use bytes::Bytes;
use http::header::{HOST, HeaderName};
use http::{Request, Uri};
use jiff::Timestamp;
use thiserror::Error;

use crate::error::{ErrorKind, UpstreamError};
use crate::plan::Auth;

mod canonical;
mod cookies;
pub(super) mod digest_access;
mod fixed;
mod forward;
mod hmac;
pub(super) mod login_answer;
pub mod login_values;
pub use login_values::LoginValues;
mod message_signature;
pub mod oauth2;
mod query;
mod signing_text;
mod sigv4;

pub mod token;
pub use token::{LoginToken, Token};

pub mod token_cell;
pub use token_cell::TokenCell;

impl Auth {
    /// Whether a login has to bring the token that [`Auth::sign`] is given.
    pub const fn needs_token(&self) -> bool {
        matches!(self, Self::Token(_))
    }

    /// Puts the credentials or the signature into a request that is complete otherwise. Signing a
    /// request once more replaces the signature.
    ///
    /// `token` is what the login brought, for schemes with one; `now` is the time that a
    /// signature claims.
    pub fn sign(
        &self,
        request: &mut Request<Bytes>,
        token: Option<&Token>,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        match self {
            // What a digest is made of, its own layer alone knows: the upstream says it.
            Self::None | Self::Digest(_) => Ok(()),
            Self::Fixed(fixed) => fixed.sign(request),
            Self::Token(auth) => auth.sign(request, token.ok_or(AuthError::NoToken)?),
            Self::SigV4(sigv4) => sigv4.sign(request, now),
            Self::Hmac(hmac) => hmac.sign(request, now),
            Self::MessageSignature(signature) => signature.sign(request, now),
            Self::Forward(names) => forward::sign(names, request),
        }
    }
}

/// Why a request could not be signed. It was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// The scheme needs a token, and there was no login.
    #[error("there is no token to sign the request with")]
    NoToken,
    /// The request is made on behalf of nobody.
    #[error("there is no caller whose headers could be forwarded")]
    NoCaller,
    /// The URI is relative, and there is no `Host` header.
    #[error("the request has no host to sign")]
    NoHost,
    /// A value holds what no header may hold, such as a line break.
    #[error("the header `{0}` cannot carry its value")]
    Header(HeaderName),
    /// A header that is signed is not in the request.
    #[error("the request has no header `{0}` that could be signed")]
    NoHeader(HeaderName),
    /// A parameter that is signed is not in the request.
    #[error("the request has no parameter `{0}` that could be signed")]
    NoParameter(String),
    /// A parameter that is signed comes twice, so that nothing says which is meant.
    #[error("the request has the parameter `{0}` more than once, so it cannot be signed by itself")]
    RepeatedParameter(String),
    /// The URI is no URI any more, or too long.
    #[error("the request's URI cannot carry its query")]
    Uri,
    /// The moment cannot be written as the `date` header's format says.
    #[error("the time of signing cannot be written: {0}")]
    Date(String),
    /// The signer refused the request.
    #[error("the request cannot be signed: {0}")]
    Signer(String),
}

impl From<AuthError> for UpstreamError {
    /// Nobody refused our credentials, so it is not `unauthorized`.
    fn from(error: AuthError) -> Self {
        match error {
            // The only value that is not known before is the token that a login brought.
            AuthError::Header(_) => Self::new(ErrorKind::Mapping, error.to_string()),
            AuthError::NoToken
            | AuthError::NoCaller
            | AuthError::NoHost
            | AuthError::NoHeader(_)
            | AuthError::NoParameter(_)
            | AuthError::RepeatedParameter(_)
            | AuthError::Uri
            | AuthError::Date(_)
            | AuthError::Signer(_) => Self::ours(error.to_string()),
        }
    }
}

/// The `Host` header that the request will be sent with: the client adds it from the URI, without
/// the scheme's own port (RFC 9110, section 7.2).
fn host(request: &Request<Bytes>) -> Result<String, AuthError> {
    if let Some(host) = request.headers().get(HOST) {
        return host
            .to_str()
            .map(str::to_owned)
            .map_err(|_| AuthError::Header(HOST));
    }
    let uri = request.uri();
    let host = uri.host().ok_or(AuthError::NoHost)?;
    Ok(match port(uri) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// The port, unless it is the scheme's own.
fn port(uri: &Uri) -> Option<u16> {
    let own = match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        Some(_) | None => None,
    };
    uri.port_u16().filter(|&port| Some(port) != own)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use http::header::HeaderValue;

    use super::*;
    pub(super) use crate::config::resolve::auth_in as resolve;

    /// A request signed at the moment that AWS's test vectors use.
    pub(super) fn signed(auth: &Auth, mut request: Request<Bytes>) -> Request<Bytes> {
        let token = Token::new(Some("t0ken"), None, Timestamp::UNIX_EPOCH).unwrap();
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        auth.sign(&mut request, Some(&token), now).unwrap();
        request
    }

    pub(super) fn get(uri: &str) -> Request<Bytes> {
        Request::get(uri).body(Bytes::new()).unwrap()
    }

    #[rstest]
    #[case::none("type = 'none'", "")]
    #[case::bearer("type = 'bearer'\ntoken = { env = 'KEY' }", "Bearer AKIDEXAMPLE")]
    #[case::other_scheme(
        "type = 'bearer'\nscheme = 'SSWS'\ntoken = { env = 'KEY' }",
        "SSWS AKIDEXAMPLE"
    )]
    #[case::no_scheme("type = 'bearer'\nscheme = ''\ntoken = { env = 'KEY' }", "AKIDEXAMPLE")]
    #[case::basic(
        "type = 'basic'\nusername = 'Aladdin'\npassword = { env = 'KEY' }",
        "Basic QWxhZGRpbjpBS0lERVhBTVBMRQ=="
    )]
    #[case::basic_secret_name(
        "type = 'basic'\nusername = { env = 'KEY' }\npassword = { env = 'KEY' }",
        "Basic QUtJREVYQU1QTEU6QUtJREVYQU1QTEU="
    )]
    #[case::api_key(
        "type = 'api_key'\nheader = 'Authorization'\nkey = { env = 'KEY' }",
        "AKIDEXAMPLE"
    )]
    #[case::oauth2(
        "type = 'oauth2_client_credentials'\ntoken_url = 'https://a.example/t'\nclient_id = 'c'\nclient_secret = { env = 'KEY' }",
        "Bearer t0ken"
    )]
    #[case::login(
        "type = 'token_exchange'\nrequest = { path = '/login' }\ntoken = '/token'",
        "Bearer t0ken"
    )]
    #[case::login_without_scheme(
        "type = 'token_exchange'\nrequest = { path = '/login' }\ntoken = '/token'\nscheme = ''",
        "t0ken"
    )]
    fn the_authorization_header_is_as_the_scheme_says(#[case] toml: &str, #[case] expected: &str) {
        let request = signed(&resolve(toml).unwrap(), get("https://example.com/groups"));
        let value = request.headers().get("authorization");
        assert_eq!(value.map_or("", |value| value.to_str().unwrap()), expected);
        assert!(value.is_none_or(HeaderValue::is_sensitive));
    }

    #[test]
    fn a_token_scheme_signs_nothing_without_a_token() {
        let toml = "type = 'token_exchange'\nrequest = { path = '/login' }\ntoken = '/token'";
        let auth = resolve(toml).unwrap();
        let mut request = get("https://example.com/groups");
        assert!(auth.needs_token());
        assert_eq!(
            auth.sign(&mut request, None, Timestamp::UNIX_EPOCH),
            Err(AuthError::NoToken)
        );
    }

    #[rstest]
    #[case("https://example.com/", "example.com")]
    #[case("https://example.com:443/", "example.com")]
    #[case("https://example.com:80/", "example.com:80")]
    #[case("http://example.com:80/", "example.com")]
    #[case("http://user@[::1]:8080/", "[::1]:8080")]
    fn the_host_is_what_the_client_will_send(#[case] uri: &str, #[case] expected: &str) {
        assert_eq!(host(&get(uri)).unwrap(), expected);
    }

    #[test]
    fn a_host_header_goes_before_the_uri() {
        let mut request = get("https://example.com/");
        request
            .headers_mut()
            .insert(HOST, HeaderValue::from_static("other.example"));
        assert_eq!(host(&request).unwrap(), "other.example");
        assert_eq!(host(&get("/groups")), Err(AuthError::NoHost));
    }

    #[test]
    fn nothing_that_is_printed_holds_a_secret() {
        let blocks = [
            "type = 'bearer'\ntoken = { env = 'SECRET' }",
            "type = 'basic'\nusername = 'a'\npassword = { env = 'SECRET' }",
            "type = 'api_key'\nkey = { env = 'SECRET' }\nquery = 'key'",
            "type = 'aws_sigv4'\nregion = 'r'\nservice = 's'\naccess_key = { env = 'KEY' }\nsecret_key = { env = 'SECRET' }\nsession_token = { env = 'SECRET' }",
            "type = 'hmac'\nkey_id = { env = 'KEY' }\nsecret = { env = 'SECRET' }\nstring_to_sign = '{path}'\nheader = '{key_id} {signature}'",
        ];
        for block in blocks {
            let auth = resolve(block).unwrap();
            let request = signed(&auth, get("https://example.com/groups"));
            let printed = format!("{auth:?} {:?}", request.headers());
            for secret in ["wJalr", "AKIDEXAMPLE", "d0phbHI"] {
                assert!(!printed.contains(secret), "{printed}");
            }
        }
    }
}
