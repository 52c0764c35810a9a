//! Faults of the head: status and header fields.

use std::io;
use std::time::Duration;

use http::header::{HOST, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::body::{Body, whole};
use super::foreign_host::at_foreign_host;
use crate::tools::demo::message::{Answer, Request};

/// More header fields than anyone accepts.
const FIELDS: u32 = 10_000;

/// Adds the `Retry-After` that 429 and 503 have by default.
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

/// Redirects to the same URL on another host.
pub(super) fn redirect(request: &Request) -> io::Result<Answer> {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let location = at_foreign_host(&format!("http://{host}{}", request.uri()));
    let location = location.ok_or(io::ErrorKind::InvalidInput)?;
    let location = HeaderValue::from_str(&location).map_err(io::Error::other)?;
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::FOUND;
    answer.headers_mut().insert(LOCATION, location);
    Ok(answer)
}

/// The answer, with far too many header fields.
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
