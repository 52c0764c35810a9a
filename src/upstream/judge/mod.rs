//! What an answer means: a page, the end of the list, or an error of some kind.
//!
//! ```text
//! status, headers, body ▸ the adapter's rules ▸ status ▸ `success` ▸ Answer | UpstreamError
//! ```
//!
//! The first that has an opinion decides. A status alone does not tell: some upstreams report
//! errors under 200, others end their lists with 404. Judging is a plain function; it happens
//! below the retries, so that an error in a body is retried like any other.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, Uri};
use jiff::Timestamp;

use crate::clock::WallClock;
use crate::config::Path;
use crate::config::upstream::{Format, LoginFormat, Rule, Success};

use super::UpstreamError;
use super::adapter::off_thread_if_large;
use super::format::{Bounds, FormatError, Page, without_prefix};

pub mod delay;
mod message;
mod rules;
mod status;
mod success;

/// An answer that is no failure.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// The URI that it came from, where that is another one than was asked.
    pub uri: Option<Uri>,
    /// Its header section.
    pub headers: HeaderMap,
    /// Its decoded body; nothing where the list ends before it.
    pub page: Page,
    /// How large the body was.
    pub bytes: u64,
    /// Whether it means that the list has ended before it.
    pub is_past_end: bool,
}

/// How the answers to one kind of request are judged.
#[derive(Debug, Clone)]
pub struct Judge(Arc<Law>);

/// What a [`Judge`] goes by.
#[derive(Debug)]
pub(super) struct Law {
    /// How a body that is no failure is read.
    pub(super) reading: Reading,
    /// How much may be in any body.
    pub(super) bounds: Bounds,
    /// What may stand before JSON, and is no part of it.
    pub(super) prefix: Option<String>,
    /// The adapter's own rules, in order.
    pub(super) rules: Vec<Rule>,
    /// Where a body says that it is a success.
    pub(super) success: Option<Success>,
    /// Where failures say why.
    pub(super) message: Vec<Path>,
    /// Delays may be written as moments.
    pub(super) wall: WallClock,
}

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Decoded; what is not in this format is an error.
    As(Format),
    /// As one text, whatever is in it.
    Text,
}

impl From<LoginFormat> for Reading {
    fn from(format: LoginFormat) -> Self {
        match format {
            LoginFormat::Json => Self::As(Format::Json),
            LoginFormat::Xml => Self::As(Format::Xml),
            LoginFormat::Text => Self::Text,
        }
    }
}

impl Reading {
    fn read(self, body: &[u8], bounds: Bounds) -> Result<Page, FormatError> {
        match self {
            Self::As(format) => Page::decode_within(format, body, bounds),
            Self::Text => Ok(Page::text(String::from_utf8_lossy(body))),
        }
    }

    /// The body in whatever format it is, where it could not be read as it should: failures are
    /// often written in another one than pages. One that is out of bounds is a text like any other.
    fn guess(self, body: &[u8], bounds: Bounds) -> Page {
        let others: &[Format] = match self {
            Self::As(Format::Json) => &[Format::Xml],
            Self::As(Format::Xml) => &[Format::Json],
            Self::Text => &[Format::Json, Format::Xml],
        };
        let mut pages = others
            .iter()
            .filter_map(|format| Page::decode_within(*format, body, bounds).ok());
        let page = pages.next();
        page.unwrap_or_else(|| Page::text(String::from_utf8_lossy(body)))
    }
}

/// An answer before anyone has judged it, its body read as far as possible.
struct Case<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    page: &'a Page,
    /// Why the body could not be read as it should.
    flaw: Option<&'a FormatError>,
    now: Timestamp,
}

impl Judge {
    pub(super) fn new(law: Law) -> Self {
        Self(Arc::new(law))
    }

    /// The present moment, as far as judging goes.
    pub(super) fn now(&self) -> Timestamp {
        self.0.wall.now()
    }

    /// Judges an answer whose body has come.
    pub(super) async fn hear(&self, response: Response<Bytes>) -> Result<Answer, UpstreamError> {
        let (parts, body) = response.into_parts();
        let judge = self.clone();
        off_thread_if_large(body.len() as u64, move || {
            judge.judge(parts.status, parts.headers, &body)
        })
        .await
    }

    /// Judges an answer.
    pub fn judge(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
    ) -> Result<Answer, UpstreamError> {
        let law = &*self.0;
        let bytes = body.len() as u64;
        let body = match &law.prefix {
            Some(prefix) => without_prefix(body, prefix),
            None => body,
        };
        let read = law.reading.read(body, law.bounds);
        let guessed;
        let page = match (&read, law.reading) {
            (Ok(page), Reading::As(_)) => page,
            (Ok(_), Reading::Text) | (Err(_), _) => {
                guessed = law.reading.guess(body, law.bounds);
                &guessed
            }
        };
        let case = Case {
            status,
            headers: &headers,
            page,
            flaw: read.as_ref().err(),
            now: law.wall.now(),
        };
        let is_past_end = match law.decide(&case)? {
            Verdict::Page => false,
            Verdict::End => true,
        };
        let page = if is_past_end { Page::nothing() } else { read? };
        Ok(Answer {
            status,
            uri: None,
            headers,
            page,
            bytes,
            is_past_end,
        })
    }
}

/// What an answer is, if it is no failure.
enum Verdict {
    Page,
    End,
}

impl Law {
    fn decide(&self, case: &Case<'_>) -> Result<Verdict, UpstreamError> {
        if let Some(rule) = self.rules.iter().find(|rule| rules::holds(rule, case)) {
            return rules::apply(rule, case, self);
        }
        if !case.status.is_success() {
            return Err(status::failure(case, self));
        }
        if let Some(success) = &self.success {
            success::check(success, case, self)?;
        }
        Ok(Verdict::Page)
    }
}

#[cfg(test)]
mod tests;
