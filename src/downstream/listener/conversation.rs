//! One connection, from when it was accepted to its end: HTTP/1 and HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::future::{Either, lazy};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_io_timeout::TimeoutWriter;

use crate::downstream::caller::Client;
use crate::downstream::connections::{
    ConnectionTable, ConnectionVerdict, HEAD_TIMEOUT, Seat, SeatTurn, WatchedBody, WatchedSocket,
};
use crate::downstream::entrance::{AnnouncedOwner, Entrance};
use crate::downstream::layers::{Answering, Stack};
use crate::downstream::response::Response;
use crate::error::chain;

use super::{Edge, protocol};

/// A connection that was accepted.
pub(super) struct Arrival {
    stream: TcpStream,
    /// Where it comes from: its peer, or whom that names.
    client: Client,
    peer: SocketAddr,
    /// Whether a proxy has opened it that says for whom each request is.
    is_proxy: bool,
    /// How it is met.
    entrance: Arc<Entrance>,
    /// How new ones are.
    present: Arc<ArcSwap<Entrance>>,
}

impl Arrival {
    /// A connection that `peer` has opened, met as new ones are.
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        present: &Arc<ArcSwap<Entrance>>,
    ) -> Self {
        let entrance = present.load_full();
        Self {
            stream,
            client: Client::at(peer.ip()),
            peer,
            is_proxy: entrance.trusts(peer.ip()),
            entrance,
            present: Arc::clone(present),
        }
    }

    /// Whether it says whose it is before anything else.
    pub(super) fn is_announced(&self) -> bool {
        self.entrance.is_announced()
    }

    /// A place for its client.
    pub(super) fn seat(&self, table: &Arc<ConnectionTable>) -> Seat {
        let carries_others = self.entrance.trusts(self.client.address);
        table.enter(self.client.network, carries_others)
    }
}

/// Serves a connection that says whose it is. It takes no place before, but is one of those that may be on
/// their way, and a proxy's.
pub(super) async fn receive<S, L>(
    mut arrival: Arrival,
    edge: Edge<S, L>,
    table: Arc<ConnectionTable>,
) where
    S: Send + Sync + 'static,
    L: Stack<S>,
{
    let peer = arrival.peer;
    match arrival.entrance.announced(&arrival.stream, peer).await {
        Ok(AnnouncedOwner::Own) => {}
        Ok(AnnouncedOwner::Unknown) => arrival.is_proxy = false,
        Ok(AnnouncedOwner::Client(address)) => {
            arrival.client = Client::at(address);
            arrival.peer.set_ip(address);
            arrival.is_proxy = arrival.entrance.trusts(address);
        }
        Err(error) => return table.unannounced(peer.ip(), &chain(&error)),
    }
    let seat = arrival.seat(&table);
    converse(arrival, edge, seat).await;
}

/// Serves one connection to its end.
pub(super) async fn converse<S, L>(arrival: Arrival, edge: Edge<S, L>, seat: Seat)
where
    S: Send + Sync + 'static,
    L: Stack<S>,
{
    let Arrival {
        stream,
        mut client,
        peer,
        is_proxy,
        entrance,
        present,
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
    let mut stream = TimeoutWriter::new(stream);
    // A client that reads nothing at all of what is written.
    stream.set_timeout(Some(activity.limits().send_timeout.get()));
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
    let client = Arc::new(client);
    // A client can show another certificate only in another connection.
    let is_outdated =
        || client.certificate.is_some() && !present.load().has_authorities_of(&entrance);
    let answer = service_fn(|request: Request<Incoming>| {
        let guard = activity.begin(request.version());
        if seat.is_crowded() || is_outdated() {
            seat.close();
        }
        let asker = is_proxy.then(|| entrance.asker(peer.ip(), request.headers()));
        let client = match asker.flatten() {
            Some(asker) => Arc::new(client.behind(asker)),
            None => Arc::clone(&client),
        };
        let (head, body) = request.into_parts();
        let watched = move |answer: Response| {
            // Nobody reads it. One that is dropped early ends its connection early, too.
            drop(body);
            answer.map(|body| WatchedBody::new(body, guard))
        };
        match edge.answer(head, client) {
            // In the task of its stream, which knows what ends it.
            Answering::Here(answer) => {
                Either::Left(lazy(move |_| Ok::<_, Infallible>(watched(*answer))))
            }
            Answering::Later(answer) => Either::Right(answer.map(|answer| Ok(watched(answer)))),
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
