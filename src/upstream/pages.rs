//! How an adapter fetches a page: position in, page and groups out.
//!
//! The walk repeats this, and `probe` shows it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::adapter::Adapter;
use super::arrived_page::{ArrivedPage, url};
use super::classify::ClassifiedResponse;
use super::extensions::Purpose;
use super::off_thread::{Urgency, run};
use super::pager::{PageContext, Position};
use super::template::Variables;
use super::walk::is_client_error;
use crate::error::UpstreamError;
use crate::observe::Observers;
use crate::page::fetched_page::FetchedPage;
use crate::page::format::Node;
use crate::page::mapping::{MappedPage, Skip};

/// How much of a response is read.
type Read<T> = fn(
    &Adapter,
    Position,
    http::Request<Bytes>,
    ClassifiedResponse,
    Duration,
) -> Result<T, UpstreamError>;

impl Adapter {
    /// Reads the page at `position`.
    pub async fn fetch_page(
        self: &Arc<Self>,
        position: Position,
        deadline: Instant,
        observers: &Observers,
    ) -> Result<FetchedPage, UpstreamError> {
        let arrived = self.receive(position, deadline, observers).await?;
        self.map_arrived(arrived).await
    }

    /// Reads a page that was announced, when its turn comes.
    pub(super) async fn fetch_in_turn(
        self: &Arc<Self>,
        position: Position,
        deadline: Instant,
        observers: &Observers,
    ) -> Result<FetchedPage, UpstreamError> {
        let read = Self::read;
        self.fetch_with(read, Urgency::InTurn, position, deadline, observers)
            .await
    }

    /// Reads as much of the page at `position` as a pager needs.
    pub(super) async fn receive(
        self: &Arc<Self>,
        position: Position,
        deadline: Instant,
        observers: &Observers,
    ) -> Result<ArrivedPage, UpstreamError> {
        let read = Self::arrived;
        self.fetch_with(read, Urgency::Now, position, deadline, observers)
            .await
    }

    /// Reads the rest of a page.
    pub(super) async fn map_arrived(
        self: &Arc<Self>,
        arrived: ArrivedPage,
    ) -> Result<FetchedPage, UpstreamError> {
        let adapter = Arc::clone(self);
        let bytes = arrived.answer.bytes;
        run(bytes, Urgency::Now, &self.memory, move || {
            adapter.map(arrived)
        })
        .await
    }

    async fn fetch_with<T: Send + 'static>(
        self: &Arc<Self>,
        read: Read<T>,
        urgency: Urgency,
        position: Position,
        deadline: Instant,
        observers: &Observers,
    ) -> Result<T, UpstreamError> {
        let mut request = self.request(&position)?;
        let sent = request.clone();
        let purpose = Purpose::Page(position.clone());
        request.extensions_mut().insert(purpose);
        request.extensions_mut().insert(urgency);
        request.extensions_mut().insert(self.memory.clone());
        let start = Instant::now();
        let answer = self.exchange.send(request, deadline, observers).await?;
        let elapsed = start.elapsed();
        let adapter = Arc::clone(self);
        let bytes = answer.bytes;
        let read = move || read(&adapter, position, sent, answer, elapsed);
        run(bytes, urgency, &self.memory, read).await
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
        let Some(mut request) = self.requests().total(&self.pushed)? else {
            return Ok(None);
        };
        request.extensions_mut().insert(Purpose::Count);
        request.extensions_mut().insert(self.memory.clone());
        let asked = request.uri().clone();
        let answer = match self.exchange.send(request, deadline, observers).await {
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
        let url = url(answer.uri.as_ref().unwrap_or(&asked))?;
        let context = PageContext {
            page: &answer.page,
            headers: &answer.headers,
            url: &url,
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
        self.read(position, request, answer, Duration::ZERO)
    }

    /// The request for the page at `position`, before it is signed.
    pub fn request(
        &self,
        position: &Position,
    ) -> Result<http::Request<bytes::Bytes>, UpstreamError> {
        let variables = Variables {
            position,
            limit: self.paging().limit,
            pushed: &self.pushed,
        };
        if *position == self.paging().first() {
            self.requests().first(&variables)
        } else {
            self.requests().next(&variables)
        }
    }

    fn read(
        &self,
        position: Position,
        request: http::Request<Bytes>,
        answer: ClassifiedResponse,
        elapsed: Duration,
    ) -> Result<FetchedPage, UpstreamError> {
        self.map(self.arrived(position, request, answer, elapsed)?)
    }

    /// Maps the records of a page.
    fn map(&self, arrived: ArrivedPage) -> Result<FetchedPage, UpstreamError> {
        let records = self.records_of(&arrived.answer)?;
        let nodes: Vec<_> = records.nodes().collect();
        let mapped = self.mapping().map(records)?;
        // Parents that are told apart tell more than their records: a record may come twice.
        let fingerprint = arrived
            .parents
            .and_then(|parents| parents.fingerprint)
            .unwrap_or_else(|| fingerprint(&nodes, &mapped));
        let skipped = if mapped.skipped.is_empty() {
            Vec::new()
        } else {
            skipped(
                &self.mapping().values(&arrived.answer.page),
                &mapped.skipped,
            )
        };
        let announcement = self.paging().announces(arrived.context())?;
        let linked = self.paging().linked(arrived.context());
        let ArrivedPage {
            position,
            request,
            elapsed,
            url,
            listed,
            last_record_key,
            last_record_flag,
            parents,
            answer,
        } = arrived;
        Ok(FetchedPage {
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
            listed,
            mapped,
            hold: answer.hold,
        })
    }
}

/// What makes two pages the same: their groups' ids, in order. A page with records that are no
/// groups is identified by its whole content, or any two pages of such records would be the same.
fn fingerprint(records: &[Node<'_>], mapped: &MappedPage) -> u64 {
    let mut hasher = DefaultHasher::new();
    for row in mapped.groups.rows() {
        row.id_hash().hash(&mut hasher);
    }
    if !mapped.skipped.is_empty() {
        let mut content = String::new();
        for record in records {
            record.write(&mut content);
        }
        content.hash(&mut hasher);
    }
    hasher.finish()
}

/// By which the records that are no groups are recognized.
fn skipped(records: &[Option<Node<'_>>], skipped: &[(usize, Skip)]) -> Vec<u64> {
    let hash = |(index, _): &(usize, Skip)| {
        let mut content = String::new();
        if let Some(record) = records.get(*index)? {
            record.write(&mut content);
        }
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        Some(hasher.finish())
    };
    skipped.iter().filter_map(hash).collect()
}
