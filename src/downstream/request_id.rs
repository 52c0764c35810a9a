//! The id by which one request is found again: in the response, in problems and in the logs.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};

/// Carries the id, in and out.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are not taken over: they would end up in every log line.
const LONGEST: usize = 128;

/// The id of one request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// Takes over a sane id that came with the request, or makes one.
    fn of(request: &Request) -> Self {
        let sent = request.headers().get(X_REQUEST_ID).filter(|id| is_sane(id));
        Self(sent.cloned().unwrap_or_else(random))
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        // Visible ASCII only, by construction.
        self.0.to_str().unwrap_or_default()
    }
}

fn is_sane(id: &HeaderValue) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

fn random() -> HeaderValue {
    // Hexadecimal digits always make a header value.
    HeaderValue::try_from(format!("{:032x}", rand::random::<u128>()))
        .unwrap_or(HeaderValue::from_static("unknown"))
}

/// Gives the request its id, and the response the same.
pub(crate) async fn assign(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(&request);
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(X_REQUEST_ID, id.0);
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn id_of(sent: &str) -> String {
        let request = Request::builder()
            .header(X_REQUEST_ID, sent)
            .body(Body::empty())
            .unwrap();
        RequestId::of(&request).as_str().to_owned()
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
