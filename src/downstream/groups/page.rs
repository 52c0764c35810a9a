//! What a page of groups gets as its body: one that is kept, one for this request alone, or a stream.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use crate::downstream::answers::{Answer, AnswerKey};
use crate::downstream::bodies::{BodyMemory, ReservedBody};
use crate::downstream::coding::{self, Coding};
use crate::downstream::envelope::Envelope;
use crate::downstream::generation::Generation;
use crate::downstream::layers::KeepsAnswers as _;
use crate::downstream::negotiate::AnswerFormat;
use crate::downstream::problem::ProblemDetails;
use crate::downstream::render::{self, Frame};
use crate::downstream::response::{Response, full};
use crate::downstream::server_timing::ServerTiming;
use crate::downstream::services::{CatalogService, GroupService};
use crate::downstream::stream;
use crate::gateway::seen_row::SeenRow;
use crate::gateway::{Listing, Query};

use super::AnswerDraft;

impl<G> Generation<G> {
    /// Answers with a page that others may ask for, too. Of those who ask for it at once, one makes
    /// it.
    pub(super) async fn kept(
        &self,
        key: &AnswerKey,
        draft: AnswerDraft,
        mut timing: ServerTiming,
        request: &HeaderMap,
        until: Instant,
    ) -> Result<Response, ProblemDetails>
    where
        G: GroupService,
    {
        let AnswerDraft {
            query,
            listing,
            tag,
            mut headers,
            made,
        } = draft;
        let _turn = self.answers().turn(key, until).await?;
        if let Some(answer) = self.answers().get(key, self.epoch(key), Instant::now()) {
            return Ok(answer.respond(request));
        }
        let bytes = bytes_of(listing.rows());
        let reserved = self.reserve(bytes as u64)?;
        let (body, coding) = self.page(key, query, listing, bytes, until).await?;
        let body = reserved.fill(body);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(key.format.content_type()),
        );
        if let Some(name) = coding.name() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        timing.announce_ready(&mut headers);
        let answer = Arc::new(Answer::new(made, tag, key, headers, body));
        self.answers().put(Arc::clone(&answer));
        let mut response = answer.respond(request);
        response.body_mut().traits.cache = Some("hit");
        timing.end_stage("render");
        timing.announce(response.headers_mut());
        Ok(response)
    }

    /// Answers with a page or a stream that only this request gets.
    pub(super) async fn once(
        &self,
        key: &AnswerKey,
        draft: AnswerDraft,
        mut timing: ServerTiming,
        until: Instant,
    ) -> Result<Response, ProblemDetails>
    where
        G: CatalogService,
    {
        let AnswerDraft {
            query,
            listing,
            headers,
            ..
        } = draft;
        let (mut response, coding) = if key.format.is_streamed() {
            drop(self.reserve(0)?);
            (self.streamed(key, query, listing)?, key.coding.best)
        } else {
            let bytes = bytes_of(listing.rows());
            let reserved = self.reserve(bytes as u64)?;
            let (body, coding) = self.page(key, query, listing, bytes, until).await?;
            let body = reserved.fill(body);
            (full(key.format.content_type(), body), coding)
        };
        if let Some(name) = coding.name() {
            let name = HeaderValue::from_static(name);
            response.headers_mut().insert(CONTENT_ENCODING, name);
        }
        timing.end_stage("render");
        timing.announce(response.headers_mut());
        response.headers_mut().extend(headers);
        Ok(response)
    }

    /// Takes memory for another answer of about so many bytes.
    pub(super) fn reserve(&self, bytes: u64) -> Result<ReservedBody, ProblemDetails> {
        let bodies = &self.process.bodies;
        let reserved = bodies.reserve(bytes).or_else(|| {
            // What the cache lets go of is still there until it gets round to it.
            self.answers.settle();
            bodies.reserve(bytes)
        });
        reserved.ok_or_else(BodyMemory::exhausted)
    }

    /// A page in one piece of about so many bytes, and the coding that it is in. Where that takes more than copying, it is
    /// made off the I/O threads.
    async fn page(
        &self,
        key: &AnswerKey,
        query: Query,
        listing: Listing,
        bytes: usize,
        until: Instant,
    ) -> Result<(Bytes, Coding), ProblemDetails> {
        let (format, accepted) = (key.format, key.coding);
        let is_copied = accepted.best == Coding::Identity
            && render::is_copied(format, query.fields.as_deref(), listing.hides());
        let page = move || render::page(format, query.fields.as_deref(), &listing, bytes);
        if is_copied {
            return Ok((page().map_err(ProblemDetails::defect)?, Coding::Identity));
        }
        let encoded = move || {
            let page = page().map_err(ProblemDetails::defect)?;
            let coding = accepted.for_length(page.len());
            let page = coding::encode(coding, page).map_err(ProblemDetails::defect)?;
            Ok((page, coding))
        };
        self.process.pool.run(encoded, until).await?
    }

    fn streamed(
        &self,
        key: &AnswerKey,
        query: Query,
        listing: Listing,
    ) -> Result<Response, ProblemDetails>
    where
        G: CatalogService,
    {
        let (format, coding) = (key.format, key.coding.best);
        let envelope = Envelope::of(&listing);
        let frame = Frame::new(format, query.fields.as_deref(), &envelope);
        let frame = frame.map_err(ProblemDetails::defect)?;
        let pool = self.process.pool.clone();
        let page = listing.page.clone();
        let is_copied = render::is_copied(format, query.fields.as_deref(), listing.hides());
        let listing = self.gateway.lists().lend(listing, Listing::is_overtaken);
        let body = stream::body(
            pool,
            self.process.bodies.clone(),
            frame,
            format,
            query.fields,
            (listing, page, is_copied),
            coding,
        );
        let mut response = full(format.content_type(), Bytes::new());
        response.body_mut().content = body.map_err(ProblemDetails::defect)?;
        if format == AnswerFormat::Csv {
            render::csv::describe(response.headers_mut(), &envelope)
                .map_err(ProblemDetails::defect)?;
        }
        Ok(response)
    }
}

/// How many rows tell how much longer than they are kept the others are as JSON.
const TYPICAL: usize = 8;

/// About how many bytes rows take, each with a comma.
fn bytes_of<'a>(rows: impl ExactSizeIterator<Item = SeenRow<'a>>) -> usize {
    let count = rows.len();
    let (mut packed, mut longer) = (0, 0);
    for (number, row) in rows.enumerate() {
        packed += row.packed_bytes();
        if number < TYPICAL {
            longer += (row.bytes() + 1).saturating_sub(row.packed_bytes());
        }
    }
    // A bit more for those that were not looked at, for they are not all alike.
    let others = count.saturating_sub(TYPICAL) * longer / TYPICAL;
    packed + longer + others + others / 16
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::caller::HiddenFields;
    use crate::downstream::testing::fresh;

    #[rstest]
    #[case::none(0, 0)]
    #[case::few(8, 0)]
    #[case::many(1000, 10)]
    fn about_as_much_room_is_reserved_as_rows_take(#[case] count: usize, #[case] over: usize) {
        let names: Vec<_> = (0..count)
            .map(|length| "n".repeat(length % 50 + 1))
            .collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let snapshot = fresh("u", &names).snapshot.unwrap();
        let rows = || {
            snapshot
                .rows()
                .map(|row| SeenRow::new(row, HiddenFields::NONE))
        };
        let exact: usize = rows().map(|row| row.bytes() + 1).sum();
        let about = bytes_of(rows());
        assert!(
            (exact..=exact + exact * over / 100).contains(&about),
            "{about} of {exact}"
        );
    }
}
