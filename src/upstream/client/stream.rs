//! One open connection, whatever it is made of: TCP, TLS over it, a tunnel through a proxy, TLS
//! through that.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// Bytes both ways.
pub(super) trait Duplex: Read + Write + Send + Unpin + 'static {}

impl<T: Read + Write + Send + Unpin + 'static> Duplex for T {}

/// An open connection, and what the client has to know of it.
pub(super) struct Stream {
    io: Box<dyn Duplex>,
    is_forwarding: bool,
    is_h2: bool,
}

impl Stream {
    /// A connection that ends at the upstream, or at a proxy that is still to be told of it.
    pub(super) fn new(io: impl Duplex) -> Self {
        Self {
            io: Box::new(io),
            is_forwarding: false,
            is_h2: false,
        }
    }

    /// The same connection; its other end is a proxy, and hands on what it reads.
    pub(super) fn forwarding(mut self) -> Self {
        self.is_forwarding = true;
        self
    }

    /// The same connection; both ends have agreed on HTTP/2.
    pub(super) fn speaking_h2(mut self) -> Self {
        self.is_h2 = true;
        self
    }

    /// Whether both ends have agreed on HTTP/2.
    pub(super) const fn is_h2(&self) -> bool {
        self.is_h2
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.is_forwarding);
        if self.is_h2 {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
