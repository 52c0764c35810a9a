//! `GET /groups` and `GET /groups/{id}`.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::LINK;
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::caller::Caller;
use crate::catalog::CacheMode;
use crate::gateway::cursor::Keys;
use crate::gateway::listing::Found;
use crate::gateway::{Ask, Gateway, GatewayError, Listing, ParseContext, Query};

use super::body;
use super::caching::{self, Basis, EntityTag};
use super::caller::Client;
use super::deadline::Deadline;
use super::negotiate::{Format, negotiate};
use super::pages::Pages;
use super::prefer::{self, PREFERENCE_APPLIED, STRICT};
use super::problem::{Kind, Problem};
use super::refusal;
use super::timing::Timing;

/// The formats of a single group: it has no rows to stream.
const SINGLE: &[Format] = &[Format::Json, Format::Xml];

/// What answers: the gateway, or a test's stand-in.
pub(crate) trait Lists: Clone + Send + Sync + 'static {
    /// One page of groups.
    fn list(&self, ask: Ask) -> impl Future<Output = Result<Listing, GatewayError>> + Send;

    /// One group, waiting for its source until then. `None`: there is none with this id.
    fn group(
        &self,
        id: &str,
        caller: &Caller,
        mode: CacheMode,
        wait_until: Instant,
    ) -> impl Future<Output = Result<Option<Found>, GatewayError>> + Send;
}

impl Lists for Gateway {
    async fn list(&self, ask: Ask) -> Result<Listing, GatewayError> {
        self.clone().oneshot(ask).await
    }

    async fn group(
        &self,
        id: &str,
        caller: &Caller,
        mode: CacheMode,
        wait_until: Instant,
    ) -> Result<Option<Found>, GatewayError> {
        Self::group(self, id, caller, mode, wait_until).await
    }
}

/// What both endpoints need.
#[derive(Debug, Clone)]
pub(crate) struct Groups<L> {
    /// What answers.
    pub(crate) lists: L,
    /// The name of every source, in order.
    pub(crate) sources: Arc<[Arc<str>]>,
    /// What cursors are verified with.
    pub(crate) keys: Keys,
    /// Pages rendered before.
    pub(crate) pages: Pages,
}

/// The endpoints.
pub(crate) fn routes<L: Lists>(groups: Groups<L>) -> Router {
    Router::new()
        .route("/groups", get(list::<L>))
        // A wildcard, for an id may hold slashes.
        .route(
            "/groups/{*id}",
            get(one::<L>).layer(from_fn(refusal::parameters)),
        )
        .with_state(groups)
}

async fn list<L: Lists>(
    State(groups): State<Groups<L>>,
    Extension(Client { caller, .. }): Extension<Client>,
    Extension(deadline): Extension<Deadline>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let format = negotiate(headers, Format::ALL)?;
    let query = groups.parse(request.uri().query().unwrap_or_default(), format, &caller)?;
    let strict = prefer::is_strict(headers);
    let ask = Ask {
        query: query.clone(),
        caller: caller.clone(),
        mode: caching::mode(headers),
        strict,
        wait_until: deadline.wait_until,
        deadline: deadline.answer,
    };

    let listing = groups.lists.list(ask).await?;
    let spent = listing.spent;
    let mut timing = Timing::after(vec![("wait", spent.wait), ("view", spent.view)]);
    let tag = EntityTag::of_page(&query, &caller.visible, format, &listing);
    let mut described = HeaderMap::new();
    caching::describe(&mut described, &tag, Basis::from(&listing), &caller);
    if let Some(link) = link(&query, &listing) {
        described.insert(LINK, link);
    }
    if strict {
        described.insert(PREFERENCE_APPLIED, STRICT);
    }
    let mut response = if tag.is_known(headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        body::of(&groups.pages, &query, format, listing).await?
    };
    timing.lap("render");
    timing.announce(&mut described);
    response.headers_mut().extend(described);
    Ok(response)
}

async fn one<L: Lists>(
    State(groups): State<Groups<L>>,
    Extension(Client { caller, .. }): Extension<Client>,
    Extension(deadline): Extension<Deadline>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let format = negotiate(headers, SINGLE)?;
    let id = id_of(request.uri().path())?;
    let mode = caching::mode(headers);

    let mut timing = Timing::begin();
    let found = groups
        .lists
        .group(&id, &caller, mode, deadline.wait_until)
        .await?;
    timing.lap("wait");
    let found = found.ok_or_else(no_such_group)?;
    let tag = EntityTag::of_group(format, &found);
    let mut response = if tag.is_known(headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        body::of_one(format, found.row())?
    };
    caching::describe(response.headers_mut(), &tag, Basis::from(&found), &caller);
    timing.announce(response.headers_mut());
    Ok(response)
}

/// The id in a path, decoded once: an id that holds a percent sign comes encoded twice. What is no
/// text names no group.
fn id_of(path: &str) -> Result<Cow<'_, str>, Problem> {
    let id = path.strip_prefix("/groups/").unwrap_or_default();
    percent_decode_str(id)
        .decode_utf8()
        .map_err(|_| no_such_group())
}

impl<L> Groups<L> {
    fn parse(&self, raw: &str, format: Format, caller: &Caller) -> Result<Query, Problem> {
        let context = ParseContext {
            sources: &self.sources,
            streamed: format.is_streamed(),
            caller,
            keys: &self.keys,
        };
        Ok(Query::parse(raw, context)?)
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

/// What is said of a group that is not there, and of one whose source is not: word for word the
/// same, so that nobody learns which sources there are.
fn no_such_group() -> Problem {
    Problem::new(Kind::NotFound, "there is no group with this id")
}
