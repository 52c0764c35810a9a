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
use crate::group::Moment;
use crate::page::format::{Node, Page, excerpt};
use crate::page::mapping::time::read_exactly;
use crate::plan::auth::credentials;
use crate::plan::{Expiry, Format, Path, TimeFormat, TokenAuth};
use crate::upstream::masks::Masks;

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
    unknown_expiry: Option<String>,
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
    /// found or read means that the token lives until it is refused, and is told in the log, where
    /// `masks` hides the token and all other secrets.
    pub(in crate::upstream) fn from_answer(
        text: &str,
        expires: Option<&Expiry>,
        page: Option<&Page>,
        now: Timestamp,
        masks: &Masks,
    ) -> Result<Self, UpstreamError> {
        masks.add_token(text.trim());
        let end = expires.map(|expires| match expires {
            Expiry::Jwt => jwt_end(text),
            Expiry::After(span) => SignedDuration::try_from(span.get())
                .ok()
                .and_then(|length| after(now, length))
                .ok_or_else(|| format!("{span} is after all time")),
            Expiry::At(path) => end_at(path, page, text, now, masks),
        });
        Self::new(text, end, now)
    }

    /// A token that ends at a moment. Where that is not said, or cannot be read, it lives until it is
    /// refused.
    pub(super) fn new(
        text: &str,
        end: Option<Result<Timestamp, String>>,
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
        let left = end
            .map(|end| end.and_then(|end| left(end, now)))
            .transpose();
        let unknown_expiry = left.as_ref().err().cloned();
        if let Some(problem) = &unknown_expiry {
            tracing::warn!(
                problem,
                "expiry of a login token unknown, it is used until it is refused"
            );
        }
        Ok(Self {
            secret: SecretString::from(text),
            life: left.ok().flatten().and_then(Life::starting_now),
            unknown_expiry,
        })
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

/// How long it is until an end. One that has passed when the token comes says more about the two clocks
/// than about the token: taking it at its word would log in again for every request.
fn left(end: Timestamp, now: Timestamp) -> Result<Duration, String> {
    let left = Duration::try_from(end.duration_since(now)).ok();
    left.filter(|left| !left.is_zero())
        .ok_or_else(|| format!("{end} has passed"))
}

/// The end at a path of a login's answer, which brought `token`.
fn end_at(
    path: &Path,
    page: Option<&Page>,
    token: &str,
    now: Timestamp,
    masks: &Masks,
) -> Result<Timestamp, String> {
    let value = page.and_then(|page| page.find(path));
    let value = value.ok_or_else(|| format!("`{path}` is not in the response"))?;
    end_of(&path.to_string(), value, token, now, masks)
}

/// The end that a value of a login's answer states. `at` is its place.
pub(super) fn end_of(
    at: &str,
    value: Node<'_>,
    token: &str,
    now: Timestamp,
    masks: &Masks,
) -> Result<Timestamp, String> {
    let text = value
        .text()
        .ok_or_else(|| format!("`{at}` {}: expected {FORMS}", value.holds()))?;
    if text.trim() == token.trim() {
        return Err(format!("`{at}` is the token itself: expected {FORMS}"));
    }
    end(&text, now).ok_or_else(|| {
        // It may be anything of a login's answer. What looks like no date is shown no further than an
        // unreadable body.
        let is_date = |letter: char| letter.is_alphanumeric() || " :/.,+-".contains(letter);
        let is_shown = text.contains([' ', ':']) && text.chars().all(is_date);
        let text = masks.text(&text);
        let text = excerpt(&text, if is_shown { 40 } else { 12 });
        format!("`{at}` is `{text}`: expected {FORMS}")
    })
}

/// What an end may look like.
const FORMS: &str = "seconds from now, a Unix time in seconds or milliseconds, a duration such as `3600s` \
                     or `PT1H`, RFC 3339, `2026-11-21 10:30:00` in UTC, or an HTTP date";

/// From this number on, seconds are counted from 1970, and not from now: it would be 31 years.
const EPOCH_SECONDS: f64 = 1e9;
/// From this number on, they are milliseconds: as seconds it would be the year 5138.
const EPOCH_MILLISECONDS: f64 = 1e11;

/// Seconds from now or from 1970, milliseconds from 1970, a duration, RFC 3339, or an HTTP date.
fn end(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let seconds = |seconds| SignedDuration::try_from_secs_f64(seconds).ok();
        return if number >= EPOCH_MILLISECONDS {
            after(Timestamp::UNIX_EPOCH, seconds(number / 1000.0)?)
        } else if number >= EPOCH_SECONDS {
            after(Timestamp::UNIX_EPOCH, seconds(number)?)
        } else {
            after(now, seconds(number)?)
        };
    }
    let formats = [
        TimeFormat::Rfc3339,
        TimeFormat::Rfc1123,
        TimeFormat::DateTime,
    ];
    let moment = formats.iter().find_map(|format| read_exactly(format, text));
    moment
        .map(Moment::nearest)
        .or_else(|| after(now, text.parse().ok()?))
}

fn after(now: Timestamp, length: SignedDuration) -> Option<Timestamp> {
    now.checked_add(length).ok()
}

/// When a JWT ends (RFC 7519, section 4.1.4). Whether its signature is right is for the upstream
/// to judge.
fn jwt_end(token: &str) -> Result<Timestamp, String> {
    let payload = token.trim().split('.').nth(1);
    let claims = payload.and_then(|payload| {
        let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        Page::decode(Format::Json, &claims).ok()
    });
    let claims = claims.ok_or("the token is no JWT")?;
    let exp = claims
        .root()
        .member("exp")
        .ok_or("the token is a JWT without `exp`")?;
    let text = exp.text();
    let seconds = text.as_ref().and_then(|text| text.parse().ok());
    seconds
        .and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok())
        .and_then(|length| after(Timestamp::UNIX_EPOCH, length))
        .ok_or_else(|| {
            let found = text.map_or_else(
                || exp.holds(),
                |text| format!("is `{}`", excerpt(&text, 12)),
            );
            format!("`exp` of the JWT {found}: expected seconds since 1970")
        })
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
        let token = Token::from_answer(text, Some(&expires), page.as_ref(), now, &Masks::default())
            .unwrap();
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
    #[case::epoch("t", "/at", r#"{"at": 1795257000}"#, Some(3600))]
    #[case::epoch_as_text("t", "/at", r#"{"at": "1795257000"}"#, Some(3600))]
    #[case::epoch_ms("t", "/at", r#"{"at": 1795257000000}"#, Some(3600))]
    #[case::http_date("t", "/at", r#"{"at": "Sat, 21 Nov 2026 10:30:00 GMT"}"#, Some(3600))]
    #[case::date_time("t", "/at", r#"{"at": "2026-11-21 10:30:00"}"#, Some(3600))]
    #[case::duration("t", "/in", r#"{"in": "3600s"}"#, Some(3600))]
    #[case::iso_duration("t", "/in", r#"{"in": "PT1H"}"#, Some(3600))]
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

    #[rstest]
    #[case::missing("/expires_in", "{}", "`/expires_in` is not in the response")]
    #[case::null("/expires_in", r#"{"expires_in": null}"#, "`/expires_in` is null")]
    #[case::an_object("/at", r#"{"at": {"s": 1}}"#, "`/at` has `s`")]
    #[case::a_date(
        "/at",
        r#"{"at": "21/11/2026 10:30:00"}"#,
        "`/at` is `21/11/2026 10:30:00`"
    )]
    #[case::a_word("/at", r#"{"at": "tomorrow_at_noon"}"#, "`/at` is `tomorrow_at_…`")]
    #[case::a_secret("/at", r#"{"at": "x a-secret-word"}"#, "`/at` is `x ***`")]
    #[case::the_token("/at", r#"{"at": "t0ken"}"#, "`/at` is the token itself")]
    fn an_expiry_that_cannot_be_read_is_told(
        #[case] path: &str,
        #[case] body: &str,
        #[case] expected: &str,
    ) {
        let page = Page::decode(Format::Json, body.as_bytes()).ok();
        let (path, now) = (path.parse().unwrap(), NOW.parse().unwrap());
        let masks = Masks::default();
        masks.add_token("a-secret-word");
        let problem = end_at(&path, page.as_ref(), "t0ken", now, &masks).unwrap_err();
        let (said, forms) = problem
            .split_once(": expected ")
            .unwrap_or((&problem, FORMS));
        assert_eq!((said, forms), (expected, FORMS));
    }

    #[test]
    fn an_opaque_token_that_is_said_to_be_a_jwt_is_told() {
        assert_eq!(jwt_end("t0ken"), Err("the token is no JWT".to_owned()));
        let without = jwt(r#"{"sub": "x"}"#);
        let problem = "the token is a JWT without `exp`".to_owned();
        assert_eq!(jwt_end(&without), Err(problem));
        let unreadable = jwt(r#"{"exp": "tomorrow"}"#);
        let problem = "`exp` of the JWT is `tomorrow`: expected seconds since 1970".to_owned();
        assert_eq!(jwt_end(&unreadable), Err(problem));
    }

    #[test]
    fn a_token_without_an_expiry_lives_until_it_is_refused() {
        let token = Token::from_answer("t\n", None, None, Timestamp::UNIX_EPOCH, &Masks::default())
            .unwrap();
        assert_eq!(token.secret().expose_secret(), "t");
        assert!(token.life.is_none());
    }

    #[rstest]
    #[case("")]
    #[case(" \n")]
    #[case("a\r\nx-injected: b")]
    fn what_no_header_can_carry_is_no_token(#[case] text: &str) {
        let error = Token::from_answer(text, None, None, Timestamp::UNIX_EPOCH, &Masks::default())
            .unwrap_err();
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
                &Masks::default(),
            )
            .unwrap();
            assert!(!token.is_due(after(79)) && token.is_due(after(90)));
            assert!(token.is_alive(after(99)) && !token.is_alive(after(100)));
        }
    }
}
