//! The id by which one request is found again: in the response, in problems and in the logs.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::TraceId;

use crate::hex::{NUMBER_DIGITS, hex_of_number};

/// Carries the id, in and out.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are not taken over: they would end up in every log line.
const LONGEST: usize = 128;

/// The id of one request.
#[derive(Debug, Clone)]
pub(crate) enum RequestId {
    /// It came with the request.
    Sent(HeaderValue),
    /// It was made here.
    Made {
        number: u128,
        /// The same in hexadecimal digits, as it is said.
        digits: [u8; NUMBER_DIGITS],
    },
}

impl RequestId {
    /// Takes over a sane id that came with the request, or makes one.
    pub(crate) fn of(headers: &HeaderMap, has_id: bool) -> Self {
        // Most do not, and are not looked through.
        let sent = has_id.then(|| headers.get(X_REQUEST_ID)).flatten();
        match sent {
            Some(id) if is_sane(id) => Self::Sent(id.clone()),
            Some(_) | None => {
                let number = rand::random();
                let digits = hex_of_number(number);
                Self::Made { number, digits }
            }
        }
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        // Visible ASCII only, by construction.
        let text = match self {
            Self::Sent(id) => id.to_str().ok(),
            Self::Made { digits, .. } => str::from_utf8(digits).ok(),
        };
        text.unwrap_or_default()
    }

    /// The trace that is the request's own, where it is in none: it has the number of an id that was made here. What a
    /// caller sends says nothing of traces.
    pub(crate) fn trace(&self) -> Option<TraceId> {
        match self {
            Self::Sent(_) => None,
            Self::Made { number, .. } => Some(TraceId::from(*number)),
        }
    }

    /// The id as a header value.
    pub(crate) fn to_value(&self) -> HeaderValue {
        match self {
            Self::Sent(id) => id.clone(),
            // Hexadecimal digits always make a header value.
            Self::Made { digits, .. } => {
                HeaderValue::from_bytes(digits).unwrap_or(HeaderValue::from_static("unknown"))
            }
        }
    }
}

fn is_sane(id: &HeaderValue) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(sent: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_str(sent).unwrap());
        RequestId::of(&headers, true).as_str().to_owned()
    }

    #[test]
    fn a_sane_id_is_taken_over() {
        assert_eq!(id_of("abc-123/x:y"), "abc-123/x:y");
        assert_eq!(id_of(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
    }

    #[test]
    fn an_id_that_could_harm_a_log_is_replaced() {
        for sent in ["", "two words", &"x".repeat(LONGEST + 1)] {
            let id = id_of(sent);
            assert_ne!(id, sent);
            assert_eq!(id.len(), 32);
        }
    }
}
