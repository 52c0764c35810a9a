//! How much memory the process takes at worst, and whether it heals: greedy upstreams, callers that do
//! not read, and more connections than anybody needs.
//!
//! It runs for some minutes and means something only in a release build:
//!
//! ```sh
//! cargo test --release --test soak -- --ignored --nocapture
//! ```

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and this one prints its figures"
)]

#[path = "../support/mod.rs"]
mod support;

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep};

use support::client::ask;
use support::process::Process;
use support::server::{Server, parameter};
use support::wait::eventually;

/// What the process is told that it may hold, in MiB.
const CAPACITY: u64 = 64;

/// What it may take besides: the program, its threads, connections, and what the allocator keeps.
const BESIDES: u64 = 96;

/// How many groups the list has: some 3 MB of JSON.
const GROUPS: usize = 3000;

/// One page of 20 MiB of nested lists.
fn nested() -> Bytes {
    let mut page = String::with_capacity(21 << 20);
    page.push_str(r#"{"groups": ["#);
    while page.len() < 20 << 20 {
        page.push_str("[[],[]],");
    }
    page.push_str("[]]}");
    page.into()
}

/// A list that is another one each time.
fn list(version: u64) -> Bytes {
    let padding = "x".repeat(900);
    let groups = (0..GROUPS).map(|group| {
        format!(r#"{{"id": {group}, "name": "Group {group} of {version}", "text": "{padding}"}}"#)
    });
    let groups = groups.collect::<Vec<_>>().join(",");
    format!(r#"{{"groups": [{groups}]}}"#).into()
}

fn config(base_url: &str) -> String {
    let mut toml = format!(
        r#"
        [server]
        listen = "127.0.0.1:0"
        admin = "127.0.0.1:0"
        # A third of the usual patience, so that the soak takes a third of the time.
        connections = {{ send_timeout = "10s", send_rate = "64KiB" }}
        [cache]
        capacity = "{CAPACITY}MiB"
        ttl = "1s"
        min_refresh = "100ms"
        [rate_limit]
        per_client = "10000/s"
        burst = 10000
        [upstreams.list]
        base_url = "{base_url}"
        request = {{ path = "/list" }}
        records = "/groups"
        fields = {{ id = "id", name = "name" }}
        "#
    );
    for greedy in GREEDY {
        toml.push_str(&format!(
            r#"
            [upstreams.{greedy}]
            base_url = "{base_url}"
            request = {{ path = "/nested", query = {{ page = "{{page}}" }} }}
            records = "/groups"
            pagination = {{ style = "page", first = 1 }}
            limits = {{ timeout = "20s" }}
            fields = {{ id = "id", name = "name" }}
            "#
        ));
    }
    toml
}

const GREEDY: [&str; 4] = ["greedy_a", "greedy_b", "greedy_c", "greedy_d"];

impl Process {
    async fn refresh(&self, upstream: &str) {
        let url = format!("http://{}/refresh/{upstream}", self.admin);
        ask(Method::POST, &url, &[]).await;
    }

    /// How long a caller waits for a page.
    async fn page(&self) -> Duration {
        let begun = Instant::now();
        let url = format!("http://{}/groups?source=list&limit=10", self.data);
        let reply = ask(Method::GET, &url, &[]).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        begun.elapsed()
    }

    async fn http2(&self, window: u32) -> http2::SendRequest<Empty<Bytes>> {
        let stream = TcpStream::connect(self.data).await.unwrap();
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    fn request(&self, path: &str) -> Request<Empty<Bytes>> {
        let uri = format!("http://{}{path}", self.data);
        Request::get(uri).body(Empty::new()).unwrap()
    }

    /// Waits until no answer is on its way, and says how long that took.
    async fn unread(&self) -> Duration {
        let begun = Instant::now();
        while self.status().await["connections"]["in_use"] != 0 {
            assert!(
                begun.elapsed() < Duration::from_secs(200),
                "an answer stays unread"
            );
            sleep(Duration::from_secs(1)).await;
        }
        begun.elapsed()
    }

    /// Prints and checks what a part of the soak took.
    async fn report(&self, what: &str) {
        let peak = self.memory("VmHWM:");
        sleep(Duration::from_secs(3)).await;
        let (rest, page) = (self.memory("VmRSS:"), self.page().await);
        println!("| {what} | {peak} MiB | {rest} MiB | {page:.0?} |");
        assert!(peak <= CAPACITY + BESIDES, "{what}: {peak} MiB");
        assert!(page < Duration::from_secs(1), "{what}: {page:?}");
        self.forget_peak();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes, and its bounds hold for a release build"]
async fn the_process_holds_no_more_than_it_was_told_and_heals() {
    let (page, version) = (nested(), AtomicU64::new(0));
    let upstream = Server::start(move |request| {
        Response::new(match request.uri().path() {
            "/list" => list(version.fetch_add(1, Ordering::Relaxed)),
            _ if parameter(request, "page").is_some_and(|page| page.len() < 3) => page.clone(),
            _ => Bytes::from_static(br#"{"groups": []}"#),
        })
    })
    .await;
    let process = Process::start(&config(upstream.base_url())).await;
    eventually("the list is there", async || {
        process.refresh("list").await;
        let status = process.status().await;
        (status["groups"] == GROUPS).then_some(())
    })
    .await;
    println!("| what | at most | afterwards | a page then |\n|---|---|---|---|");
    for _ in 0..200 {
        process.page().await;
    }
    process.report("200 pages").await;

    for _ in 0..5 {
        let walks = GREEDY.map(|upstream| process.refresh(upstream));
        futures_util::future::join_all(walks).await;
        sleep(Duration::from_millis(200)).await;
    }
    process
        .report("four upstreams with 20 MiB of nested lists a page")
        .await;

    let mut window = process.http2(0).await;
    let asks = (0..150).map(|number| {
        let path = format!("/groups?source=list&limit=1000&search={}", number % 10);
        let path = format!("{path}&sort={}", SORTS[number / 10]);
        window.send_request(process.request(&path))
    });
    let asks: Vec<_> = asks.collect();
    let answers = futures_util::future::join_all(asks).await;
    let statuses: Vec<_> = answers.iter().flatten().map(Response::status).collect();
    let refused = statuses
        .iter()
        .filter(|status| status.as_u16() == 503)
        .count();
    println!(
        "| ({} answered, {refused} of them refused) | | | |",
        statuses.len()
    );
    let healed = process.unread().await;
    drop(answers);
    process
        .report(&format!(
            "150 pages of 1000 that nobody reads, let go after {healed:.0?}"
        ))
        .await;

    let mut stalled = Vec::new();
    for _ in 0..14 {
        let mut stream = TcpStream::connect(process.data).await.unwrap();
        let request = b"GET /groups?source=list&limit=all HTTP/1.1\r\nhost: here\r\naccept: application/x-ndjson\r\n\r\n";
        stream.write_all(request).await.unwrap();
        stalled.push(stream);
        process.refresh("list").await;
        sleep(Duration::from_millis(200)).await;
    }
    let healed = process.unread().await;
    drop(stalled);
    process
        .report(&format!(
            "14 stalled streams of 14 lists, let go after {healed:.0?}"
        ))
        .await;

    let slow = (0..20).map(|number| {
        let data = process.data;
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(data).await.unwrap();
            let request = format!(
                "GET /groups?source=list&limit=1000&search={number} HTTP/1.1\r\nhost: here\r\n\r\n"
            );
            for _ in 0..8 {
                stream.write_all(request.as_bytes()).await.unwrap();
            }
            while stream.read_exact(&mut vec![0; 64 * 1024]).await.is_ok() {
                sleep(Duration::from_secs(25)).await;
            }
        })
    });
    let slow: Vec<_> = slow.collect();
    sleep(Duration::from_secs(2)).await;
    let healed = process.unread().await;
    slow.iter().for_each(tokio::task::JoinHandle::abort);
    process
        .report(&format!(
            "20 callers that read 64 KiB every 25 s, let go after {healed:.0?}"
        ))
        .await;

    let mut idle = Vec::new();
    for _ in 0..5000 {
        let Ok(mut stream) = TcpStream::connect(process.data).await else {
            break;
        };
        // The preface, and an empty SETTINGS frame.
        let _ = stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
            .await;
        idle.push(stream);
    }
    let begun = Instant::now();
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind((Ipv4Addr::new(127, 0, 0, 2), 0).into())
        .unwrap();
    let mut neighbour = socket.connect(process.data).await.unwrap();
    let request =
        b"GET /groups?source=list&limit=1 HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
    neighbour.write_all(request).await.unwrap();
    let mut answer = String::new();
    neighbour.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    let opened = idle.len();
    println!(
        "| (connections: {}) | | | |",
        process.status().await["connections"]
    );
    drop(idle);
    process
        .report(&format!(
            "{opened} idle connections; another address waits {waited:.0?}"
        ))
        .await;
    println!("| (memory: {}) | | | |", process.status().await["memory"]);
}

/// Orders, so that equal searches are different pages.
const SORTS: [&str; 15] = [
    "name",
    "-name",
    "id",
    "-id",
    "source",
    "-source",
    "name,id",
    "-name,id",
    "name,-id",
    "-name,-id",
    "id,name",
    "-id,name",
    "source,id",
    "source,name",
    "source,-name",
];
