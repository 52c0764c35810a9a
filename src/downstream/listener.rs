//! One socket that serves: accepts connections, speaks HTTP/1 and HTTP/2 on them, and drains.
//!
//! hyper-util's connection builder serves, for it shows the timeouts and limits that a stranger's
//! connection needs.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_io_timeout::TimeoutStream;
use tower::{Service, ServiceExt as _};

use super::caller::Peer;

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The last resort against large heads: beyond it the connection breaks without a problem body.
const HEAD_BYTES: usize = 64 * 1024;

/// How many requests one HTTP/2 connection may have open.
const STREAMS: u32 = 256;

/// How often a silent HTTP/2 peer is asked whether it is there, and how long it may take to say.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How many connections may be open. Each takes a file descriptor and, while its head is read, up
/// to [`HEAD_BYTES`]; who comes later waits in the system's queue until one ends.
const CONNECTIONS: usize = 4096;

/// How long a client may leave what was written to it unread. One that stops reading would hold its
/// answer, and the lists that a streamed answer is made from, for as long as it likes.
const UNREAD: Duration = Duration::from_secs(30);

/// How long to wait before accepting again when the system is short of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What answers the requests of a listener.
pub(super) trait Answers:
    Service<Request, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Answers for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// A socket that serves until it is told to stop.
#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    stop: oneshot::Sender<Duration>,
    serving: JoinHandle<()>,
}

impl Listener {
    /// Serves what comes to `socket`, which listens at `address`.
    pub(super) fn start(
        (address, socket): (SocketAddr, TcpListener),
        service: impl Answers,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(socket, service, CONNECTIONS, stopped));
        Self {
            address,
            stop,
            serving,
        }
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing more, lets open requests end for as long as `drain`, and breaks off the
    /// rest.
    pub(super) async fn stop(self, drain: Duration) {
        // Both fail only if serving has ended by itself, which is what is asked for.
        let _ = self.stop.send(drain);
        let _ = self.serving.await;
    }
}

async fn serve(
    socket: TcpListener,
    service: impl Answers,
    most: usize,
    mut stopped: oneshot::Receiver<Duration>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let drain = loop {
        tokio::select! {
            drain = &mut stopped => break drain.unwrap_or_default(),
            accepted = socket.accept(), if connections.len() < most => match accepted {
                Ok((stream, peer)) => {
                    let service = service.clone();
                    connections.spawn(converse(stream, Peer(peer), service, graceful.watcher()));
                    if connections.len() == most {
                        tracing::warn!(connections = most, "no more connections are accepted");
                    }
                }
                Err(error) => rest(&error).await,
            },
            // Ended connections are let go one by one, or the set would only grow.
            Some(_) = connections.join_next() => {}
        }
    };
    drop(socket);
    let ended = async {
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    };
    if tokio::time::timeout(drain, ended).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "connections did not drain in time"
        );
    }
}

/// Waits until accepting may work again. A connection that broke before it was accepted is no
/// reason to wait; a lack of file descriptors is.
async fn rest(error: &io::Error) {
    let harmless = matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    );
    if !harmless {
        tracing::error!(%error, "a connection could not be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, peer: Peer, service: impl Answers, watcher: Watcher) {
    // Answers are written whole: waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection broke");
        return;
    }
    let asked = Arc::new(AtomicBool::new(false));
    let has_asked = Arc::clone(&asked);
    let answer = service_fn(move |request: Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let service = service.clone();
        service.oneshot(request)
    });
    let builder = builder();
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(UNREAD));
    let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), answer);
    let mut connection = std::pin::pin!(watcher.watch(connection));
    // hyper's own timer runs once it knows which HTTP is spoken: until then, this one does.
    let result = match tokio::time::timeout(HEAD_TIMEOUT, connection.as_mut()).await {
        Ok(result) => result,
        Err(_) if asked.load(Ordering::Relaxed) => connection.await,
        Err(_) => return,
    };
    if let Err(error) = result {
        tracing::debug!(error = &*error, "a connection broke");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    builder
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use bytes::Bytes;
    use futures_util::stream;
    use http::{StatusCode, Version};
    use hyper_util::client::legacy::Client;
    use hyper_util::client::legacy::connect::HttpConnector;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;

    use super::*;

    async fn start(routes: Router) -> Listener {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Listener::start((socket.local_addr().unwrap(), socket), routes)
    }

    fn client(version: Version) -> Client<HttpConnector, Body> {
        Client::builder(TokioExecutor::new())
            .http2_only(version == Version::HTTP_2)
            .build_http()
    }

    fn uri(listener: &Listener) -> http::Uri {
        format!("http://{}/", listener.address()).parse().unwrap()
    }

    #[tokio::test]
    async fn one_port_speaks_http_1_and_http_2() {
        let listener = start(Router::new().route("/", get(async || "here"))).await;
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let response = client(version).get(uri(&listener)).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.version(), version);
        }
    }

    #[tokio::test]
    async fn an_open_request_ends_before_the_listener_does() {
        let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (has_begun, may_finish) = (Arc::clone(&begun), Arc::clone(&finish));
        let slow = get(async move || {
            has_begun.notify_one();
            may_finish.notified().await;
            "done"
        });
        let listener = start(Router::new().route("/", slow)).await;
        let address = listener.address();
        let request = tokio::spawn(client(Version::HTTP_11).get(uri(&listener)));
        begun.notified().await;
        let stopping = tokio::spawn(listener.stop(Duration::from_mins(1)));
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!stopping.is_finished());
        finish.notify_one();
        let response = request.await.unwrap().unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        stopping.await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_does_not_drain_in_time_is_broken_off() {
        let begun = Arc::new(Notify::new());
        let has_begun = Arc::clone(&begun);
        let stuck = get(async move || {
            has_begun.notify_one();
            std::future::pending::<&str>().await
        });
        let listener = start(Router::new().route("/", stuck)).await;
        let request = tokio::spawn(client(Version::HTTP_11).get(uri(&listener)));
        begun.notified().await;
        listener.stop(Duration::ZERO).await;
        assert!(request.await.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_asks_nothing_is_closed() {
        let listener = start(Router::new()).await;
        let mut silent = TcpStream::connect(listener.address()).await.unwrap();
        let read = silent.read(&mut [0; 1]).await;
        assert_eq!(read.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_its_client_leaves_unread_is_let_go() {
        let (held, let_go) = oneshot::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(Some(held)));
        let endless = get(async move || {
            let held = held.lock().unwrap().take();
            let chunk = Bytes::from(vec![b'x'; 1 << 20]);
            Body::from_stream(stream::repeat_with(move || {
                let _ = &held;
                Ok::<_, Infallible>(chunk.clone())
            }))
        });
        let listener = start(Router::new().route("/", endless)).await;
        let mut client = TcpStream::connect(listener.address()).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";
        client.write_all(request).await.unwrap();
        let begun = tokio::time::Instant::now();
        assert!(let_go.await.is_err());
        assert!(begun.elapsed() >= UNREAD);
    }

    #[tokio::test]
    async fn a_connection_beyond_the_most_waits_until_one_ends() {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (_stop, stopped) = oneshot::channel();
        let routes = Router::new().route("/", get(async || "here"));
        tokio::spawn(serve(socket, routes, 1, stopped));
        let first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
        second.write_all(request).await.unwrap();
        let mut answer = String::new();
        let waited = tokio::time::timeout(
            Duration::from_millis(50),
            second.read_to_string(&mut answer),
        );
        assert!(waited.await.is_err());
        drop(first);
        second.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("here"), "{answer}");
    }
}
