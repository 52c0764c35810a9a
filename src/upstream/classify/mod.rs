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
use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;

use super::off_thread::off_thread_if_large;
use crate::error::UpstreamError;
use crate::page::format::{Page, without_prefix};

pub mod delay;
mod message;
mod rules;
mod status;
mod success;

pub mod answer;
pub use answer::Answer;

pub(super) mod law;
use law::{Case, Verdict};
pub(super) use law::{Law, Reading, paths};

/// How the answers to one kind of request are judged.
#[derive(Debug, Clone)]
pub struct Judge(Arc<Law>);

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
        let is_past_end = match decide(law, &case)? {
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

fn decide(law: &Law, case: &Case<'_>) -> Result<Verdict, UpstreamError> {
    if let Some(rule) = law.rules.iter().find(|rule| rules::holds(rule, case)) {
        return rules::apply(rule, case, law);
    }
    if !case.status.is_success() {
        return Err(status::failure(case, law));
    }
    if let Some(success) = &law.success {
        success::check(success, case, law)?;
    }
    Ok(Verdict::Page)
}

#[cfg(test)]
mod tests;
