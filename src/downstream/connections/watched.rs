//! A socket that tells when something was read from it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::ConnectionActivity;

pin_project! {
    /// A socket that tells when something was read from it.
    #[derive(Debug)]
    pub(crate) struct WatchedSocket<S> {
        #[pin]
        socket: S,
        activity: Arc<ConnectionActivity>,
    }
}

impl<S> WatchedSocket<S> {
    pub(in crate::downstream) const fn new(socket: S, activity: Arc<ConnectionActivity>) -> Self {
        Self { socket, activity }
    }
}

impl<S: AsyncRead> AsyncRead for WatchedSocket<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buffer.filled().len();
        let read = this.socket.poll_read(context, buffer);
        if let Some(read @ [_, ..]) = buffer.filled().get(before..) {
            this.activity.read(read);
        }
        read
    }
}

impl<S: AsyncWrite> AsyncWrite for WatchedSocket<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().socket.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().socket.poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().socket.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().socket.poll_shutdown(context)
    }
}
