//! An adapter: one upstream's block, compiled, and one turn of its walk.
//!
//! Compiling reads the secrets and checks what only the parts together can tell; after it nothing
//! is optional that the walk needs. A turn is the unit that the walk repeats and `probe` shows:
//! position in, page and groups out.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use url::Url;

use crate::clock::WallClock;
use crate::config::upstream::{Limits, TotalCall, Upstream};
use crate::config::{Cache, KeyPath, Path, Problem, Problems, SecretReader};

use super::auth::Auth;
use super::error::{ErrorKind, UpstreamError};
use super::exchange::{Answer, Exchange};
use super::format::Page;
use super::mapping::{Mapped, Mapping, Skip};
use super::pager::{Announcement, Look, Pager, Position};
use super::template::{self, Gaps, Template};
use super::transport::Transport;

/// How one upstream is asked, and how its answers become groups.
#[derive(Debug)]
pub struct Adapter {
    name: Arc<str>,
    digest: AdapterDigest,
    exchange: Exchange,
    template: Template,
    continuation: Option<Template>,
    count: Option<Count>,
    pager: Pager,
    records: Path,
    mapping: Mapping,
    limits: Limits,
    freshness: Freshness,
    required: bool,
}

/// The exchange that tells how many records there are.
#[derive(Debug)]
struct Count {
    template: Template,
    call: TotalCall,
}

/// Which adapter a snapshot was made with: another block makes another key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AdapterDigest([u8; 16]);

/// How long a snapshot serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// How long it is fresh.
    pub ttl: Duration,
    /// How long after `ttl` it is served while a refresh runs.
    pub stale_while_revalidate: Duration,
    /// How long after `ttl` it is served because a refresh failed.
    pub stale_if_error: Duration,
    /// The shortest time between two walks that are asked for, or after a failed one.
    pub min_refresh: Duration,
}

/// One turn of a walk: a page, and the groups on it.
#[derive(Debug)]
pub struct Turn {
    /// Where the page is.
    pub position: Position,
    /// What was sent; header values that carry secrets are marked sensitive.
    pub request: http::Request<Bytes>,
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's header section.
    pub headers: HeaderMap,
    /// The answer's body.
    pub page: Page,
    /// How long the answer took.
    pub taken: Duration,
    url: Url,
    bytes: u64,
    announcement: Announcement,
    mark: Option<String>,
    is_past_end: bool,
    outcomes: Vec<Result<Mapped, Skip>>,
}

impl Turn {
    /// What became of each record, in order.
    pub fn outcomes(&self) -> &[Result<Mapped, Skip>] {
        &self.outcomes
    }

    /// What became of each record, in order.
    pub fn into_outcomes(self) -> Vec<Result<Mapped, Skip>> {
        self.outcomes
    }

    /// How many records the page held.
    pub fn records(&self) -> u64 {
        self.outcomes.len() as u64
    }

    /// How large the body was.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How much the upstream says there is.
    pub const fn announcement(&self) -> Announcement {
        self.announcement
    }

    /// Whether the answer means that the list has ended before it.
    pub const fn is_past_end(&self) -> bool {
        self.is_past_end
    }

    /// What the pager looks at.
    pub fn look(&self) -> Look<'_> {
        Look {
            page: &self.page,
            headers: &self.headers,
            url: &self.url,
            records: self.records(),
            mark: self.mark.as_deref(),
            is_past_end: self.is_past_end,
        }
    }
}

impl Adapter {
    /// Compiles the block `[upstreams.NAME]`.
    pub fn compile(
        name: &str,
        upstream: &Upstream,
        cache: &Cache,
        secrets: &SecretReader<'_>,
        wall: &WallClock,
        problems: &mut Problems,
    ) -> Option<Self> {
        let at = KeyPath::new(["upstreams", name]);
        let mut template = |request, at: KeyPath| {
            let accept = template::accept(upstream.format);
            Template::compile(&upstream.base_url, request, accept, &at, secrets, problems)
        };
        let listing = template(&upstream.request, at.join("request"));
        let continuation = match &upstream.continuation {
            Some(request) => Some(template(request, at.join("continuation"))?),
            None => None,
        };
        let count = match upstream.pagination.total_call() {
            Some(call) => {
                let at = at.join("pagination").join("total").join("request");
                Some(Count {
                    template: template(&call.request, at)?,
                    call: call.clone(),
                })
            }
            None => None,
        };
        let auth = Auth::compile(&upstream.auth, &at.join("auth"), secrets, problems);
        let auth = Arc::new(auth?);
        let transport = Transport::new(&upstream.limits, Arc::clone(&auth), wall.clone())
            .map_err(|error| Problem::new(at.join("base_url"), error.to_string()));
        let transport = problems.keep(transport)?;
        let exchange = Exchange::compile(upstream, &auth, transport, wall, &at, secrets, problems);
        let name: Arc<str> = name.into();
        Some(Self {
            digest: AdapterDigest::of(upstream),
            exchange: exchange?,
            template: listing?,
            continuation,
            count,
            pager: Pager::new(upstream.pagination.clone(), upstream.limits.pages),
            records: upstream.records.clone(),
            mapping: Mapping::new(Arc::clone(&name), upstream.fields.clone(), upstream.extra),
            limits: upstream.limits.clone(),
            freshness: Freshness::of(upstream, cache),
            required: upstream.required,
            name,
        })
    }

    /// The upstream's name.
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Which adapter it is.
    pub const fn digest(&self) -> AdapterDigest {
        self.digest
    }

    /// How its pages follow each other.
    pub const fn pager(&self) -> &Pager {
        &self.pager
    }

    /// What the upstream may be asked for.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How long its snapshots serve.
    pub const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// Whether no answer may be given without it.
    pub const fn required(&self) -> bool {
        self.required
    }

    /// The request for the page at `position`, before it is signed.
    pub fn request(&self, position: &Position) -> Result<http::Request<Bytes>, UpstreamError> {
        let template = match &self.continuation {
            Some(continuation) if *position != self.pager.first() => continuation,
            Some(_) | None => &self.template,
        };
        let gaps = Gaps {
            position,
            limit: self.pager.limit(),
        };
        fill(template, &gaps)
    }

    /// Reads the page at `position`.
    pub async fn turn(
        self: &Arc<Self>,
        position: Position,
        deadline: Instant,
    ) -> Result<Turn, UpstreamError> {
        let request = self.request(&position)?;
        let sent = request.clone();
        let start = Instant::now();
        let answer = self.exchange.send(request, deadline).await?;
        let taken = start.elapsed();
        let adapter = Arc::clone(self);
        let bytes = answer.bytes;
        off_thread_if_large(bytes, move || adapter.read(position, sent, answer, taken)).await
    }

    /// Asks how many records there are, where that is a request of its own.
    pub async fn count(&self, deadline: Instant) -> Result<Option<u64>, UpstreamError> {
        let Some(count) = &self.count else {
            return Ok(None);
        };
        let request = fill(&count.template, &Gaps::NONE)?;
        let url = url(&request)?;
        let answer = self.exchange.send(request, deadline).await?;
        let look = Look {
            page: &answer.page,
            headers: &answer.headers,
            url: &url,
            records: 0,
            mark: None,
            is_past_end: answer.is_past_end,
        };
        Ok(Some(Pager::count(&count.call, look)?))
    }

    /// Reads a recorded answer as if it had just come for the first page.
    pub fn replay(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
    ) -> Result<Turn, UpstreamError> {
        let position = self.pager.first();
        let request = self.request(&position)?;
        let answer = self.exchange.judge(status, headers, body)?;
        self.read(position, request, answer, Duration::ZERO)
    }

    fn read(
        &self,
        position: Position,
        request: http::Request<Bytes>,
        answer: Answer,
        taken: Duration,
    ) -> Result<Turn, UpstreamError> {
        let records = if answer.is_past_end {
            Vec::new()
        } else {
            answer.page.records(&self.records)?
        };
        let mark = records.last().and_then(|record| self.pager.mark(*record));
        let outcomes: Vec<_> = records
            .into_iter()
            .map(|record| self.mapping.map(record))
            .collect();
        let url = url(&request)?;
        let look = Look {
            page: &answer.page,
            headers: &answer.headers,
            url: &url,
            records: outcomes.len() as u64,
            mark: mark.as_deref(),
            is_past_end: answer.is_past_end,
        };
        let announcement = self.pager.announces(look)?;
        Ok(Turn {
            position,
            request,
            status: answer.status,
            headers: answer.headers,
            page: answer.page,
            taken,
            url,
            bytes: answer.bytes,
            announcement,
            mark,
            is_past_end: answer.is_past_end,
            outcomes,
        })
    }
}

fn fill(template: &Template, gaps: &Gaps<'_>) -> Result<http::Request<Bytes>, UpstreamError> {
    template
        .fill(gaps)
        .map_err(|error| UpstreamError::new(ErrorKind::Pagination, error.to_string()))
}

fn url(request: &http::Request<Bytes>) -> Result<Url, UpstreamError> {
    let url = request.uri().to_string().parse();
    url.map_err(|_| UpstreamError::new(ErrorKind::Pagination, "the request's URL is odd"))
}

/// Bodies above this are decoded and mapped off the I/O threads: below it, the hand-over costs
/// more than the work.
pub(super) const LARGE_BODY: u64 = 256 * 1024;

/// Runs `work` on a blocking thread when it is about that many bytes or more.
pub(super) async fn off_thread_if_large<T, F>(bytes: u64, work: F) -> Result<T, UpstreamError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, UpstreamError> + Send + 'static,
{
    if bytes < LARGE_BODY {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(UpstreamError::new(
            ErrorKind::Decode,
            "reading the page was cut short",
        ))
    })
}

impl AdapterDigest {
    fn of(upstream: &Upstream) -> Self {
        // The block as it is held: secrets are in it by name only.
        let digest = Sha256::digest(format!("{upstream:?}"));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(bytes)
    }
}

impl fmt::Display for AdapterDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Freshness {
    fn of(upstream: &Upstream, cache: &Cache) -> Self {
        Self {
            ttl: upstream.ttl.unwrap_or(cache.ttl).get(),
            stale_while_revalidate: upstream
                .stale_while_revalidate
                .unwrap_or(cache.stale_while_revalidate)
                .get(),
            stale_if_error: upstream
                .stale_if_error
                .unwrap_or(cache.stale_if_error)
                .get(),
            min_refresh: upstream.min_refresh.unwrap_or(cache.min_refresh).get(),
        }
    }
}
