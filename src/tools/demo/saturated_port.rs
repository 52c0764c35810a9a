//! A port that is open and accepts no connection.
//!
//! The kernel completes connections until the queue of those that nobody accepted is full. So the
//! queue is made as short as possible and filled; whoever connects then waits.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};

/// How long a connection on loopback may take. One that takes longer found the queue full.
const FULL_AFTER: Duration = Duration::from_millis(20);
/// How many connections fill the queue at most. Kernels take one or two more than they are told.
const MOST: usize = 8;

/// The port. Dropping it closes it.
#[derive(Debug)]
pub(super) struct SaturatedPort {
    _socket: TcpListener,
    _queued: Vec<TcpStream>,
}

impl SaturatedPort {
    /// Opens the port. It blocks the thread for a moment, until the queue is full.
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // Connections of the port's earlier life may not have ended.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let socket = socket.listen(0)?;
        let queued = std::iter::repeat_with(|| TcpStream::connect_timeout(&address, FULL_AFTER))
            .take(MOST)
            .map_while(Result::ok)
            .collect();
        Ok(Self {
            _socket: socket,
            _queued: queued,
        })
    }
}
