//! What old and odd servers do on the wire, byte by byte.

use groupgate::error::ErrorKind;
use rstest::rstest;

use super::upstream::{adapter, adapter_with};
use crate::support::adapters::{failed, ids, walked};
use crate::support::server::{Server, Step};

/// A server that answers every request with these bytes, and closes the connection if it says so.
async fn wire(answer: impl Into<Vec<u8>>, after: After) -> Server {
    let steps = match after {
        After::Close => vec![Step::Send(answer.into())],
        After::Keep => vec![Step::Send(answer.into()), Step::KeepAlive],
    };
    Server::play(move |_| steps.clone()).await
}

#[derive(Clone, Copy)]
enum After {
    Close,
    Keep,
}

const BODY: &str = r#"{"items":[{"id":"a"},{"id":"b"}]}"#;

#[rstest]
#[case::http_1_0_until_it_closes(format!("HTTP/1.0 200 OK\r\n\r\n{BODY}"), After::Close, 2)]
#[case::http_1_0_with_a_length(format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()), After::Close, 2)]
#[case::http_1_0_kept_alive(format!("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()), After::Keep, 1)]
#[case::http_1_1_kept_alive(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()), After::Keep, 1)]
#[case::closed_as_announced(format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()), After::Close, 2)]
#[case::closed_without_a_word(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()), After::Close, 2)]
#[case::without_a_length(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{BODY}"), After::Close, 2)]
#[case::without_a_reason(format!("HTTP/1.1 200\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()), After::Keep, 1)]
#[case::after_an_interim_answer(format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()), After::Keep, 1)]
#[case::in_chunks_with_trailers(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5;note=x\r\n{}\r\n{:x}\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n", &BODY[..5], BODY.len() - 5, &BODY[5..]), After::Keep, 1)]
#[case::with_headers_twice(format!("HTTP/1.1 200 OK\r\nContent-Length: {0}\r\nContent-Length: {0}\r\nX-A: 1\r\nX-A: 2\r\nContent-Type: application/json\r\n\r\n{BODY}", BODY.len()), After::Keep, 1)]
#[tokio::test]
async fn an_answer_is_read_however_it_is_framed(
    #[case] answer: String,
    #[case] after: After,
    #[case] connections: usize,
) {
    let wire = wire(answer, after).await;
    let adapter = adapter(wire.base_url(), "");
    for _ in 0..2 {
        assert_eq!(ids(&walked(&adapter).await), ["a", "b"]);
    }
    assert_eq!(wire.connections(), connections);
}

#[tokio::test]
async fn a_compressed_answer_is_unpacked() {
    let packed = gzipped();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        packed.len()
    );
    let wire = wire([head.as_bytes(), &packed].concat(), After::Keep).await;
    assert_eq!(
        ids(&walked(&adapter(wire.base_url(), "")).await),
        ["a", "b"]
    );
}

/// `BODY`, as `gzip -n` packs it without compressing (RFC 1952, RFC 1951 section 3.2.4).
fn gzipped() -> Vec<u8> {
    let length = u16::try_from(BODY.len()).unwrap();
    let head: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    let sum = crc32(BODY.as_bytes()).to_le_bytes();
    let size = u32::from(length).to_le_bytes();
    let (length, complement) = (length.to_le_bytes(), (!length).to_le_bytes());
    [head, &length, &complement, BODY.as_bytes(), &sum, &size].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

#[tokio::test]
async fn of_link_headers_sent_twice_none_is_lost() {
    let page = r#"{"items":[{"id":"a"}]}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nLink: </list?page=1>; rel=\"first\"\r\nLink: </list?page=2>; \
         rel=\"next\"\r\nContent-Length: {}\r\n\r\n{page}",
        page.len()
    );
    let wire = wire(answer, After::Keep).await;
    let adapter = adapter_with(wire.base_url(), "pagination = { style = 'link' }", "");
    // The second page is the first again, which is how we know that it was asked for.
    assert_eq!(failed(&adapter).await.kind, ErrorKind::Pagination);
}

#[rstest]
#[case::another_length("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n[]   ")]
#[case::no_http("SSH-2.0-OpenSSH_9.6\r\n")]
#[case::cut_off("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"items\":[]}")]
#[case::cut_off_in_chunks(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{\"items\":[]}\r\n"
)]
#[tokio::test]
async fn an_answer_that_is_not_whole_is_no_answer(#[case] answer: &str) {
    let wire = wire(answer, After::Close).await;
    let error = failed(&adapter(wire.base_url(), "")).await;
    assert_eq!(error.kind, ErrorKind::Connect, "{error}");
}
