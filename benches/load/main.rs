//! What the gateway costs beside others that do the same work: a bare server in Rust, and what a team would
//! write in an afternoon with Node.
//!
//! All servers run on one core, client and upstreams on another, and they take turns within one run, so that
//! whatever else the machine does hits all. The gateway is the shipped binary with everything on:
//! limiter, request ids, validators, trace context and the access log, which goes to `/dev/null`.
//! Requests per second depend on the neighbours; CPU time per request, as Linux counts it for the
//! server's threads, does less. Both are told as the gateway's share of another's.
//!
//! * **cached**: a page that was asked for before, beside bare hyper that sends the same head and body, and
//!   Node with an LRU.
//! * **fan-out**: nothing is kept, so that each request makes five calls. A bare Rust server makes the
//!   same calls, decodes every field into structs, sorts, and writes.
//!
//! `cargo bench --bench load` measures; `… -- --seconds 60` measures for longer. Node's packages come from the
//! npm registry; without Node its columns are missing.
//!
//! Figures: `docs/performance.md`.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark whose set-up fails has nothing to measure, and it prints what it measured"
)]

mod bare;
mod closed_loop;
mod processes;
mod upstreams;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use bare::{client, get};
use closed_loop::{Question, Turn};
use processes::{Cores, Node, Server};
use upstreams::{Format, Upstream};

/// How long one server is measured before it is another's turn.
const SLICE: Duration = Duration::from_millis(500);

/// How many connections ask for cached pages.
const CONNECTIONS: usize = 16;

/// A client that is busy for a larger part of the time says nothing of the servers.
const SATURATED: f64 = 0.95;

const USAGE: &str = "usage: load [--seconds N]";

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--replay", page, coding, tag] => run(bare::replay(page, coding, tag)),
        ["--aggregate", limit, urls @ ..] => run(bare::aggregate(urls, limit.parse().unwrap())),
        ["--bench"] => run(measure(Duration::from_secs(10))),
        ["--seconds", seconds, ..] => run(measure(Duration::from_secs(seconds.parse().unwrap()))),
        _ => println!("{USAGE}"),
    }
}

fn run(work: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(work);
}

fn free_port() -> SocketAddr {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

/// Measures each kind of work for so long.
async fn measure(long: Duration) {
    let cores = Cores::new();
    let directory = tempfile::tempdir().unwrap();
    let node = Node::install();
    if node.is_none() {
        println!("not measured beside Node: it or its packages cannot be had");
    }
    cached(cores, directory.path(), node.as_ref(), long).await;
    fan_out(cores, directory.path(), node.as_ref(), long).await;
}

async fn cached(cores: Cores, directory: &Path, node: Option<&Node>, long: Duration) {
    let upstreams = [0, 1, 2].map(|number| Upstream::start(number, Format::Json, 1000));
    let gateway = Server::gateway(cores, directory, &upstreams, "").await;
    let urls = upstreams.each_ref().map(Upstream::url);
    let node = node.map(|node| {
        let urls = urls.iter().map(String::as_str);
        node.start(
            cores,
            &["--cache"].into_iter().chain(urls).collect::<Vec<_>>(),
        )
    });
    for limit in [50, 1000] {
        let path = &*format!("/groups?limit={limit}");
        let page = format!("http://{}{path}", gateway.address);
        let (_, headers, _) = get(&client(), &page, "", "").await.unwrap();
        let tag = headers["etag"].to_str().unwrap();
        let plain = Question {
            method: "GET",
            path,
            connections: CONNECTIONS,
            ..Question::default()
        };
        let questions = [
            ("plain", plain),
            (
                "gzip",
                Question {
                    coding: "gzip",
                    ..plain
                },
            ),
            (
                "zstd",
                Question {
                    coding: "zstd",
                    ..plain
                },
            ),
            ("304", Question { tag, ..plain }),
            (
                "HEAD",
                Question {
                    method: "HEAD",
                    ..plain
                },
            ),
        ];
        for (name, question) in questions {
            let bare = ["--replay", &*page, question.coding, question.tag];
            let bare = Server::bare(cores, &bare);
            // The afternoon's script knows neither validators nor codings.
            let node = node.as_ref().filter(|_| name == "plain");
            let mut others = vec![("bare hyper", &bare)];
            others.extend(node.map(|node| ("Node", node)));
            let name = format!("cached, {limit} groups, {name}");
            compare(&name, question, &gateway, &others, long).await;
        }
    }
}

async fn fan_out(cores: Cores, directory: &Path, node: Option<&Node>, long: Duration) {
    const NOTHING_KEPT: &str =
        "[cache]\nttl = '0s'\nstale_while_revalidate = '0s'\nmin_refresh = '0s'\n";
    for xml in [0, 1, 5] {
        let upstreams: [_; 5] = std::array::from_fn(|number| {
            let format = if number < xml {
                Format::Xml
            } else {
                Format::Json
            };
            Upstream::start(number as u64, format, 50)
        });
        let urls = upstreams.each_ref().map(Upstream::url);
        let urls: Vec<_> = urls.iter().map(String::as_str).collect();
        let gateway = Server::gateway(cores, directory, &upstreams, NOTHING_KEPT).await;
        let bare = ["--aggregate", "50"]
            .into_iter()
            .chain(urls.iter().copied());
        let bare = Server::bare(cores, &bare.collect::<Vec<_>>());
        let node = node.map(|node| node.start(cores, &urls));
        let mut others = vec![("bare Rust", &bare)];
        others.extend(node.as_ref().map(|node| ("Node", node)));
        let question = Question {
            method: "GET",
            path: "/groups?limit=50",
            connections: 1,
            ..Question::default()
        };
        let asked = || -> usize { upstreams.iter().map(Upstream::asked).sum() };
        let before = asked();
        let name = format!("fan-out, {xml} of 5 in XML");
        let requests = compare(&name, question, &gateway, &others, long).await;
        println!(
            "{:34} {:.2} calls per request",
            "",
            (asked() - before) as f64 / requests as f64
        );
    }
}

/// Lets all take turns, and prints what came of it. How many requests that were.
async fn compare(
    name: &str,
    question: Question<'_>,
    gateway: &Server,
    others: &[(&str, &Server)],
    long: Duration,
) -> usize {
    let mut requests = 0;
    // Buffers and caches fill.
    for server in others.iter().map(|(_, server)| *server).chain([gateway]) {
        requests += question.ask(server).await.asked;
    }
    let mut ours = Vec::new();
    let mut theirs = vec![Vec::new(); others.len()];
    let begun = Instant::now();
    while begun.elapsed() < long {
        ours.push(question.ask(gateway).await);
        for ((_, server), turns) in others.iter().zip(&mut theirs) {
            turns.push(question.ask(server).await);
        }
    }
    let all = || ours.iter().chain(theirs.iter().flatten());
    requests += all().map(|turn| turn.asked).sum::<usize>();
    let busy = median(all().map(|turn| turn.client));
    println!(
        "{name:34} {:8.0} requests/s, {:7.1} us, {} bytes, client busy {:.0} %{}",
        median(ours.iter().map(|turn| turn.per_second)),
        median(ours.iter().map(|turn| turn.cpu)),
        ours[0].body,
        busy * 100.0,
        if busy > SATURATED { ": VOID" } else { "" },
    );
    for ((name, _), turns) in others.iter().zip(&theirs) {
        let share = |of: fn(&Turn, &Turn) -> f64| {
            median(
                ours.iter()
                    .zip(turns)
                    .map(|(ours, theirs)| of(ours, theirs)),
            )
        };
        println!(
            "{:34} {:8.0} requests/s, {:7.1} us, {} bytes: {name}, of which the gateway makes {:.2} \
             in requests/s and {:.2} in CPU time ({} rounds)",
            "",
            median(turns.iter().map(|turn| turn.per_second)),
            median(turns.iter().map(|turn| turn.cpu)),
            turns[0].body,
            share(|ours, theirs| ours.per_second / theirs.per_second),
            share(|ours, theirs| theirs.cpu / ours.cpu),
            turns.len(),
        );
    }
    requests
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
