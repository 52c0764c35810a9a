//! `GET /groups` and `GET /groups/{id}`, as far as they are not answered from the cache.

use std::borrow::Cow;
use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::gateway::listing::SourceReport;
use crate::gateway::{Ask, Listing, ParseContext, Query};
use crate::observe::AnswerTraits;

use super::answers::{self, Answer, AnswerKey, AskedAnswer, Made};
use super::audited_answer::AuditedAnswer;
use super::bodies::{BodyMemory, ReservedBody};
use super::caching::{self, Basis, Countdown, EntityTag};
use super::coding::{self, Coding};
use super::deadline::CallerDeadline;
use super::envelope::Envelope;
use super::exchange::RequestContext;
use super::fallback;
use super::generation::Generation;
use super::layers::{KeepsAnswers as _, Patience as _};
use super::negotiate::{AnswerFormat, negotiate};
use super::prefer::{PREFERENCE_APPLIED, STRICT};
use super::problem::{Kind, ProblemDetails};
use super::render::{self, Frame};
use super::response::{Response, empty, full};
use super::server_timing::ServerTiming;
use super::services::{CatalogService, GroupService};
use super::stream;

/// What stands before the id of one group.
pub(crate) const ONE: &str = "/groups/";

/// The formats of a single group: it has no rows to stream.
const SINGLE: &[AnswerFormat] = &[AnswerFormat::Json, AnswerFormat::Xml];

/// The size of a group's JSON from which it is converted off the I/O threads.
const LARGE_GROUP: usize = 64 * 1024;

/// A page before it has a body.
struct AnswerDraft {
    query: Query,
    listing: Listing,
    tag: EntityTag,
    /// Every header but those of the body.
    headers: HeaderMap,
    made: Made,
}

/// Answers `GET /groups`.
pub(crate) async fn list<G: GroupService + CatalogService>(
    exchange: &RequestContext<Generation<G>>,
) -> Result<Response, ProblemDetails> {
    let (state, headers) = (&exchange.state, &exchange.headers);
    let caller = exchange.caller();
    let AskedAnswer { key, mode } = match exchange.asked.get() {
        Some(asked) => asked.clone(),
        None => AskedAnswer::read(caller, state.scopes_of(caller), &exchange.uri, headers)?,
    };
    // Before the catalog is asked: what changes in between makes the answer an old one.
    let epoch = state.epoch(&key);
    let deadline = CallerDeadline::new(exchange.begun, state.deadline());
    let query = state.parse(&key, caller)?;
    let ask = Ask {
        query: query.clone(),
        caller: caller.clone(),
        mode,
        strict: key.is_strict,
        wait_until: deadline.wait_until,
        deadline: deadline.answer,
    };
    let listing = state.gateway.list(ask).await?;
    let spent = listing.spent;
    let stages = [("wait", spent.wait), ("view", spent.view)];
    let timing = ServerTiming::after(state.plan.server.server_timing, stages);
    let audited = state
        .audit
        .as_ref()
        .map(|_| Arc::new(AuditedAnswer::page(&state.keys, caller, &query, &listing)));
    let mut draft = AnswerDraft::new(&key, caller, query, listing, epoch, exchange.begun);
    draft.made.audited.clone_from(&audited);
    let traits = traits(key.format, &draft.listing.sources);
    if !key.format.is_streamed() && answers::is_steady(&draft.listing) {
        return state
            .kept(&key, draft, timing, headers, deadline.answer)
            .await;
    }
    if draft.tag.is_known(headers) {
        let mut response = empty(StatusCode::NOT_MODIFIED);
        response.body_mut().traits = traits;
        response.body_mut().audited = audited;
        timing.announce(response.headers_mut());
        response.headers_mut().extend(draft.headers);
        return Ok(response);
    }
    let mut response = state.once(&key, draft, timing, deadline.answer).await?;
    response.body_mut().traits = traits;
    response.body_mut().audited = audited;
    Ok(response)
}

impl AnswerDraft {
    fn new(
        key: &AnswerKey,
        caller: &Caller,
        query: Query,
        listing: Listing,
        epoch: u64,
        held_at: Instant,
    ) -> Self {
        let tag = EntityTag::of_page(&query, &caller.visible, key.format, &listing);
        let countdown = Countdown::new(Basis::from(&listing), caller, held_at);
        let mut headers = HeaderMap::with_capacity(16);
        caching::describe(&mut headers, &tag);
        countdown.tell(&mut headers, held_at);
        if let Some(link) = link(&query, &listing) {
            headers.insert(LINK, link);
        }
        if key.is_strict {
            headers.insert(PREFERENCE_APPLIED, STRICT);
        }
        let made = Made {
            epoch,
            held_at,
            lasts: answers::lasts(&listing),
            countdown,
            audited: None,
        };
        Self {
            query,
            listing,
            tag,
            headers,
            made,
        }
    }
}

impl<G> Generation<G> {
    fn parse(&self, key: &AnswerKey, caller: &Caller) -> Result<Query, ProblemDetails>
    where
        G: CatalogService,
    {
        let sources = self.gateway.names();
        let context = ParseContext {
            sources: &sources,
            streamed: key.format.is_streamed(),
            caller,
            keys: &self.keys,
        };
        Ok(Query::parse(key.query(), context)?)
    }

    /// Answers with a page that others may ask for, too. Of those who ask for it at once, one makes
    /// it.
    async fn kept(
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
        let reserved = self.reserve(page_bytes(&listing))?;
        let (body, coding) = self.page(key, query, listing, until).await?;
        let body = reserved.fill(body);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(key.format.content_type()),
        );
        if let Some(name) = coding.name() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        timing.announce_ready(&mut headers);
        let answer = Arc::new(Answer::new(made, tag, key.format, headers, body));
        self.answers().put(key, Arc::clone(&answer));
        let mut response = answer.respond(request);
        response.body_mut().traits.cache = Some("hit");
        timing.end_stage("render");
        timing.announce(response.headers_mut());
        Ok(response)
    }

    /// Answers with a page or a stream that only this request gets.
    async fn once(
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
            let reserved = self.reserve(page_bytes(&listing))?;
            let (body, coding) = self.page(key, query, listing, until).await?;
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
    fn reserve(&self, bytes: u64) -> Result<ReservedBody, ProblemDetails> {
        let bodies = &self.process.bodies;
        let reserved = bodies.reserve(bytes).or_else(|| {
            // What the cache lets go of is still there until it gets round to it.
            self.answers.settle();
            bodies.reserve(bytes)
        });
        reserved.ok_or_else(BodyMemory::exhausted)
    }

    /// A page in one piece, and the coding that it is in. Where that takes more than copying, it is
    /// made off the I/O threads.
    async fn page(
        &self,
        key: &AnswerKey,
        query: Query,
        listing: Listing,
        until: Instant,
    ) -> Result<(Bytes, Coding), ProblemDetails> {
        let (format, accepted) = (key.format, key.coding);
        let is_copied = accepted.best == Coding::Identity
            && render::is_copied(format, query.fields.as_deref(), listing.hides());
        let page = move || render::page(format, query.fields.as_deref(), &listing);
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

/// Answers `GET /groups/{id}`.
pub(crate) async fn one<G: GroupService>(
    exchange: &RequestContext<Generation<G>>,
) -> Result<Response, ProblemDetails> {
    fallback::no_parameters(&exchange.uri)?;
    let (state, headers) = (&exchange.state, &exchange.headers);
    let format = negotiate(headers, SINGLE)?;
    let id = id_of(exchange.uri.path())?;
    let caller = exchange.caller();
    let mode = caching::mode(headers);
    let deadline = CallerDeadline::new(exchange.begun, state.deadline());

    let mut timing = ServerTiming::after(state.plan.server.server_timing, []);
    let found = state
        .gateway
        .group(&id, caller, mode, deadline.wait_until)
        .await?;
    timing.end_stage("wait");
    let found = found.ok_or_else(no_such_group)?;
    let tag = EntityTag::of_group(format, &found);
    let mut response = if tag.is_known(headers) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        let bytes = found.row().bytes();
        let reserved = state.reserve(bytes as u64)?;
        let is_copied = render::is_copied(format, None, !found.hidden.is_none());
        let is_quick = bytes < LARGE_GROUP || is_copied;
        let found = found.clone();
        let render = move || render::single(format, found.row()).map_err(ProblemDetails::defect);
        let body = if is_quick {
            render()?
        } else {
            state.process.pool.run(render, deadline.answer).await??
        };
        full(format.content_type(), reserved.fill(body))
    };
    response.body_mut().traits = traits(format, slice::from_ref(&found.source));
    let audited = state.audit.as_ref();
    response.body_mut().audited = audited.map(|_| Arc::new(AuditedAnswer::group(&found)));
    let now = Instant::now();
    caching::describe(response.headers_mut(), &tag);
    Countdown::new(Basis::from(&found), caller, now).tell(response.headers_mut(), now);
    timing.announce(response.headers_mut());
    Ok(response)
}

/// What observers are told of an answer in this format that comes from these sources.
fn traits(format: AnswerFormat, sources: &[SourceReport]) -> AnswerTraits {
    let mut outcomes = sources.iter().map(|source| source.held.outcome);
    let has_waited = outcomes.any(|outcome| outcome.forwarded.is_some());
    AnswerTraits {
        format: Some(format.name()),
        cache: Some(if has_waited { "miss" } else { "hit" }),
        problem: None,
    }
}

/// About how many bytes a page has.
fn page_bytes(listing: &Listing) -> u64 {
    listing.rows().map(|row| row.bytes() as u64).sum()
}

/// The id in a path, decoded once: an id that holds a percent sign comes encoded twice. What is no
/// text names no group.
fn id_of(path: &str) -> Result<Cow<'_, str>, ProblemDetails> {
    let id = path.strip_prefix(ONE).unwrap_or_default();
    percent_decode_str(id)
        .decode_utf8()
        .map_err(|_| no_such_group())
}

/// The neighbours of a page (RFC 8288), relative so that path prefixes survive. Both repeat what is
/// asked for in its canonical spelling, as far as the cursor does not say it.
fn link(query: &Query, listing: &Listing) -> Option<HeaderValue> {
    let first = format!("<?{}>; rel=\"first\"", query.first_page());
    let links = match &listing.next_query {
        Some(next) => format!("<?{next}>; rel=\"next\", {first}"),
        None => first,
    };
    HeaderValue::try_from(links).ok()
}

/// What is said of a group that is not there, and of one whose source is not: word for word the
/// same, so that nobody learns which sources there are.
fn no_such_group() -> ProblemDetails {
    ProblemDetails::new(Kind::NotFound, "no group with this id")
}
