//! One connection's place in the table.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::ConnectionTable;
use crate::downstream::connections::activity::{ConnectionActivity, HEAD_TIMEOUT};

/// Whether a connection is served.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::downstream) enum SeatTurn {
    /// It is.
    Served,
    /// Its client has too many.
    Refused,
}

/// One connection's place. Dropping it makes room.
#[derive(Debug)]
pub(in crate::downstream) struct Seat {
    pub(super) table: Arc<ConnectionTable>,
    pub(super) network: IpAddr,
    pub(super) id: u64,
    pub(super) activity: Arc<ConnectionActivity>,
    pub(super) signal: Arc<SeatSignal>,
    pub(super) is_crowded: Arc<AtomicBool>,
    pub(super) out_of_use: Arc<Notify>,
}

/// What the table tells a connection.
#[derive(Debug, Default)]
pub(super) struct SeatSignal {
    rung: Notify,
    is_served: AtomicBool,
    is_to_leave: AtomicBool,
}

impl SeatSignal {
    pub(super) fn admit(&self) {
        self.is_served.store(true, Ordering::Relaxed);
        self.rung.notify_one();
    }

    pub(super) fn leave(&self) {
        self.is_to_leave.store(true, Ordering::Relaxed);
        self.rung.notify_one();
    }
}

impl Seat {
    /// What goes on on the connection.
    pub(in crate::downstream) const fn activity(&self) -> &Arc<ConnectionActivity> {
        &self.activity
    }

    /// Waits until the connection may be served.
    pub(in crate::downstream) async fn admission(&self) -> SeatTurn {
        let signal = &self.signal;
        let told = async {
            loop {
                // One that has its turn may have sent a request by now: it leaves in good order.
                if signal.is_served.load(Ordering::Relaxed) {
                    return SeatTurn::Served;
                }
                if signal.is_to_leave.load(Ordering::Relaxed) {
                    return SeatTurn::Refused;
                }
                signal.rung.notified().await;
            }
        };
        let told = timeout(HEAD_TIMEOUT, told).await;
        told.unwrap_or_else(|_| {
            self.table.refused.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(client = %self.network, "refused a connection beyond its client's share");
            SeatTurn::Refused
        })
    }

    /// Waits until the connection is asked to close.
    pub(in crate::downstream) async fn asked_to_close(&self) {
        loop {
            if self.signal.is_to_leave.load(Ordering::Relaxed) {
                return;
            }
            tokio::select! {
                () = self.signal.rung.notified() => {}
                () = self.out_of_use.notified() => {
                    if self.is_crowded.load(Ordering::Relaxed) {
                        return;
                    }
                    if self.table.is_full() {
                        self.table.changed.notify_one();
                    }
                }
            }
        }
    }

    /// Whether other connections of this client wait for this one to end.
    pub(in crate::downstream) fn is_crowded(&self) -> bool {
        self.is_crowded.load(Ordering::Relaxed)
    }

    /// Asks the connection to close once it is out of use.
    pub(in crate::downstream) fn close(&self) {
        self.signal.leave();
    }

    /// Counts that the connection was closed because nothing was asked on it.
    pub(in crate::downstream) fn closed_idle(&self) {
        self.table.closed_idle.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts that its client and we did not agree on TLS.
    pub(in crate::downstream) fn handshake_failed(&self, reason: &str) {
        self.table.handshakes_failed.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(client = %self.network, reason, "a TLS handshake failed");
    }

    /// Counts that the connection was broken off because its client is too slow.
    pub(in crate::downstream) fn broken_off(&self, reason: &str) {
        self.table.broken_off.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(client = %self.network, reason, "broke off a connection");
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.table.leave(self.network, self.id);
    }
}
