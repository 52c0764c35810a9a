//! HTTP itself, byte for byte: what a client, a proxy or a probe sees of it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rstest::rstest;

use crate::support::deployment::{Deployment, Setup};

/// Every address of the data listener, in every format. The last two are streamed.
const ADDRESSES: [(&str, &str); 8] = [
    ("/groups?limit=20", "application/json"),
    ("/groups?limit=20", "application/xml"),
    ("/groups/tallyfy:nobody", "application/json"),
    ("/sources", "*/*"),
    ("/openapi.json", "*/*"),
    ("/docs", "*/*"),
    ("/groups?limit=all", "application/x-ndjson"),
    ("/groups?limit=all", "text/csv"),
];

async fn gateway() -> Deployment {
    Setup::new(20).set("CACHE__TTL", "1h").ready().await
}

/// What comes back for these bytes until the connection ends: head and body.
async fn raw(address: SocketAddr, request: String) -> (String, String) {
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    });
    let answer = answer.await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn lines_of<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(other, _)| *other == name)
        .map(|(_, value)| value)
        .collect()
}

async fn over_http_2(
    gateway: &Deployment,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, Bytes) {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let request = Request::builder().method(method).uri(gateway.url(path));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    let response = client
        .request(request.body(Empty::<Bytes>::new()).unwrap())
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    (
        head.status,
        head.headers,
        body.collect().await.unwrap().to_bytes(),
    )
}

/// What a head says of the body that it stands for.
const OF_THE_BODY: [&str; 5] = [
    "content-length",
    "content-encoding",
    "content-type",
    "vary",
    "etag",
];

#[rstest]
#[case("identity")]
#[case("gzip")]
#[case("br")]
#[case("zstd")]
#[case("gzip, identity;q=0")]
#[tokio::test]
async fn a_head_says_the_length_and_the_coding_that_the_get_has(#[case] coding: &str) {
    let gateway = gateway().await;
    let address = gateway.app().data_addr();
    for (path, accept) in ADDRESSES {
        // The second time some of them come from the cache.
        for _ in 0..2 {
            let ask = |method: &str| {
                format!(
                    "{method} {path} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\naccept-encoding: {coding}\r\nconnection: close\r\n\r\n"
                )
            };
            let (whole, _) = raw(address, ask("GET")).await;
            let (head, nothing) = raw(address, ask("HEAD")).await;
            assert_eq!(nothing, "", "{path} {accept}");
            for name in OF_THE_BODY {
                assert_eq!(
                    lines_of(&head, name),
                    lines_of(&whole, name),
                    "{path} {accept}: {name}"
                );
            }
            let headers = [("accept", accept), ("accept-encoding", coding)];
            let (_, whole, body) = over_http_2(&gateway, Method::GET, path, &headers).await;
            let (_, head, nothing) = over_http_2(&gateway, Method::HEAD, path, &headers).await;
            assert!(nothing.is_empty());
            for name in OF_THE_BODY {
                assert_eq!(head.get(name), whole.get(name), "{path} {accept}: {name}");
            }
            if let Some(length) = head.get("content-length") {
                assert_eq!(
                    length.to_str().unwrap(),
                    body.len().to_string(),
                    "{path} {accept}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_304_has_no_content_length_neither_to_get_nor_to_head() {
    let gateway = gateway().await;
    let address = gateway.app().data_addr();
    let (groups, _) = gateway.follow("limit=1&source=tallyfy").await;
    let one = format!("/groups/{}", groups[0]["id"].as_str().unwrap());
    let one = [
        (one.as_str(), "application/json"),
        (one.as_str(), "application/xml"),
    ];
    let tagged = ADDRESSES
        .iter()
        .filter(|(path, _)| !["/sources", "/groups/tallyfy:nobody"].contains(path));
    for (path, accept) in tagged.copied().chain(one) {
        for coding in ["identity", "gzip"] {
            for method in ["GET", "HEAD"] {
                let ask = format!(
                    "{method} {path} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\naccept-encoding: {coding}\r\nif-none-match: *\r\nconnection: close\r\n\r\n"
                );
                let (head, body) = raw(address, ask).await;
                assert!(head.starts_with("http/1.1 304"), "{path}: {head}");
                assert_eq!(body, "");
                for name in [
                    "content-length",
                    "content-encoding",
                    "content-type",
                    "transfer-encoding",
                ] {
                    assert!(lines_of(&head, name).is_empty(), "{method} {path}: {head}");
                }
                assert_eq!(lines_of(&head, "vary").len(), 1, "{method} {path}: {head}");
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let headers = [
                    ("accept", accept),
                    ("accept-encoding", coding),
                    ("if-none-match", "*"),
                ];
                let (status, headers, _) = over_http_2(&gateway, method, path, &headers).await;
                assert_eq!(status, StatusCode::NOT_MODIFIED);
                assert_eq!(headers.get("content-length"), None, "{path}");
            }
        }
    }
}

#[rstest]
#[case::none("HTTP/1.1", "", "there is no `Host` header")]
#[case::two("HTTP/1.1", "host: x\r\nhost: x\r\n", "there are 2 `Host` headers")]
#[case::two_apart(
    "HTTP/1.1",
    "host: x\r\naccept: */*\r\nHOST: y\r\n",
    "there are 2 `Host` headers"
)]
#[case::two_of_http_1_0("HTTP/1.0", "host: x\r\nhost: y\r\n", "there are 2 `Host` headers")]
#[case::empty("HTTP/1.1", "host:\r\n", "`Host: ` is not a valid host")]
#[case::of_spaces("HTTP/1.1", "host:   \r\n", "`Host: ` is not a valid host")]
#[case::with_a_space("HTTP/1.1", "host: a b\r\n", "`Host: a b` is not a valid host")]
#[case::with_a_path("HTTP/1.1", "host: x/y\r\n", "`Host: x/y` is not a valid host")]
#[case::with_a_user("HTTP/1.1", "host: me@x\r\n", "`Host: me@x` is not a valid host")]
#[case::with_a_word_for_a_port(
    "HTTP/1.1",
    "host: x:http\r\n",
    "`Host: x:http` is not a valid host"
)]
#[case::two_in_one_line("HTTP/1.1", "host: x, y\r\n", "`Host: x, y` is not a valid host")]
#[tokio::test]
async fn a_request_without_exactly_one_good_host_is_a_400(
    #[case] version: &str,
    #[case] hosts: &str,
    #[case] expected: &str,
) {
    let gateway = Setup::new(1).ready().await;
    let ports = [
        (gateway.app().data_addr(), "/groups"),
        (gateway.app().data_addr(), "/nowhere"),
        (gateway.app().admin_addr(), "/livez"),
    ];
    for (address, path) in ports {
        for method in ["GET", "HEAD", "POST"] {
            let ask = format!("{method} {path} {version}\r\n{hosts}connection: close\r\n\r\n");
            let (head, body) = raw(address, ask).await;
            assert!(
                head.split(' ').nth(1) == Some("400"),
                "{method} {path}: {head}"
            );
            assert_eq!(
                lines_of(&head, "content-type"),
                ["application/problem+json"]
            );
            assert!(method == "HEAD" || body.contains(expected), "{body}");
        }
    }
    let without = "GET /groups HTTP/1.0\r\n\r\n".to_owned();
    let (head, _) = raw(gateway.app().data_addr(), without).await;
    assert!(head.starts_with("http/1.0 200"), "{head}");
}

#[tokio::test]
async fn an_http_2_request_whose_host_is_not_its_authority_is_a_400() {
    let gateway = Setup::new(1).ready().await;
    let (status, _, body) =
        over_http_2(&gateway, Method::GET, "/groups", &[("host", "elsewhere")]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(String::from_utf8_lossy(&body).contains("`Host` is `elsewhere`"));
    let same = gateway.app().data_addr().to_string();
    let (status, ..) = over_http_2(&gateway, Method::GET, "/groups", &[("host", &same)]).await;
    assert_eq!(status, StatusCode::OK);
}

#[rstest]
#[case("accept-encoding", "identity;q=0")]
#[case("accept-encoding", "*;q=0")]
#[case("accept-encoding", "deflate, *;q=0")]
#[case("accept-encoding", "gzip;q=0, br;q=0, zstd;q=0, identity;q=0.000")]
#[case("accept", "image/png")]
#[case("accept", "*/*;q=0")]
#[tokio::test]
async fn a_406_quotes_what_was_sent_and_says_what_is_there_and_not_that_it_is_malformed(
    #[case] name: &str,
    #[case] value: &str,
) {
    let gateway = Setup::new(1).ready().await;
    for path in ["/groups", "/groups/tallyfy:x", "/sources"] {
        let reply = gateway.get_with(path, &[(name, value)]).await;
        let problem = reply.problem(406, "not-acceptable");
        let detail = problem["detail"].as_str().unwrap().to_lowercase();
        assert!(detail.contains(&format!("`{name}: {value}`")), "{detail}");
        let offered = if name == "accept" {
            "application/json"
        } else {
            "zstd, br, gzip or identity"
        };
        assert!(detail.contains(offered), "{detail}");
        assert!(!detail.contains("malformed"), "{detail}");
    }
}

#[rstest]
#[case("deflate", None)]
#[case("nonsense;x=y, gzip;q=0", None)]
#[case("identity;q=0, br", Some("br"))]
#[case("*;q=0, zstd", Some("zstd"))]
#[case("*", Some("zstd"))]
#[tokio::test]
async fn a_coding_that_nobody_knows_refuses_nothing(
    #[case] accepted: &str,
    #[case] expected: Option<&str>,
) {
    let gateway = gateway().await;
    let headers = [("accept-encoding", accepted)];
    let reply = gateway.get_with("/groups?limit=20", &headers).await;
    assert_eq!(reply.status, StatusCode::OK);
    let coding = reply.headers.get("content-encoding");
    assert_eq!(coding.map(|coding| coding.to_str().unwrap()), expected);
}
