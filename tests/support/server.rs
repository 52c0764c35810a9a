//! An upstream of a test's own making, on a loopback port.

use std::convert::Infallible;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

type Answer = dyn Fn(&Request<Bytes>) -> Response<String> + Send + Sync;

/// A running upstream. Dropping it closes its port and its connections.
#[derive(Debug)]
pub(crate) struct Server {
    base_url: String,
    site: Arc<Site>,
    _accepting: JoinSet<()>,
}

struct Site {
    answer: Box<Answer>,
    requests: Mutex<Vec<Request<Bytes>>>,
}

impl fmt::Debug for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Site").finish_non_exhaustive()
    }
}

impl Server {
    /// Serves whatever `answer` makes of a request.
    pub(crate) async fn start(
        answer: impl Fn(&Request<Bytes>) -> Response<String> + Send + Sync + 'static,
    ) -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base_url = format!("http://{}", socket.local_addr().unwrap());
        let site = Arc::new(Site {
            answer: Box::new(answer),
            requests: Mutex::default(),
        });
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(socket, Arc::clone(&site)));
        Self {
            base_url,
            site,
            _accepting: accepting,
        }
    }

    /// Where it is reached.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The requests that came so far.
    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.site.requests.lock().unwrap().clone()
    }
}

async fn accept(socket: TcpListener, site: Arc<Site>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = socket.accept().await {
        connections.spawn(serve(stream, Arc::clone(&site)));
    }
}

async fn serve(stream: TcpStream, site: Arc<Site>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&site)));
    // A client that goes away is no failure of the test.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    site: Arc<Site>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let request = Request::from_parts(head, body);
    let answer = (site.answer)(&request);
    site.requests.lock().unwrap().push(request);
    Ok(answer.map(|body| Full::new(Bytes::from(body))))
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
