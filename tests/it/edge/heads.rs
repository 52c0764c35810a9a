//! Heads of HTTP/1.1 as attackers write them: slow, endless, and such that two servers would read them
//! differently (RFC 9112, sections 6 and 11.2).

use std::time::Duration;

use http::{Method, StatusCode};
use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{answers, gateway, process, serves_others};
use crate::support::wait::eventually;

/// A request that must never be taken for one of its own.
const HIDDEN: &str = "GET /docs HTTP/1.1\r\nhost: hidden\r\n\r\n";

#[rstest]
#[case::both_lengths(
    "content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    None
)]
#[case::both_lengths_in_the_other_order(
    "transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n0\r\n\r\n",
    None
)]
#[case::two_lengths("content-length: 0\r\ncontent-length: 42\r\n\r\n", Some(400))]
#[case::two_lengths_in_one("content-length: 0, 42\r\n\r\n", Some(400))]
#[case::a_signed_length("content-length: +42\r\n\r\n", Some(400))]
#[case::a_hexadecimal_length("content-length: 0x2a\r\n\r\n", Some(400))]
#[case::a_length_beyond_all("content-length: 18446744073709551616\r\n\r\n", Some(400))]
#[case::a_negative_length("content-length: -1\r\n\r\n", Some(400))]
#[case::a_coding_that_is_not_chunked("transfer-encoding: identity\r\n\r\n", Some(400))]
#[case::a_coding_that_looks_like_chunked("transfer-encoding: xchunked\r\n\r\n", Some(400))]
#[case::a_coding_behind_chunked("transfer-encoding: chunked, identity\r\n\r\n", Some(400))]
#[case::chunked_twice("transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n", Some(400))]
#[case::chunked_in_two_lines(
    "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    Some(400)
)]
#[case::a_coding_before_chunked("transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Some(400))]
#[case::a_coding_in_the_line_before(
    "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    Some(400)
)]
#[case::no_coding_before_chunked("transfer-encoding: , chunked\r\n\r\n0\r\n\r\n", Some(400))]
#[case::a_space_before_the_colon("content-length : 42\r\n\r\n", Some(400))]
#[case::a_folded_line("x: y\r\n content-length: 42\r\n\r\n", Some(400))]
#[case::a_folded_length("content-length:\r\n 42\r\n\r\n", Some(400))]
#[case::a_bare_carriage_return("x: y\rcontent-length: 42\r\n\r\n", Some(400))]
#[case::a_null("x: a\0b\r\n\r\n", Some(400))]
#[case::a_name_with_a_space("content length: 42\r\n\r\n", Some(400))]
#[case::a_line_without_a_name(": 42\r\n\r\n", Some(400))]
#[case::a_bare_line_feed("x: y\ncontent-length: 42\r\n\r\n", None)]
#[case::a_bare_line_feed_behind_a_size("transfer-encoding: chunked\r\n\r\n0\n\r\n", None)]
#[case::a_bare_line_feed_in_an_extension("transfer-encoding: chunked\r\n\r\n0;x\ny\r\n\r\n", None)]
#[case::chunks_of_no_size("transfer-encoding: chunked\r\n\r\nxyz\r\n", None)]
#[case::chunks_of_too_large_a_size("transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n", None)]
#[tokio::test]
async fn what_two_servers_could_read_differently_hides_no_request(
    #[case] fields: &str,
    #[case] status: Option<u16>,
) {
    let (gateway, _upstream) = gateway("").await;
    let mut stream = TcpStream::connect(gateway.app().data_addr()).await.unwrap();
    let bytes = format!("POST /sources HTTP/1.1\r\nhost: here\r\n{fields}{HIDDEN}");
    stream.write_all(bytes.as_bytes()).await.unwrap();
    // Nothing more is sent, so a connection that waits for more is closed on.
    stream.shutdown().await.unwrap();
    let answer = answers(&mut stream).await;
    assert!(
        !answer.contains("text/html"),
        "the hidden request was answered: {answer}"
    );
    if let Some(status) = status {
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert_eq!(gateway.get("/groups").await.status, StatusCode::OK);
}

/// Whoever refuses such a request ends its connection.
#[tokio::test]
async fn an_address_over_its_rate_hides_no_request_either() {
    let rate = "[rate_limit]\nper_client = '1/h'\nburst = 1";
    let (gateway, _upstream) = gateway(rate).await;
    gateway.get("/groups").await;
    let mut stream = TcpStream::connect(gateway.app().data_addr()).await.unwrap();
    let head = "POST /sources HTTP/1.1\r\nhost: here\r\ntransfer-encoding: gzip, chunked\r\n\r\n";
    let bytes = format!("{head}0\r\n\r\n{HIDDEN}");
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let answer = answers(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

/// RFC 9112, section 2.2: a server may. `docs/security.md` says what that asks of proxies.
#[tokio::test]
async fn a_bare_line_feed_ends_a_line_of_a_head() {
    let (gateway, _upstream) = gateway("").await;
    let mut stream = TcpStream::connect(gateway.app().data_addr()).await.unwrap();
    let bytes = "GET /sources HTTP/1.1\nhost: here\nconnection: close\n\n";
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let answer = answers(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn chunks_are_not_for_http_1_0() {
    let (gateway, _upstream) = gateway("").await;
    let mut stream = TcpStream::connect(gateway.app().data_addr()).await.unwrap();
    let bytes = format!("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}");
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let answer = answers(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.0 400") || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
    assert_eq!(answer.matches("HTTP/1.").count(), 1, "{answer}");
}

#[rstest]
#[case::one_endless_field("x: ", "y")]
#[case::endless_fields("", "x: y\r\n")]
#[case::an_endless_target("", "z")]
#[tokio::test]
async fn an_endless_head_is_cut_off_and_takes_no_memory(#[case] begin: &str, #[case] more: &str) {
    let (process, _upstream) = process("").await;
    serves_others(&process).await;
    process.forget_peak();
    let before = process.memory("VmRSS:");
    let mut streams = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(process.data).await.unwrap();
        let first = if more == "z" {
            "GET /"
        } else {
            "GET / HTTP/1.1\r\nhost: x\r\n"
        };
        let _ = stream.write_all(format!("{first}{begin}").as_bytes()).await;
        let part = more.repeat((64 * 1024) / more.len());
        // 4 MiB each, of which it reads a fraction.
        let flood = async {
            for _ in 0..64 {
                if stream.write_all(part.as_bytes()).await.is_err() {
                    break;
                }
            }
        };
        timeout(Duration::from_secs(30), flood)
            .await
            .expect("it reads or closes");
        streams.push(stream);
    }
    serves_others(&process).await;
    for stream in &mut streams {
        let answer = answers(stream).await;
        let is_refused = ["400", "414", "431"]
            .iter()
            .any(|status| answer.starts_with(&format!("HTTP/1.1 {status}")));
        // Whoever still writes may be reset before it has read why.
        assert!(answer.is_empty() || is_refused, "{answer}");
    }
    // At most while it lasted. Each of the 50 may be 64 KiB.
    let grown = process.memory("VmHWM:").saturating_sub(before);
    assert!(grown < 10, "{grown} MiB");
}

#[tokio::test]
async fn heads_that_trickle_are_cut_off_and_keep_nobody_out() {
    let (process, _upstream) = process("").await;
    let mut slow = Vec::new();
    for _ in 0..60 {
        let mut stream = TcpStream::connect(process.data).await.unwrap();
        stream
            .write_all(b"GET /groups HTTP/1.1\r\nx: ")
            .await
            .unwrap();
        slow.push(stream);
    }
    serves_others(&process).await;
    // Each byte in time is not enough: the whole head has ten seconds.
    let broken = eventually("all are broken off", async || {
        for stream in &mut slow {
            let _ = stream.write_all(b"y").await;
        }
        let broken = process.status().await["connections"]["broken_off"].as_u64();
        broken.filter(|broken| *broken >= 60)
    })
    .await;
    assert_eq!(broken, 60);
    serves_others(&process).await;
}

#[tokio::test]
async fn answers_that_are_not_read_are_let_go_and_keep_nobody_out() {
    let limits = "connections = { send_timeout = '1s', send_rate = '10MiB' }";
    let (process, _upstream) = process(limits).await;
    let mut silent = Vec::new();
    for _ in 0..60 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(process.data).await.unwrap();
        let ask = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(200);
        stream.write_all(ask.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    serves_others(&process).await;
    eventually("all are broken off", async || {
        let broken = process.status().await["connections"]["broken_off"].as_u64();
        broken.filter(|broken| *broken >= 60)
    })
    .await;
    serves_others(&process).await;
    let mut first = [0; 8];
    silent[0].read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1");
}

#[tokio::test]
async fn a_body_that_nobody_asked_for_is_not_read() {
    let (gateway, _upstream) = gateway("").await;
    let mut stream = TcpStream::connect(gateway.app().data_addr()).await.unwrap();
    let head = b"GET /groups HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let flood = async {
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let mut sent = 0_usize;
        while stream.write_all(chunk.as_bytes()).await.is_ok() {
            sent += chunk.len();
            assert!(sent < 64 << 20, "it reads on");
        }
    };
    timeout(Duration::from_secs(30), flood)
        .await
        .expect("it closes");
    let reply = gateway.ask(Method::GET, "/groups", &[]).await;
    assert_eq!(reply.status, StatusCode::OK);
}
