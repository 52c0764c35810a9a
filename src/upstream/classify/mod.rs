//! Classifies responses: a page, the end of the list, or an error with a kind.
//!
//! ```text
//! status, headers, body ▸ rules of the adapter ▸ status ▸ `success` ▸ response | error
//! ```
//!
//! The first that applies decides. A status alone does not suffice: some upstreams report errors
//! with 200, others end their lists with 404. Classification is a plain function; it runs below the
//! retries, so that an error in a body is retried like any other.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use tokio::time::Instant;

use super::off_thread::{Urgency, run};
use crate::clock::WallClock;
use crate::error::UpstreamError;
use crate::page::format::{Bounds, FormatError, Page, PageWeight, charset, without_prefix};
use crate::page_memory::{BodyHold, OwnWaits, PageHold, PageMemory, UNCOUNTED};
use crate::plan::{BodyFormat, ClassifyRules, RelatedList};

pub mod delay;
mod message;
pub(super) mod rate_limit_headers;
mod rules;
mod status;
mod success;

pub mod response;
pub use response::ClassifiedResponse;

mod context;
use context::{Classified, ResponseContext};

/// Classifies the responses to one kind of request.
#[derive(Debug, Clone)]
pub struct Classifier {
    rules: Arc<ClassifyRules>,
    /// The limits of all bodies.
    bounds: Bounds,
    /// For delays that are written as points in time.
    wall: WallClock,
    expected: ExpectedAnswer,
}

/// What a response should have, which an empty body has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ExpectedAnswer {
    /// A value: a login, or a total.
    #[default]
    Value,
    /// A page of the list of groups, or what a list that belongs to it brings.
    Page(Option<RelatedList>),
}

impl Classifier {
    pub(super) fn new(rules: ClassifyRules, bounds: Bounds, wall: WallClock) -> Self {
        Self {
            rules: Arc::new(rules),
            bounds,
            wall,
            expected: ExpectedAnswer::default(),
        }
    }

    /// The same for responses that should have this.
    pub(super) fn expecting(self, expected: ExpectedAnswer) -> Self {
        Self { expected, ..self }
    }

    /// The current time.
    pub(super) fn now(&self) -> Timestamp {
        self.wall.now()
    }

    /// Classifies a response whose body has been read. A large one is decoded when `memory` has room
    /// for it.
    pub(super) async fn classify_response(
        &self,
        response: Response<Bytes>,
        memory: &PageMemory,
        deadline: Option<Instant>,
        waits: &OwnWaits,
        urgency: Urgency,
    ) -> Result<ClassifiedResponse, UpstreamError> {
        let (mut parts, body) = response.into_parts();
        // The room that the body takes while it is there.
        let received = parts.extensions.remove::<Arc<BodyHold>>();
        let bytes = body.len() as u64;
        // All of it has come: from here on, it waits for us.
        let _waiting = waits.begin();
        let mut classifier = self.clone();
        let mut hold = PageHold::default();
        if memory.is_bounded() && bytes > UNCOUNTED {
            let text = body.clone();
            let format = self.rules.format;
            let weigh = move || Ok(PageWeight::in_format(&text, format));
            let weight = run(bytes, urgency, memory, weigh).await?;
            hold = memory.decode(weight.bytes(), deadline).await?;
            classifier.bounds = classifier.bounds.within(weight);
        }
        run(bytes, urgency, memory, move || {
            let answer = classifier.classify(parts.status, parts.headers, &body);
            drop((body, received));
            answer.map(|answer| ClassifiedResponse { hold, ..answer })
        })
        .await
    }

    /// Classifies a response.
    pub fn classify(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
    ) -> Result<ClassifiedResponse, UpstreamError> {
        let rules = &*self.rules;
        let bytes = body.len() as u64;
        let body = match &rules.strip_prefix {
            Some(prefix) => without_prefix(body, prefix),
            None => body,
        };
        let charset = charset(&headers);
        let read = rules.format.read(body, charset, self.bounds);
        let read = read.and_then(|page| page.with_embedded(&rules.embedded, self.bounds));
        let read = read.map_err(|error| self.advised(error, status, &headers));
        let guessed;
        let page = match (&read, rules.format) {
            (Ok(page), BodyFormat::Decoded(_)) => page,
            (Ok(_), BodyFormat::Text) | (Err(_), _) => {
                guessed = rules.format.guess(body, charset, self.bounds);
                &guessed
            }
        };
        let context = ResponseContext {
            status,
            headers: &headers,
            page,
            decode_error: read.as_ref().err(),
            now: self.wall.now(),
        };
        let is_past_end = match decide(rules, &context)? {
            Classified::Page => false,
            Classified::End => true,
        };
        // Past the end there may be anything, and a total among it.
        let page = match read {
            Err(_) if is_past_end => Page::nothing(),
            read => read?,
        };
        Ok(ClassifiedResponse {
            status,
            uri: None,
            headers,
            page,
            bytes,
            is_past_end,
            is_unchanged: false,
            hold: PageHold::default(),
        })
    }

    /// The error, with what says that an empty body is an empty list, where it may be one.
    fn advised(&self, error: FormatError, status: StatusCode, headers: &HeaderMap) -> FormatError {
        let FormatError::Empty { expected, .. } = error else {
            return error;
        };
        let advice = |advice| FormatError::Empty { expected, advice };
        let list = match self.expected {
            ExpectedAnswer::Value => return advice(String::new()),
            ExpectedAnswer::Page(Some(RelatedList::Details)) => {
                return advice("; `details` are the record of a group".to_owned());
            }
            ExpectedAnswer::Page(Some(list)) => format!("an empty list of {list}"),
            ExpectedAnswer::Page(None) => "an empty list".to_owned(),
        };
        let length = headers.get(CONTENT_LENGTH);
        let rule = if status != StatusCode::OK {
            Some(format!("status = {}", status.as_u16()))
        } else if length.is_some_and(|length| length == "0") {
            Some("header = { name = \"content-length\", equals = \"0\" }".to_owned())
        } else {
            None
        };
        let rule = rule.filter(|_| status.is_success());
        advice(rule.map_or_else(String::new, |rule| {
            format!("; if it means {list}, say so: `answers = [{{ {rule}, means = \"end\" }}]`")
        }))
    }
}

impl ClassifiedResponse {
    /// The response to a request for a page only if it has changed, which says that it has not.
    pub(super) fn unchanged(headers: HeaderMap) -> Self {
        Self {
            status: StatusCode::NOT_MODIFIED,
            uri: None,
            headers,
            page: Page::nothing(),
            bytes: 0,
            is_past_end: false,
            is_unchanged: true,
            hold: PageHold::default(),
        }
    }
}

fn decide(
    rules: &ClassifyRules,
    context: &ResponseContext<'_>,
) -> Result<Classified, UpstreamError> {
    if let Some(rule) = rules.rules.iter().find(|rule| rules::holds(rule, context)) {
        return rules::apply(rule, context, rules);
    }
    if !context.status.is_success() {
        return Err(status::failure(context, rules));
    }
    if let Some(success) = &rules.success {
        success::check(success, context, rules)?;
    }
    Ok(Classified::Page)
}

#[cfg(test)]
mod tests;
