//! How an adapter fetches a page: position in, page and groups out.
//!
//! The walk repeats this, and `probe` shows it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::IF_NONE_MATCH;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::adapter::Adapter;
use super::auth::LoginValues;
use super::classify::{ClassifiedResponse, ExpectedAnswer};
use super::extensions::Purpose;
use super::fingerprint::{fingerprint, skipped};
use super::off_thread::{Urgency, run};
use super::pager::{PageContext, Position};
use super::requests::render_error;
use super::template::Variables;
use super::walk::is_client_error;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::Observers;
use crate::page::fetched_page::FetchedPage;
use crate::page::format::{Node, Page};
use crate::page::mapping::{PageRecords, Skip};
use crate::page::page_outcome::{PageKey, PageOutcome};
use crate::page_memory::PageHold;
use crate::plan::SinceRule;

impl Adapter {
    /// Reads the page at `position`.
    pub fn fetch_page<'a>(
        self: &'a Arc<Self>,
        position: Position,
        deadline: Instant,
        observers: &'a Observers,
    ) -> BoxFuture<'a, Result<Box<FetchedPage>, UpstreamError>> {
        Box::pin(self.fetch(position, Urgency::Now, deadline, observers))
    }

    /// Reads a page that was announced, when its turn comes.
    pub(super) fn fetch_in_turn<'a>(
        self: &'a Arc<Self>,
        position: Position,
        deadline: Instant,
        observers: &'a Observers,
    ) -> BoxFuture<'a, Result<Box<FetchedPage>, UpstreamError>> {
        Box::pin(self.fetch(position, Urgency::InTurn, deadline, observers))
    }

    async fn fetch(
        self: &Arc<Self>,
        position: Position,
        urgency: Urgency,
        deadline: Instant,
        observers: &Observers,
    ) -> Result<Box<FetchedPage>, UpstreamError> {
        let key = if self.remembers_pages() {
            Some(PageKey::of(&self.request(&position)?, &position))
        } else {
            None
        };
        let is_first = position == self.paging().first();
        let mut known = self.known_pages.as_ref().zip(key);
        let mut known_etag = self.known_etag.as_ref().filter(|_| is_first);
        let mut is_asked_again = false;
        let start = Instant::now();
        let (sent, answer) = loop {
            let render = |login: &LoginValues| {
                let mut request = self.rendered(&position, login)?;
                if let Some(etag) = known_etag {
                    request.headers_mut().insert(IF_NONE_MATCH, etag.clone());
                }
                if let Some((known, key)) = &known {
                    known.ask_if_changed(key, request.headers_mut());
                }
                let purpose = Purpose::Page(position.clone());
                request.extensions_mut().insert(purpose);
                let expected = ExpectedAnswer::Page(self.related);
                request.extensions_mut().insert(expected);
                request.extensions_mut().insert(urgency);
                request.extensions_mut().insert(self.memory.clone());
                Ok(request)
            };
            let sending = (self.exchange).send(render, &self.memory, deadline, observers);
            let (sent, answer) = match sending.await {
                Ok(sent) => sent,
                Err(error) => {
                    let answer = self.no_such_group(error)?;
                    (self.request(&position)?, answer)
                }
            };
            if !answer.is_unchanged {
                break (sent, answer);
            }
            if known_etag.is_some() {
                if !self.paging().leads_on(&answer.headers, sent.uri()) {
                    return Err(not_known());
                }
            } else {
                let elapsed = start.elapsed();
                let page = known
                    .and_then(|(known, key)| known.unchanged(key, position.clone(), sent, elapsed));
                let page = page.ok_or_else(not_known)?;
                if let Some(page) = self.revalidated(page, &answer.headers)? {
                    return Ok(Box::new(page));
                }
            }
            // The body is what it was, and the list may go on: it is asked for without a condition.
            (known, known_etag, is_asked_again) = (None, None, true);
        };
        let elapsed = start.elapsed();
        let adapter = Arc::clone(self);
        let bytes = answer.bytes;
        let read = move || {
            let mut page = adapter.read(position, sent, answer, elapsed)?;
            // Where a condition told nothing, none is sent the next time.
            let key = key.filter(|_| !is_asked_again);
            page.outcome = key.and_then(|key| Some((key, adapter.remembered(&page)?)));
            Ok(page)
        };
        run(bytes, urgency, &self.memory, read).await
    }

    /// The response to a request for one group that there is not.
    fn no_such_group(&self, error: UpstreamError) -> Result<ClassifiedResponse, UpstreamError> {
        let is_absent = error.status == Some(StatusCode::NOT_FOUND) && is_client_error(&error);
        if self.lookup().is_none() || !is_absent {
            return Err(error);
        }
        Ok(ClassifiedResponse {
            status: StatusCode::NOT_FOUND,
            uri: None,
            headers: HeaderMap::new(),
            page: Page::nothing(),
            bytes: 0,
            is_past_end: true,
            is_unchanged: false,
            hold: PageHold::default(),
        })
    }

    /// Whether its pages are asked for on the condition that they have changed: those of the whole list of groups.
    fn remembers_pages(&self) -> bool {
        self.plan.conditional && !self.is_related() && !self.is_filtered
    }

    /// What a page came to, if it can be asked for on the condition that it has changed.
    fn remembered(&self, page: &FetchedPage) -> Option<Arc<PageOutcome>> {
        let kept = self.paging().kept(&page.position, page.into())?;
        PageOutcome::of(page, kept).map(Arc::new)
    }

    /// Requests the total number of records, if that is a request of its own.
    pub async fn count(
        &self,
        deadline: Instant,
        observers: &Observers,
    ) -> Result<Option<u64>, UpstreamError> {
        // A list of one page needs no total.
        if !self.paging().has_count() || self.exchange.has_only_pages() {
            return Ok(None);
        }
        let Some(count) = &self.requests().count else {
            return Ok(None);
        };
        let caller = self.caller()?;
        let render = |login: &LoginValues| {
            let variables = Variables {
                outer: Some(&self.outer),
                ..Variables::unpaged(&self.pushed, caller, login)
            };
            let request = count.render(&variables);
            let key = "pagination.total.request";
            let request = request.map_err(|error| render_error(error, self.related, key));
            let mut request = request?;
            request.extensions_mut().insert(Purpose::Count);
            request.extensions_mut().insert(self.memory.clone());
            Ok(request)
        };
        let sending = (self.exchange).send(render, &self.memory, deadline, observers);
        let (asked, answer) = match Box::pin(sending).await {
            Err(error) if self.paging().is_hint() && is_client_error(&error) => {
                tracing::info!(
                    source = %self.name(),
                    error.detail = error.detail,
                    "the request for the total was refused, and the total is only a hint"
                );
                return Ok(None);
            }
            answer => answer?,
        };
        let url = answer.uri.as_ref().unwrap_or(asked.uri());
        let context = PageContext {
            page: &answer.page,
            headers: &answer.headers,
            url,
            records: 0,
            last_record_key: None,
            last_record_flag: None,
            parents: None,
            is_past_end: answer.is_past_end,
        };
        Ok(self.paging().count(context)?)
    }

    /// Reads a recorded response as the first page.
    pub fn replay(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
    ) -> Result<FetchedPage, UpstreamError> {
        let position = self.paging().first();
        let request = self.request(&position)?;
        let answer = self.exchange.classify(status, headers, body)?;
        let page = self.read(position, request, answer, Duration::ZERO)?;
        Ok(*page)
    }

    /// The request for the page at `position`, without what a login would bring.
    pub fn request(&self, position: &Position) -> Result<http::Request<Bytes>, UpstreamError> {
        self.rendered(position, &LoginValues::NONE)
    }

    /// The request for the page at `position`, before it is signed.
    fn rendered(
        &self,
        position: &Position,
        login: &LoginValues,
    ) -> Result<http::Request<Bytes>, UpstreamError> {
        let variables = Variables {
            position,
            limit: self.paging().limit,
            pushed: &self.pushed,
            caller: self.caller()?,
            login,
            outer: Some(&self.outer),
        };
        if self.lookup().is_some()
            && let Some(request) = self.requests().lookup(&variables)
        {
            return request;
        }
        if *position == self.paging().first() {
            self.requests().first(self.related, &variables)
        } else {
            self.requests().next(self.related, &variables)
        }
    }

    fn read(
        &self,
        position: Position,
        request: http::Request<Bytes>,
        answer: ClassifiedResponse,
        elapsed: Duration,
    ) -> Result<Box<FetchedPage>, UpstreamError> {
        let records = if answer.is_past_end {
            PageRecords::default()
        } else {
            self.check_columns(&answer.page)?;
            self.listed_at().listed(&answer.page)?
        };
        let last = records.last();
        let last_record_key =
            last.and_then(|(record, key)| self.paging().last_record_key(record, key));
        let last_record_flag =
            last.and_then(|(record, key)| self.paging().last_record_flag(record, key));
        let listed = records.len() as u64;
        let parents = (!answer.is_past_end)
            .then(|| self.listed_at().parents(&answer.page, listed))
            .flatten();
        let mut mapped = self.map(records)?;
        if !answer.is_past_end {
            mapped.brought = self.map_brought(&answer.page);
        }
        // Parents that are told apart tell more than their records: a record may come twice.
        let fingerprint = parents
            .and_then(|parents| parents.fingerprint)
            .unwrap_or_else(|| fingerprint(&mapped, || self.listed_at().listed(&answer.page)));
        let (skipped, first_skipped) = if mapped.skipped.is_empty() {
            (Vec::new(), None)
        } else {
            let records = self.listed_at().values(&answer.page);
            let first = first_skipped(&records, &mapped.skipped);
            (skipped(&records, &mapped.skipped), first)
        };
        let url = answer.uri.unwrap_or_else(|| request.uri().clone());
        let context = PageContext {
            page: &answer.page,
            headers: &answer.headers,
            url: &url,
            records: listed,
            last_record_key: last_record_key.as_ref(),
            last_record_flag: last_record_flag.as_deref(),
            parents,
            is_past_end: answer.is_past_end,
        };
        let announcement = self.paging().announces(context)?;
        let linked = self.paging().linked(context);
        let since_link = match self.incremental().map(|incremental| &incremental.since) {
            Some(SinceRule::Link(link)) if !self.is_related() && !answer.is_past_end => {
                self.paging().link_at(link, context)?
            }
            Some(SinceRule::Link(_) | SinceRule::Time { .. }) | None => None,
        };
        Ok(Box::new(FetchedPage {
            position,
            request,
            status: answer.status,
            headers: answer.headers,
            page: answer.page,
            elapsed,
            url,
            bytes: answer.bytes,
            announcement,
            last_record_key,
            last_record_flag,
            is_past_end: answer.is_past_end,
            parents,
            linked,
            fingerprint,
            skipped,
            first_skipped,
            listed,
            mapped,
            hold: answer.hold,
            outcome: None,
            is_unchanged: false,
            since_link,
        }))
    }
}

/// A response that says that a page is what it was, where it is not known what that is.
fn not_known() -> UpstreamError {
    let detail = "304 Not Modified, and nothing is known that could be unchanged";
    UpstreamError::new(ErrorKind::HttpStatus, detail).with_status(StatusCode::NOT_MODIFIED)
}

/// What the first record is that was expected to be a group and is none.
fn first_skipped(records: &[Option<Node<'_>>], skipped: &[(usize, Skip)]) -> Option<String> {
    let mut skipped = skipped.iter().filter(|(_, skip)| !skip.is_left_out());
    let (index, skip) = skipped.next()?;
    let record = (*records.get(*index)?)?;
    Some(format!("record {}: {}", index + 1, skip.of(record)))
}
