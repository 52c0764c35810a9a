//! A page as far as a pager looks at it: decoded, its records listed, and none of them mapped.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use url::Url;

use super::adapter::Adapter;
use super::classify::ClassifiedResponse;
use super::pager::{PageContext, Position};
use crate::error::UpstreamError;
use crate::page::format::Parents;
use crate::page::mapping::PageRecords;

/// A page that has arrived and whose records are not mapped yet.
#[derive(Debug)]
pub(super) struct ArrivedPage {
    pub(super) position: Position,
    pub(super) request: Request<Bytes>,
    pub(super) elapsed: Duration,
    pub(super) url: Url,
    pub(super) listed: u64,
    pub(super) last_record_key: Option<Position>,
    pub(super) last_record_flag: Option<String>,
    pub(super) parents: Option<Parents>,
    pub(super) answer: ClassifiedResponse,
}

impl ArrivedPage {
    /// The number of records on the page, without nested ones.
    pub(super) const fn listed(&self) -> u64 {
        self.listed
    }

    /// What a pager decides by.
    pub(super) fn context(&self) -> PageContext<'_> {
        PageContext {
            page: &self.answer.page,
            headers: &self.answer.headers,
            url: &self.url,
            records: self.listed,
            last_record_key: self.last_record_key.as_ref(),
            last_record_flag: self.last_record_flag.as_deref(),
            parents: self.parents,
            is_past_end: self.answer.is_past_end,
        }
    }
}

impl Adapter {
    /// Lists the records of a page, and looks at the last one.
    pub(super) fn arrived(
        &self,
        position: Position,
        request: Request<Bytes>,
        answer: ClassifiedResponse,
        elapsed: Duration,
    ) -> Result<ArrivedPage, UpstreamError> {
        let records = self.records_of(&answer)?;
        let last = records.last();
        let last_record_key =
            last.and_then(|(record, key)| self.paging().last_record_key(record, key));
        let last_record_flag =
            last.and_then(|(record, key)| self.paging().last_record_flag(record, key));
        let listed = records.len() as u64;
        let parents = (!answer.is_past_end)
            .then(|| self.mapping().parents(&answer.page, listed))
            .flatten();
        let url = url(answer.uri.as_ref().unwrap_or(request.uri()))?;
        Ok(ArrivedPage {
            position,
            request,
            elapsed,
            url,
            listed,
            last_record_key,
            last_record_flag,
            parents,
            answer,
        })
    }

    pub(super) fn records_of<'a>(
        &'a self,
        answer: &'a ClassifiedResponse,
    ) -> Result<PageRecords<'a>, UpstreamError> {
        if answer.is_past_end {
            return Ok(PageRecords::default());
        }
        Ok(self.mapping().records(&answer.page)?)
    }
}

pub(super) fn url(uri: &Uri) -> Result<Url, UpstreamError> {
    let url = uri.to_string().parse();
    url.map_err(|_| UpstreamError::ours("the request's URL cannot be read back"))
}
