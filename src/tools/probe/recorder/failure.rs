//! What is reported of a walk that failed.

use http::StatusCode;

use crate::error::{Concern, ErrorKind, UpstreamError};
use crate::page::format::Page;
use crate::plan::RelatedList;
use crate::tools::lock::lock;
use crate::upstream::extensions::Purpose;

use super::super::expected::{ExpectedRecords, expected};
use super::super::other_lists::other_lists;
use super::super::report::{FailureReport, WalkSummary};
use super::super::summarize;
use super::{Recorded, Recorder};

impl Recorder {
    /// The report of a walk that failed: with the last request of the list that did, and what came of it.
    pub(super) fn failure(
        &self,
        error: &UpstreamError,
        summary: &WalkSummary,
        recorded: &Recorded,
    ) -> FailureReport {
        let mut open = recorded.open.iter();
        let related = open.find(|(label, _)| error.detail.contains(&format!("{label}: ")));
        let (which, list, pages, before, failed) = if let Some((_, (which, list, record))) = related
        {
            let record = lock(record);
            let (before, failed) = (record.last.clone(), record.failed.clone());
            (Some(*which), list.clone(), record.pages, before, failed)
        } else {
            let partition = recorded.partitions.named_in(&error.detail);
            let failed = recorded.failed.get(&partition).cloned();
            let list = Self::own_list(partition);
            (None, list, summary.pages, recorded.last.clone(), failed)
        };
        let reported = FailureReport {
            kind: error.kind.as_str(),
            detail: self.redactor.redact(&error.detail).into_owned(),
            keys: Vec::new(),
            list: which,
            page: None,
            requests: Vec::new(),
            unknown_expiry: None,
            expected: None,
            lists: Vec::new(),
            body: None,
        };
        if error.concern == Concern::NoAnswer {
            return reported;
        }
        let failed = failed.map(Purpose::Page);
        let mut attempts = (self.capture).take(&list, |purpose| match (purpose, &failed) {
            (Purpose::Login | Purpose::Count, _) => true,
            (Purpose::Page(_), Some(failed)) => purpose == failed,
            (Purpose::Page(_), None) => before.is_empty(),
        });
        let is_of_the_last = attempts.is_empty();
        if is_of_the_last {
            attempts = before;
        }
        let final_one = attempts.last();
        let purpose = final_one.and_then(|attempt| attempt.purpose.as_ref());
        let response = final_one.and_then(|attempt| attempt.response.as_ref());
        let status = response.map(|response| response.status);
        let is_of_records =
            error.kind == ErrorKind::Mapping && matches!(purpose, Some(Purpose::Page(_)));
        FailureReport {
            page: Some((pages + u64::from(!is_of_the_last)).max(1)),
            requests: attempts
                .iter()
                .map(|attempt| summarize::request(attempt, &self.redactor))
                .collect(),
            unknown_expiry: recorded.unknown_expiry.clone(),
            expected: self.expected(which, error.kind, purpose, status),
            lists: response
                .filter(|_| is_of_records)
                .map_or_else(Vec::new, |response| self.lists(which, &response.body)),
            body: response
                .and_then(|response| summarize::body_excerpt(response, purpose, &self.redactor)),
            ..reported
        }
    }

    /// What lists a body has, where it has not the one that was looked for.
    fn lists(&self, which: Option<RelatedList>, body: &[u8]) -> Vec<String> {
        let page = Page::decode(self.block.format, body).ok();
        let reading = which.and_then(|which| self.adapter.related().reading(which));
        let at = reading.map_or_else(|| self.block.records.at(), |reading| &reading.records.at);
        let lists = page.map(|page| other_lists(page.root(), &[at.to_string()]));
        let lists = lists.unwrap_or_default().into_iter();
        lists
            .map(|list| self.redactor.redact(&list).into_owned())
            .collect()
    }

    /// What was expected of the list in place of what arrived.
    fn expected(
        &self,
        which: Option<RelatedList>,
        kind: ErrorKind,
        purpose: Option<&Purpose>,
        status: Option<StatusCode>,
    ) -> Option<String> {
        let related = self.adapter.related();
        let reading = which.and_then(|which| Some((which, related.reading(which)?)));
        let records = ExpectedRecords::of(reading, &self.block);
        expected(kind, purpose, status, &self.block, &records)
    }
}
