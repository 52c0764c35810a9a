//! One emulation's open port, and the connections that came through it.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::poll_fn;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::emulated_api::EmulatedApi;
use super::fault::InjectedFault;
use crate::tools::lock::lock;

/// How long accepting pauses after an error, most likely for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The socket, shared so that [`EmulationListener::close`] has closed it when it returns: merely telling
/// the accepting task to end would let a caller connect once more.
type Socket = Arc<Mutex<Option<TcpListener>>>;

/// An open port. Dropping it closes the port and its connections.
#[derive(Debug)]
pub(super) struct EmulationListener {
    socket: Socket,
    accepting: JoinHandle<()>,
    // Never sent on: the accepting task ends when it is dropped.
    _open: oneshot::Sender<()>,
}

impl EmulationListener {
    /// Serves `api` on an address that is reserved.
    pub(super) fn open(address: SocketAddr, api: Arc<EmulatedApi>) -> io::Result<Self> {
        // The standard library's sockets may share their address with one that does not listen.
        let socket = std::net::TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        let socket = Arc::new(Mutex::new(Some(TcpListener::from_std(socket)?)));
        let (open, closed) = oneshot::channel();
        let accepting = tokio::spawn(accept(Arc::clone(&socket), api, closed));
        Ok(Self {
            socket,
            accepting,
            _open: open,
        })
    }

    /// Closes the port at once and its connections soon: the task given back ends when all are
    /// closed.
    pub(super) fn close(self) -> JoinHandle<()> {
        lock(&self.socket).take();
        self.accepting
    }
}

async fn accept(socket: Socket, api: Arc<EmulatedApi>, mut closed: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut closed => break,
            accepted = next(&socket) => match accepted {
                None => break,
                Some(Ok(stream)) => {
                    connections.spawn(serve(stream, Arc::clone(&api)));
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

async fn serve(stream: TcpStream, api: Arc<EmulatedApi>) {
    // Otherwise small answers wait for the peer's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot switch off send coalescing");
    }
    let (stream, second) = match duplicate(stream) {
        Ok(handles) => handles,
        Err(error) => return tracing::warn!(%error, "cannot duplicate the handle of a connection"),
    };
    let service = {
        let api = Arc::clone(&api);
        let was_used = AtomicBool::new(false);
        service_fn(move |request| {
            let is_again = was_used.swap(true, Ordering::Relaxed);
            let is_closed = is_again && api.fault() == Some(InjectedFault::CloseOnReuse);
            let api = Arc::clone(&api);
            async move {
                if is_closed {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                api.serve(request).await
            }
        })
    };
    let connection = auto::Builder::new(TokioExecutor::new());
    if let Err(error) = connection
        .serve_connection(TokioIo::new(stream), service)
        .await
    {
        tracing::debug!(%error, "an emulation's connection failed");
        if api.fault() == Some(InjectedFault::Reset) {
            reset(second);
        }
    }
}

/// The connection, and a second handle to it: it ends when both are dropped.
fn duplicate(stream: TcpStream) -> io::Result<(TcpStream, std::net::TcpStream)> {
    let stream = stream.into_std()?;
    let second = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, second))
}

/// Resets a connection: what was sent and has not arrived is lost.
fn reset(stream: std::net::TcpStream) {
    let cut = TcpStream::from_std(stream).and_then(|stream| stream.set_zero_linger());
    if let Err(error) = cut {
        tracing::warn!(%error, "cannot reset a connection");
    }
}
