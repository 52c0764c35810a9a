//! What a cached page costs beside a bare hyper server that sends the same bytes.
//!
//! Both servers run on one core, the client on another, and they take turns within one run, so that
//! whatever else the machine does hits both. The gateway is the shipped binary with everything on:
//! limiter, request ids, validators, trace context and the access log, which goes to `/dev/null`.
//! Requests per second depend on the neighbours; CPU time per request, as Linux counts it for the
//! server's threads, does less. Both are told as the gateway's share of the bare server.
//!
//! `cargo bench --bench serving` measures; `… -- --seconds 60` measures for longer.
//!
//! November 2026, two virtual cores that others used too, 29 kB of JSON and 4.5 kB of gzip. Shares of
//! bare hyper, microseconds of CPU time for each request, and instructions outside the kernel
//! (callgrind, one connection):
//!
//! |                          | plain               | gzip                | 304                | instructions |
//! |--------------------------|---------------------|---------------------|--------------------|--------------|
//! | log lines through serde  | 0.69 (19.2 of 13.8) | 0.59 (14.6 of 8.9)  | 0.60 (14.0 of 8.0) | 41,800       |
//! | written straight, quiet  | 0.73 (17.5 of 12.8) | 0.70 (13.3 of 10.4) | 0.63 (12.9 of 8.1) | 31,800       |
//! | put together first, busy | 0.81 (13.5 of 11.0) | 0.56 (14.1 of 7.9)  | 0.60 (12.5 of 7.4) | 28,900       |
//! | the same, two runs       | 0.74 and 0.68       | 0.70 and 0.64       | 0.66 and 0.65      |              |
//! | log in batches, two runs | 0.76 and 0.79       | 0.70 and 0.73       | 0.68 and 0.69      |              |
//!
//! The first two rows had 2.3 kB of gzip; the third is of the least disturbed seconds; the last two give the
//! medians of two runs each (0.74 and 0.69, 0.71 and 0.66, 0.67 and 0.66 in requests per second; then 0.75
//! and 0.81, 0.72 and 0.74, 0.69 and 0.68). The last row also has mimalloc, the time of a log line kept for a
//! second, and one `Accept` value taken without weighing ranges; what each of these brings was not measured
//! apart. Bare hyper takes 9,900 instructions. Of what the gateway added before, the log line was 5,700, the
//! cache's lookup 1,300, the limiter 1,000 and the timeout for slow heads 1,300.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark whose set-up fails has nothing to measure, and it prints what it measured"
)]

mod list;
mod load;

use std::convert::Infallible;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use list::list;
use load::Measured;

/// How many connections ask, each again as soon as it is answered.
const CONNECTIONS: usize = 16;

/// How long one server is measured before it is the other's turn.
const SLICE: Duration = Duration::from_millis(500);

const PATH: &str = "/groups?limit=50";

/// How many groups each of the upstreams has, and how many upstreams there are.
const GROUPS: usize = 1000;
const UPSTREAMS: usize = 3;

const USAGE: &str = "usage: serving [--seconds N]";

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--bare", page, coding, tag] => current_thread().block_on(bare(page, coding, tag)),
        ["--bench"] => measure(Duration::from_secs(10)),
        ["--seconds", seconds, ..] => measure(Duration::from_secs(seconds.parse().unwrap())),
        _ => println!("{USAGE}"),
    }
}

fn current_thread() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap()
}

/// Measures each kind of answer for so long.
fn measure(long: Duration) {
    let cores = cores();
    let (servers, client) = (cores[0], *cores.last().unwrap());
    if servers == client {
        println!("only one core: servers and client share it");
    }
    // Threads and children inherit it: the gateway's all run on the servers' core.
    pin(servers);
    let directory = tempfile::tempdir().unwrap();
    let upstreams: [_; UPSTREAMS] = std::array::from_fn(|_| free_port());
    let gateway = Gateway::start(directory.path(), &upstreams);
    pin(client);
    current_thread().block_on(async {
        for (number, upstream) in upstreams.into_iter().enumerate() {
            let list = list(number as u64);
            tokio::spawn(serve(upstream, move || list.clone()));
        }
        gateway.ready().await;
        let (_, headers, _) = get(&gateway.page(), "", "").await.unwrap();
        let tag = headers["etag"].to_str().unwrap();
        for (name, coding, tag) in [("plain", "", ""), ("gzip", "gzip", ""), ("304", "", tag)] {
            pin(servers);
            let mut bare = Bare::start(&gateway.page(), coding, tag);
            pin(client);
            let address = bare.address();
            let gateway = Measured::new(gateway.process.id(), gateway.address, coding, tag);
            let bare = Measured::new(bare.0.id(), address, coding, tag);
            compare(name, gateway, bare, long).await;
        }
    });
}

/// The cores that this process may use.
fn cores() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap();
    let cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    cores.collect()
}

fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).unwrap();
}

fn free_port() -> SocketAddr {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

/// The shipped binary, serving. Dropping it ends it.
struct Gateway {
    process: Child,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    fn start(directory: &Path, upstreams: &[SocketAddr]) -> Self {
        let (address, admin) = (free_port(), free_port());
        let mut toml = format!(
            "[server]\nlisten = '{address}'\nadmin = '{admin}'\n\
             [rate_limit]\nper_client = '1000000/s'\nburst = 1000000\n"
        );
        for (number, upstream) in upstreams.iter().enumerate() {
            toml.push_str(&format!(
                "[upstreams.u{number}]\nbase_url = 'http://{upstream}'\nrequest = {{ path = '/' }}\n\
                 records = '/'\nfields = {{ id = 'id', name = 'name', description = 'about', \
                 members = {{ each = 'people', id = '.' }} }}\n"
            ));
        }
        let file = directory.join("gateway.toml");
        fs::write(&file, toml).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_groupgate"))
            .args(["serve", "--config"])
            .arg(file)
            .stderr(Stdio::null())
            .spawn();
        Self {
            process: process.unwrap(),
            address,
            admin,
        }
    }

    fn page(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    async fn ready(&self) {
        let readyz = format!("http://{}/readyz", self.admin);
        for _ in 0..200 {
            if let Some((StatusCode::OK, ..)) = get(&readyz, "", "").await {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        println!("the gateway does not get ready");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A bare hyper server in a process of its own. Dropping it ends it.
struct Bare(Child);

impl Bare {
    /// A server of what the gateway answers right now.
    fn start(page: &str, coding: &str, tag: &str) -> Self {
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--bare", page, coding, tag])
            .stdout(Stdio::piped())
            .spawn();
        Self(process.unwrap())
    }

    fn address(&mut self) -> SocketAddr {
        let mut line = String::new();
        let output = self.0.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks for `page` once, and serves what comes for ever.
async fn bare(page: &str, coding: &str, tag: &str) {
    let (status, mut headers, body) = get(page, coding, tag).await.unwrap();
    // hyper writes both itself.
    headers.remove("date");
    headers.remove("content-length");
    headers.remove("transfer-encoding");
    let address = free_port();
    println!("{address}");
    serve(address, move || (status, headers.clone(), body.clone())).await;
}

/// Serves the same to everybody, as hyper does by itself.
async fn serve(address: SocketAddr, answer: impl Fn() -> Answer + Clone + Send + 'static) {
    let socket = TcpListener::bind(address).await.unwrap();
    while let Ok((stream, _)) = socket.accept().await {
        stream.set_nodelay(true).unwrap();
        let answer = answer.clone();
        let service = service_fn(move |_| {
            let (status, headers, body) = answer();
            let mut response = Response::new(Full::new(body));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            async move { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

type Answer = (StatusCode, HeaderMap, Bytes);

async fn get(uri: &str, coding: &str, tag: &str) -> Option<Answer> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = Request::get(uri)
        .header("accept-encoding", coding)
        .header("if-none-match", tag);
    let response = client.request(request.body(Full::default()).unwrap());
    let (head, body) = response.await.ok()?.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    Some((head.status, head.headers, body))
}

/// Lets both take turns, and prints what came of it.
async fn compare(name: &str, gateway: Measured, bare: Measured, long: Duration) {
    // Buffers and caches fill.
    let (mut gateways, mut bares) = (vec![gateway.turn().await], vec![bare.turn().await]);
    gateways.clear();
    bares.clear();
    let begun = Instant::now();
    while begun.elapsed() < long {
        gateways.push(gateway.turn().await);
        bares.push(bare.turn().await);
    }
    let pairs = || gateways.iter().zip(&bares);
    let speed = pairs().map(|(gateway, bare)| gateway.per_second / bare.per_second);
    let cpu = pairs().map(|(gateway, bare)| bare.cpu / gateway.cpu);
    println!(
        "{name:<8} {:.2} of bare hyper in requests per second, {:.2} in CPU time per request \
         (medians of {} pairs: {:.0} and {:.0} requests per second, {:.1} and {:.1} us; \
         bodies of {} and {} bytes)",
        median(speed.collect()),
        median(cpu.collect()),
        gateways.len(),
        median(gateways.iter().map(|turn| turn.per_second).collect()),
        median(bares.iter().map(|turn| turn.per_second).collect()),
        median(gateways.iter().map(|turn| turn.cpu).collect()),
        median(bares.iter().map(|turn| turn.cpu).collect()),
        gateways[0].body,
        bares[0].body,
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
