//! One emulation's open port, and the connections that came through it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::poll_fn;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::fault::Fault;
use super::lock;
use super::site::Site;

/// How long accepting rests after it failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The socket, shared so that [`Listener::close`] has closed it when it returns: merely telling
/// the accepting task to end would let a caller connect once more.
type Socket = Arc<Mutex<Option<TcpListener>>>;

/// An open port. Dropping it closes the port and its connections.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Socket,
    accepting: JoinHandle<()>,
    // Never sent on: the accepting task ends when it is dropped.
    _open: oneshot::Sender<()>,
}

impl Listener {
    /// Serves `site` on a bound socket.
    pub(super) fn open(socket: TcpListener, site: Arc<Site>) -> Self {
        let socket = Arc::new(Mutex::new(Some(socket)));
        let (open, closed) = oneshot::channel();
        let accepting = tokio::spawn(accept(Arc::clone(&socket), site, closed));
        Self {
            socket,
            accepting,
            _open: open,
        }
    }

    /// Serves `site` on an address that was bound before.
    pub(super) fn reopen(address: SocketAddr, site: Arc<Site>) -> io::Result<Self> {
        let socket = std::net::TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(Self::open(TcpListener::from_std(socket)?, site))
    }

    /// Closes the port at once and its connections soon: the task given back ends when all are
    /// closed.
    pub(super) fn close(self) -> JoinHandle<()> {
        lock(&self.socket).take();
        self.accepting
    }
}

async fn accept(socket: Socket, site: Arc<Site>, mut closed: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut closed => break,
            accepted = next(&socket) => match accepted {
                None => break,
                Some(Ok(stream)) => {
                    connections.spawn(serve(stream, Arc::clone(&site)));
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // Ended connections are only forgotten.
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

/// The next connection; `None` once the socket is closed.
async fn next(socket: &Socket) -> Option<io::Result<TcpStream>> {
    poll_fn(|context| match lock(socket).as_ref() {
        Some(socket) => socket
            .poll_accept(context)
            .map(|accepted| Some(accepted.map(|(stream, _)| stream))),
        None => std::task::Poll::Ready(None),
    })
    .await
}

async fn serve(stream: TcpStream, site: Arc<Site>) {
    // Without it small answers wait for the peer's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot switch off send coalescing");
    }
    let (stream, kept) = match kept(stream) {
        Ok(both) => both,
        Err(error) => return tracing::warn!(%error, "cannot keep hold of a connection"),
    };
    let service = {
        let site = Arc::clone(&site);
        service_fn(move |request| Arc::clone(&site).serve(request))
    };
    let connection = auto::Builder::new(TokioExecutor::new());
    if let Err(error) = connection
        .serve_connection(TokioIo::new(stream), service)
        .await
    {
        tracing::debug!(%error, "an emulation's connection failed");
        if site.fault() == Some(Fault::Reset) {
            reset(kept);
        }
    }
}

/// The connection, and another hold on it: it ends when both are gone.
fn kept(stream: TcpStream) -> io::Result<(TcpStream, std::net::TcpStream)> {
    let stream = stream.into_std()?;
    let kept = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, kept))
}

/// Ends a connection by a reset: what was sent and has not arrived is lost.
fn reset(kept: std::net::TcpStream) {
    let cut = TcpStream::from_std(kept).and_then(|stream| stream.set_zero_linger());
    if let Err(error) = cut {
        tracing::warn!(%error, "cannot reset a connection");
    }
}
