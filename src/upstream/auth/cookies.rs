//! Cookies: those that a login sets (RFC 6265, section 5.2), and how they are sent.

use cookie::{Cookie, Expiration};
use http::header::{COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Request};
use jiff::{SignedDuration, Timestamp};

use super::AuthError;
use crate::plan::auth::sensitive;

/// The cookies that a response sets, in order; the last of a name counts.
pub(super) struct SetCookies<'h>(Vec<Cookie<'h>>);

impl<'h> SetCookies<'h> {
    /// The cookies that a response with these headers sets. Those that it takes back are not among them.
    pub(super) fn of(headers: &'h HeaderMap, now: Timestamp) -> Self {
        let mut cookies: Vec<Cookie<'h>> = Vec::new();
        for header in headers.get_all(SET_COOKIE) {
            let Some(cookie) = header
                .to_str()
                .ok()
                .and_then(|text| Cookie::parse(text).ok())
            else {
                continue;
            };
            cookies.retain(|earlier| earlier.name() != cookie.name());
            if !matches!(end_of(&cookie, now), Some(end) if end <= now) {
                cookies.push(cookie);
            }
        }
        Self(cookies)
    }

    /// The value of a cookie.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.find(name).map(Cookie::value)
    }

    /// When a cookie ends, if it says so; the outer `None` means that it is not set.
    #[expect(
        clippy::option_option,
        reason = "no cookie and one without an end differ"
    )]
    pub(super) fn end(&self, name: &str, now: Timestamp) -> Option<Option<Timestamp>> {
        self.find(name).map(|cookie| end_of(cookie, now))
    }

    /// All of them, each with its name.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|cookie| (cookie.name(), cookie.value()))
    }

    fn find(&self, name: &str) -> Option<&Cookie<'h>> {
        self.0.iter().find(|cookie| cookie.name() == name)
    }
}

/// When a cookie ends: `Max-Age` goes before `Expires` (section 5.3).
fn end_of(cookie: &Cookie<'_>, now: Timestamp) -> Option<Timestamp> {
    if let Some(age) = cookie.max_age() {
        let age = SignedDuration::from_secs(age.whole_seconds());
        return Some(now.saturating_add(age).unwrap_or(Timestamp::MAX));
    }
    match cookie.expires()? {
        Expiration::DateTime(end) => Timestamp::from_second(end.unix_timestamp()).ok(),
        Expiration::Session => None,
    }
}

/// Cookies as a `Cookie` header has them.
pub(super) fn written<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let pairs = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("; ")
}

/// Adds cookies to those that a request has, in the place of those of the same names.
pub(super) fn add<B>(request: &mut Request<B>, cookies: &str) -> Result<(), AuthError> {
    let name_of = |pair: &str| pair.split('=').next().unwrap_or_default().trim().to_owned();
    let added: Vec<String> = cookies.split("; ").map(name_of).collect();
    let present = request.headers().get_all(COOKIE).iter();
    let present = present.filter_map(|value| value.to_str().ok());
    let mut pairs: Vec<&str> = present
        .flat_map(|value| value.split(';'))
        .map(str::trim)
        .filter(|pair| !pair.is_empty() && !added.contains(&name_of(pair)))
        .collect();
    pairs.push(cookies);
    let value = cookie_header(&pairs.join("; "))?;
    request.headers_mut().insert(COOKIE, value);
    Ok(())
}

fn cookie_header(text: &str) -> Result<HeaderValue, AuthError> {
    const NAME: HeaderName = COOKIE;
    sensitive(text.to_owned()).map_err(|_| AuthError::Header(NAME))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-11-21T09:30:00Z";

    fn headers(cookies: &[&str]) -> HeaderMap {
        let values = cookies
            .iter()
            .map(|cookie| (SET_COOKIE, cookie.parse().unwrap()));
        values.collect()
    }

    #[rstest]
    #[case::several(&["a=1; Path=/; HttpOnly", "b=2; Secure"], "a=1; b=2")]
    #[case::the_last_of_a_name_counts(&["a=1", "b=2", "a=3"], "b=2; a=3")]
    #[case::taken_back_by_age(&["a=1", "a=; Max-Age=0", "b=2"], "b=2")]
    #[case::taken_back_by_date(&["a=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=2"], "b=2")]
    #[case::age_before_date(&["a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], "a=1")]
    #[case::with_equals_signs(&["a=MTIz=="], "a=MTIz==")]
    #[case::no_pair(&["nonsense", "a=1"], "a=1")]
    fn a_response_sets_what_it_does_not_take_back(#[case] set: &[&str], #[case] expected: &str) {
        let headers = headers(set);
        let cookies = SetCookies::of(&headers, NOW.parse().unwrap());
        assert_eq!(written(cookies.pairs()), expected);
    }

    #[rstest]
    #[case::age("a=1; Max-Age=1800", true, Some("2026-11-21T10:00:00Z"))]
    #[case::date(
        "a=1; Expires=Sat, 21 Nov 2026 10:00:00 GMT",
        true,
        Some("2026-11-21T10:00:00Z")
    )]
    #[case::date_of_old(
        "a=1; Expires=Saturday, 21-Nov-26 10:00:00 GMT",
        true,
        Some("2026-11-21T10:00:00Z")
    )]
    #[case::session("a=1", true, None)]
    #[case::not_set("b=1", false, None)]
    fn a_cookie_says_when_it_ends(
        #[case] set: &str,
        #[case] is_set: bool,
        #[case] expected: Option<&str>,
    ) {
        let headers = headers(&[set]);
        let now = NOW.parse().unwrap();
        let end = SetCookies::of(&headers, now).end("a", now);
        let expected = is_set.then(|| expected.map(|end| end.parse().unwrap()));
        assert_eq!(end, expected);
    }

    #[rstest]
    #[case::none(None, "sid=2; csrf=x")]
    #[case::another(Some("lang=en"), "lang=en; sid=2; csrf=x")]
    #[case::one_of_before(Some("sid=1; lang=en"), "lang=en; sid=2; csrf=x")]
    fn cookies_are_added_to_what_is_there(#[case] present: Option<&str>, #[case] expected: &str) {
        let mut request = Request::new(());
        if let Some(present) = present {
            request
                .headers_mut()
                .insert(COOKIE, present.parse().unwrap());
        }
        add(&mut request, "sid=2; csrf=x").unwrap();
        let cookie = &request.headers()[COOKIE];
        assert_eq!(cookie, expected);
        assert!(cookie.is_sensitive());
        add(&mut request, "sid=2; csrf=x").unwrap();
        assert_eq!(&request.headers()[COOKIE], expected);
    }
}
