//! `GET /openapi.json` and `GET /docs`: the description of the data listener, generated from the
//! code that serves it, so that it cannot fall behind.

mod document;
pub use document::document;

mod credentials;
pub(crate) use credentials::DescribedCredentials;

mod parameters;

mod responses;

mod schemas;

mod page;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG};
use http::{HeaderValue, StatusCode};
use moka::sync::Cache;

use crate::caller::VisibleSources;
use crate::gateway::FilterableAttributes;

use super::caching::EntityTag;
use super::exchange::RequestContext;
use super::fallback;
use super::negotiate::AnswerFormat;
use super::problem::ProblemDetails;
use super::response::{Response, empty, full};

/// The media type of the page.
const HTML: &str = "text/html";

/// How long a caller may keep the description: it changes with releases and with the sources.
const AN_HOUR: &str = "max-age=3600";

/// The same where not every caller sees the same sources.
const AN_HOUR_OF_ONE: &str = "private, max-age=3600";

/// The page brings its own style, and nothing else may run or load.
const NOTHING_FROM_ELSEWHERE: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                                      frame-ancestors 'none'";

/// How many descriptions are kept: those of callers who see the same are one.
const KEPT: u64 = 64;

/// The description, for machines and for people: of the sources that a caller sees and of what it can use of them.
#[derive(Debug)]
pub(crate) struct Description(Cache<DescriptionKey, Arc<DescribedSources>>);

/// What a description depends on. The process keeps it across changes of settings.
type DescriptionKey = (
    Vec<Arc<str>>,
    FilterableAttributes,
    VisibleSources,
    DescribedCredentials,
);

impl Default for Description {
    fn default() -> Self {
        Self(Cache::new(KEPT))
    }
}

#[derive(Debug)]
struct DescribedSources {
    document: TextSchema,
    page: TextSchema,
}

impl DescribedSources {
    fn new((sources, attributes, visible, credentials): &DescriptionKey) -> Self {
        let names: Vec<_> = sources.iter().map(|name| &**name).collect();
        let mut document = document(&names, attributes, visible);
        credentials.describe_in(&mut document);
        Self {
            page: TextSchema::new("text/html; charset=utf-8", page::render(&document)),
            document: TextSchema::new(AnswerFormat::Json.content_type(), document.to_string()),
        }
    }
}

impl Description {
    /// Answers `GET /openapi.json`, where there are these `sources`, for callers with such credentials.
    pub(crate) fn document<S>(
        &self,
        (sources, attributes): (Vec<Arc<str>>, FilterableAttributes),
        credentials: DescribedCredentials,
        exchange: &RequestContext<S>,
    ) -> Result<Response, ProblemDetails> {
        let described = self.of_visible((sources, attributes), credentials, exchange);
        described.document.answer(exchange)
    }

    /// Answers `GET /docs`, where there are these `sources`, for callers with such credentials.
    pub(crate) fn page<S>(
        &self,
        (sources, attributes): (Vec<Arc<str>>, FilterableAttributes),
        credentials: DescribedCredentials,
        exchange: &RequestContext<S>,
    ) -> Result<Response, ProblemDetails> {
        let described = self.of_visible((sources, attributes), credentials, exchange);
        described.page.answer(exchange)
    }

    fn of_visible<S>(
        &self,
        (mut sources, attributes): (Vec<Arc<str>>, FilterableAttributes),
        credentials: DescribedCredentials,
        exchange: &RequestContext<S>,
    ) -> Arc<DescribedSources> {
        let caller = exchange.caller();
        sources.retain(|name| caller.visible.allows(name));
        let attributes = attributes.usable(&caller.visible);
        let key = (sources, attributes, caller.visible.clone(), credentials);
        if let Some(described) = self.0.get(&key) {
            return described;
        }
        let described = Arc::new(DescribedSources::new(&key));
        self.0.insert(key, Arc::clone(&described));
        described
    }
}

#[derive(Debug)]
struct TextSchema {
    content_type: &'static str,
    tag: EntityTag,
    bytes: Bytes,
}

impl TextSchema {
    fn new(content_type: &'static str, text: String) -> Self {
        Self {
            content_type,
            tag: EntityTag::of_text(&text),
            bytes: text.into(),
        }
    }

    fn answer<S>(&self, exchange: &RequestContext<S>) -> Result<Response, ProblemDetails> {
        fallback::no_parameters(&exchange.uri)?;
        let mut response = if self.tag.is_known(&exchange.headers) {
            empty(StatusCode::NOT_MODIFIED)
        } else {
            full(self.content_type, self.bytes.clone())
        };
        let kept = if exchange.caller().is_anyone() {
            AN_HOUR
        } else {
            AN_HOUR_OF_ONE
        };
        response.headers_mut().extend([
            (CACHE_CONTROL, HeaderValue::from_static(kept)),
            (
                CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(NOTHING_FROM_ELSEWHERE),
            ),
        ]);
        (response.headers_mut()).extend(self.tag.value().map(|tag| (ETAG, tag.clone())));
        Ok(response)
    }
}
