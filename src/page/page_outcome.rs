//! What a page came to, without its rows: by it a page that has not changed since is read again.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::fetched_page::FetchedPage;
use super::format::{Page, Parents};
use super::mapping::{MappedPage, Skip};
use super::position::{Announcement, Position};
use crate::page_memory::PageHold;
use crate::snapshot::GroupPage;

/// About what an outcome takes besides what it points to.
const OUTCOME_BYTES: usize = size_of::<PageOutcome>() + 512;

/// By what the request for a page is known again: method, URL, headers, body and position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PageKey([u8; 32]);

/// What a page came to, without its rows.
#[derive(Debug)]
pub(crate) struct PageOutcome {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
    status: StatusCode,
    /// Those of its headers that say something of the list.
    headers: HeaderMap,
    /// That of its body which says something of the list.
    page: Page,
    url: Url,
    announcement: Announcement,
    last_record_key: Option<Position>,
    last_record_flag: Option<String>,
    parents: Option<Parents>,
    linked: Option<String>,
    fingerprint: u64,
    skipped: Vec<u64>,
    skips: Vec<(usize, Skip)>,
    listed: u64,
    unparsed_timestamps: u64,
    unread_people: u64,
    /// Which of its rows stand below others.
    nested: Vec<u32>,
}

impl PageKey {
    /// Of a request that is not signed yet.
    pub(crate) fn of(request: &Request<Bytes>, position: &Position) -> Self {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(request.method().as_str().as_bytes());
        part(request.uri().to_string().as_bytes());
        for (name, value) in request.headers() {
            part(name.as_str().as_bytes());
            part(value.as_bytes());
        }
        part(request.body());
        part(format!("{position:?}").as_bytes());
        Self(hash.finalize().into())
    }
}

impl PageOutcome {
    /// What a page came to, if it can be asked for again on the condition that it has changed. `kept` is what of
    /// its body and headers says something of the list.
    pub(crate) fn of(page: &FetchedPage, kept: (Page, HeaderMap)) -> Option<Self> {
        let etag = page.headers.get(ETAG).cloned();
        let last_modified = page.headers.get(LAST_MODIFIED).cloned();
        if (etag.is_none() && last_modified.is_none()) || page.is_past_end() {
            return None;
        }
        let mapped = page.mapped();
        let nested = mapped.groups.rows().enumerate();
        let nested = nested.filter(|(_, row)| row.is_nested());
        let (body, headers) = kept;
        Some(Self {
            etag,
            last_modified,
            status: page.status,
            headers,
            page: body,
            url: page.url.clone(),
            announcement: page.announcement,
            last_record_key: page.last_record_key.clone(),
            last_record_flag: page.last_record_flag.clone(),
            parents: page.parents,
            linked: page.linked.clone(),
            fingerprint: page.fingerprint,
            skipped: page.skipped.clone(),
            skips: mapped.skipped.clone(),
            listed: page.listed,
            unparsed_timestamps: mapped.unparsed_timestamps,
            unread_people: mapped.unread_people,
            nested: nested.map(|(index, _)| index as u32).collect(),
        })
    }

    /// Has a request ask for the page only if it has changed. What the request says itself stays.
    pub(crate) fn ask_if_changed(&self, headers: &mut HeaderMap) {
        for (name, validator) in [
            (IF_NONE_MATCH, &self.etag),
            (IF_MODIFIED_SINCE, &self.last_modified),
        ] {
            if let Some(validator) = validator {
                headers.entry(name).or_insert_with(|| validator.clone());
            }
        }
    }

    /// Which of its rows stand below others.
    pub(crate) fn nested(&self) -> &[u32] {
        &self.nested
    }

    /// The page as it was, with its groups, for a response that says that it has not changed.
    pub(crate) fn unchanged(
        &self,
        position: Position,
        request: Request<Bytes>,
        elapsed: Duration,
        groups: GroupPage,
    ) -> FetchedPage {
        FetchedPage {
            position,
            request,
            status: self.status,
            headers: self.headers.clone(),
            page: self.page.clone(),
            elapsed,
            url: self.url.clone(),
            bytes: 0,
            announcement: self.announcement,
            last_record_key: self.last_record_key.clone(),
            last_record_flag: self.last_record_flag.clone(),
            is_past_end: false,
            parents: self.parents,
            linked: self.linked.clone(),
            fingerprint: self.fingerprint,
            skipped: self.skipped.clone(),
            listed: self.listed,
            mapped: MappedPage {
                groups,
                rows: Vec::new(),
                skipped: self.skips.clone(),
                unparsed_timestamps: self.unparsed_timestamps,
                unread_people: self.unread_people,
            },
            hold: PageHold::default(),
            outcome: None,
            is_unchanged: true,
            since_link: None,
        }
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + 64);
        let texts = [&self.last_record_flag, &self.linked].into_iter().flatten();
        let lists = self.skipped.len() * size_of::<u64>()
            + self.skips.len() * size_of::<(usize, Skip)>()
            + self.nested.len() * size_of::<u32>();
        let validators = [&self.etag, &self.last_modified].into_iter().flatten();
        let more = texts.map(String::len).sum::<usize>()
            + validators.map(HeaderValue::len).sum::<usize>()
            + self.url.as_str().len() * 2;
        (OUTCOME_BYTES + headers.sum::<usize>() + lists + more) as u64
    }
}
