//! Headers as they may be shown, and in lines that fit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::header::{AUTHORIZATION, COOKIE, LINK, PROXY_AUTHORIZATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::redact::{MASK, Redactor};
use crate::upstream::pager::link::next_in;

use super::columns::cut;
use super::lines::{MARGIN, WIDTH};

/// Names of authentication schemes that say nothing of a secret: those that IANA lists
/// (<https://www.iana.org/assignments/http-authschemes>), and what vendors write in their place.
const SCHEMES: [&str; 20] = [
    "ApiKey",
    "AWS4-HMAC-SHA256",
    "Basic",
    "Bearer",
    "Concealed",
    "Digest",
    "DPoP",
    "GenieKey",
    "GNAP",
    "HMAC",
    "HOBA",
    "Mutual",
    "Negotiate",
    "NTLM",
    "OAuth",
    "PrivateToken",
    "Signature",
    "SSWS",
    "Token",
    "vapid",
];

/// Each header with its values. Of credentials only the scheme is shown.
pub(super) fn headers(headers: &HeaderMap, redactor: &Redactor) -> BTreeMap<String, String> {
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let values = shown.entry(name.to_string()).or_default();
        if !values.is_empty() {
            values.push_str(", ");
        }
        values.push_str(&shown_value(name, value, redactor));
    }
    shown
}

fn shown_value<'a>(name: &HeaderName, value: &'a HeaderValue, redactor: &Redactor) -> Cow<'a, str> {
    let is_secret = value.is_sensitive() || [COOKIE, SET_COOKIE].contains(name);
    match value.to_str() {
        Ok(text) if is_secret => masked(name, text),
        Err(_) if is_secret => MASK.into(),
        Ok(text) => redactor.redact(text),
        Err(_) => "(not text)".into(),
    }
}

/// Credentials without all but their scheme (RFC 9110, section 11.4).
fn masked(name: &HeaderName, value: &str) -> Cow<'static, str> {
    let has_scheme = [AUTHORIZATION, PROXY_AUTHORIZATION].contains(name);
    let scheme = value.split_once(' ').filter(|_| has_scheme);
    let scheme = scheme.and_then(|(first, _)| {
        let mut known = SCHEMES.iter();
        known.find(|scheme| scheme.eq_ignore_ascii_case(first))
    });
    match scheme {
        Some(scheme) => format!("{scheme} {MASK}").into(),
        None => MASK.into(),
    }
}

/// Headers in lines that fit.
pub(super) fn header_lines(headers: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    headers.iter().map(|(name, value)| line(name, value))
}

/// A header in a line. Of one with links that is too long, the one to the next page is shown in full.
fn line(name: &str, value: &str) -> String {
    let width = WIDTH - MARGIN;
    let whole = format!("{name}: {value}");
    if name != LINK || whole.chars().count() <= width {
        return cut(&whole, width);
    }
    match next_in(value) {
        Some(next) if next.len() == value.len() => whole,
        Some(next) => format!("{name}: … {next} …"),
        None => format!("{} (none to a next page)", cut(&whole, width)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("authorization", "Bearer hunter2", "Bearer ***")]
    #[case("authorization", "basic aHVudGVyOjI=", "Basic ***")]
    #[case(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=hunter2, Signature=0",
        "AWS4-HMAC-SHA256 ***"
    )]
    #[case("proxy-authorization", "Basic aHVudGVyOjI=", "Basic ***")]
    #[case::no_scheme("authorization", "hunter2", "***")]
    #[case::a_secret_of_words("authorization", "hunter 2", "***")]
    #[case::a_scheme_alone("authorization", "Bearer", "***")]
    #[case::another_header("x-key", "Token hunter2", "***")]
    fn of_credentials_only_a_known_scheme_is_shown(
        #[case] name: &'static str,
        #[case] value: &str,
        #[case] expected: &str,
    ) {
        let mut value = HeaderValue::try_from(value).unwrap();
        value.set_sensitive(true);
        let sent = HeaderMap::from_iter([(HeaderName::from_static(name), value)]);
        assert_eq!(headers(&sent, &Redactor::default())[name], expected);
    }

    #[test]
    fn of_long_links_the_next_is_shown_in_full() {
        let other = |relation: &str| {
            format!("<https://api.example.com/teams?page=1&per_page=100>; rel=\"{relation}\"")
        };
        let next =
            "<https://api.example.com/teams?page=2&per_page=100&sort=name&x=y>; rel=\"next\"";
        let value = format!("{}, {next}, {}", other("first"), other("last"));
        assert_eq!(line("link", &value), format!("link: … {next} …"));
        assert_eq!(line("link", next), format!("link: {next}"));
        let others = format!("{}, {}", other("first"), other("last"));
        let shown = line("link", &others);
        assert!(shown.ends_with("… (none to a next page)"), "{shown}");
        assert_eq!(
            line("link", &other("prev")[..40]),
            format!("link: {}", &other("prev")[..40])
        );
        assert_eq!(
            line("etag", &"x".repeat(100)).chars().count(),
            WIDTH - MARGIN
        );
    }
}
