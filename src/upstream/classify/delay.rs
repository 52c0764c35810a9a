//! Delays that an upstream requests: in `Retry-After`, or wherever its adapter says.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;

use crate::page::format::Page;
use crate::plan::{DelayUnit, RetryAfter};

/// The longest delay that is honoured: a server that is back early, or that asked for a year by
/// mistake, must not stay switched off.
pub const LONGEST_DELAY: Duration = Duration::from_mins(10);

/// Reads `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3).
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    in_header(
        headers.get(RETRY_AFTER)?.to_str().ok()?,
        DelayUnit::Seconds,
        now,
    )
}

/// Reads the delay at a location. An absent or invalid one is `None`.
pub(super) fn at(
    place: &RetryAfter,
    headers: &HeaderMap,
    page: &Page,
    now: Timestamp,
) -> Option<Duration> {
    match place {
        RetryAfter::Body { path, unit } => number(&page.find(path)?.text()?, *unit, now),
        RetryAfter::Header { header, unit } => {
            in_header(headers.get(header)?.to_str().ok()?, *unit, now)
        }
    }
}

/// Reads when a rate limit resets: a time, a duration or an HTTP date. `X-RateLimit-Reset` is
/// either, depending on the vendor, so the size of the number decides: no window is thirty years
/// long, and none ended before 2001.
pub(crate) fn reset(text: &str, now: Timestamp) -> Option<Duration> {
    let number: Option<f64> = text.trim().parse().ok();
    let unit = match number {
        Some(number) if number >= 1e12 => DelayUnit::EpochMs,
        Some(number) if number >= 1e9 => DelayUnit::Epoch,
        Some(_) | None => DelayUnit::Seconds,
    };
    in_header(text, unit, now)
}

fn in_header(text: &str, unit: DelayUnit, now: Timestamp) -> Option<Duration> {
    number(text, unit, now).or_else(|| {
        let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
        bounded(until(at.as_duration().as_secs_f64(), now))
    })
}

fn number(text: &str, unit: DelayUnit, now: Timestamp) -> Option<Duration> {
    let number: f64 = text.trim().parse().ok()?;
    bounded(match unit {
        DelayUnit::Seconds => number,
        DelayUnit::Epoch => until(number, now),
        DelayUnit::EpochMs => until(number / 1000.0, now),
    })
}

/// The seconds from now until `epoch`; zero if it has passed.
fn until(epoch: f64, now: Timestamp) -> f64 {
    // Not `max`, which would turn NaN into zero.
    let seconds = epoch - now.as_duration().as_secs_f64();
    if seconds < 0.0 { 0.0 } else { seconds }
}

/// So many seconds, up to the longest delay.
fn bounded(seconds: f64) -> Option<Duration> {
    if !seconds.is_finite() {
        return None;
    }
    Duration::try_from_secs_f64(seconds.min(LONGEST_DELAY.as_secs_f64())).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::plan::Format;

    const NOW: &str = "1994-11-06T08:49:00Z";

    #[rstest]
    #[case::seconds("120", Some(120.0))]
    #[case::a_fraction("0.5", Some(0.5))]
    #[case::a_date("Sun, 06 Nov 1994 08:49:37 GMT", Some(37.0))]
    #[case::a_date_in_the_past("Sun, 06 Nov 1994 08:00:00 GMT", Some(0.0))]
    #[case::words("soon", None)]
    #[case::negative("-1", None)]
    #[case::the_longest("600", Some(600.0))]
    #[case::a_year("31536000", Some(600.0))]
    #[case::more_than_a_clock_can_add("18446744073709551615", Some(600.0))]
    #[case::more_than_a_duration_holds("1e300", Some(600.0))]
    #[case::a_date_in_the_year_9999("Wed, 01 Dec 9999 00:00:00 GMT", Some(600.0))]
    #[case::infinite("inf", None)]
    #[case::nan("NaN", None)]
    fn retry_after_is_read_as_seconds_or_a_date_up_to_ten_minutes(
        #[case] text: &str,
        #[case] expected: Option<f64>,
    ) {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        let wait = retry_after(&headers, NOW.parse().unwrap());
        assert_eq!(wait.map(|wait| wait.as_secs_f64()), expected);
    }

    #[rstest]
    #[case::header_delta("{ header = 'x-reset' }", Some(600.0))]
    #[case::header_epoch("{ header = 'x-reset', as = 'epoch' }", Some(37.0))]
    #[case::header_epoch_ms("{ header = 'x-reset-ms', as = 'epoch_ms' }", Some(37.5))]
    #[case::header_absent("{ header = 'x-other' }", None)]
    #[case::body_seconds("'/error/retry_after'", Some(1.5))]
    #[case::body_text("{ path = '/error/text' }", Some(7.0))]
    #[case::body_epoch("{ path = '/error/until', as = 'epoch' }", Some(37.0))]
    #[case::body_date_is_for_headers_only("{ path = '/error/date' }", None)]
    #[case::body_absent("'/nowhere'", None)]
    fn a_delay_is_read_where_the_adapter_says(#[case] place: &str, #[case] expected: Option<f64>) {
        let mut rule: toml::Table = format!("at = {place}").parse().unwrap();
        let place: RetryAfter = rule.remove("at").unwrap().try_into().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-reset", "784111777".parse().unwrap());
        headers.insert("x-reset-ms", "784111777500".parse().unwrap());
        let body = r#"{"error": {"retry_after": 1.5, "text": "7", "until": 784111777,
                       "date": "Sun, 06 Nov 1994 08:49:37 GMT"}}"#;
        let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
        let wait = at(&place, &headers, &page, NOW.parse().unwrap());
        assert_eq!(wait.map(|wait| wait.as_secs_f64()), expected);
    }
}
