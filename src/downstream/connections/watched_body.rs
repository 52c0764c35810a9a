//! The body of an answer, whose client must read it in time.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};

use super::activity::AnswerGuard;
use super::streams::end_of_stream;
use crate::downstream::response::{Body, BrokenOff, Content};

/// The size of the parts of a body that is handed over in parts: what was not asked for yet can be taken
/// back.
const PART: usize = 64 * 1024;

/// The body of an answer.
#[derive(Debug)]
pub(in crate::downstream) struct WatchedBody {
    body: Body,
    /// Whether no other answer is on its way over the same connection, so that all goes at once.
    is_alone: bool,
    /// `None` once the last part is on its way.
    guard: Option<AnswerGuard>,
}

/// Bytes on their way. The answer ends when the last of them is written.
#[derive(Debug)]
pub(in crate::downstream) struct WatchedBytes {
    bytes: Bytes,
    _guard: Option<AnswerGuard>,
}

impl WatchedBody {
    /// A body that from now on must be read in time.
    pub(in crate::downstream) fn new(body: Body, guard: AnswerGuard) -> Self {
        let end = end_of_stream();
        let is_alone = end.is_none();
        let bytes = match &body.content {
            Content::Empty => None,
            Content::Full(bytes) => Some(bytes.len()),
            // The first part is asked for when there is room for it, and until then the client counts as
            // slow: so does one that leaves no room for the next.
            Content::Streamed(_) => Some(0),
        };
        let guard = if let Some(bytes) = bytes {
            guard.send(bytes, body.answered, end);
            Some(guard)
        } else {
            guard.end(body.answered);
            None
        };
        Self {
            body,
            is_alone,
            guard,
        }
    }
}

impl http_body::Body for WatchedBody {
    type Data = WatchedBytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<WatchedBytes>, BrokenOff>>> {
        let this = &mut *self;
        let (bytes, guard) = match &mut this.body.content {
            Content::Empty => return Poll::Ready(None),
            Content::Full(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Content::Full(bytes) if this.is_alone || bytes.len() <= PART => {
                (mem::take(bytes), this.guard.take())
            }
            Content::Full(bytes) => (
                bytes.split_to(PART),
                this.guard.as_ref().map(AnswerGuard::share),
            ),
            Content::Streamed(parts) => {
                // It is asked for the next part: making that is not the client's time.
                if let Some(guard) = &this.guard {
                    guard.expect_nothing();
                }
                match ready!(parts.as_mut().poll_next(context)) {
                    None => {
                        this.guard = None;
                        return Poll::Ready(None);
                    }
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    Some(Ok(bytes)) => {
                        let guard = this.guard.as_ref();
                        let guard = guard.map(|guard| guard.share_sent(bytes.len()));
                        (bytes, guard)
                    }
                }
            }
        };
        let bytes = WatchedBytes {
            bytes,
            _guard: guard,
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Buf for WatchedBytes {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}
