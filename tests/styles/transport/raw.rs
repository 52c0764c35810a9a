//! An upstream that says exactly what a test tells it to, byte by byte.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What is done for one request. After the last step the connection is closed.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes again and again until the peer has had enough.
    Flood(Vec<u8>),
    /// Does nothing more.
    Hang,
}

/// A running upstream. Dropping it closes everything.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) base_url: String,
    requests: Arc<AtomicUsize>,
    bytes: Arc<AtomicUsize>,
    _accepting: JoinSet<()>,
}

impl Raw {
    /// Does for the nth request, from zero, what `script` says.
    pub(crate) async fn start(script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base_url = format!("http://{}", socket.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let bytes = Arc::new(AtomicUsize::new(0));
        let (count, sent, script) = (Arc::clone(&requests), Arc::clone(&bytes), Arc::new(script));
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = socket.accept().await {
                let (count, sent) = (Arc::clone(&count), Arc::clone(&sent));
                let script = Arc::clone(&script);
                connections.spawn(async move {
                    if read_head(&mut stream).await {
                        let number = count.fetch_add(1, Ordering::Relaxed);
                        play(script(number), &mut stream, &sent).await;
                    }
                });
            }
        });
        Self {
            base_url,
            requests,
            bytes,
            _accepting: accepting,
        }
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many bytes were sent, as far as the peer and the sockets took them.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

async fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    true
}

/// A peer that goes away ends it.
async fn play(steps: Vec<Step>, stream: &mut TcpStream, sent: &AtomicUsize) {
    for step in steps {
        match step {
            Step::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
                sent.fetch_add(bytes.len(), Ordering::Relaxed);
            }
            Step::Flood(bytes) => {
                while stream.write_all(&bytes).await.is_ok() {
                    sent.fetch_add(bytes.len(), Ordering::Relaxed);
                }
                return;
            }
            Step::Hang => std::future::pending().await,
        }
    }
}

/// The head of an answer with these header lines, each with its line break.
pub(crate) fn head(lines: &str) -> Step {
    Step::Send(format!("HTTP/1.1 200 OK\r\n{lines}\r\n").into_bytes())
}

/// A whole answer.
pub(crate) fn whole(body: &str) -> Vec<Step> {
    let length = format!("content-length: {}\r\nconnection: close\r\n", body.len());
    vec![head(&length), Step::Send(body.as_bytes().to_vec())]
}
