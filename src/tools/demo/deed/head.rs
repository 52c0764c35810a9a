//! Faults of the head: what a status and header fields can do.

use std::io;
use std::time::Duration;

use http::header::{HOST, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::super::elsewhere::at_another_host;
use super::super::exchange::{Answer, Request};
use super::{Body, Case, whole};

/// How many header fields are too many for anybody.
const FIELDS: u32 = 10_000;

/// What 429 and 503 bring, where nothing else is asked for.
pub(super) fn with_retry_after(mut answer: Answer) -> Answer {
    if matches!(
        answer.status(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        answer
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

/// 429 in the vendor's shape, with this `Retry-After`.
pub(super) fn too_many(case: &Case<'_>, wait: HeaderValue) -> io::Result<Answer> {
    let mut answer = case.failure(StatusCode::TOO_MANY_REQUESTS.as_u16())?;
    answer.headers_mut().insert(RETRY_AFTER, wait);
    Ok(answer)
}

/// `Retry-After` as a number of seconds (RFC 9110, section 10.2.3), rounded up.
pub(super) fn seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(whole_seconds(wait))
}

/// `Retry-After` as a date. It has whole seconds, so they are rounded up.
pub(super) fn date(now: Timestamp, wait: Duration) -> io::Result<HeaderValue> {
    let until = now.as_second().saturating_add_unsigned(whole_seconds(wait));
    let until = Timestamp::from_second(until + 1).map_err(io::Error::other)?;
    let text = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&until)
        .map_err(io::Error::other)?;
    HeaderValue::from_str(&text).map_err(io::Error::other)
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Leads to what was asked for, on another host.
pub(super) fn redirect(request: &Request) -> io::Result<Answer> {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let location = at_another_host(&format!("http://{host}{}", request.uri()));
    let location = location.ok_or(io::ErrorKind::InvalidInput)?;
    let location = HeaderValue::from_str(&location).map_err(io::Error::other)?;
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::FOUND;
    answer.headers_mut().insert(LOCATION, location);
    Ok(answer)
}

/// The answer behind a header section that nobody wants to read.
pub(super) fn with_many_fields(mut answer: Answer) -> Response<Body> {
    let headers = answer.headers_mut();
    for nth in 0..FIELDS {
        if let Ok(name) = HeaderName::try_from(format!("x-filler-{nth}")) {
            headers.insert(name, HeaderValue::from(nth));
        }
    }
    whole(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_never_before_the_wait_is_over() {
        let now: Timestamp = "2026-11-24T10:00:00.900Z".parse().unwrap();
        let date = date(now, Duration::from_millis(1500)).unwrap();
        assert_eq!(date, "Tue, 24 Nov 2026 10:00:03 GMT");
        assert_eq!(seconds(Duration::from_millis(1500)), "2");
    }
}
