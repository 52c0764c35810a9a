//! Recognizes a text by its form: an address, a URL, an instant.

use jiff::civil;
use url::Url;

use crate::page::mapping::time::read_exactly;
use crate::plan::TimeFormat;

/// The format of a text, if it is an instant. Numbers count from 1990 to 2100: any other is more
/// likely to be something else.
pub(super) fn time_format(text: &str) -> Option<TimeFormat> {
    let text = text.trim();
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if text.bytes().all(is_number) {
        return epoch_format(text);
    }
    if text.starts_with("/Date(") && read_exactly(&TimeFormat::Microsoft, text).is_some() {
        return Some(TimeFormat::Microsoft);
    }
    if is_generalized(text) {
        return Some(TimeFormat::Ldap);
    }
    let is_dated = text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let (is_time, format) = if is_dated && text.len() == 10 {
        (text.parse::<civil::Date>().is_ok(), TimeFormat::Date)
    } else if is_dated && read_exactly(&TimeFormat::Rfc3339, text).is_some() {
        (true, TimeFormat::Rfc3339)
    } else if is_dated {
        let is_time = read_exactly(&TimeFormat::DateTime, text).is_some();
        (is_time, TimeFormat::DateTime)
    } else {
        (jiff::fmt::rfc2822::parse(text).is_ok(), TimeFormat::Rfc1123)
    };
    is_time.then_some(format)
}

fn epoch_format(text: &str) -> Option<TimeFormat> {
    const SECONDS: std::ops::Range<f64> = 631_152_000.0..4_102_444_800.0;
    let number: f64 = text.parse().ok()?;
    if SECONDS.contains(&number) {
        return Some(TimeFormat::Epoch);
    }
    let is_whole = !text.contains('.');
    (is_whole && SECONDS.contains(&(number / 1000.0))).then_some(TimeFormat::EpochMs)
}

/// `20240115103000Z`, with or without a fraction (RFC 4517, section 3.3.13).
fn is_generalized(text: &str) -> bool {
    let Some(number) = text.strip_suffix('Z') else {
        return false;
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    whole.len() == 14 && is_digits(whole) && is_digits(fraction)
}

/// Whether it is the 36 characters of a UUID (RFC 9562).
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12]
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Whether it is an e-mail address at first sight.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "<>,;/:".contains(c))
    };
    is_plain(local) && is_plain(domain) && domain.trim_matches('.').contains('.')
}

/// Whether it is an absolute URL of the web.
pub(super) fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Whether it may be the URL of another page: absolute, or relative to this one.
pub(super) fn is_reference(text: &str) -> bool {
    is_url(text) || ((text.starts_with('/') || text.starts_with('?')) && text.len() > 1)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::rfc3339("2024-01-15T10:30:00Z", Some(TimeFormat::Rfc3339))]
    #[case::offset("2024-01-15T10:30:00.123456789+02:00", Some(TimeFormat::Rfc3339))]
    #[case::epoch("1705314600", Some(TimeFormat::Epoch))]
    #[case::epoch_fraction("1705314600.25", Some(TimeFormat::Epoch))]
    #[case::epoch_ms("1705314600000", Some(TimeFormat::EpochMs))]
    #[case::date_time("2024-01-15 10:30:00", Some(TimeFormat::DateTime))]
    #[case::date_time_fraction("2024-01-15T10:30:00.5", Some(TimeFormat::DateTime))]
    #[case::date("2024-01-15", Some(TimeFormat::Date))]
    #[case::ldap("20240115103000Z", Some(TimeFormat::Ldap))]
    #[case::ldap_fraction("20240115103000.0Z", Some(TimeFormat::Ldap))]
    #[case::microsoft("/Date(1705314600000+0100)/", Some(TimeFormat::Microsoft))]
    #[case::no_date("/Date(x)/", None)]
    #[case::rfc1123("Mon, 15 Jan 2024 10:30:00 GMT", Some(TimeFormat::Rfc1123))]
    #[case::small_number("42", None)]
    #[case::long_number("98765432109876543210", None)]
    #[case::version("1.2.3", None)]
    #[case::text("yesterday", None)]
    #[case::nothing("", None)]
    fn times_are_told_by_how_they_are_written(
        #[case] text: &str,
        #[case] expected: Option<TimeFormat>,
    ) {
        assert_eq!(time_format(text), expected);
    }

    #[test]
    fn addresses_uuids_and_urls_are_told_apart() {
        assert!(is_email("a.b+c@example.com") && !is_email("a@b") && !is_email("git@h.com:x/y"));
        assert!(is_uuid("550e8400-e29b-41d4-a716-446655440000") && !is_uuid("group-abc-123"));
        assert!(is_url("https://example.com/g/1") && !is_url("urn:x:y") && !is_url("/g/1"));
        assert!(is_reference("/g?page=2") && is_reference("?page=2") && !is_reference("/"));
    }
}
