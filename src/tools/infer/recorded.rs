//! A recorded response: a body, or what `curl -i` prints, heads and body.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::sample::Sample;

/// Reads a recorded response. Of several heads the last one counts: those before it are of
/// redirects, `100 Continue`, challenges and proxies.
pub(super) fn parse(text: Vec<u8>) -> Sample {
    let text = Bytes::from(text);
    let mut rest = text.slice(
        if text.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        }..,
    );
    let mut last = None;
    while let Some((head, length)) = head(&rest) {
        last = Some(head);
        rest = rest.slice(length..);
    }
    match last {
        None => Sample::recorded(text),
        Some((status, headers)) => Sample {
            status,
            headers,
            ..Sample::recorded(rest)
        },
    }
}

/// The head that a text begins with, and how long it is, the empty line after it included.
fn head(text: &[u8]) -> Option<((StatusCode, HeaderMap), usize)> {
    if !text.starts_with(b"HTTP/") {
        return None;
    }
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next()?;
    let mut length = first.len();
    let mut words = first.split(u8::is_ascii_whitespace);
    let status = StatusCode::from_bytes(words.nth(1)?).ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        length += line.len();
        let line = line.trim_ascii();
        if line.is_empty() {
            break;
        }
        // What is no header is left out: it cannot matter to a list.
        if let Some(colon) = line.iter().position(|byte| *byte == b':')
            && let Ok(name) = HeaderName::from_bytes(&line[..colon])
            && let Ok(value) = HeaderValue::from_bytes(line[colon + 1..].trim_ascii())
        {
            headers.append(name, value);
        }
    }
    Some(((status, headers), length))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::body("[1]", 200, None, "[1]")]
    #[case::head(
        "HTTP/1.1 200 OK\r\nX-Total-Count: 7\r\n\r\n[1]",
        200,
        Some("7"),
        "[1]"
    )]
    #[case::http2("HTTP/2 200 \r\nx-total-count: 7\r\n\r\n[1]", 200, Some("7"), "[1]")]
    #[case::line_feeds("HTTP/2 200\nx-total-count: 7\n\n[1]\n", 200, Some("7"), "[1]\n")]
    #[case::redirected(
        "HTTP/1.1 302 Found\r\nLocation: /x\r\nX-Total-Count: 9\r\n\r\nHTTP/1.1 200 OK\r\n\r\n[1]",
        200,
        None,
        "[1]"
    )]
    #[case::continued(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Total-Count: 7\r\n\r\n[1]",
        200,
        Some("7"),
        "[1]"
    )]
    #[case::through_a_proxy(
        "HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 404\r\n\r\n{}",
        404,
        None,
        "{}"
    )]
    #[case::without_a_body("HTTP/1.1 204 No Content\r\n\r\n", 204, None, "")]
    #[case::marked("\u{feff}HTTP/1.1 200 OK\r\n\r\n[1]", 200, None, "[1]")]
    fn what_curl_prints_is_a_sample(
        #[case] text: &str,
        #[case] status: u16,
        #[case] total: Option<&str>,
        #[case] body: &str,
    ) {
        let sample = parse(text.as_bytes().to_vec());
        assert_eq!(sample.status, status);
        let found = sample.headers.get("x-total-count");
        assert_eq!(found.map(|value| value.to_str().unwrap()), total);
        assert_eq!(sample.body, body.as_bytes());
    }
}
