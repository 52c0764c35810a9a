//! What a text looks like: an address, a URL, an instant.

use jiff::Timestamp;
use jiff::civil;
use url::Url;

/// How an instant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeNotation {
    /// RFC 3339.
    Rfc3339,
    /// Seconds since 1970.
    Epoch,
    /// Milliseconds since 1970.
    EpochMs,
    /// A date and a time of day without an offset.
    DateTime,
    /// A date.
    Date,
    /// LDAP's generalized time.
    Ldap,
    /// As in HTTP's headers.
    Rfc1123,
}

impl TimeNotation {
    /// How a text is written, if it is an instant. Numbers count from 1990 to 2100: any other is
    /// more likely to be something else.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            return Self::of_number(text);
        }
        if is_generalized(text) {
            return Some(Self::Ldap);
        }
        let is_dated = text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
        if is_dated {
            return match text.len() {
                10 => text.parse::<civil::Date>().ok().map(|_| Self::Date),
                _ if text.parse::<Timestamp>().is_ok() => Some(Self::Rfc3339),
                _ => text.parse::<civil::DateTime>().ok().map(|_| Self::DateTime),
            };
        }
        let is_rfc1123 = jiff::fmt::rfc2822::parse(text).is_ok();
        is_rfc1123.then_some(Self::Rfc1123)
    }

    fn of_number(text: &str) -> Option<Self> {
        const SECONDS: std::ops::Range<f64> = 631_152_000.0..4_102_444_800.0;
        let number: f64 = text.parse().ok()?;
        if SECONDS.contains(&number) {
            return Some(Self::Epoch);
        }
        let is_whole = !text.contains('.');
        (is_whole && SECONDS.contains(&(number / 1000.0))).then_some(Self::EpochMs)
    }

    /// The word for it in `gateway.toml`; `None` is the one that needs none.
    pub(super) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Rfc3339 => None,
            Self::Epoch => Some("epoch"),
            Self::EpochMs => Some("epoch_ms"),
            Self::DateTime => Some("date_time"),
            Self::Date => Some("date"),
            Self::Ldap => Some("ldap"),
            Self::Rfc1123 => Some("rfc1123"),
        }
    }

    /// What it is, for a comment.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Rfc3339 => "RFC 3339 times",
            Self::Epoch => "seconds since 1970",
            Self::EpochMs => "milliseconds since 1970",
            Self::DateTime => "times without an offset, taken as UTC",
            Self::Date => "dates, taken as midnight UTC",
            Self::Ldap => "generalized times (LDAP)",
            Self::Rfc1123 => "times as in HTTP headers (RFC 1123)",
        }
    }
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
    #[case::rfc3339("2024-01-15T10:30:00Z", Some(TimeNotation::Rfc3339))]
    #[case::offset("2024-01-15T10:30:00.123456789+02:00", Some(TimeNotation::Rfc3339))]
    #[case::epoch("1705314600", Some(TimeNotation::Epoch))]
    #[case::epoch_fraction("1705314600.25", Some(TimeNotation::Epoch))]
    #[case::epoch_ms("1705314600000", Some(TimeNotation::EpochMs))]
    #[case::date_time("2024-01-15 10:30:00", Some(TimeNotation::DateTime))]
    #[case::date_time_fraction("2024-01-15T10:30:00.5", Some(TimeNotation::DateTime))]
    #[case::date("2024-01-15", Some(TimeNotation::Date))]
    #[case::ldap("20240115103000Z", Some(TimeNotation::Ldap))]
    #[case::ldap_fraction("20240115103000.0Z", Some(TimeNotation::Ldap))]
    #[case::rfc1123("Mon, 15 Jan 2024 10:30:00 GMT", Some(TimeNotation::Rfc1123))]
    #[case::small_number("42", None)]
    #[case::long_number("98765432109876543210", None)]
    #[case::version("1.2.3", None)]
    #[case::text("yesterday", None)]
    #[case::nothing("", None)]
    fn times_are_told_by_how_they_are_written(
        #[case] text: &str,
        #[case] expected: Option<TimeNotation>,
    ) {
        assert_eq!(TimeNotation::of(text), expected);
    }

    #[test]
    fn addresses_uuids_and_urls_are_told_apart() {
        assert!(is_email("a.b+c@example.com") && !is_email("a@b") && !is_email("git@h.com:x/y"));
        assert!(is_uuid("550e8400-e29b-41d4-a716-446655440000") && !is_uuid("group-abc-123"));
        assert!(is_url("https://example.com/g/1") && !is_url("urn:x:y") && !is_url("/g/1"));
        assert!(is_reference("/g?page=2") && is_reference("?page=2") && !is_reference("/"));
    }
}
