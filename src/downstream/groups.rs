//! `GET /groups`, as far as it is not answered from the cache.

mod one;
pub(crate) use one::{ONE, one};

mod page;

use std::sync::Arc;

use http::header::LINK;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::caller::Caller;
use crate::gateway::listing::SourceReport;
use crate::gateway::{Ask, Listing, ParseContext, Query};
use crate::observe::AnswerTraits;

use super::answers::{self, AnswerKey, AskedAnswer, AskedAnswerRef, Made};
use super::audited_answer::AuditedAnswer;
use super::caching::{self, Basis, Countdown, EntityTag};
use super::deadline::CallerDeadline;
use super::exchange::RequestContext;
use super::generation::Generation;
use super::layers::{KeepsAnswers as _, Patience as _};
use super::negotiate::AnswerFormat;
use super::prefer::{PREFERENCE_APPLIED, STRICT};
use super::problem::ProblemDetails;
use super::response::{Response, empty};
use super::server_timing::ServerTiming;
use super::services::{CatalogService, GroupService};

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
    let AskedAnswer { key, mode } = if let Some(asked) = exchange.asked.get() {
        AskedAnswer::clone(asked)
    } else {
        let scopes = state.scopes_of(caller);
        let held = &exchange.client.looked_up.wishes;
        AskedAnswerRef::read(caller, scopes, &exchange.uri, headers, held)?.to_asked()
    };
    // Before the catalog is asked: what changes in between makes the answer an old one.
    let epoch = state.epoch(&key.visible, &key.scopes);
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
            attributes: &self.gateway.attributes(),
            streamed: key.format.is_streamed(),
            caller,
            keys: &self.keys,
        };
        Ok(Query::parse(key.query(), context)?)
    }
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
