//! What greedy upstreams and callers who leave may take from others, over the API.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use groupgate::config::Loaded;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::adapters::{NO_VARIABLES, load};
use crate::support::client::source;
use crate::support::gateway::{ANY_PORT, Gateway};
use crate::support::server::{Server, Step, parameter, whole};
use crate::support::wait::eventually;

fn gateway_of(toml: &str) -> Loaded {
    load(&format!("{ANY_PORT}{toml}"), NO_VARIABLES)
}

/// So many groups with ids from `first`, in so many bytes each.
fn groups(first: usize, count: usize, bytes: usize) -> String {
    let text = "x".repeat(bytes);
    let groups = (first..first + count)
        .map(|id| format!(r#"{{"id": {id}, "name": "Group {id}", "text": "{text}"}}"#));
    groups.collect::<Vec<_>>().join(",")
}

async fn memory(gateway: &Gateway) -> Value {
    let status = gateway.admin(Method::GET, "/status", &[]).await.json();
    status["memory"].clone()
}

#[tokio::test]
async fn upstreams_with_pages_of_nested_lists_are_refused_and_the_others_are_served() {
    let nested: Bytes = format!("[{}[]]", "[[],[]],".repeat(200_000)).into();
    let upstream = Server::start(move |request| {
        Response::new(match request.uri().path() {
            "/good" => Bytes::from(format!("[{}]", groups(0, 2, 10))),
            _ => nested.clone(),
        })
    })
    .await;
    let url = upstream.base_url();
    let mut toml = "[cache]\ncapacity = '16MiB'\n".to_owned();
    for name in ["bad_a", "bad_b", "bad_c", "bad_d", "good"] {
        toml.push_str(&format!(
            "[upstreams.{name}]\nbase_url = '{url}'\nrequest = {{ path = '/{name}' }}\n\
             records = '/'\nfields = {{ id = 'id', name = 'name' }}\n"
        ));
    }
    let gateway = Gateway::start(&gateway_of(&toml)).await;
    gateway.ready().await;
    let page = gateway.page("/groups").await;
    assert_eq!(page["total"], 2);
    for name in ["bad_a", "bad_b", "bad_c", "bad_d"] {
        assert_eq!(source(&page, name)["error"]["type"], "limit_exceeded");
    }
    let memory = memory(&gateway).await;
    assert_eq!(
        (&memory["decoding"], &memory["waiting"]),
        (&0.into(), &0.into())
    );
    assert_eq!(memory["capacity"], 16 << 20);
}

#[tokio::test]
async fn large_pages_of_one_walk_and_of_two_are_read_in_turn_and_none_waits_for_ever() {
    // One page takes more than half of what there is.
    let upstream = Server::start(|request| {
        let page: usize = parameter(request, "page").unwrap().parse().unwrap();
        let groups = groups(page * 200, 200, 2000);
        Response::new(format!(r#"{{"pages": 8, "groups": [{groups}]}}"#))
    })
    .await;
    let url = upstream.base_url();
    let mut toml = "[cache]\ncapacity = '18MiB'\n".to_owned();
    for name in ["first", "second"] {
        toml.push_str(&format!(
            "[upstreams.{name}]\nbase_url = '{url}'\nrequest = {{ path = '/', query = {{ page = '{{page}}' }} }}\n\
             records = '/groups'\npagination = {{ style = 'page', first = 0, pages = '/pages' }}\n\
             limits = {{ timeout = '20s' }}\nextra = 'drop'\nfields = {{ id = 'id', name = 'name' }}\n"
        ));
    }
    let gateway = Gateway::start(&gateway_of(&toml)).await;
    let page = gateway
        .until("/groups?limit=1", |page| page["total"] == 2 * 8 * 200)
        .await;
    assert_eq!(page["complete"], true);
    let memory = memory(&gateway).await;
    assert_eq!(
        (&memory["decoding"], &memory["waiting"]),
        (&0.into(), &0.into())
    );
}

#[tokio::test]
async fn streams_that_nobody_reads_are_broken_off_before_the_lists_they_hold_take_all_memory() {
    let version = AtomicUsize::new(0);
    let upstream = Server::start(move |_| {
        let version = version.fetch_add(1, Ordering::Relaxed);
        Response::new(format!("[{}]", groups(version * 1000, 1000, 900)))
    })
    .await;
    let gateway = Gateway::start(&gateway_of(&format!(
        "[cache]\ncapacity = '16MiB'\nmin_refresh = '1ms'\n[upstreams.club]\nbase_url = '{}'\n\
         request = {{ path = '/' }}\nrecords = '/'\nshrink_guard = 0\n\
         fields = {{ id = 'id', name = 'name' }}\n",
        upstream.base_url()
    )))
    .await;
    gateway.ready().await;
    let stream = TcpStream::connect(gateway.app().data_addr()).await.unwrap();
    let mut http2 = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    http2.initial_stream_window_size(0);
    let (mut sender, connection) = http2.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut streams = Vec::new();
    for _ in 0..12 {
        let request = Request::get(gateway.url("/groups?limit=all"))
            .header("accept", "application/x-ndjson")
            .body(Empty::<Bytes>::new())
            .unwrap();
        streams.push(sender.send_request(request).await.unwrap());
        let refreshed = gateway.refresh("club").await;
        assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.text());
        let memory = memory(&gateway).await;
        let taken = memory["lists"].as_u64().unwrap() + memory["collected"].as_u64().unwrap();
        assert!(taken < 11 << 20, "{memory}");
    }
    let status = gateway.admin(Method::GET, "/status", &[]).await.json();
    assert_eq!(status["sources"][0]["state"], "fresh");
    drop(streams);
    eventually("only the list that is served is left", async || {
        let memory = memory(&gateway).await;
        (memory["lists"].as_u64().unwrap() < 2 << 20).then_some(())
    })
    .await;
}

#[tokio::test]
async fn while_all_connections_are_in_use_the_admin_listener_answers_and_says_so() {
    let upstream = Server::play(|_| vec![Step::Hang]).await;
    let toml = format!(
        "connections = {{ total = 2 }}\n[upstreams.club]\nbase_url = '{}'\n\
         request = {{ path = '/' }}\nrecords = '/'\nfields = {{ id = 'id', name = 'name' }}\n",
        upstream.base_url()
    );
    let gateway = Gateway::start(&gateway_of(&toml)).await;
    let mut callers = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(gateway.app().data_addr()).await.unwrap();
        let request = b"GET /groups HTTP/1.1\r\nhost: here\r\n\r\n";
        stream.write_all(request).await.unwrap();
        callers.push(stream);
    }
    let (ready, status) = eventually("every connection is in use", async || {
        let ready = gateway.admin(Method::GET, "/readyz", &[]).await;
        let status = gateway.admin(Method::GET, "/status", &[]).await.json();
        (status["connections"]["is_full"] == true).then_some((ready, status))
    })
    .await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        ready.text().contains("server.connections.total"),
        "{}",
        ready.text()
    );
    assert_eq!(status["connections"]["total"], 2);
    assert_eq!(
        gateway.admin(Method::GET, "/livez", &[]).await.status,
        StatusCode::OK
    );
    drop(callers);
    eventually("there is room again", async || {
        let status = gateway.admin(Method::GET, "/status", &[]).await.json();
        (status["connections"]["is_full"] == false).then_some(())
    })
    .await;
}

#[tokio::test]
async fn searches_whose_callers_have_left_are_never_asked_of_the_upstream() {
    // The first walk hangs until its time is over.
    let upstream = Server::play(|number| match number {
        0 => vec![Step::Hang],
        _ => whole(r#"[{"id": 1, "name": "of the second"}]"#),
    })
    .await;
    let toml = format!(
        "[upstreams.club]\nbase_url = '{}'\nlist = 'by_query'\n\
         request = {{ path = '/teams', query = {{ q = '{{search}}' }} }}\nrecords = '/'\n\
         limits = {{ concurrency = 1, retries = 0, timeout = '2s' }}\n\
         pushdown.search = {{ matches = 'contains', in = ['name'], case = 'folded' }}\n\
         fields = {{ id = 'id', name = 'name' }}\n",
        upstream.base_url()
    );
    let gateway = Gateway::start(&gateway_of(&toml)).await;
    let authority = gateway.url("").replace("http://", "");
    let mut callers = Vec::new();
    for number in 0..20 {
        let mut stream = TcpStream::connect(&authority).await.unwrap();
        let request = format!("GET /groups?search=left{number} HTTP/1.1\r\nhost: here\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        callers.push(stream);
        if number == 0 {
            eventually("the first is asked", async || {
                (!upstream.requests().is_empty()).then_some(())
            })
            .await;
        }
    }
    eventually("all of them wait", async || {
        let status = gateway.admin(Method::GET, "/status", &[]).await.json();
        (status["connections"]["in_use"] == 20).then_some(())
    })
    .await;
    drop(callers);
    let page = gateway.page("/groups?search=second").await;
    assert_eq!(page["total"], 1);
    let asked = upstream.requests();
    let heads = asked
        .iter()
        .map(|request| String::from_utf8_lossy(request.body()).into_owned());
    let heads: Vec<_> = heads.collect();
    assert_eq!(heads.len(), 2, "{heads:?}");
    assert!(heads[1].contains("q=second"), "{heads:?}");
}

#[tokio::test]
async fn health_is_answered_at_once_while_large_pages_are_compressed_for_many() {
    let upstream = Server::start(|_| Response::new(format!("[{}]", groups(0, 1000, 1000)))).await;
    let toml = format!(
        "[upstreams.club]\nbase_url = '{}'\nrequest = {{ path = '/' }}\nrecords = '/'\n\
         fields = {{ id = 'id', name = 'name' }}\n",
        upstream.base_url()
    );
    let gateway = Gateway::start(&gateway_of(&toml)).await;
    gateway.ready().await;
    let pages = (0..24).map(|number| {
        let path = format!(
            "/groups?limit=1000&search=group&sort={}",
            ["name", "id"][number % 2]
        );
        let gateway = &gateway;
        async move { gateway.get_with(&path, &[("accept-encoding", "br")]).await }
    });
    let pages = futures_util::future::join_all(pages);
    let health = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let begun = tokio::time::Instant::now();
            gateway.admin(Method::GET, "/livez", &[]).await;
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    };
    let (pages, slowest) = tokio::join!(pages, health);
    assert!(
        pages
            .iter()
            .all(|page| page.header("content-encoding") == "br")
    );
    // Far less than a page takes to be compressed, and far more than an answer does.
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}
