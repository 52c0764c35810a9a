//! Callers behind proxies: what a proxy says of them counts, and what they say themselves does not.

use std::net::SocketAddr;

use http::{Method, StatusCode};
use rstest::rstest;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{answers, gateway};
use crate::support::client::Reply;
use crate::support::gateway::Gateway;

/// Every caller may ask three times.
const RATE: &str = "[rate_limit]\nper_client = '1/h'\nburst = 3\n";

fn left(reply: &Reply) -> &str {
    let limit = reply.header("ratelimit");
    let (_, left) = limit.split_once("r=").unwrap();
    left.split_once(';').unwrap().0
}

async fn ask(gateway: &Gateway, headers: &[(&str, &str)]) -> Reply {
    gateway.get_with("/sources", headers).await
}

#[tokio::test]
async fn a_trusted_proxys_callers_are_counted_each_for_itself() {
    let server = format!("trusted_proxies = ['127.0.0.0/8']\n{RATE}");
    let (gateway, _upstream) = gateway(&server).await;
    for (headers, expected) in [
        (("x-forwarded-for", "192.0.2.1"), "2"),
        // What stands before it, the caller wrote.
        (("x-forwarded-for", "192.0.2.9, 192.0.2.1"), "1"),
        (("x-forwarded-for", "192.0.2.2"), "2"),
        (("forwarded", "for=192.0.2.1;proto=https"), "0"),
        (("forwarded", "for=192.0.2.2"), "1"),
        (("x-request-id", "none-of-them"), "2"),
    ] {
        let reply = ask(&gateway, &[headers]).await;
        assert_eq!(left(&reply), expected, "{headers:?}");
    }
    let refused = ask(&gateway, &[("x-forwarded-for", "192.0.2.1")]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
}

#[rstest]
#[case::x_forwarded_for("x-forwarded-for", "")]
#[case::forwarded("forwarded", "for=")]
#[tokio::test]
async fn a_stranger_who_forges_addresses_is_counted_as_who_it_is(
    #[case] header: &str,
    #[case] before: &str,
    #[values("", "trusted_proxies = ['192.0.2.0/24']")] server: &str,
) {
    let (gateway, _upstream) = gateway(&format!("{server}\n{RATE}")).await;
    for expected in ["2", "1", "0"] {
        let forged = format!("{before}192.0.2.{expected}");
        assert_eq!(left(&ask(&gateway, &[(header, &forged)]).await), expected);
    }
    let forged = format!("{before}192.0.2.77");
    let refused = ask(&gateway, &[(header, &forged)]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
}

/// What comes back for these bytes.
async fn raw(address: SocketAddr, header: &[u8]) -> String {
    forwarded(address, header, "").await
}

/// The same with these lines in the head of the request.
async fn forwarded(address: SocketAddr, header: &[u8], lines: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("GET /sources HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{lines}\r\n");
    // A connection that is closed at once may refuse the rest.
    let _ = stream
        .write_all(&[header, request.as_bytes()].concat())
        .await;
    answers(&mut stream).await
}

fn second(address: [u8; 4]) -> Vec<u8> {
    let fixed = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    [&fixed[..], &address, &[10, 0, 0, 1, 0, 1, 0, 2]].concat()
}

#[tokio::test]
async fn the_proxy_protocol_says_whose_a_connection_is() {
    let server = format!("trusted_proxies = ['127.0.0.0/8']\nproxy_protocol = true\n{RATE}");
    let (gateway, _upstream) = gateway(&server).await;
    let address = gateway.app().data_addr();
    let first = b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n";
    for (header, expected) in [
        (first.to_vec(), "r=2;"),
        (second([192, 0, 2, 1]), "r=1;"),
        (second([192, 0, 2, 2]), "r=2;"),
        // A health check of the balancer's own.
        (b"PROXY UNKNOWN\r\n".to_vec(), "r=2;"),
    ] {
        let answer = raw(address, &header).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains(expected), "{answer}");
    }
    for header in [
        &b""[..],
        b"PROXY TCP4 nobody 10.0.0.1 1 2\r\n",
        b"\x16\x03\x01",
    ] {
        let answer = raw(address, header).await;
        assert_eq!(answer, "", "{header:?}");
    }
    let status = gateway.admin(Method::GET, "/status", &[]).await.json();
    assert_eq!(status["connections"]["unannounced"], 3);
}

#[tokio::test]
async fn who_is_behind_a_proxy_and_unknown_is_not_believed_to_be_another() {
    let server = format!("trusted_proxies = ['127.0.0.0/8']\nproxy_protocol = true\n{RATE}");
    let (gateway, _upstream) = gateway(&server).await;
    let address = gateway.app().data_addr();
    let unspecified = b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0";
    let own = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for (header, expected) in [
        // Counted for the proxy.
        (&b"PROXY UNKNOWN\r\n"[..], "r=2;"),
        (unspecified, "r=1;"),
        // What is the proxy's own says for whom it is.
        (own, "r=2;"),
    ] {
        let answer = forwarded(address, header, "x-forwarded-for: 192.0.2.1\r\n").await;
        assert!(answer.contains(expected), "{answer}");
    }
}

#[tokio::test]
async fn a_stranger_who_writes_a_proxys_header_is_turned_away() {
    let server = "trusted_proxies = ['192.0.2.0/24']\nproxy_protocol = true\n";
    let (gateway, _upstream) = gateway(server).await;
    let answer = raw(gateway.app().data_addr(), &second([192, 0, 2, 1])).await;
    assert_eq!(answer, "");
    let status = gateway.admin(Method::GET, "/status", &[]).await.json();
    assert_eq!(status["connections"]["unannounced"], 1);
}
