//! One socket that serves: accepts connections, speaks HTTP/1 and HTTP/2 on them, and drains.
//!
//! hyper-util's connection builder serves, for it shows the timeouts and limits that a stranger's
//! connection needs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use super::exchange::RequestContext;
use super::layers::Stack;

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

/// What answers the requests of a listener: layers, and the state that each request takes with it.
#[derive(Debug)]
pub(super) struct Edge<S, L> {
    state: Arc<ArcSwap<S>>,
    layers: L,
}

impl<S, L: Copy> Clone for Edge<S, L> {
    fn clone(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            layers: self.layers,
        }
    }
}

impl<S: Send + Sync + 'static, L: Stack<S>> Edge<S, L> {
    /// Answers over the state in force, through these layers.
    pub(super) const fn new(state: Arc<ArcSwap<S>>, layers: L) -> Self {
        Self { state, layers }
    }

    /// Answers one request that came from `peer`.
    pub(super) fn answer(&self, request: Request<Option<Incoming>>, peer: SocketAddr) -> L::Future {
        let (head, body) = request.into_parts();
        let exchange = RequestContext::new(self.state.load_full(), peer, head, body);
        let mut layers = self.layers;
        layers.call(exchange)
    }
}

/// A socket that is bound, and where it listens indeed: port 0 takes any free port.
#[derive(Debug)]
pub(super) struct Bound {
    address: SocketAddr,
    socket: std::net::TcpListener,
}

impl Bound {
    /// Binds a socket. Connections wait in it until somebody serves.
    pub(super) async fn to(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?.into_std()?;
        Ok(Self {
            address: socket.local_addr()?,
            socket,
        })
    }

    /// Where it listens.
    #[cfg(test)]
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A socket that serves until it is told to stop.
#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    stop: oneshot::Sender<Duration>,
    ended: oneshot::Receiver<()>,
}

impl Listener {
    /// Serves what comes to a socket, on the threads of the runtime that this is called in.
    pub(super) fn start<S, L>(bound: Bound, edge: Edge<S, L>) -> io::Result<Self>
    where
        S: Send + Sync + 'static,
        L: Stack<S>,
    {
        let socket = TcpListener::from_std(bound.socket)?;
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        tokio::spawn(async move {
            serve(socket, edge, CONNECTIONS, stopped).await;
            // Nobody waits for the end of a listener that was dropped.
            let _ = end.send(());
        });
        Ok(Self {
            address: bound.address,
            stop,
            ended,
        })
    }

    /// Serves what comes to a socket, on a thread of its own: it answers however busy all others
    /// are.
    pub(super) fn start_apart<S, L>(name: &str, bound: Bound, edge: Edge<S, L>) -> io::Result<Self>
    where
        S: Send + Sync + 'static,
        L: Stack<S>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    match TcpListener::from_std(bound.socket) {
                        Ok(socket) => serve(socket, edge, CONNECTIONS, stopped).await,
                        Err(error) => tracing::error!(%error, "a listener cannot serve"),
                    }
                });
                let _ = end.send(());
            })?;
        Ok(Self {
            address: bound.address,
            stop,
            ended,
        })
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
        let _ = self.ended.await;
    }
}

async fn serve<S, L>(
    socket: TcpListener,
    edge: Edge<S, L>,
    most: usize,
    mut stopped: oneshot::Receiver<Duration>,
) where
    S: Send + Sync + 'static,
    L: Stack<S>,
{
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let drain = loop {
        tokio::select! {
            drain = &mut stopped => break drain.unwrap_or_default(),
            accepted = socket.accept(), if connections.len() < most => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(converse(stream, peer, edge.clone(), graceful.watcher()));
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
async fn converse<S, L>(stream: TcpStream, peer: SocketAddr, edge: Edge<S, L>, watcher: Watcher)
where
    S: Send + Sync + 'static,
    L: Stack<S>,
{
    // Answers are written whole: waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection broke");
        return;
    }
    let asked = Arc::new(AtomicBool::new(false));
    let has_asked = Arc::clone(&asked);
    let answer = service_fn(move |request: Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        edge.answer(request.map(Some), peer)
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
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::stream;
    use http::{StatusCode, Version};
    use http_body_util::Empty;
    use hyper_util::client::legacy::Client;
    use hyper_util::client::legacy::connect::HttpConnector;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;
    use tower::service_fn;

    use super::super::response::{Body, Response, full};
    use super::*;

    fn here() -> Response {
        full("text/plain", "here")
    }

    /// Serves what a function makes of the state.
    async fn start<S, A, F>(state: S, answer: A) -> Listener
    where
        S: Send + Sync + 'static,
        A: Fn(Arc<S>) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let bound = Bound::to(([127, 0, 0, 1], 0).into()).await.unwrap();
        Listener::start(bound, edge(state, answer)).unwrap()
    }

    fn edge<S, A, F>(state: S, answer: A) -> Edge<S, impl Stack<S>>
    where
        S: Send + Sync + 'static,
        A: Fn(Arc<S>) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let layers = service_fn(move |exchange: RequestContext<S>| {
            let answer = answer(exchange.state);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        Edge::new(Arc::new(ArcSwap::from_pointee(state)), layers)
    }

    fn client(version: Version) -> Client<HttpConnector, Empty<Bytes>> {
        Client::builder(TokioExecutor::new())
            .http2_only(version == Version::HTTP_2)
            .build_http()
    }

    fn uri(listener: &Listener) -> http::Uri {
        format!("http://{}/", listener.address()).parse().unwrap()
    }

    #[tokio::test]
    async fn one_port_speaks_http_1_and_http_2() {
        let listener = start((), async |_| here()).await;
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let response = client(version).get(uri(&listener)).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.version(), version);
        }
    }

    #[tokio::test]
    async fn a_listener_apart_answers_while_no_other_thread_does() {
        let bound = Bound::to(([127, 0, 0, 1], 0).into()).await.unwrap();
        let listener = Listener::start_apart("apart", bound, edge((), async |_| here())).unwrap();
        // This test's runtime has one thread, which waits here without giving way.
        let mut stream = std::net::TcpStream::connect(listener.address()).unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
        std::io::Write::write_all(&mut stream, request).unwrap();
        let answer = std::io::read_to_string(stream).unwrap();
        assert!(answer.ends_with("here"), "{answer}");
        listener.stop(Duration::ZERO).await;
    }

    #[tokio::test]
    async fn an_open_request_ends_before_the_listener_does() {
        let signals = Arc::new((Notify::new(), Notify::new()));
        let listener = start(Arc::clone(&signals), async |signals| {
            let (begun, finish) = &**signals;
            begun.notify_one();
            finish.notified().await;
            here()
        })
        .await;
        let (begun, finish) = &*signals;
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
        let listener = start(Arc::clone(&begun), async |begun| {
            begun.notify_one();
            std::future::pending().await
        })
        .await;
        let request = tokio::spawn(client(Version::HTTP_11).get(uri(&listener)));
        begun.notified().await;
        listener.stop(Duration::ZERO).await;
        assert!(request.await.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_asks_nothing_is_closed() {
        let listener = start((), async |_| here()).await;
        let mut silent = TcpStream::connect(listener.address()).await.unwrap();
        let read = silent.read(&mut [0; 1]).await;
        assert_eq!(read.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_its_client_leaves_unread_is_let_go() {
        let (held, let_go) = oneshot::channel::<()>();
        let held = std::sync::Mutex::new(Some(held));
        let listener = start(held, async |held| {
            let held = held.lock().unwrap().take();
            let chunk = Bytes::from(vec![b'x'; 1 << 20]);
            Response::new(Body::Streamed(Box::pin(stream::repeat_with(move || {
                let _ = &held;
                Ok(chunk.clone())
            }))))
        })
        .await;
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
        tokio::spawn(serve(socket, edge((), async |_| here()), 1, stopped));
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
