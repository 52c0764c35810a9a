//! What a login brings: how it is sent, and how long it lives.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::HeaderValue;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use super::login_values::LoginValues;
use super::{AuthError, cookies, query};
use crate::error::{ErrorKind, UpstreamError};
use crate::plan::auth::credentials;
use crate::plan::login::LOGIN_COOKIES;
use crate::plan::{TokenAuth, TokenPlace};

impl TokenAuth {
    pub(super) fn sign(
        &self,
        request: &mut Request<Bytes>,
        token: &Token,
    ) -> Result<(), AuthError> {
        if let Some(cookies) = token.values.get(LOGIN_COOKIES)
            && self.sends_cookies
        {
            cookies::add(request, cookies.text())?;
        }
        let Some(secret) = token.secret.as_ref().map(SecretString::expose_secret) else {
            return Ok(());
        };
        match &self.place {
            TokenPlace::Header { name, scheme } => {
                let value = credentials(scheme, secret);
                let value = value.map_err(|_| AuthError::Header(name.clone()))?;
                request.headers_mut().insert(name, value);
            }
            TokenPlace::Query(name) => {
                *request.uri_mut() = query::with_parameter(request.uri(), name, secret)?;
            }
            TokenPlace::Cookie(name) => cookies::add(request, &format!("{name}={secret}"))?,
            TokenPlace::Requests => {}
        }
        Ok(())
    }
}

/// What a login brought, as a request carries it through the transport.
#[derive(Debug, Clone)]
pub struct LoginToken(pub Arc<Token>);

/// What a login brought.
#[derive(Debug)]
pub struct Token {
    /// The token itself; `None` for a login that brings only cookies or other values.
    secret: Option<SecretString>,
    values: LoginValues,
    /// What the logins brought that its own request was made of, in their order.
    made_of: Vec<Arc<Token>>,
    life: Option<Life>,
    unknown_expiry: Option<String>,
}

/// Why nobody knows when a token ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoEnd {
    /// The answer says that there is none, or one that cannot be right. The token is used until it is refused.
    Unknown(String),
    /// The answer says it in no form that could be read, or not where it should.
    Unreadable(String),
}

/// When a token is due for renewal, and when it ends.
#[derive(Debug, Clone, Copy)]
struct Life {
    renew_at: Instant,
    ends_at: Instant,
}

impl Token {
    /// A token that ends at a moment. Where that is not said, it lives until it is refused. An end that cannot
    /// be read is an error.
    pub(super) fn new(
        text: Option<&str>,
        end: Option<Result<Timestamp, NoEnd>>,
        now: Timestamp,
    ) -> Result<Self, UpstreamError> {
        // A login that answers with nothing but the token may end it with a line feed.
        let text = text.map(str::trim);
        let cannot_be_sent = |text: &str| text.is_empty() || HeaderValue::try_from(text).is_err();
        if text.is_some_and(cannot_be_sent) {
            return Err(UpstreamError::new(
                ErrorKind::Mapping,
                "the login's answer holds no token that a header can carry",
            ));
        }
        let left = match end.map(|end| end.and_then(|end| left(end, now))) {
            None => None,
            Some(Ok(left)) => Some(Ok(left)),
            Some(Err(NoEnd::Unknown(problem))) => Some(Err(problem)),
            Some(Err(NoEnd::Unreadable(problem))) => {
                let detail = format!("the expiry of the login cannot be read: {problem}");
                return Err(UpstreamError::new(ErrorKind::Mapping, detail));
            }
        };
        let unknown_expiry = left.as_ref().and_then(|left| left.as_ref().err()).cloned();
        if let Some(problem) = &unknown_expiry {
            tracing::warn!(
                problem,
                "expiry of a login token unknown, it is used until it is refused"
            );
        }
        let mut values = LoginValues::default();
        if let Some(text) = text {
            values.put_token(text);
        }
        Ok(Self {
            secret: text.map(SecretString::from),
            values,
            made_of: Vec::new(),
            life: left.and_then(Result::ok).and_then(Life::starting_now),
            unknown_expiry,
        })
    }

    /// The same token, which these values came with.
    pub(super) fn with_values(mut self, values: LoginValues) -> Self {
        self.values.extend(&values);
        self
    }

    /// The same token, whose login's request was made of these.
    pub(in crate::upstream) fn which_is_made_of(mut self, earlier: Vec<Arc<Self>>) -> Self {
        self.made_of = earlier;
        self
    }

    /// What the logins brought that its own request was made of, in their order.
    pub(in crate::upstream) fn made_of(&self) -> &[Arc<Self>] {
        &self.made_of
    }

    /// The same token, whose answer was free to say nothing of an expiry.
    pub(super) fn without_expiry(mut self, why: &str) -> Self {
        self.unknown_expiry = Some(why.to_owned());
        self
    }

    /// Why its expiry is unknown, if it could be known.
    pub fn unknown_expiry(&self) -> Option<&str> {
        self.unknown_expiry.as_deref()
    }

    /// The token itself, if there is one.
    pub const fn secret(&self) -> Option<&SecretString> {
        self.secret.as_ref()
    }

    /// What placeholders stand for.
    pub const fn values(&self) -> &LoginValues {
        &self.values
    }

    pub(super) fn is_alive(&self, now: Instant) -> bool {
        self.life.is_none_or(|life| now < life.ends_at)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.life.is_some_and(|life| life.renew_at <= now)
    }

    /// How much longer it lives, if its end is known.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        self.life.map(|life| life.ends_at.duration_since(now))
    }
}

impl Life {
    /// `None` if it ends after all time.
    fn starting_now(length: Duration) -> Option<Self> {
        let now = Instant::now();
        // Gateways that were started together must not log in together for ever after.
        let early = length.mul_f64(rand::random_range(0.8..0.9));
        Some(Self {
            renew_at: now.checked_add(early)?,
            ends_at: now.checked_add(length)?,
        })
    }
}

/// How long it is until an end. One that has passed when the token comes says more about the two clocks
/// than about the token: taking it at its word would log in again for every request.
fn left(end: Timestamp, now: Timestamp) -> Result<Duration, NoEnd> {
    let left = Duration::try_from(end.duration_since(now)).ok();
    left.filter(|left| !left.is_zero())
        .ok_or_else(|| NoEnd::Unknown(format!("{end} has passed")))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use rstest::rstest;

    use super::*;
    use crate::plan::Auth;
    use crate::upstream::auth::tests::{get, resolve};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_token_without_an_expiry_lives_until_it_is_refused() {
        let token = Token::new(Some("t\n"), None, NOW).unwrap();
        assert_eq!(token.secret().unwrap().expose_secret(), "t");
        assert!(token.life.is_none());
    }

    #[rstest]
    #[case("")]
    #[case(" \n")]
    #[case("a\r\nx-injected: b")]
    fn what_no_header_can_carry_is_no_token(#[case] text: &str) {
        let error = Token::new(Some(text), None, NOW).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Mapping);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_due_in_the_last_fifth_of_its_life() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let end = NOW + SignedDuration::from_secs(100);
        for _ in 0..100 {
            let token = Token::new(Some("t"), Some(Ok(end)), NOW).unwrap();
            assert!(!token.is_due(after(79)) && token.is_due(after(90)));
            assert!(token.is_alive(after(99)) && !token.is_alive(after(100)));
        }
    }

    /// What is sent of a login that brought this token and these cookies: the query and the headers.
    fn sent(keys: &str, token: Option<&str>) -> (String, Vec<(String, String)>) {
        let toml = format!("type = 'token_exchange'\nrequest = {{ path = '/login' }}\n{keys}");
        let Auth::Token(auth) = resolve(&toml).unwrap() else {
            unreachable!("it logs in")
        };
        let mut values = LoginValues::default();
        values.put_cookies("sid=s1; csrf=c2");
        let token = Token::new(token, None, NOW).unwrap().with_values(values);
        let mut request = get("https://example.com/groups?sid=old&page=2");
        auth.sign(&mut request, &token).unwrap();
        let once = request.clone();
        auth.sign(&mut request, &token).unwrap();
        assert_eq!(request.headers(), once.headers());
        assert_eq!(request.uri(), once.uri());
        let headers = request.headers().iter().map(|(name, value)| {
            assert!(value.is_sensitive());
            (name.to_string(), value.to_str().unwrap().to_owned())
        });
        (
            request.uri().query().unwrap_or_default().to_owned(),
            headers.collect(),
        )
    }

    #[rstest]
    #[case::authorization("token = '/t'", "sid=old&page=2", &[("authorization", "Bearer t/1")])]
    #[case::a_scheme("token = '/t'\nscheme = 'token'", "sid=old&page=2", &[("authorization", "token t/1")])]
    #[case::a_header("token = '/t'\nheader = 'X-Auth'\nscheme = ''", "sid=old&page=2", &[("x-auth", "t/1")])]
    #[case::a_parameter("token = '/t'\nquery = 'sid'", "page=2&sid=t%2F1", &[])]
    #[case::a_cookie("token = '/t'\ncookie = 'SID'", "sid=old&page=2", &[("cookie", "SID=t/1")])]
    #[case::all_cookies("token = '/t'\ncookies = true\nheader = 'X-T'\nscheme = ''", "sid=old&page=2", &[("cookie", "sid=s1; csrf=c2"), ("x-t", "t/1")])]
    #[case::a_cookie_beside_the_others("token = '/t'\ncookies = true\ncookie = 'sid'", "sid=old&page=2", &[("cookie", "csrf=c2; sid=t/1")])]
    fn a_token_goes_where_the_scheme_says(
        #[case] keys: &str,
        #[case] query: &str,
        #[case] headers: &[(&str, &str)],
    ) {
        let (sent_query, sent_headers) = sent(keys, Some("t/1"));
        assert_eq!(sent_query, query);
        let sent_headers: Vec<_> = (sent_headers.iter())
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(sent_headers, headers);
    }

    #[test]
    fn a_login_without_a_token_sends_its_cookies_alone() {
        let (_, headers) = sent("cookies = true", None);
        assert_eq!(
            headers,
            [("cookie".to_owned(), "sid=s1; csrf=c2".to_owned())]
        );
    }
}
