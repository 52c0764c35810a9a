//! The connections of a listener: how many there are, how long each may stay, and which one goes
//! where there are too many.
//!
//! ```text
//! accept ▸ table (a place for the client, or a turn in its line) ▸ connection (activity, its end)
//! ```
//!
//! A client that opens more than its share waits for itself. Where all places are taken, the
//! connection goes that nobody would miss: one that is not in use, of the client that has the most.

mod activity;
pub(super) use activity::{ConnectionVerdict, HEAD_TIMEOUT};

mod streams;
pub(super) use streams::StreamExecutor;

mod table;
pub(crate) use table::{ConnectionCounts, ConnectionTable};
pub(super) use table::{Seat, SeatTurn};

mod watched;
pub(super) use watched::WatchedSocket;

mod watched_body;
pub(super) use watched_body::WatchedBody;
