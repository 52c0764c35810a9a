//! Every group that matches as one long answer, made part by part.

use std::io;

use bytes::Bytes;
use futures_util::stream;
use thiserror::Error;

use crate::gateway::Listing;
use crate::gateway::pool::BlockingPool;
use crate::gateway::view::ViewPage;
use crate::list_memory::Lent;

use super::bodies::BodyMemory;
use super::coding::{Coding, Encoder};
use super::negotiate::AnswerFormat;
use super::render::{self, Frame, RenderError};
use super::response::{BrokenOff, Content};

/// How many rows are rendered at once: enough that a part is worth sending, few enough that
/// rendering it holds up nobody.
const ROWS_AT_ONCE: usize = 256;

/// Why a streamed answer broke off.
#[derive(Debug, Error)]
enum StreamError {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the answer cannot be compressed")]
    Compress(#[from] io::Error),
    #[error("the process is stopping")]
    Stopping,
    #[error("its caller reads it slowly, and the memory of its lists is wanted for newer ones")]
    Overtaken,
}

/// The parts of an answer that are still to be made.
struct Parts {
    /// What comes before the rows, then what comes behind them.
    before: Option<Bytes>,
    after: Option<Bytes>,
    listing: Lent<Listing>,
    /// The rows that are still to come.
    page: ViewPage,
    format: AnswerFormat,
    fields: Option<Vec<&'static str>>,
    encoder: Option<Encoder>,
}

/// The body that shows a listing between the two halves of its frame. A part is made when the one
/// before is on its way: where it takes more than copying, by `pool`.
pub(crate) fn body(
    pool: BlockingPool,
    memory: BodyMemory,
    frame: Frame,
    format: AnswerFormat,
    fields: Option<Vec<&'static str>>,
    (listing, page, is_copied): (Lent<Listing>, ViewPage, bool),
    coding: Coding,
) -> io::Result<Content> {
    let encoder = Encoder::new(coding)?;
    let is_copied = is_copied && encoder.is_none();
    let parts = Parts {
        before: Some(frame.before),
        after: Some(frame.after),
        listing,
        page,
        format,
        fields,
        encoder,
    };
    let parts = stream::try_unfold(parts, move |mut parts| {
        let (pool, memory) = (pool.clone(), memory.clone());
        async move {
            let reserved = memory.room().await;
            let (parts, made) = if is_copied {
                let made = parts.next();
                (parts, made)
            } else {
                let work = move || {
                    let made = parts.next();
                    (parts, made)
                };
                pool.run_in_turn(work).await.ok_or(StreamError::Stopping)?
            };
            Ok::<_, StreamError>(made?.map(|part| (reserved.fill(part), parts)))
        }
    });
    let parts = futures_util::TryStreamExt::map_err(parts, |error: StreamError| {
        tracing::error!(%error, "a streamed answer broke off");
        BrokenOff
    });
    Ok(Content::Streamed(Box::pin(parts)))
}

impl Parts {
    /// The next part that is worth sending.
    fn next(&mut self) -> Result<Option<Bytes>, StreamError> {
        while let Some(part) = self.plain()? {
            let part = match &mut self.encoder {
                Some(_) if part.is_empty() => continue,
                Some(encoder) => {
                    encoder.write(&part)?;
                    encoder.flush()?
                }
                None => part,
            };
            if !part.is_empty() {
                return Ok(Some(part));
            }
        }
        let encoder = self.encoder.take();
        Ok(encoder.map(Encoder::finish).transpose()?)
    }

    /// The next part, before it is compressed.
    fn plain(&mut self) -> Result<Option<Bytes>, StreamError> {
        if let Some(before) = self.before.take() {
            return Ok(Some(before));
        }
        if self.page.is_empty() {
            return Ok(self.after.take());
        }
        let listing = self.listing.get().ok_or(StreamError::Overtaken)?;
        let rows = listing.next_rows(&mut self.page, ROWS_AT_ONCE);
        Ok(Some(render::rows(
            self.format,
            rows,
            self.fields.as_deref(),
        )?))
    }
}
