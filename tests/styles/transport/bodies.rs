//! How much an answer may hold: its header section, its body as it comes, and what it inflates to.

use std::convert::Infallible;

use bytes::Bytes;
use groupgate::error::ErrorKind;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use rstest::rstest;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;

use crate::staff::impatient;
use crate::support::adapters::{failed, walked};
use crate::support::server::{Server, Step, head, whole};

/// So many spaces in an otherwise good page, compressed as `encoding`.
async fn bomb(encoding: &str, bytes: usize) -> Vec<u8> {
    let page = format!("{}{{\"items\":[]}}", " ".repeat(bytes));
    let service = ServiceBuilder::new()
        .layer(CompressionLayer::new())
        .service(service_fn(move |_: Request<()>| {
            let page = Full::new(Bytes::from(page.clone()));
            async { Ok::<_, Infallible>(Response::new(page)) }
        }));
    let request = Request::get("/").header("accept-encoding", encoding);
    let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], encoding);
    response
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes()
        .to_vec()
}

#[rstest]
#[tokio::test]
async fn a_small_body_that_inflates_to_a_huge_one_is_cut_off_while_it_does(
    #[values("gzip", "br", "zstd")] encoding: &'static str,
) {
    let packed = bomb(encoding, 16 << 20).await;
    assert!(packed.len() < 64 << 10, "{encoding}: {}", packed.len());
    let answer = move |_| {
        let lines = format!(
            "content-encoding: {encoding}\r\ncontent-length: {}\r\n",
            packed.len()
        );
        vec![head(&lines), Step::Send(packed.clone())]
    };
    let upstream = Server::play(answer).await;
    let error = failed(&impatient(
        upstream.base_url(),
        "limits.page_bytes = '64KiB'",
    ))
    .await;
    assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
    assert_eq!(
        error.detail,
        "a page is larger than 64.0 KiB after decompression (`limits.page_bytes`)"
    );
    assert_eq!(upstream.requests().len(), 1);
    // The page is good, and only too large.
    let roomy = impatient(upstream.base_url(), "limits.page_bytes = '32MiB'");
    assert!(walked(&roomy).await.groups.is_empty());
}

#[rstest]
#[tokio::test]
async fn a_body_that_is_not_packed_as_it_says_is_no_broken_connection(
    #[values("gzip", "br", "zstd")] encoding: &'static str,
) {
    let body = b"<html>Sign in</html>".to_vec();
    let upstream = Server::play(move |_| {
        let length = body.len();
        let lines = format!("content-encoding: {encoding}\r\ncontent-length: {length}\r\n");
        vec![head(&lines), Step::Send(body.clone())]
    })
    .await;
    let error = failed(&impatient(upstream.base_url(), "")).await;
    assert_eq!(error.kind, ErrorKind::Decode, "{error}");
    let said = "the body cannot be decompressed: ";
    assert!(error.detail.starts_with(said), "{error}");
    assert_eq!(
        upstream.requests().len(),
        1,
        "it would be the same once more"
    );
}

#[rstest]
#[case::plain("", "a page is larger than 1.0 MiB (`limits.page_bytes`)")]
#[case::packed(
    "content-encoding: gzip\r\n",
    "a page is larger than 1.0 MiB before decompression (`limits.page_bytes`)"
)]
#[tokio::test]
async fn a_huge_body_that_says_so_is_not_even_begun(#[case] line: &str, #[case] expected: &str) {
    let lines = format!("{line}content-length: 1073741824\r\n");
    let upstream = Server::play(move |_| vec![head(&lines), Step::Hang]).await;
    let error = failed(&impatient(
        upstream.base_url(),
        "limits.page_bytes = '1MiB'",
    ))
    .await;
    assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
    assert_eq!(error.detail, expected);
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_while_it_comes() {
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    let upstream = Server::play(move |_| {
        vec![
            head("transfer-encoding: chunked\r\n"),
            Step::Flood(chunk.clone()),
        ]
    })
    .await;
    let error = failed(&impatient(
        upstream.base_url(),
        "limits.page_bytes = '1MiB'",
    ))
    .await;
    assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
    // What is sent and not read lies in the sockets' buffers.
    let sent = upstream.sent();
    assert!(sent < 32 << 20, "{sent}");
}

#[rstest]
#[case::ten_thousand_fields((0..10_000).map(|number| format!("x-{number}: 1\r\n")).collect())]
#[case::one_huge_field(format!("x-huge: {}\r\n", "a".repeat(1 << 20)))]
#[tokio::test]
async fn a_header_section_beyond_all_bounds_is_told_as_what_it_is(#[case] lines: String) {
    let upstream = Server::play(move |_| vec![head(&lines), Step::Hang]).await;
    let error = failed(&impatient(upstream.base_url(), "limits.retries = 2")).await;
    assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
    assert_eq!(
        error.detail,
        "the response's header section exceeds 100 fields or 400 KiB"
    );
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_page_as_large_as_it_may_be_is_read() {
    let page = format!("{}{{\"items\":[]}}", " ".repeat(1024 - 12));
    assert_eq!(page.len(), 1024);
    let upstream = Server::play(move |_| whole(&page)).await;
    let adapter = impatient(upstream.base_url(), "limits.page_bytes = '1KiB'");
    assert!(walked(&adapter).await.groups.is_empty());
}
