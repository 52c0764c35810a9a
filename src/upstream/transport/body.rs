//! An answer's body: read to its end, or cut off where it is too large or stands still.
//!
//! It is watched twice. Below the decompression by the bytes that come, so that a body which drips
//! or never ends is cut off whatever is in it; above it by what they become, so that a small body
//! which inflates to a huge one is cut off while it does.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use bytesize::ByteSize;
use http::Response;
use http::header::CONTENT_ENCODING;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::{Instant, Sleep, sleep};
use tower::BoxError;

use crate::config::Span;

use super::failure::Cut;

/// How large a body may be, and how long it may stand still.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bytes: ByteSize,
    pub(super) idle: Span,
}

/// A body as it comes, cut off at its bounds.
#[derive(Debug)]
pub(super) struct Watched<B> {
    inner: B,
    bounds: Bounds,
    left: u64,
    is_packed: bool,
    idle: Pin<Box<Sleep>>,
}

/// Watches the body of an answer whose head has come.
pub(super) fn watch<B: Body>(response: Response<B>, bounds: Bounds) -> Response<Watched<B>> {
    let is_packed = response.headers().contains_key(CONTENT_ENCODING);
    response.map(|inner| Watched {
        inner,
        bounds,
        left: bounds.bytes.as_u64(),
        is_packed,
        idle: Box::pin(sleep(bounds.idle.get())),
    })
}

impl<B> Watched<B> {
    fn too_large(&self) -> BoxError {
        let bytes = self.bounds.bytes;
        Box::new(if self.is_packed {
            Cut::LargePacked(bytes)
        } else {
            Cut::Large(bytes)
        })
    }
}

impl<B> Body for Watched<B>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        // What is announced as too large is not even begun.
        if self.inner.size_hint().lower() > self.left {
            return Poll::Ready(Some(Err(self.too_large())));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            ready!(self.idle.as_mut().poll(context));
            let cut = Cut::Idle(self.bounds.idle);
            return Poll::Ready(Some(Err(cut.into())));
        };
        let again = Instant::now() + self.bounds.idle.get();
        self.idle.as_mut().reset(again);
        let Some(frame) = frame else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(Into::into)?;
        let came = frame.data_ref().map_or(0, |data| data.remaining() as u64);
        let Some(left) = self.left.checked_sub(came) else {
            return Poll::Ready(Some(Err(self.too_large())));
        };
        self.left = left;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Reads a body to its end. One that has more than so many bytes is `too_large`.
pub(super) async fn read<B>(
    response: Response<B>,
    bytes: ByteSize,
    too_large: fn(ByteSize) -> Cut,
) -> Result<Response<Bytes>, BoxError>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send,
{
    let (parts, body) = response.into_parts();
    let limit = usize::try_from(bytes.as_u64()).unwrap_or(usize::MAX);
    let body = Limited::new(body, limit).collect().await;
    let body = body.map_err(|error| match error.downcast::<LengthLimitError>() {
        Ok(_) => too_large(bytes).into(),
        Err(error) => error,
    })?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream;
    use http_body_util::{Full, StreamBody};
    use rstest::rstest;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        bytes: ByteSize(8),
        idle: Span::seconds(2),
    };

    async fn cut<B>(body: B, encoding: Option<&str>) -> Option<String>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin,
    {
        let mut response = Response::builder();
        if let Some(encoding) = encoding {
            response = response.header(CONTENT_ENCODING, encoding);
        }
        let response = watch(response.body(body).unwrap(), BOUNDS);
        let read = read(response, BOUNDS.bytes, Cut::LargeUnpacked).await;
        read.err().map(|error| error.to_string())
    }

    #[rstest]
    #[case::that_fits(8, None, None)]
    #[case::that_does_not(9, None, Some("a page is larger than 8 B (`limits.page_bytes`)"))]
    #[case::that_is_packed(
        9,
        Some("gzip"),
        Some("a page is larger than 8 B before decompression (`limits.page_bytes`)")
    )]
    #[tokio::test]
    async fn a_body_is_cut_off_at_its_bound(
        #[case] bytes: usize,
        #[case] encoding: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let body = Full::new(Bytes::from(vec![0; bytes]));
        assert_eq!(cut(body, encoding).await.as_deref(), expected);
    }

    #[tokio::test]
    async fn a_body_that_never_says_how_large_it_is_is_cut_off_while_it_comes() {
        let frames = stream::repeat_with(|| Ok::<_, BoxError>(Frame::data(Bytes::from("abc"))));
        let expected = "a page is larger than 8 B (`limits.page_bytes`)";
        let cut = cut(StreamBody::new(frames), None).await;
        assert_eq!(cut.as_deref(), Some(expected));
    }

    #[rstest]
    #[case::in_time(1900, None)]
    #[case::too_slowly(
        2100,
        Some("nothing more of the body came for 2s (`limits.idle_timeout`)")
    )]
    #[tokio::test(start_paused = true)]
    async fn a_body_may_drip_but_not_stand_still(
        #[case] pause: u64,
        #[case] expected: Option<&str>,
    ) {
        let drops = stream::unfold(0, move |count| async move {
            sleep(Duration::from_millis(pause)).await;
            let frame = Ok::<_, BoxError>(Frame::data(Bytes::from("a")));
            (count < 4).then_some((frame, count + 1))
        });
        let cut = cut(StreamBody::new(Box::pin(drops)), None).await;
        assert_eq!(cut.as_deref(), expected);
    }
}
