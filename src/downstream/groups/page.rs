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
        let epoch = self.epoch(&key.visible, &key.scopes);
        if let Some(answer) = self.answers().get(key, epoch, Instant::now()) {
            return Ok(*answer.respond(request));
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
        let mut response = *answer.respond(request);
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

/// By how many rows the length of a page is estimated.
const SAMPLE: usize = 8;

/// About how many bytes rows take, each with a comma, by some of them from all over the page: beside what is kept of
/// each, some have many people, and some have little but names of fields. Exact where there are no others.
fn bytes_of<'a>(rows: impl ExactSizeIterator<Item = SeenRow<'a>>) -> usize {
    let count = rows.len();
    let step = count.div_ceil(SAMPLE).max(1);
    let (mut kept, mut sampled, mut kept_of_sample, mut longer) = (0, 0, 0, 0);
    for (number, row) in rows.enumerate() {
        kept += row.packed_bytes();
        if number % step == 0 {
            sampled += 1;
            kept_of_sample += row.packed_bytes();
            longer += (row.bytes() + 1).saturating_sub(row.packed_bytes());
        }
    }
    let by_rows = longer * (count - sampled) / sampled.max(1);
    let by_bytes = longer * (kept - kept_of_sample) / kept_of_sample.max(1);
    let others = by_rows.min(by_bytes);
    // A bit more, for rows are not all alike.
    kept + longer + others + others / 16
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use rstest::rstest;

    use super::*;
    use crate::caller::HiddenFields;
    use crate::group::Member;
    use crate::snapshot::Snapshot;
    use crate::snapshot::tests::group;

    fn people(count: usize) -> Vec<Member> {
        let people = (0..count).map(|number| Member {
            id: Some(format!("{number:08}")),
            email: None,
        });
        people.collect()
    }

    #[rstest]
    #[case::none(0, |_| 0, 100..=100)]
    #[case::few(8, |number| number * 100, 100..=100)]
    #[case::alike(1000, |_| 3, 100..=110)]
    #[case::the_first_are_large(1000, |number| if number < 8 { 5000 } else { 0 }, 30..=400)]
    #[case::the_first_are_small(1000, |number| if number < 8 { 0 } else { 100 }, 90..=120)]
    #[case::one_in_ten_is_large(1000, |number| if number % 10 == 7 { 1000 } else { 1 }, 30..=400)]
    fn about_as_many_bytes_are_expected_of_a_page_as_it_has(
        #[case] count: usize,
        #[case] members: fn(usize) -> usize,
        #[case] percent: RangeInclusive<usize>,
    ) {
        let groups = (0..count).map(|number| {
            let id = format!("{number:05}");
            let mut group = group("u", &id, &id);
            group.members = people(members(number));
            group
        });
        let snapshot = Snapshot::new("u".into(), groups.collect());
        let rows = || {
            snapshot
                .rows()
                .map(|row| SeenRow::new(row, HiddenFields::NONE))
        };
        let exact: usize = rows().map(|row| row.bytes() + 1).sum();
        let about = bytes_of(rows());
        let of_exact = (about * 100).checked_div(exact).unwrap_or(100);
        assert!(percent.contains(&of_exact), "{about} of {exact}");
    }
}
