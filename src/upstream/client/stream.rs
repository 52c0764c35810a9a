//! One open connection, whatever it is made of: TCP, TLS over it, a tunnel through a proxy, TLS
//! through that.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// Bytes both ways.
pub(super) trait Duplex: Read + Write + Send + Unpin + 'static {}

impl<T: Read + Write + Send + Unpin + 'static> Duplex for T {}

/// What has happened on a connection. Clones share it; the client hands one out with each response and
/// each error.
#[derive(Debug, Clone, Default)]
pub(super) struct Usage(Arc<Events>);

#[derive(Debug, Default)]
struct Events {
    /// A response has arrived on it.
    answered: AtomicBool,
    /// How often something, or its end, was read since the last write.
    reads: AtomicUsize,
}

impl Usage {
    /// Notes that a response has arrived.
    pub(super) fn note_response(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }

    /// Whether a response arrived on it before.
    pub(super) fn is_reused(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed)
    }

    /// Whether nothing of a response has arrived since the last request was written. If the
    /// connection has ended, its end was read.
    pub(super) fn is_unanswered(&self, has_ended: bool) -> bool {
        self.0.reads.load(Ordering::Relaxed) <= usize::from(has_ended)
    }

    fn note_write(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.0.reads.store(0, Ordering::Relaxed);
        }
    }

    fn note_read(&self, read: &Poll<io::Result<()>>) {
        if matches!(read, Poll::Ready(Ok(()))) {
            self.0.reads.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// An open connection, and what the client has to know of it.
pub(super) struct Stream {
    io: Box<dyn Duplex>,
    is_forwarding: bool,
    is_h2: bool,
    usage: Usage,
}

impl Stream {
    /// A connection that ends at the upstream, or at a proxy that is still to be told of it.
    pub(super) fn new(io: impl Duplex) -> Self {
        Self {
            io: Box::new(io),
            is_forwarding: false,
            is_h2: false,
            usage: Usage::default(),
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
        let connected = Connected::new()
            .proxy(self.is_forwarding)
            .extra(self.usage.clone());
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
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        self.usage.note_read(&read);
        read
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.usage.note_write(&written);
        written
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
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.usage.note_write(&written);
        written
    }
}
