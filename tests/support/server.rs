//! The peer whose answers a test writes, on a loopback port: over HTTP, over TLS, or byte by byte.
//!
//! ```text
//! Server::bind ▸ (tls) ▸ serve   answers HTTP requests, one by one
//!                      ▸ play    sends bytes, whether or not they are HTTP
//!                      ▸ accept  hands every connection to something else, such as a proxy
//! ```

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A running server. Dropping it closes its port and its connections.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    base_url: String,
    log: Arc<Log>,
    _accepting: JoinSet<()>,
}

/// A port that is taken, so that answers can name it, and that nobody serves yet.
pub(crate) struct Bound {
    socket: TcpListener,
    base_url: String,
    tls: Option<TlsAcceptor>,
}

/// What came so far.
#[derive(Debug, Default)]
pub(crate) struct Log {
    connections: AtomicUsize,
    requests: Mutex<Vec<Request<Bytes>>>,
    sent: AtomicUsize,
}

/// A connection, on which TLS is behind it.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Connection for S {}

/// What a server that plays a script does for one request. After the last step the connection is
/// closed.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes again and again until the peer has had enough.
    Flood(Vec<u8>),
    /// Does nothing more.
    Hang,
    /// Waits for another request on the same connection.
    KeepAlive,
}

impl Server {
    /// Takes a port.
    pub(crate) async fn bind() -> Bound {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Bound {
            base_url: format!("http://{}", socket.local_addr().unwrap()),
            socket,
            tls: None,
        }
    }

    /// Serves whatever `answer` makes of a request, over plain HTTP/1.1 and HTTP/2.
    pub(crate) async fn start<B: Into<Bytes>>(
        answer: impl Fn(&Request<Bytes>) -> Response<B> + Send + Sync + 'static,
    ) -> Self {
        Self::bind().await.serve(answer)
    }

    /// Does for the nth request, from zero, what `script` says.
    pub(crate) async fn play(script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::bind().await.play(script)
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL under which it is reached.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The requests that came so far. One that was met by a script has its whole head for a body.
    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.log.requests.lock().unwrap().clone()
    }

    /// The paths that were asked for so far, with their queries.
    pub(crate) fn asked(&self) -> Vec<String> {
        let requests = self.requests();
        let uris = requests.iter().map(|request| request.uri().to_string());
        uris.collect()
    }

    /// How many connections came, not counting those on which TLS failed.
    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// How many bytes a script sent, as far as the peer and the sockets took them.
    pub(crate) fn sent(&self) -> usize {
        self.log.sent.load(Ordering::SeqCst)
    }
}

impl Bound {
    /// The URL under which it will be reached.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Speaks TLS.
    pub(crate) fn tls(mut self, tls: ServerConfig) -> Self {
        self.base_url = self.base_url.replace("http://", "https://");
        self.tls = Some(TlsAcceptor::from(Arc::new(tls)));
        self
    }

    /// Serves whatever `answer` makes of a request.
    pub(crate) fn serve<B: Into<Bytes>>(
        self,
        answer: impl Fn(&Request<Bytes>) -> Response<B> + Send + Sync + 'static,
    ) -> Server {
        let answer: Arc<Answer> = Arc::new(move |request| answer(request).map(Into::into));
        self.accept(move |connection, log| serve(connection, Arc::clone(&answer), log))
    }

    /// Does for the nth request, from zero, what `script` says.
    pub(crate) fn play(
        self,
        script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static,
    ) -> Server {
        let script: Arc<Script> = Arc::new(script);
        self.accept(move |connection, log| play(connection, Arc::clone(&script), log))
    }

    /// Hands every connection to `serve`.
    pub(crate) fn accept<F: Future<Output = ()> + Send + 'static>(
        self,
        serve: impl Fn(Box<dyn Connection>, Arc<Log>) -> F + Send + Sync + 'static,
    ) -> Server {
        let log = Arc::<Log>::default();
        let address = self.socket.local_addr().unwrap();
        let base_url = self.base_url.clone();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(self, Arc::new(serve), Arc::clone(&log)));
        Server {
            address,
            base_url,
            log,
            _accepting: accepting,
        }
    }
}

impl Log {
    /// Writes a request down.
    pub(crate) fn note(&self, request: Request<Bytes>) -> usize {
        let mut requests = self.requests.lock().unwrap();
        requests.push(request);
        requests.len() - 1
    }
}

type Answer = dyn Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync;

type Script = dyn Fn(usize) -> Vec<Step> + Send + Sync;

async fn accept<F: Future<Output = ()> + Send + 'static>(
    bound: Bound,
    serve: Arc<impl Fn(Box<dyn Connection>, Arc<Log>) -> F + Send + Sync + 'static>,
    log: Arc<Log>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = bound.socket.accept().await {
        // Without it small answers wait for the peer's delayed acknowledgement.
        stream.set_nodelay(true).unwrap();
        let (tls, serve, log) = (bound.tls.clone(), Arc::clone(&serve), Arc::clone(&log));
        connections.spawn(async move {
            if let Some(connection) = secured(stream, tls).await {
                log.connections.fetch_add(1, Ordering::SeqCst);
                serve(connection, log).await;
            }
        });
    }
}

async fn secured(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<Box<dyn Connection>> {
    let Some(tls) = tls else {
        return Some(Box::new(stream));
    };
    match tls.accept(stream).into_fallible().await {
        Ok(stream) => Some(Box::new(stream)),
        Err((_, mut stream)) => {
            // Closed at once, the socket would take back what was said of the reason.
            while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
            None
        }
    }
}

async fn serve(connection: Box<dyn Connection>, answer: Arc<Answer>, log: Arc<Log>) {
    let service = service_fn(move |request| reply(request, Arc::clone(&answer), Arc::clone(&log)));
    // A client that goes away is no failure of the test.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

async fn reply(
    request: Request<Incoming>,
    answer: Arc<Answer>,
    log: Arc<Log>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let request = Request::from_parts(head, body);
    let response = answer(&request);
    log.note(request);
    Ok(response.map(Full::new))
}

async fn play(mut connection: Box<dyn Connection>, script: Arc<Script>, log: Arc<Log>) {
    while let Some(head) = head_of(&mut connection).await {
        let steps = script(log.note(Request::new(head.into())));
        if act(steps, &mut connection, &log).await.is_break() {
            return;
        }
    }
}

async fn head_of(connection: &mut Box<dyn Connection>) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    Some(head)
}

/// A peer that goes away ends it.
async fn act(steps: Vec<Step>, connection: &mut Box<dyn Connection>, log: &Log) -> ControlFlow<()> {
    for step in steps {
        match step {
            Step::Send(bytes) => send(&bytes, connection, log).await?,
            Step::Flood(bytes) => loop {
                send(&bytes, connection, log).await?;
            },
            Step::Hang => std::future::pending().await,
            Step::KeepAlive => return ControlFlow::Continue(()),
        }
    }
    ControlFlow::Break(())
}

async fn send(bytes: &[u8], connection: &mut Box<dyn Connection>, log: &Log) -> ControlFlow<()> {
    if connection.write_all(bytes).await.is_err() || connection.flush().await.is_err() {
        return ControlFlow::Break(());
    }
    log.sent.fetch_add(bytes.len(), Ordering::SeqCst);
    ControlFlow::Continue(())
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

/// A JSON answer.
pub(crate) fn json(body: &serde_json::Value) -> Response<String> {
    Response::builder()
        .header("content-type", "application/json")
        .body(body.to_string())
        .unwrap()
}

/// An answer with this status and nothing else.
pub(crate) fn status(status: u16) -> Response<String> {
    Response::builder()
        .status(status)
        .body(String::new())
        .unwrap()
}

/// The first value of a query parameter.
pub(crate) fn parameter(request: &Request<Bytes>, name: &str) -> Option<String> {
    url::form_urlencoded::parse(request.uri().query()?.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A request header that is text.
pub(crate) fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}
