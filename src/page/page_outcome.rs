//! What a page came to, without its rows: by it a page that has not changed since is read again.

use bytes::Bytes;
use http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::format::{Page, Parents};
use super::mapping::Skip;
use super::position::{Announcement, Position};

/// About what an outcome takes besides what it points to.
const OUTCOME_BYTES: usize = size_of::<PageOutcome>() + 512;

/// By what the request for a page is known again: method, URL, headers, body and position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct PageKey([u8; 32]);

/// What a page came to, without its rows.
#[derive(Debug, Clone)]
pub(crate) struct PageOutcome {
    pub(super) etag: Option<HeaderValue>,
    pub(super) last_modified: Option<HeaderValue>,
    pub(super) status: StatusCode,
    /// Those of its headers that say something of the list.
    pub(super) headers: HeaderMap,
    /// That of its body which says something of the list.
    pub(super) page: Page,
    pub(super) url: Uri,
    pub(super) announcement: Announcement,
    pub(super) last_record_key: Option<Position>,
    pub(super) last_record_flag: Option<String>,
    pub(super) parents: Option<Parents>,
    pub(super) linked: Option<String>,
    pub(super) fingerprint: u64,
    pub(super) skipped: Vec<u64>,
    pub(super) skips: Vec<(usize, Skip)>,
    pub(super) listed: u64,
    pub(super) unparsed_timestamps: u64,
    pub(super) unread_people: u64,
    pub(super) unmarked_people: u64,
    /// Which of its rows stand below others.
    pub(super) nested: Vec<u32>,
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
            + self
                .url
                .authority()
                .map_or(0, |authority| authority.as_str().len())
            + self
                .url
                .path_and_query()
                .map_or(0, |path| path.as_str().len());
        (OUTCOME_BYTES + headers.sum::<usize>() + lists + more) as u64
    }
}
