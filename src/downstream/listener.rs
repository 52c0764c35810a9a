//! One socket that serves: accepts connections and drains.

mod conversation;
use conversation::{Arrival, converse, receive};

mod protocol;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::request::Parts;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::caller::Client;
use super::connections::ConnectionTable;
use super::entrance::Entrance;
use super::exchange::RequestContext;
use super::layers::{Answering, Stack};

/// How many connections may be on their way out besides those that are open.
const LEAVING: usize = 256;

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

    /// Answers one request that came from `client`.
    pub(super) fn answer(&self, head: Parts, client: Arc<Client>) -> Answering {
        let exchange = RequestContext::new(self.state.load_full(), client, head);
        let mut layers = self.layers;
        layers.call(&exchange)
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
    pub(super) fn start<S, L>(
        bound: Bound,
        edge: Edge<S, L>,
        entrance: Arc<ArcSwap<Entrance>>,
        table: Arc<ConnectionTable>,
    ) -> io::Result<Self>
    where
        S: Send + Sync + 'static,
        L: Stack<S>,
    {
        let socket = TcpListener::from_std(bound.socket)?;
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        tokio::spawn(async move {
            serve(socket, edge, entrance, table, stopped).await;
            // Nobody waits for the end of a listener that was dropped.
            let _ = end.send(());
        });
        Ok(Self {
            address: bound.address,
            stop,
            ended,
        })
    }

    /// Serves plain HTTP on what comes to a socket, on a thread of its own: it answers however busy
    /// all others are.
    pub(super) fn start_apart<S, L>(
        name: &str,
        bound: Bound,
        edge: Edge<S, L>,
        table: Arc<ConnectionTable>,
    ) -> io::Result<Self>
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
                        Ok(socket) => {
                            let entrance = Arc::default();
                            serve(socket, edge, entrance, table, stopped).await;
                        }
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
    entrance: Arc<ArcSwap<Entrance>>,
    table: Arc<ConnectionTable>,
    mut stopped: oneshot::Receiver<Duration>,
) where
    S: Send + Sync + 'static,
    L: Stack<S>,
{
    let mut connections = JoinSet::new();
    let most = table.limits().total as usize + LEAVING;
    let drain = loop {
        tokio::select! {
            drain = &mut stopped => break drain.unwrap_or_default(),
            accepted = socket.accept(), if !table.is_full() && connections.len() < most => {
                match accepted {
                    Ok((stream, peer)) => {
                        let arrival = Arrival::new(stream, peer, &entrance);
                        let edge = edge.clone();
                        if arrival.is_announced() {
                            connections.spawn(receive(arrival, edge, Arc::clone(&table)));
                        } else {
                            let seat = arrival.seat(&table);
                            connections.spawn(converse(arrival, edge, seat));
                        }
                    }
                    Err(error) => rest(&error).await,
                }
            }
            () = table.room() => {}
            // Ended connections are let go one by one, or the set would only grow.
            Some(_) = connections.join_next() => {}
        }
    };
    drop(socket);
    table.close();
    let ended = async { while connections.join_next().await.is_some() {} };
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

#[cfg(test)]
mod tests;
