//! Every part of a try has its own limit, and its own words when it is late.

use std::net::Ipv4Addr;
use std::time::Duration;

use groupgate::error::ErrorKind;
use rstest::rstest;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::staff::impatient;
use crate::support::adapters::failed;
use crate::support::server::{Server, Step, head};

#[rstest]
#[case::no_head(
    vec![Step::Hang],
    "limits.head_timeout = '200ms'",
    "no response head within 200ms (`limits.head_timeout`)"
)]
#[case::half_a_head(
    vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()), Step::Hang],
    "limits.head_timeout = '200ms'",
    "no response head within 200ms (`limits.head_timeout`)"
)]
#[case::half_a_body(
    vec![head("content-length: 12\r\n"), Step::Send(b"{\"it".to_vec()), Step::Hang],
    "limits.idle_timeout = '200ms'",
    "the body stalled for 200ms (`limits.idle_timeout`)"
)]
#[case::no_body(
    vec![head("content-length: 12\r\n"), Step::Hang],
    "limits.idle_timeout = '200ms'",
    "the body stalled for 200ms (`limits.idle_timeout`)"
)]
#[case::half_a_body_within_the_pause(
    vec![head("content-length: 12\r\n"), Step::Send(b"{\"it".to_vec()), Step::Hang],
    "limits.timeout = '200ms'",
    "no complete response within 200ms (`limits.timeout`)"
)]
#[tokio::test]
async fn what_is_late_is_told_with_the_key_that_says_so(
    #[case] script: Vec<Step>,
    #[case] keys: &str,
    #[case] expected: &str,
) {
    let upstream = Server::play(move |_| script.clone()).await;
    let adapter = impatient(upstream.base_url(), keys);
    let start = Instant::now();
    let error = failed(&adapter).await;
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert_eq!(error.detail, expected);
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_a_timeout_of_its_own() {
    // Nobody accepts, and once the queue is full the kernel does not answer any more.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
        assert!(queued.len() < 100, "the queue has no end");
    }
    let adapter = impatient(
        &format!("http://{address}"),
        "limits.connect_timeout = '200ms'",
    );
    let error = failed(&adapter).await;
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert_eq!(
        error.detail,
        "no connection within 200ms (`limits.connect_timeout`)"
    );
}
