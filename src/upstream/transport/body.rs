//! Response bodies: read to the end, or cut off when they are too large or stall.
//!
//! Limits apply twice. Below the decompression to the bytes received, so that a body that trickles
//! or never ends is cut off whatever it contains; above it to the decompressed bytes, so that a
//! small body that inflates to a huge one is cut off while it does.

use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use bytesize::ByteSize;
use futures_util::future::BoxFuture;
use http::header::CONTENT_ENCODING;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep, sleep};
use tower::{BoxError, Layer, Service};

use crate::page_memory::{BodyHold, OwnWaits, PageMemory};
use crate::plan::Span;
use crate::upstream::extensions::{carried, deadline};

use super::error::BodyError;

/// Bodies shorter than this are copied: what they lie in is the buffer of their connection, which may be much larger.
const COPIED: usize = 8 * 1024;

/// How large a body may be, and how long it may stall.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimits {
    pub(super) bytes: ByteSize,
    pub(super) idle: Span,
}

/// A body that ends with an error at its limits.
#[derive(Debug)]
pub(super) struct LimitedBody<B> {
    inner: B,
    limits: BodyLimits,
    remaining: u64,
    is_compressed: bool,
    idle: Pin<Box<Sleep>>,
    /// Whether we wait for it. As long as we do not, it does not stall.
    is_awaited: bool,
}

/// Limits the body of a response whose head has arrived.
pub(super) fn limit<B: Body>(
    response: Response<B>,
    limits: BodyLimits,
) -> Response<LimitedBody<B>> {
    let is_compressed = response.headers().contains_key(CONTENT_ENCODING);
    response.map(|inner| LimitedBody {
        inner,
        limits,
        remaining: limits.bytes.as_u64(),
        is_compressed,
        idle: Box::pin(sleep(limits.idle.get())),
        is_awaited: false,
    })
}

impl<B> LimitedBody<B> {
    fn too_large(&self) -> BoxError {
        let bytes = self.limits.bytes;
        Box::new(if self.is_compressed {
            BodyError::LargeCompressed(bytes)
        } else {
            BodyError::TooLarge(bytes)
        })
    }
}

impl<B> Body for LimitedBody<B>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        // A body that is announced as too large is not read at all.
        if self.inner.size_hint().lower() > self.remaining {
            return Poll::Ready(Some(Err(self.too_large())));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            if !self.is_awaited {
                self.is_awaited = true;
                let deadline = Instant::now() + self.limits.idle.get();
                self.idle.as_mut().reset(deadline);
            }
            ready!(self.idle.as_mut().poll(context));
            let error = BodyError::Idle(self.limits.idle);
            return Poll::Ready(Some(Err(error.into())));
        };
        self.is_awaited = false;
        let Some(frame) = frame else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(Into::into)?;
        let received = frame.data_ref().map_or(0, |data| data.remaining() as u64);
        let Some(remaining) = self.remaining.checked_sub(received) else {
            return Poll::Ready(Some(Err(self.too_large())));
        };
        self.remaining = remaining;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Reads a body to its end, as far as `hold` finds room for it. One with more than `bytes` is the error
/// that `too_large` makes.
pub(super) async fn read<B>(
    response: Response<B>,
    bytes: ByteSize,
    too_large: fn(ByteSize) -> BodyError,
    hold: &mut BodyHold,
) -> Result<Response<Bytes>, BoxError>
where
    B: Body<Error: Into<BoxError>>,
{
    let (parts, body) = response.into_parts();
    let mut body = pin!(body);
    // All of it, if it came at once and is not short: then it is not copied.
    let mut first = Bytes::new();
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(Into::into)?.into_data() else {
            continue;
        };
        if !data.has_remaining() {
            continue;
        }
        let length = (first.len() + read.len() + data.remaining()) as u64;
        if length > bytes.as_u64() {
            return Err(too_large(bytes).into());
        }
        hold.grow(length).await?;
        if first.is_empty() && read.is_empty() && data.remaining() >= COPIED {
            first = data.copy_to_bytes(data.remaining());
        } else {
            read.put(mem::take(&mut first));
            read.put(data);
        }
    }
    if !read.is_empty() {
        first = read.freeze();
    }
    Ok(Response::from_parts(parts, first))
}

/// Reads the bodies of responses, of so many bytes at most, within the room of the [`PageMemory`] that comes
/// with the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadBodyLayer(pub(super) ByteSize);

impl<S> Layer<S> for ReadBodyLayer {
    type Service = ReadBody<S>;

    fn layer(&self, inner: S) -> ReadBody<S> {
        ReadBody {
            inner,
            bytes: self.0,
        }
    }
}

/// Reads the bodies of the inner service's responses.
#[derive(Debug, Clone)]
pub(super) struct ReadBody<S> {
    inner: S,
    bytes: ByteSize,
}

impl<S, Q, B> Service<Request<Q>> for ReadBody<S>
where
    S: Service<Request<Q>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError> + Send> + Send + 'static,
{
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Bytes>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let memory = carried::<PageMemory, _>(&request).cloned();
        let memory = memory.unwrap_or_default();
        let waits = carried::<OwnWaits, _>(&request)
            .cloned()
            .unwrap_or_default();
        let mut hold = memory.body(deadline(&request), waits);
        let bytes = self.bytes;
        let response = self.inner.call(request);
        Box::pin(async move {
            let response = response.await?;
            let mut response =
                read(response, bytes, BodyError::LargeDecompressed, &mut hold).await?;
            response.extensions_mut().insert(Arc::new(hold));
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{StreamExt as _, stream};
    use http_body_util::{Full, StreamBody};
    use rstest::rstest;

    use super::*;

    const LIMITS: BodyLimits = BodyLimits {
        bytes: ByteSize(8),
        idle: Span::seconds(2),
    };

    async fn error_of<B>(body: B, encoding: Option<&str>) -> Option<String>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin,
    {
        let mut response = Response::builder();
        if let Some(encoding) = encoding {
            response = response.header(CONTENT_ENCODING, encoding);
        }
        let response = limit(response.body(body).unwrap(), LIMITS);
        let mut hold = PageMemory::default().body(None, OwnWaits::default());
        let too_large = BodyError::LargeDecompressed;
        let read = read(response, LIMITS.bytes, too_large, &mut hold).await;
        read.err().map(|error| error.to_string())
    }

    #[rstest]
    #[case::within_the_limit(8, None, None)]
    #[case::above_the_limit(9, None, Some("a page is larger than 8 B (`limits.page_bytes`)"))]
    #[case::that_is_compressed(
        9,
        Some("gzip"),
        Some("a page is larger than 8 B before decompression (`limits.page_bytes`)")
    )]
    #[tokio::test]
    async fn a_body_is_cut_off_at_its_limit(
        #[case] bytes: usize,
        #[case] encoding: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let body = Full::new(Bytes::from(vec![0; bytes]));
        assert_eq!(error_of(body, encoding).await.as_deref(), expected);
    }

    #[rstest]
    #[case::of_nothing(&[], false)]
    #[case::short(&[COPIED - 1], false)]
    #[case::at_once(&[COPIED], true)]
    #[case::among_empty_pieces(&[0, COPIED, 0], true)]
    #[case::in_pieces(&[COPIED, 0, 1, COPIED], false)]
    #[case::with_a_short_piece_first(&[1, COPIED], false)]
    #[tokio::test]
    async fn a_body_is_read_whole_and_stays_where_it_is_if_it_comes_at_once(
        #[case] lengths: &[usize],
        #[case] stays: bool,
    ) {
        let letters = lengths.iter().zip(b'a'..);
        let pieces = letters.map(|(length, letter)| Bytes::from(vec![letter; *length]));
        let pieces: Vec<_> = pieces.collect();
        let frames = pieces.clone().into_iter();
        let frames = frames.map(|piece| Ok::<_, BoxError>(Frame::data(piece)));
        let response = Response::new(StreamBody::new(stream::iter(frames)));
        let mut hold = PageMemory::default().body(None, OwnWaits::default());
        let most = ByteSize::mib(1);
        let read = read(response, most, BodyError::LargeDecompressed, &mut hold).await;
        let body = read.unwrap().into_body();
        assert_eq!(body, pieces.concat());
        let is_any = |piece: &Bytes| !piece.is_empty() && piece.as_ptr() == body.as_ptr();
        assert_eq!(pieces.iter().any(is_any), stays);
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_cut_off_while_it_arrives() {
        let frames = stream::repeat_with(|| Ok::<_, BoxError>(Frame::data(Bytes::from("abc"))));
        let expected = "a page is larger than 8 B (`limits.page_bytes`)";
        let error = error_of(StreamBody::new(frames), None).await;
        assert_eq!(error.as_deref(), Some(expected));
    }

    #[rstest]
    #[case::in_time(1900, None)]
    #[case::too_slowly(2100, Some("the body stalled for 2s (`limits.idle_timeout`)"))]
    #[tokio::test(start_paused = true)]
    async fn a_body_may_trickle_but_not_stall(#[case] pause: u64, #[case] expected: Option<&str>) {
        let drops = stream::unfold(0, move |count| async move {
            sleep(Duration::from_millis(pause)).await;
            let frame = Ok::<_, BoxError>(Frame::data(Bytes::from("a")));
            (count < 4).then_some((frame, count + 1))
        });
        let error = error_of(StreamBody::new(Box::pin(drops)), None).await;
        assert_eq!(error.as_deref(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_we_do_not_read_meanwhile_does_not_stall() {
        let drops = stream::repeat(()).then(async |()| {
            sleep(Duration::from_millis(100)).await;
            Ok::<_, BoxError>(Frame::data(Bytes::from("a")))
        });
        let body = StreamBody::new(Box::pin(drops));
        let mut body = limit(Response::new(body), LIMITS).into_body();
        for _ in 0..3 {
            assert!(body.frame().await.unwrap().is_ok());
            sleep(Duration::from_mins(1)).await;
        }
    }
}
