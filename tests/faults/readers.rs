//! Callers that do not read what they asked for, over HTTP/1 and HTTP/2, with a cold and with a warm
//! cache: others are served all the while, and what nobody reads is let go.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, timeout};

use crate::cell::{Cache, PATIENCE};
use crate::rows::PATIENT;
use crate::support::deployment::{Deployment, SOURCES, Setup};

/// How many groups each upstream has: pages of a thousand are long.
const GROUPS: usize = 400;
/// How many answers are asked for on one connection: together far more than the buffers of two sockets
/// hold.
const ASKS: usize = 24;
/// A window of HTTP/2 that no such answer fits into.
const WINDOW: u32 = 16 * 1024;

/// What is asked for and not read.
const LONG: &str = "/groups?limit=1000&deleted=include";
/// What others ask for: so short that it does not matter how fast they read.
const SHORT: &str = "/groups?limit=1&deleted=include";

/// How a caller reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Never. The gateway's patience is short.
    Never,
    /// After others were served. The gateway's patience is long.
    Late,
}

/// The version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// One cell: a gateway, and a caller that reads slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reader {
    habit: Habit,
    version: Version,
    cache: Cache,
}

/// What came of one.
#[derive(Debug)]
pub(crate) struct ReaderOutcome {
    pub(crate) reader: Reader,
    /// What was seen, or what was wrong.
    pub(crate) verdict: Result<&'static str, String>,
    pub(crate) taken: Duration,
}

/// Answers that are on their way.
enum Unread {
    One(BufReader<TcpStream>),
    Two(Vec<Response<Incoming>>),
}

impl Reader {
    /// All cells.
    pub(crate) fn all() -> Vec<Self> {
        let mut readers = Vec::new();
        for habit in [Habit::Never, Habit::Late] {
            for cache in [Cache::Cold, Cache::Warm] {
                readers.extend([Version::One, Version::Two].map(|version| Self {
                    habit,
                    version,
                    cache,
                }));
            }
        }
        readers
    }

    /// Lives through it, in a task of its own: should it panic, the others go on.
    pub(crate) async fn judged(self) -> ReaderOutcome {
        let begun = Instant::now();
        let run = tokio::spawn(timeout(PATIENCE, self.run()));
        let verdict = match run.await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(_)) => Err(format!("not over within {PATIENCE:?}")),
            Err(cut) => Err(format!("the cell was cut short: {cut}")),
        };
        ReaderOutcome {
            reader: self,
            verdict,
            taken: begun.elapsed(),
        }
    }

    async fn run(self) -> Result<&'static str, String> {
        let gateway = self.setup().start().await;
        if self.cache == Cache::Warm {
            others_are_served(&gateway).await?;
        }
        let unread = self
            .ask(&gateway)
            .await
            .map_err(|error| error.to_string())?;
        others_are_served(&gateway).await?;
        let seen = match self.habit {
            Habit::Never => {
                // Only then is anything read.
                is_broken_off(&gateway).await?;
                let whole = unread.read().await.len();
                if whole == ASKS {
                    return Err("the answers came whole".to_owned());
                }
                "broken off"
            }
            Habit::Late => {
                let bodies = unread.read().await;
                if bodies.len() < ASKS {
                    return Err(format!("{} of {ASKS} answers came whole", bodies.len()));
                }
                for body in bodies {
                    let page = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
                    is_whole(&page)?;
                }
                "borne"
            }
        };
        others_are_served(&gateway).await?;
        gateway.stop().await;
        Ok(seen)
    }

    fn setup(self) -> Setup {
        let patience = match self.habit {
            Habit::Never => "1s",
            Habit::Late => PATIENT,
        };
        Setup::new(GROUPS)
            .set("SERVER__DEADLINE", PATIENT)
            .set("SERVER__CONNECTIONS__SEND_TIMEOUT", patience)
            .set("SERVER__CONNECTIONS__SEND_RATE", "1GiB")
            .set("CACHE__TTL", "1h")
            .set_each("LIMITS__TIMEOUT", PATIENT)
    }

    /// Asks for all answers on one connection, and reads none of them.
    async fn ask(self, gateway: &Deployment) -> io::Result<Unread> {
        let address = gateway.app().data_addr();
        let mut stream = TcpStream::connect(address).await?;
        if self.version == Version::One {
            let request = format!("GET {LONG} HTTP/1.1\r\nhost: {address}\r\n\r\n");
            stream.write_all(request.repeat(ASKS).as_bytes()).await?;
            return Ok(Unread::One(BufReader::new(stream)));
        }
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(WINDOW);
        let handshake = builder.handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(io::Error::other)?;
        tokio::spawn(connection);
        let asks: Vec<_> = (0..ASKS)
            .map(|_| {
                let uri = format!("http://{address}{LONG}");
                let request = Request::get(uri).body(Empty::<Bytes>::new());
                sender.send_request(request.expect("the request is valid"))
            })
            .collect();
        let heads = join_all(asks).await.into_iter().collect::<Result<_, _>>();
        heads.map(Unread::Two).map_err(io::Error::other)
    }
}

impl Unread {
    /// Reads all that comes. What comes back is the bodies that are whole.
    async fn read(self) -> Vec<Bytes> {
        let mut bodies = Vec::new();
        match self {
            Self::One(mut stream) => {
                while bodies.len() < ASKS
                    && let Ok(body) = read_http1(&mut stream).await
                {
                    bodies.push(body);
                }
            }
            Self::Two(responses) => {
                for response in responses {
                    if let Ok(body) = response.into_body().collect().await {
                        bodies.push(body.to_bytes());
                    }
                }
            }
        }
        bodies
    }
}

/// The body of the next answer, whose length its head gives.
async fn read_http1(stream: &mut BufReader<TcpStream>) -> io::Result<Bytes> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line == "\r\n" {
                break;
            }
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok();
        }
    }
    let length: usize = length.ok_or_else(|| io::Error::other("a body without a length"))?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(body.into())
}

/// Waits until everything is there for a caller that reads.
async fn others_are_served(gateway: &Deployment) -> Result<(), String> {
    let mut tick = interval(Duration::from_millis(100));
    let mut last = String::new();
    let served = async {
        loop {
            tick.tick().await;
            let reply = gateway.get(SHORT).await;
            if reply.status != StatusCode::OK {
                return Err(format!("{SHORT}: {}: {}", reply.status, reply.text()));
            }
            match is_whole(&reply.json()) {
                Ok(()) => return Ok(()),
                Err(why) => last = why,
            }
        }
    };
    let served = timeout(PATIENCE, served).await;
    served.map_err(|_| format!("others are not served within {PATIENCE:?}: {last}"))?
}

/// Whether a page shows every source whole.
fn is_whole(page: &Value) -> Result<(), String> {
    if page["complete"] == true && page["total"] == SOURCES.len() * GROUPS {
        return Ok(());
    }
    Err(format!("{} groups: {}", page["total"], page["sources"]))
}

/// Waits until the gateway has given up on the reader.
async fn is_broken_off(gateway: &Deployment) -> Result<(), String> {
    let mut tick = interval(Duration::from_millis(100));
    let broken_off = async {
        loop {
            tick.tick().await;
            let status = gateway.admin(Method::GET, "/status", &[]).await.json();
            if status["connections"]["broken_off"] != 0 {
                return;
            }
        }
    };
    let waited = timeout(PATIENCE, broken_off).await;
    waited.map_err(|_| format!("the reader is not let go within {PATIENCE:?}"))
}

impl fmt::Display for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let habit = match self.habit {
            Habit::Never => "reads-nothing",
            Habit::Late => "reads-late",
        };
        let version = match self.version {
            Version::One => "http1",
            Version::Two => "http2",
        };
        write!(formatter, "{habit}/{}/{version}", self.cache)
    }
}
