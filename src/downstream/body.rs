//! The body of an answer: a page in one piece, or every group as a stream.

use std::iter;
use std::ops::Range;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::gateway::{Listing, Query};
use crate::snapshot::RowRef;

use super::envelope::Envelope;
use super::negotiate::Format;
use super::pages::Pages;
use super::problem::Problem;
use super::render::{self, Frame, RenderError};

/// How many rows of a stream are rendered at once: enough that a chunk is worth sending, few
/// enough that rendering it holds up nobody.
const ROWS_PER_CHUNK: usize = 256;

/// The response that shows a listing.
pub(crate) async fn of(
    pages: &Pages,
    query: &Query,
    format: Format,
    listing: Listing,
) -> Result<Response, Problem> {
    let envelope = Envelope::of(&listing);
    let fields = query.fields.as_deref();
    let frame = Frame::new(format, fields, &envelope).map_err(Problem::defect)?;
    if !format.is_streamed() {
        let rows = pages.rows(query, format, &listing).await;
        return Ok(typed(format, frame.around(&rows.map_err(Problem::defect)?)));
    }
    let mut response = typed(format, stream(frame, format, query, listing));
    if format == Format::Csv {
        render::csv::describe(response.headers_mut(), &envelope).map_err(Problem::defect)?;
    }
    Ok(response)
}

/// The response that shows a single group.
pub(crate) fn of_one(format: Format, row: RowRef<'_>) -> Result<Response, Problem> {
    let body = render::single(format, row).map_err(Problem::defect)?;
    Ok(typed(format, body))
}

fn typed(format: Format, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let content_type = HeaderValue::from_static(format.content_type());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// The answer in chunks, each rendered when the one before is on its way. One that cannot be
/// rendered breaks the connection off: never a short list that looks whole.
fn stream(frame: Frame, format: Format, query: &Query, listing: Listing) -> Body {
    let fields = query.fields.clone();
    let rows = chunks(listing.range.clone()).map(move |range| {
        let rows = range.map(|index| listing.view.row(index));
        render::rows(format, rows, fields.as_deref())
            .inspect_err(|error| tracing::error!(%error, "a streamed answer broke off"))
    });
    let parts = iter::once(Ok(frame.before))
        .chain(rows)
        .chain(iter::once(Ok(frame.after)))
        .filter(|part: &Result<Bytes, RenderError>| !part.as_ref().is_ok_and(Bytes::is_empty));
    Body::from_stream(stream::iter(parts))
}

fn chunks(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(ROWS_PER_CHUNK)
        .map(move |start| start..(start + ROWS_PER_CHUNK).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_hold_every_row_once() {
        for rows in [0, 1, ROWS_PER_CHUNK, ROWS_PER_CHUNK + 1, 1000] {
            let seen: Vec<_> = chunks(7..7 + rows).flatten().collect();
            assert_eq!(seen, (7..7 + rows).collect::<Vec<_>>());
        }
    }
}
