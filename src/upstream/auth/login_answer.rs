//! What is kept of a login's answer, and when that ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use super::cookies::{SetCookies, written};
use super::login_values::{LoginValue, LoginValues};
use super::token::{NoEnd, Token};
use crate::error::{ErrorKind, UpstreamError};
use crate::group::Moment;
use crate::page::format::{Node, Page, excerpt};
use crate::page::mapping::time::read_exactly;
use crate::plan::{Expiry, ExpiryUnit, Format, LoginExchange, LoginLocation, TimeFormat};
use crate::upstream::masks::Masks;

/// The answer to a login.
pub(in crate::upstream) struct LoginAnswer<'a> {
    page: Option<&'a Page>,
    headers: &'a HeaderMap,
    cookies: SetCookies<'a>,
    now: Timestamp,
    /// What no message may show.
    masks: &'a Masks,
}

/// What an end may look like.
const FORMS: &str = "seconds from now, a Unix time in seconds or milliseconds, a duration such as `3600s` \
                     or `PT1H`, RFC 3339, `2026-11-21 10:30:00` in UTC, or an HTTP date";

/// From this number on, seconds are counted from 1970, and not from now: it would be 31 years.
const EPOCH_SECONDS: f64 = 1e9;
/// From this number on, they are milliseconds: as seconds it would be the year 5138.
const EPOCH_MILLISECONDS: f64 = 1e11;

impl<'a> LoginAnswer<'a> {
    /// An answer that came at `now`; `page` is its body, where it could be decoded.
    pub(in crate::upstream) fn new(
        page: Option<&'a Page>,
        headers: &'a HeaderMap,
        now: Timestamp,
        masks: &'a Masks,
    ) -> Self {
        let cookies = SetCookies::of(headers, now);
        for (_, value) in cookies.pairs() {
            masks.add_login_value(value);
        }
        Self {
            page,
            headers,
            cookies,
            now,
            masks,
        }
    }

    /// All that is kept of it. `earlier` is what the logins before it returned.
    pub(in crate::upstream) fn token(
        &self,
        exchange: &LoginExchange,
        earlier: &LoginValues,
    ) -> Result<Token, UpstreamError> {
        let lacks = |what: &str| {
            UpstreamError::new(ErrorKind::Mapping, format!("the login's answer {what}"))
        };
        let token = match &exchange.token {
            Some(location) => Some(
                self.value(location)
                    .ok_or_else(|| lacks("holds no token"))?,
            ),
            None => None,
        };
        if let Some(token) = &token {
            self.masks.add_token(token.text());
        }
        let mut values = LoginValues::default();
        for (name, location) in &exchange.values {
            let missing = || lacks(&format!("holds no `{name}` at {}", place(location)));
            values.put(name, self.value(location).ok_or_else(missing)?);
        }
        let cookies = written(self.cookies.pairs());
        if exchange.needs_cookies && cookies.is_empty() {
            return Err(lacks("set no cookie"));
        }
        let text = token.as_ref().map(LoginValue::text);
        let end = (exchange.expires.as_ref()).map(|expires| self.end(expires, text));
        if !cookies.is_empty() {
            values.put_cookies(&cookies);
        }
        values.extend(earlier);
        Token::new(text, end, self.now).map(|token| token.with_values(values))
    }

    /// The value at a place, which may be a secret.
    fn value(&self, location: &LoginLocation) -> Option<LoginValue> {
        let value = match location {
            LoginLocation::Body(path) => {
                let node = self.page?.find(path)?;
                LoginValue::new(node.text()?.trim(), node.is_number())
            }
            LoginLocation::Header { header } => {
                LoginValue::new(self.headers.get(header)?.to_str().ok()?.trim(), false)
            }
            LoginLocation::Cookie { cookie } => LoginValue::new(self.cookies.value(cookie)?, false),
        };
        if value.text().is_empty() {
            return None;
        }
        self.masks.add_login_value(value.text());
        Some(value)
    }

    /// When what it brought ends. `token` is the token, if there is one.
    fn end(&self, expires: &Expiry, token: Option<&str>) -> Result<Timestamp, NoEnd> {
        match expires {
            Expiry::Jwt => jwt_end(token.unwrap_or_default()),
            Expiry::After(span) => SignedDuration::try_from(span.get())
                .ok()
                .and_then(|length| after(self.now, length))
                .ok_or_else(|| NoEnd::Unknown(format!("{span} is after all time"))),
            Expiry::At(location, unit) => self.end_at(location, *unit, token),
        }
    }

    fn end_at(
        &self,
        location: &LoginLocation,
        unit: ExpiryUnit,
        token: Option<&str>,
    ) -> Result<Timestamp, NoEnd> {
        let at = place(location);
        let missing = || NoEnd::Unreadable(format!("{at} is not in the response"));
        let stated = StatedEnd {
            at: &at,
            unit,
            token: token.unwrap_or_default(),
            now: self.now,
            masks: self.masks,
        };
        match location {
            LoginLocation::Body(path) => {
                let value = self.page.and_then(|page| page.find(path));
                stated.of_value(value.ok_or_else(missing)?)
            }
            LoginLocation::Header { header } => {
                let value = self
                    .headers
                    .get(header)
                    .and_then(|value| value.to_str().ok());
                stated.of_text(value.ok_or_else(missing)?)
            }
            LoginLocation::Cookie { cookie } => {
                let end = self.cookies.end(cookie, self.now).ok_or_else(missing)?;
                end.ok_or_else(|| NoEnd::Unknown(format!("{at} says of no end")))
            }
        }
    }
}

/// Where a value stands, as a message says it.
fn place(location: &LoginLocation) -> String {
    match location {
        LoginLocation::Body(path) => format!("`{path}`"),
        LoginLocation::Header { header } => format!("the header `{header}`"),
        LoginLocation::Cookie { cookie } => format!("the cookie `{cookie}`"),
    }
}

/// An end that a login's answer states.
pub(super) struct StatedEnd<'a> {
    /// Where it stands.
    pub(super) at: &'a str,
    /// What a number that counts from now counts.
    pub(super) unit: ExpiryUnit,
    /// The token that the answer brought.
    pub(super) token: &'a str,
    pub(super) now: Timestamp,
    pub(super) masks: &'a Masks,
}

impl StatedEnd<'_> {
    /// The end that a value of a body states.
    pub(super) fn of_value(&self, value: Node<'_>) -> Result<Timestamp, NoEnd> {
        if value.is_null() {
            return Err(NoEnd::Unknown(format!("{} is null", self.at)));
        }
        let text = value.text();
        let text = text.ok_or_else(|| self.unreadable(&value.holds()))?;
        self.of_text(&text)
    }

    fn of_text(&self, text: &str) -> Result<Timestamp, NoEnd> {
        let text = text.trim();
        if text == self.token.trim() {
            return Err(self.unreadable("is the token itself"));
        }
        if let Some(end) = self.read(text) {
            return end;
        }
        // It may be anything of a login's answer. What looks like no date is shown no further than an
        // unreadable body.
        let is_date = |letter: char| letter.is_alphanumeric() || " :/.,+-".contains(letter);
        let is_shown = text.contains([' ', ':']) && text.chars().all(is_date);
        let text = self.masks.text(text);
        let text = excerpt(&text, if is_shown { 40 } else { 12 });
        Err(self.unreadable(&format!("is `{text}`")))
    }

    fn unreadable(&self, found: &str) -> NoEnd {
        NoEnd::Unreadable(format!("{} {found}: expected {FORMS}", self.at))
    }

    /// Seconds from now or from 1970, milliseconds from 1970, a duration, RFC 3339, or an HTTP date.
    fn read(&self, text: &str) -> Option<Result<Timestamp, NoEnd>> {
        if let Ok(number) = text.parse::<f64>() {
            return (!number.is_nan()).then(|| self.counted(number));
        }
        let milliseconds = text
            .strip_prefix("/Date(")
            .and_then(|text| text.strip_suffix(")/"));
        if let Some(number) = milliseconds.and_then(|text| text.parse::<f64>().ok()) {
            return after_seconds(Timestamp::UNIX_EPOCH, number / 1000.0).map(Ok);
        }
        let formats = [
            TimeFormat::Rfc3339,
            TimeFormat::Rfc1123,
            TimeFormat::DateTime,
        ];
        let moment = formats.iter().find_map(|format| read_exactly(format, text));
        let end = moment.map(Moment::nearest);
        end.or_else(|| after(self.now, text.parse().ok()?)).map(Ok)
    }

    fn counted(&self, number: f64) -> Result<Timestamp, NoEnd> {
        if number <= 0.0 {
            return Err(NoEnd::Unknown(format!("{} is {number}", self.at)));
        }
        let end = match self.unit {
            ExpiryUnit::Milliseconds => after_seconds(self.now, number / 1000.0),
            ExpiryUnit::Minutes => after_seconds(self.now, number * 60.0),
            ExpiryUnit::Seconds if number >= EPOCH_MILLISECONDS => {
                after_seconds(Timestamp::UNIX_EPOCH, number / 1000.0)
            }
            ExpiryUnit::Seconds if number >= EPOCH_SECONDS => {
                after_seconds(Timestamp::UNIX_EPOCH, number)
            }
            ExpiryUnit::Seconds => after_seconds(self.now, number),
        };
        end.ok_or_else(|| NoEnd::Unknown(format!("{} is after all time", self.at)))
    }
}

fn after_seconds(from: Timestamp, seconds: f64) -> Option<Timestamp> {
    after(from, SignedDuration::try_from_secs_f64(seconds).ok()?)
}

fn after(from: Timestamp, length: SignedDuration) -> Option<Timestamp> {
    from.checked_add(length).ok()
}

/// When a JWT ends (RFC 7519, section 4.1.4). Whether its signature is right is for the upstream
/// to judge.
fn jwt_end(token: &str) -> Result<Timestamp, NoEnd> {
    let payload = token.trim().split('.').nth(1);
    let claims = payload.and_then(|payload| {
        let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        Page::decode(Format::Json, &claims).ok()
    });
    let unknown = |problem: &str| NoEnd::Unknown(problem.to_owned());
    let claims = claims.ok_or_else(|| unknown("the token is no JWT"))?;
    let exp = claims.root().member("exp");
    let exp = exp.ok_or_else(|| unknown("the token is a JWT without `exp`"))?;
    let text = exp.text();
    let seconds = text.as_ref().and_then(|text| text.parse().ok());
    seconds
        .and_then(|seconds| after_seconds(Timestamp::UNIX_EPOCH, seconds))
        .ok_or_else(|| {
            let found = text.map_or_else(
                || exp.holds(),
                |text| format!("is `{}`", excerpt(&text, 12)),
            );
            let problem = format!("`exp` of the JWT {found}: expected seconds since 1970");
            NoEnd::Unreadable(problem)
        })
}

#[cfg(test)]
mod tests;
