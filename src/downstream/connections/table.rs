//! Every open connection of a listener, by client.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::plan::ConnectionLimits;

use super::activity::ConnectionActivity;

mod seat;
use seat::SeatSignal;
pub(in crate::downstream) use seat::{Seat, SeatTurn};

/// How long a new connection is taken to be about to be used.
const COMING: Duration = Duration::from_secs(1);

/// Every open connection of a listener.
#[derive(Debug)]
pub(crate) struct ConnectionTable {
    limits: ConnectionLimits,
    open: Mutex<OpenConnections>,
    /// Whether a connection waits for one to be closed in its favour.
    is_full: Arc<AtomicBool>,
    /// Rung when there may be room again.
    changed: Notify,
    refused: AtomicU64,
    unannounced: AtomicU64,
    handshakes_failed: AtomicU64,
    closed_for_room: AtomicU64,
    closed_idle: AtomicU64,
    broken_off: AtomicU64,
}

#[derive(Debug, Default)]
struct OpenConnections {
    clients: HashMap<IpAddr, ClientConnections>,
    /// Those that were not asked to leave.
    total: usize,
    next: u64,
    /// Whether all were asked to leave, and whichever comes is.
    is_over: bool,
}

/// The connections of one client, the oldest first.
#[derive(Debug, Default)]
struct ClientConnections {
    entries: Vec<OpenConnection>,
    served: u32,
    /// Whether it carries others: then its share is everything.
    is_proxy: bool,
    /// Whether some of them wait for their turn.
    is_crowded: Arc<AtomicBool>,
}

#[derive(Debug)]
struct OpenConnection {
    id: u64,
    activity: Arc<ConnectionActivity>,
    signal: Arc<SeatSignal>,
    is_served: bool,
    is_leaving: bool,
}

impl OpenConnection {
    /// Since when nobody would miss it, if nobody would. One that is served and was just opened is
    /// about to be used, and one on which a request is arriving is used already.
    fn dispensable_since(&self) -> Option<Instant> {
        let since = self.activity.idle_since()?;
        let is_coming = self.is_served && !self.activity.was_asked() && since.elapsed() < COMING;
        (!is_coming && !self.activity.is_asking()).then_some(since)
    }
}

impl ClientConnections {
    /// Whether one more of its connections may be served.
    const fn has_room(&self, limits: &ConnectionLimits) -> bool {
        self.is_proxy || self.served < limits.per_client
    }
}

/// How the connections of a listener stand, and what became of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct ConnectionCounts {
    /// How many are open.
    pub(crate) open: usize,
    /// How many of them have an answer on its way.
    pub(crate) in_use: usize,
    /// How many of them wait for another one of the same client to end.
    pub(crate) waiting: usize,
    /// Whether more wait, because each is in use. `/readyz` fails then.
    pub(crate) is_full: bool,
    /// How many may be open.
    pub(crate) total: u32,
    /// How many are served at once for one client.
    pub(crate) per_client: u32,
    /// How many were closed after `idle`.
    pub(crate) closed_idle: u64,
    /// How many were closed in favour of others.
    pub(crate) closed_for_room: u64,
    /// How many were broken off because their client was too slow to send or to read.
    pub(crate) broken_off: u64,
    /// How many waited for a turn that never came.
    pub(crate) refused: u64,
    /// How many began without a PROXY protocol header of a trusted proxy.
    pub(crate) unannounced: u64,
    /// How many failed to agree on TLS.
    pub(crate) handshakes_failed: u64,
}

impl ConnectionTable {
    pub(in crate::downstream) fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            open: Mutex::default(),
            is_full: Arc::default(),
            changed: Notify::new(),
            refused: AtomicU64::new(0),
            unannounced: AtomicU64::new(0),
            handshakes_failed: AtomicU64::new(0),
            closed_for_room: AtomicU64::new(0),
            closed_idle: AtomicU64::new(0),
            broken_off: AtomicU64::new(0),
        }
    }

    pub(in crate::downstream) const fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// Enters a connection of `network`. Where there are too many, one that is not in use is asked to
    /// leave.
    pub(in crate::downstream) fn enter(self: &Arc<Self>, network: IpAddr, is_proxy: bool) -> Seat {
        let out_of_use = Arc::new(Notify::new());
        let signal = Arc::new(SeatSignal::default());
        let mut open = self.lock();
        let id = open.next;
        open.next += 1;
        open.total += 1;
        let client = open.clients.entry(network).or_default();
        client.is_proxy |= is_proxy;
        let is_crowded = Arc::clone(&client.is_crowded);
        let wanted = [Arc::clone(&is_crowded), Arc::clone(&self.is_full)];
        let activity = ConnectionActivity::new(self.limits, wanted, Arc::clone(&out_of_use));
        let activity = Arc::new(activity);
        let is_served = client.has_room(&self.limits);
        client.entries.push(OpenConnection {
            id,
            activity: Arc::clone(&activity),
            signal: Arc::clone(&signal),
            is_served,
            is_leaving: false,
        });
        if is_served {
            client.served += 1;
            signal.admit();
        } else {
            is_crowded.store(true, Ordering::Relaxed);
            let idle = client.entries.iter_mut();
            let idle = idle.filter(|entry| entry.is_served && !entry.is_leaving);
            let idle = idle.filter_map(|entry| Some((entry.dispensable_since()?, entry)));
            if let Some((_, idlest)) = idle.min_by_key(|(since, _)| *since) {
                self.ask_to_leave(idlest);
                open.total -= 1;
            }
        }
        if open.is_over {
            signal.leave();
        }
        self.make_room(&mut open, Some(id));
        drop(open);
        Seat {
            table: Arc::clone(self),
            network,
            id,
            activity,
            signal,
            is_crowded,
            out_of_use,
        }
    }

    /// Whether more connections are open than may be, and each is in use.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Waits until there may be room, and makes it where it can be made.
    pub(in crate::downstream) async fn room(&self) {
        if self.is_full() {
            // A connection on which nothing is asked becomes dispensable by itself.
            let _ = timeout(COMING, self.changed.notified()).await;
        } else {
            self.changed.notified().await;
        }
        self.make_room(&mut self.lock(), None);
    }

    /// Counts a connection that was closed because it was not known whose it is.
    pub(in crate::downstream) fn unannounced(&self, peer: IpAddr, reason: &str) {
        self.unannounced.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(client = %peer, reason, "closed a connection without a PROXY header");
    }

    /// Asks every connection to close in good order, and those that will still say whose they are.
    pub(in crate::downstream) fn close(&self) {
        let mut open = self.lock();
        open.is_over = true;
        for client in open.clients.values_mut() {
            for entry in &mut client.entries {
                entry.signal.leave();
            }
        }
    }

    /// How the connections stand.
    pub(crate) fn counts(&self) -> ConnectionCounts {
        let open = self.lock();
        let entries = || open.clients.values().flat_map(|client| &client.entries);
        let in_use = entries().filter(|entry| entry.activity.idle_since().is_none());
        ConnectionCounts {
            open: entries().count(),
            in_use: in_use.count(),
            waiting: entries().filter(|entry| !entry.is_served).count(),
            is_full: self.is_full(),
            total: self.limits.total,
            per_client: self.limits.per_client,
            closed_idle: self.closed_idle.load(Ordering::Relaxed),
            closed_for_room: self.closed_for_room.load(Ordering::Relaxed),
            broken_off: self.broken_off.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            unannounced: self.unannounced.load(Ordering::Relaxed),
            handshakes_failed: self.handshakes_failed.load(Ordering::Relaxed),
        }
    }

    /// Asks connections to leave until there are no more than may be: those that are not in use, of the
    /// client that has the most, the idlest first. The one that has just come is not asked.
    fn make_room(&self, open: &mut OpenConnections, came: Option<u64>) {
        while open.total > self.limits.total as usize {
            let candidates = open.clients.values_mut().flat_map(|client| {
                let stay = client.entries.iter().filter(|entry| !entry.is_leaving);
                let count = stay.count();
                let entries = client.entries.iter_mut();
                entries.map(move |entry| (count, entry))
            });
            let candidates =
                candidates.filter(|(_, entry)| !entry.is_leaving && Some(entry.id) != came);
            let idle = candidates
                .filter_map(|(count, entry)| Some((count, entry.dispensable_since()?, entry)));
            let Some((_, _, idlest)) =
                idle.max_by_key(|(count, since, _)| (*count, Reverse(*since)))
            else {
                if !self.is_full.swap(true, Ordering::Relaxed) {
                    let connections = open.total;
                    tracing::warn!(connections, "all connections are in use; others wait");
                }
                return;
            };
            self.ask_to_leave(idlest);
            open.total -= 1;
        }
        self.is_full.store(false, Ordering::Relaxed);
    }

    fn ask_to_leave(&self, entry: &mut OpenConnection) {
        entry.is_leaving = true;
        entry.signal.leave();
        self.closed_for_room.fetch_add(1, Ordering::Relaxed);
    }

    fn leave(&self, network: IpAddr, id: u64) {
        let mut open = self.lock();
        let Some(client) = open.clients.get_mut(&network) else {
            return;
        };
        let Some(index) = client.entries.iter().position(|entry| entry.id == id) else {
            return;
        };
        let gone = client.entries.remove(index);
        if gone.is_served {
            client.served -= 1;
        }
        let has_room = client.has_room(&self.limits);
        let mut waiting = client
            .entries
            .iter_mut()
            .filter(|entry| !entry.is_served && !entry.is_leaving);
        if has_room && let Some(next) = waiting.next() {
            client.served += 1;
            next.is_served = true;
            next.activity.admitted();
            next.signal.admit();
        }
        client
            .is_crowded
            .store(waiting.next().is_some(), Ordering::Relaxed);
        if client.entries.is_empty() {
            open.clients.remove(&network);
        }
        if !gone.is_leaving {
            open.total -= 1;
        }
        drop(open);
        if self.is_full() {
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
