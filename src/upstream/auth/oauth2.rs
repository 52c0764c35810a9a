//! OAuth 2.0 client credentials (RFC 6749, section 4.4) and token exchange (RFC 8693): the token request,
//! and what its answer says. Sending the one and receiving the other is the transport's matter.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use url::form_urlencoded;

use super::Token;
use super::login_answer::StatedEnd;
use crate::error::{ErrorKind, UpstreamError};
use crate::page::format::Page;
use crate::plan::{ClientCredentials, ExpiryUnit};
use crate::upstream::masks::Masks;

impl ClientCredentials {
    /// The request for a token, with nothing left to add.
    pub(in crate::upstream) fn token_request(&self) -> Request<Bytes> {
        let mut request = Request::new(self.form.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.token_url.clone();
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        request
    }

    /// The request for a token in exchange for that of a caller (RFC 8693, section 2.1).
    pub(in crate::upstream) fn exchange_request(&self, token: &SecretString) -> Request<Bytes> {
        let mut request = self.token_request();
        let form = String::from_utf8_lossy(&self.form).into_owned();
        let form = form_urlencoded::Serializer::new(form)
            .append_pair("subject_token", token.expose_secret())
            .finish();
        *request.body_mut() = form.into();
        request
    }
}

/// The token in a successful answer (RFC 6749, section 5.1), whose lifetime counts from `now`.
pub(in crate::upstream) fn token_from_reply(
    reply: &Page,
    now: Timestamp,
    masks: &Masks,
) -> Result<Token, UpstreamError> {
    let reply = reply.root();
    let text = |name| reply.member(name)?.text();
    let unusable = |detail| UpstreamError::new(ErrorKind::Mapping, detail);
    let access_token = text("access_token")
        .ok_or_else(|| unusable("the token endpoint's answer holds no `access_token`"))?;
    masks.add_token(access_token.trim());
    // Section 7.1: a token whose type is unknown must not be used. Some servers leave it out.
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(unusable("the token endpoint's answer is no bearer token"));
    }
    // It is only recommended: without it, the token lives until it is refused.
    let expires_in = reply.member("expires_in").filter(|value| !value.is_null());
    let stated = StatedEnd {
        at: "`expires_in`",
        unit: ExpiryUnit::Seconds,
        token: &access_token,
        now,
        masks,
    };
    let end = expires_in.map(|value| stated.of_value(value));
    let token = Token::new(Some(&access_token), end, now)?;
    Ok(if expires_in.is_none() {
        token.without_expiry("`expires_in` is not in the response")
    } else {
        token
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::plan::{Auth, Format, Grant};
    use crate::upstream::auth::tests::resolve;

    fn client(toml: &str) -> Option<ClientCredentials> {
        let auth = resolve(&format!("type = 'oauth2_client_credentials'\n{toml}"));
        let Ok(Auth::Token(token)) = auth else {
            return None;
        };
        match token.login.grant {
            Grant::ClientCredentials(client) => Some(client),
            Grant::Exchange { .. } | Grant::CallerToken(_) => None,
        }
    }

    #[test]
    fn the_token_request_is_the_rfcs() {
        let client = client(
            "token_url = 'https://server.example.com/token'\nclient_id = 's6:Bhd'\n\
             client_secret = { env = 'ODD' }\nscope = 'groups.read users.read'",
        )
        .unwrap();
        let request = client.token_request();
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri(), "https://server.example.com/token");
        assert_eq!(
            request.body(),
            "grant_type=client_credentials&scope=groups.read+users.read"
        );
        let authorization = &request.headers()[AUTHORIZATION];
        assert!(authorization.is_sensitive());
        let pair = STANDARD
            .decode(
                authorization
                    .to_str()
                    .unwrap()
                    .strip_prefix("Basic ")
                    .unwrap(),
            )
            .unwrap();
        assert_eq!(
            String::from_utf8(pair).unwrap(),
            "s6%3ABhd:7Fjfp0ZBr1KtDRbnfVdmIw%2F%2B+%C3%A9"
        );
    }

    #[test]
    fn without_a_scope_none_is_asked_for() {
        let unscoped = client(
            "token_url = 'http://localhost/t'\nclient_id = 'a'\nclient_secret = { env = 'ODD' }",
        );
        assert_eq!(
            unscoped.unwrap().token_request().body(),
            "grant_type=client_credentials"
        );
        assert!(
            client(
                "token_url = 'http://localhost/t'\nclient_id = 'a'\nclient_secret = { env = 'NO' }"
            )
            .is_none()
        );
    }

    #[rstest]
    #[case(
        r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600}"#,
        Ok(Some(3600))
    )]
    #[case(
        r#"{"access_token":"a","token_type":"bearer","expires_in":"60"}"#,
        Ok(Some(60))
    )]
    #[case(r#"{"access_token":"a"}"#, Ok(None))]
    #[case(
        r#"{"access_token":"a","expires_in":{"s":1}}"#,
        Err(ErrorKind::Mapping)
    )]
    #[case(r#"{"access_token":"a","expires_in":"soon"}"#, Err(ErrorKind::Mapping))]
    #[case(r#"{"access_token":"a","token_type":"mac"}"#, Err(ErrorKind::Mapping))]
    #[case(r#"{"error":"invalid_client"}"#, Err(ErrorKind::Mapping))]
    #[case("[]", Err(ErrorKind::Mapping))]
    #[tokio::test(start_paused = true)]
    async fn the_reply_says_how_long_the_token_lives(
        #[case] body: &str,
        #[case] expected: Result<Option<u64>, ErrorKind>,
    ) {
        let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
        let life = token_from_reply(&page, Timestamp::UNIX_EPOCH, &Masks::default())
            .map(|token| {
                token
                    .left(tokio::time::Instant::now())
                    .map(|left| left.as_secs())
            })
            .map_err(|error| error.kind);
        assert_eq!(life, expected);
    }

    #[rstest]
    #[case::absent(r#"{"access_token":"a"}"#, Some("`expires_in` is not in the response"))]
    #[case::null(
        r#"{"access_token":"a","expires_in":null}"#,
        Some("`expires_in` is not in the response")
    )]
    #[case::zero(r#"{"access_token":"a","expires_in":0}"#, Some("`expires_in` is 0"))]
    #[case::known(r#"{"access_token":"a","expires_in":60}"#, None)]
    #[tokio::test(start_paused = true)]
    async fn an_unknown_expiry_is_told_with_the_reason(
        #[case] body: &str,
        #[case] said: Option<&str>,
    ) {
        let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
        let token = token_from_reply(&page, Timestamp::UNIX_EPOCH, &Masks::default()).unwrap();
        assert_eq!(token.unknown_expiry().is_some(), said.is_some());
        assert!(
            token
                .unknown_expiry()
                .unwrap_or_default()
                .starts_with(said.unwrap_or_default())
        );
    }
}
