//! One socket that serves: accepts connections, speaks HTTP/1 and HTTP/2 on them, and drains.

mod protocol;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_io_timeout::TimeoutStream;

use super::caller::Client;
use super::connections::{
    ConnectionTable, ConnectionVerdict, HEAD_TIMEOUT, Seat, SeatTurn, WatchedBody, WatchedSocket,
};
use super::entrance::Entrance;
use super::exchange::RequestContext;
use super::layers::{Answering, Stack};
use crate::error::chain;

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
    pub(super) fn answer(&self, request: Request<Option<Incoming>>, client: Client) -> Answering {
        let (head, body) = request.into_parts();
        let exchange = RequestContext::new(self.state.load_full(), client, head, body);
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
                        let arrival = Arrival {
                            stream,
                            peer,
                            entrance: entrance.load_full(),
                        };
                        let edge = edge.clone();
                        if arrival.entrance.is_announced() {
                            connections.spawn(receive(arrival, edge, Arc::clone(&table)));
                        } else {
                            let (client, seat) = arrival.seat(peer.ip(), &table);
                            connections.spawn(converse(arrival, client, edge, seat));
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

/// A connection that was accepted.
struct Arrival {
    stream: TcpStream,
    peer: SocketAddr,
    /// How it is met.
    entrance: Arc<Entrance>,
}

impl Arrival {
    /// A place for the client that the connection comes from.
    fn seat(&self, address: IpAddr, table: &Arc<ConnectionTable>) -> (Client, Seat) {
        let client = Client::at(address);
        let seat = table.enter(client.network, self.entrance.trusts(address));
        (client, seat)
    }
}

/// Serves a connection that says whose it is. It takes no place before, but is one of those that may be on
/// their way, and a proxy's.
async fn receive<S, L>(mut arrival: Arrival, edge: Edge<S, L>, table: Arc<ConnectionTable>)
where
    S: Send + Sync + 'static,
    L: Stack<S>,
{
    let peer = arrival.peer;
    match arrival.entrance.announced(&arrival.stream, peer).await {
        Ok(address) => {
            arrival.peer.set_ip(address);
            let (client, seat) = arrival.seat(address, &table);
            converse(arrival, client, edge, seat).await;
        }
        Err(error) => table.unannounced(peer.ip(), &chain(&error)),
    }
}

/// Serves one connection to its end.
async fn converse<S, L>(arrival: Arrival, mut client: Client, edge: Edge<S, L>, seat: Seat)
where
    S: Send + Sync + 'static,
    L: Stack<S>,
{
    let Arrival {
        stream,
        peer,
        entrance,
    } = arrival;
    if seat.admission().await == SeatTurn::Refused {
        return;
    }
    // Answers are written whole: waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection broke");
        return;
    }
    let activity = seat.activity();
    let mut stream = TimeoutStream::new(stream);
    // A client that reads nothing at all of what is written.
    stream.set_write_timeout(Some(activity.limits().send_timeout.get()));
    let opened = tokio::select! {
        biased;
        opened = entrance.open(stream) => opened,
        // A place that others need is not kept for one who has not asked yet.
        () = seat.asked_to_close() => return,
    };
    let (stream, certificate) = match opened {
        Ok(opened) => opened,
        Err(error) => return seat.handshake_failed(&chain(&error)),
    };
    client.is_encrypted = stream.is_encrypted();
    client.certificate = certificate;
    let is_proxy = entrance.trusts(peer.ip());
    let answer = service_fn(|request: Request<Incoming>| {
        let guard = activity.begin(request.version());
        if seat.is_crowded() {
            seat.close();
        }
        let asker = is_proxy.then(|| entrance.asker(peer.ip(), request.headers()));
        let client = match asker.flatten() {
            Some(asker) => client.behind(asker),
            None => client.clone(),
        };
        let answer = edge.answer(request.map(Some), client);
        async {
            answer
                .await
                .map(|answer| answer.map(|body| WatchedBody::new(body, guard)))
        }
    });
    let builder = protocol::builder(activity.limits());
    let stream = Box::pin(WatchedSocket::new(stream, Arc::clone(activity)));
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), answer));
    let (mut is_closing, mut look) = (false, Instant::now() + HEAD_TIMEOUT);
    // In a set, it is polled when it was woken itself, and not with each request.
    let mut alarms = FuturesUnordered::new();
    loop {
        if alarms.is_empty() {
            alarms.push(alarm(&seat, is_closing, look));
        }
        tokio::select! {
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    if protocol::is_unread(&*error) {
                        seat.broken_off("its client reads nothing of an answer (`send_timeout`)");
                    }
                    tracing::debug!(error = &*error, "a connection broke");
                }
                return;
            }
            Some(alarm) = alarms.next() => match alarm {
                Alarm::Close => {
                    is_closing = true;
                    activity.close();
                    connection.as_mut().graceful_shutdown();
                    look = Instant::now();
                }
                Alarm::Look => match activity.verdict(Instant::now()) {
                    ConnectionVerdict::Keep(until) => look = until,
                    ConnectionVerdict::Reset(until) => {
                        seat.broken_off(
                            "its client reads answers too slowly (`send_rate`): they are reset",
                        );
                        look = until;
                    }
                    ConnectionVerdict::Close => {
                        seat.closed_idle();
                        seat.close();
                        look = Instant::now() + HEAD_TIMEOUT;
                    }
                    ConnectionVerdict::BreakOff(reason) => return seat.broken_off(reason),
                },
            },
        }
    }
}

/// What is to be done on a connection, whatever comes over it.
enum Alarm {
    /// It is asked to close.
    Close,
    /// It is time to look what goes on.
    Look,
}

async fn alarm(seat: &Seat, is_closing: bool, look: Instant) -> Alarm {
    tokio::select! {
        biased;
        () = seat.asked_to_close(), if !is_closing => Alarm::Close,
        () = sleep_until(look) => Alarm::Look,
    }
}

#[cfg(test)]
mod tests;
