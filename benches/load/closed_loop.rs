//! How a server is asked, each connection again as soon as it is answered, and what that costs.

use std::fs;
use std::process;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::SLICE;
use crate::processes::Server;

/// How a server is asked.
#[derive(Clone, Copy, Default)]
pub(crate) struct Question<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) coding: &'a str,
    pub(crate) tag: &'a str,
    pub(crate) connections: usize,
}

/// What one turn of a server came to.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) asked: usize,
    pub(crate) per_second: f64,
    /// Microseconds of CPU time for each request.
    pub(crate) cpu: f64,
    /// How long its answers are, in bytes.
    pub(crate) body: usize,
    /// Which part of the time the client and the upstreams were busy, which share a core.
    pub(crate) client: f64,
}

impl Question<'_> {
    /// Asks for the length of a slice.
    pub(crate) async fn ask(self, server: &Server) -> Turn {
        let Self {
            method,
            path,
            coding,
            tag,
            connections,
        } = self;
        let address = server.address;
        let request: Bytes = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nuser-agent: load\r\n\
             accept: application/json\r\naccept-encoding: {coding}\r\n\
             if-none-match: {tag}\r\n\r\n"
        )
        .into();
        let mut streams = Vec::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            streams.push(stream);
        }
        let cpu = || [server.id(), process::id()].map(cpu_time);
        let (begun, before) = (Instant::now(), cpu());
        let mut asking = JoinSet::new();
        for stream in streams {
            asking.spawn(ask(
                stream,
                request.clone(),
                method == "HEAD",
                begun + SLICE,
            ));
        }
        sleep_until(begun + SLICE).await;
        let answers = asking.join_all().await;
        let (long, after) = (begun.elapsed(), cpu());
        let [server, client] = [0, 1].map(|of| after[of].saturating_sub(before[of]));
        let asked: usize = answers.iter().map(|(asked, _)| asked).sum();
        Turn {
            asked,
            per_second: asked as f64 / long.as_secs_f64(),
            cpu: server.as_secs_f64() * 1e6 / asked as f64,
            body: answers[0].1,
            client: client.as_secs_f64() / long.as_secs_f64(),
        }
    }
}

/// Asks again and again until then: how often, and how long the last answer's body was.
async fn ask(
    mut stream: TcpStream,
    request: Bytes,
    is_head: bool,
    until: Instant,
) -> (usize, usize) {
    let mut buffer = vec![0; 2 * 1024 * 1024];
    let (mut asked, mut body) = (0, 0);
    while Instant::now() < until {
        stream.write_all(&request).await.unwrap();
        let (mut filled, mut head) = (0, None);
        loop {
            let read = stream.read(&mut buffer[filled..]).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            filled += read;
            head = head.or_else(|| Head::read(&buffer[..filled], is_head));
            let Some(Head { length, content }) = head else {
                continue;
            };
            body = content.unwrap_or(filled - length);
            if filled == length + body
                && (content.is_some() || buffer[..filled].ends_with(LAST_CHUNK))
            {
                break;
            }
        }
        asked += 1;
    }
    (asked, body)
}

/// How a body ends whose length nobody announced.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// The head of a good answer.
#[derive(Clone, Copy)]
struct Head {
    length: usize,
    /// How long the body is, unless it comes in chunks.
    content: Option<usize>,
}

impl Head {
    /// Reads it, once it is whole.
    fn read(answer: &[u8], is_head: bool) -> Option<Self> {
        let end = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
        let status = &answer[..12];
        let is_unchanged = status == b"HTTP/1.1 304";
        assert!(
            is_unchanged || status == b"HTTP/1.1 200",
            "not a good answer"
        );
        let mut lines = answer[..end].split(|byte| *byte == b'\n');
        let content = lines.find_map(|line| {
            let (name, value) = line.split_at_checked(15)?;
            let value = name
                .eq_ignore_ascii_case(b"content-length:")
                .then_some(value)?;
            std::str::from_utf8(value).ok()?.trim().parse().ok()
        });
        Some(Self {
            length: end + 4,
            content: if is_head || is_unchanged {
                Some(0)
            } else {
                content
            },
        })
    }
}

/// How long the threads of a process have been running.
fn cpu_time(process: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let statistics = fs::read_to_string(task.path().join("schedstat")).ok()?;
        statistics.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}
