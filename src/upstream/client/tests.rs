//! Names that move and names with several addresses: the resolver is the test's own, since no test
//! changes what the system resolves.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower::{ServiceExt as _, service_fn};

use super::*;
use crate::plan::HttpVersion;

/// Where the name leads at the moment.
type Addresses = Arc<Mutex<Vec<IpAddr>>>;

fn names(addresses: &Addresses) -> impl DnsResolver<Future: Send + 'static> {
    let addresses = Arc::clone(addresses);
    service_fn(move |_: Name| {
        let found = addresses.lock().unwrap().clone();
        // The port is taken from the URL.
        async move { io::Result::Ok(found.into_iter().map(|address| SocketAddr::new(address, 0))) }
    })
}

/// Two servers on the same port of two addresses, each of which answers with its address.
async fn two_homes() -> (u16, [IpAddr; 2]) {
    let homes = ["127.0.0.1", "127.0.0.2"].map(|address| address.parse().unwrap());
    loop {
        let first = TcpListener::bind((homes[0], 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let Ok(second) = TcpListener::bind((homes[1], port)).await else {
            continue;
        };
        for socket in [first, second] {
            tokio::spawn(serve(socket));
        }
        return (port, homes);
    }
}

async fn serve(socket: TcpListener) {
    let address = socket.local_addr().unwrap().ip().to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{address}",
        address.len()
    );
    while let Ok((mut stream, _)) = socket.accept().await {
        let answer = answer.clone();
        tokio::spawn(async move {
            let mut head = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                head.push(byte);
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
    }
}

async fn home(client: &HttpClient, port: u16) -> String {
    let request = Request::get(format!("http://groups.example:{port}/"));
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let response = client.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn an_upstream_that_moves_is_found_when_its_connection_is_old() {
    let (port, [old, new]) = two_homes().await;
    let addresses = Addresses::new(Mutex::new(vec![old]));
    let mut connections = Connections::usual(None);
    connections.max_age = Duration::from_mins(5);
    // So that its age alone can be what ends a connection.
    connections.idle = Duration::from_hours(1);
    let client = client_by(names(&addresses), &connections);
    assert_eq!(home(&client, port).await, old.to_string());
    *addresses.lock().unwrap() = vec![new];
    // The connection is open and good, so nobody asks where the name leads.
    assert_eq!(home(&client, port).await, old.to_string());
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(301)).await;
    tokio::time::resume();
    assert_eq!(home(&client, port).await, new.to_string());
}

#[tokio::test]
async fn of_several_addresses_the_first_that_answers_is_taken() {
    let (port, [home_address, _]) = two_homes().await;
    let dead = "127.0.0.3".parse().unwrap();
    let addresses = Addresses::new(Mutex::new(vec![dead, home_address]));
    let client = client_by(names(&addresses), &Connections::usual(None));
    assert_eq!(home(&client, port).await, home_address.to_string());
}

#[tokio::test]
async fn a_header_section_may_be_as_large_over_http_2_as_over_http_1() {
    const FIELDS: usize = 40;
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let answer = service_fn(|_| async {
                let field = |number| (format!("x-{number}"), "a".repeat(4096));
                let start = Response::builder();
                let response = (0..FIELDS)
                    .map(field)
                    .fold(start, |response, (name, value)| {
                        response.header(name, value)
                    });
                response.body(Full::<Bytes>::default())
            });
            let answer = TowerToHyperService::new(answer);
            let server = auto::Builder::new(TokioExecutor::new());
            let stream = TokioIo::new(stream);
            tokio::spawn(async move { server.serve_connection(stream, answer).await.is_ok() });
        }
    });
    for http in [HttpVersion::One, HttpVersion::Two] {
        let mut connections = Connections::usual(None);
        connections.http = http;
        let client = http_client(&connections);
        let request = Request::get(format!("http://127.0.0.1:{port}/"));
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let response = client.oneshot(request).await.unwrap();
        assert!(response.headers().len() >= FIELDS, "{http:?}");
    }
}

#[tokio::test]
async fn without_tls_nothing_that_asks_for_it_is_sent() {
    let (port, [home_address, _]) = two_homes().await;
    let addresses = Addresses::new(Mutex::new(vec![home_address]));
    let client = client_by(names(&addresses), &Connections::usual(None));
    let request = Request::get(format!("https://groups.example:{port}/"));
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let error = client.oneshot(request).await.unwrap_err();
    let told = crate::error::chain(&*error);
    assert!(
        told.contains("asks for TLS, which was not prepared"),
        "{told}"
    );
}
