//! A socket on which HTTP is spoken, encrypted or not.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutWriter;
use tokio_rustls::server::TlsStream;

/// How many bytes are copied at most to be sent in one part.
const SMALL: usize = 8 * 1024;

thread_local! {
    /// Room for the parts that are sent as one.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn are_small(parts: &[IoSlice<'_>]) -> bool {
    parts.iter().map(|part| part.len()).sum::<usize>() <= SMALL
}

pin_project! {
    /// A socket on which HTTP is spoken.
    #[project = SocketProjection]
    #[derive(Debug)]
    pub(crate) enum ServedSocket {
        /// As it is.
        Plain {
            #[pin]
            stream: TimeoutWriter<TcpStream>,
        },
        /// Inside TLS.
        Encrypted {
            stream: Box<TlsStream<Pin<Box<TimeoutWriter<TcpStream>>>>>,
        },
    }
}

impl ServedSocket {
    /// Whether others on the way see nothing of it.
    pub(crate) const fn is_encrypted(&self) -> bool {
        matches!(self, Self::Encrypted { .. })
    }
}

impl AsyncRead for ServedSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.project() {
            SocketProjection::Plain { stream } => stream.poll_read(context, buffer),
            SocketProjection::Encrypted { stream } => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for ServedSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.project() {
            SocketProjection::Plain { stream } => stream.poll_write(context, bytes),
            SocketProjection::Encrypted { stream } => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match (self.project(), parts) {
            // Of one part, `send` takes less of the kernel's time than `writev`, and of several small ones also with
            // the copy.
            (SocketProjection::Plain { stream }, [only]) => stream.poll_write(context, only),
            (SocketProjection::Plain { stream }, _) if are_small(parts) => {
                ROOM.with_borrow_mut(|room| {
                    room.clear();
                    for part in parts {
                        room.extend_from_slice(part);
                    }
                    stream.poll_write(context, room)
                })
            }
            (SocketProjection::Plain { stream }, _) => stream.poll_write_vectored(context, parts),
            (SocketProjection::Encrypted { stream }, _) => {
                Pin::new(stream).poll_write_vectored(context, parts)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain { stream } => stream.is_write_vectored(),
            Self::Encrypted { stream } => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.project() {
            SocketProjection::Plain { stream } => stream.poll_flush(context),
            SocketProjection::Encrypted { stream } => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.project() {
            SocketProjection::Plain { stream } => stream.poll_shutdown(context),
            SocketProjection::Encrypted { stream } => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use futures_util::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[tokio::test]
    async fn small_parts_arrive_whole_though_the_socket_is_full() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(4096).unwrap();
        let sender = socket.connect(listener.local_addr().unwrap());
        let (sender, accepted) = tokio::join!(sender, listener.accept());
        let stream = TimeoutWriter::new(sender.unwrap());
        let mut served = Box::pin(ServedSocket::Plain { stream });
        let text: Vec<u8> = (0..500_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut reader = Some(async move {
            let (mut stream, _) = accepted.unwrap();
            let mut arrived = Vec::new();
            stream.read_to_end(&mut arrived).await.map(|_| arrived)
        });
        let (mut sent, mut reads) = (0, None);
        while sent < text.len() {
            let mut rest = text[sent..].chunks(SMALL / 2);
            let parts = iter::from_fn(|| rest.next()).take(2).map(IoSlice::new);
            let parts: Vec<_> = parts.collect();
            if let Some(written) = served.write_vectored(&parts).now_or_never() {
                sent += written.unwrap();
            } else {
                // It is full, and only now does anybody read.
                reads = reads.or_else(|| reader.take().map(tokio::spawn));
                sent += served.write_vectored(&parts).await.unwrap();
            }
        }
        served.shutdown().await.unwrap();
        let arrived = reads.expect("it was never full").await;
        assert!(arrived.unwrap().unwrap() == text);
    }
}
