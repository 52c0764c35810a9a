//! Tokens that a login brings: how they are sent, and how long they live.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use http::header::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use super::AuthError;
use crate::error::{ErrorKind, UpstreamError};
use crate::page::format::Page;
use crate::plan::auth::credentials;
use crate::plan::{Expiry, Format, TokenAuth};

impl TokenAuth {
    pub(super) fn sign(
        &self,
        request: &mut Request<Bytes>,
        token: &SecretString,
    ) -> Result<(), AuthError> {
        let value = credentials(&self.scheme, token.expose_secret())
            .map_err(|_| AuthError::Header(self.header.clone()))?;
        request.headers_mut().insert(&self.header, value);
        Ok(())
    }
}

/// What a login brought.
#[derive(Debug)]
pub struct Token {
    secret: SecretString,
    life: Option<Life>,
}

/// When a token is due for renewal, and when it ends.
#[derive(Debug, Clone, Copy)]
struct Life {
    renew_at: Instant,
    ends_at: Instant,
}

impl Token {
    /// The token of a login's answer: its text, and when it ends, counted from `now`.
    ///
    /// `page` is the answer's body, where it has one that could be decoded. An end that cannot be
    /// found or read means that the token lives until it is refused.
    pub fn from_answer(
        text: &str,
        expires: Option<&Expiry>,
        page: Option<&Page>,
        now: Timestamp,
    ) -> Result<Self, UpstreamError> {
        let ends_at = expires.and_then(|expires| match expires {
            Expiry::Jwt => jwt_end(text),
            Expiry::After(span) => after(now, SignedDuration::try_from(span.get()).ok()?),
            Expiry::At(path) => end(&page?.find(path)?.text()?, now),
        });
        Self::new(text, ends_at, now)
    }

    /// A token that ends at a moment, or lives until it is refused.
    pub(super) fn new(
        text: &str,
        ends_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, UpstreamError> {
        // A login that answers with nothing but the token may end it with a line feed.
        let text = text.trim();
        if text.is_empty() || HeaderValue::try_from(text).is_err() {
            return Err(UpstreamError::new(
                ErrorKind::Mapping,
                "the login's answer holds no token that a header can carry",
            ));
        }
        // One that has ended when it comes says more about the two clocks than about the token.
        // Taking it at its word would log in again for every request.
        let left = ends_at
            .and_then(|end| Duration::try_from(end.duration_since(now)).ok())
            .filter(|left| !left.is_zero());
        Ok(Self {
            secret: SecretString::from(text),
            life: left.and_then(Life::starting_now),
        })
    }

    /// What is sent.
    pub const fn secret(&self) -> &SecretString {
        &self.secret
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

/// Seconds from now, as a number or as text, or an instant (RFC 3339).
pub(super) fn end(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    match text.parse() {
        Ok(seconds) => after(now, SignedDuration::try_from_secs_f64(seconds).ok()?),
        Err(_) => text.parse().ok(),
    }
}

fn after(now: Timestamp, length: SignedDuration) -> Option<Timestamp> {
    now.checked_add(length).ok()
}

/// When a JWT ends (RFC 7519, section 4.1.4). Whether its signature is right is for the upstream
/// to judge.
fn jwt_end(token: &str) -> Option<Timestamp> {
    let payload = token.trim().split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims = Page::decode(Format::Json, &claims).ok()?;
    let seconds = claims.root().member("exp")?.text()?.parse().ok()?;
    after(
        Timestamp::UNIX_EPOCH,
        SignedDuration::try_from_secs_f64(seconds).ok()?,
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-11-21T09:30:00Z";

    /// How many seconds a token lives, if that is known.
    fn life(text: &str, expires: &str, body: &str) -> Option<u64> {
        let expires: Expiry = serde_json::from_value(expires.into()).unwrap();
        let page = Page::decode(Format::Json, body.as_bytes()).ok();
        let now = NOW.parse().unwrap();
        let token = Token::from_answer(text, Some(&expires), page.as_ref(), now).unwrap();
        token.left(Instant::now()).map(|left| left.as_secs())
    }

    fn jwt(payload: &str) -> String {
        format!(
            "eyJhbGciOiJub25lIn0.{}.c2ln",
            URL_SAFE_NO_PAD.encode(payload)
        )
    }

    #[rstest]
    #[case::a_duration("t", "50m", "", Some(3000))]
    #[case::seconds("t", "/expires_in", r#"{"expires_in": 3600}"#, Some(3600))]
    #[case::seconds_as_text("t", "/expires_in", r#"{"expires_in": " 3600 "}"#, Some(3600))]
    #[case::a_fraction("t", "/expires_in", r#"{"expires_in": 90.5}"#, Some(90))]
    #[case::an_instant("t", "/until", r#"{"until": "2026-11-21T10:00:00+00:00"}"#, Some(1800))]
    #[case::in_the_past("t", "/until", r#"{"until": "2026-11-21T09:29:59Z"}"#, None)]
    #[case::zero("t", "/expires_in", r#"{"expires_in": 0}"#, None)]
    #[case::negative("t", "/expires_in", r#"{"expires_in": -5}"#, None)]
    #[case::endless("t", "/expires_in", r#"{"expires_in": 1e300}"#, None)]
    #[case::not_a_number("t", "/expires_in", r#"{"expires_in": "NaN"}"#, None)]
    #[case::null("t", "/expires_in", r#"{"expires_in": null}"#, None)]
    #[case::absent("t", "/expires_in", "{}", None)]
    #[case::no_body("t", "/expires_in", "", None)]
    #[case::opaque("t0ken", "jwt", "", None)]
    #[case::looks_like_a_jwt("a.b.c", "jwt", "", None)]
    #[case::without_exp(&jwt(r#"{"sub": "x"}"#), "jwt", "", None)]
    #[case::not_json(&jwt("exp"), "jwt", "", None)]
    #[case::ended(&jwt(r#"{"exp": 1000000000}"#), "jwt", "", None)]
    // 2026-11-21T10:30:00Z
    #[case::jwt(&jwt(r#"{"exp": 1795257000}"#), "jwt", "", Some(3600))]
    #[case::jwt_with_a_fraction(&jwt(r#"{"exp": 1795257000.5}"#), "jwt", "", Some(3600))]
    #[tokio::test(start_paused = true)]
    async fn a_token_lives_as_long_as_can_be_read(
        #[case] text: &str,
        #[case] expires: &str,
        #[case] body: &str,
        #[case] expected: Option<u64>,
    ) {
        assert_eq!(life(text, expires, body), expected);
    }

    #[test]
    fn a_token_without_an_expiry_lives_until_it_is_refused() {
        let token = Token::from_answer("t\n", None, None, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(token.secret().expose_secret(), "t");
        assert!(token.life.is_none());
    }

    #[rstest]
    #[case("")]
    #[case(" \n")]
    #[case("a\r\nx-injected: b")]
    fn what_no_header_can_carry_is_no_token(#[case] text: &str) {
        let error = Token::from_answer(text, None, None, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Mapping);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_due_in_the_last_fifth_of_its_life() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        for _ in 0..100 {
            let token = Token::from_answer(
                "t",
                Some(&Expiry::After("100s".parse().unwrap())),
                None,
                Timestamp::UNIX_EPOCH,
            )
            .unwrap();
            assert!(!token.is_due(after(79)) && token.is_due(after(90)));
            assert!(token.is_alive(after(99)) && !token.is_alive(after(100)));
        }
    }
}
