//! What is known of a walk when nothing names a further page.

use std::ops::RangeInclusive;

use http::header::CONTENT_RANGE;
use http::{HeaderMap, StatusCode};

use crate::page::ended_by::EndedBy;
use crate::page::fetched_page::FetchedPage;
use crate::page::format::excerpt;
use crate::page::sole_header::sole_header;
use crate::plan::Trust;
use crate::upstream::pager::PagerError;

use super::contradiction::Contradiction;

/// How much of a header a message shows.
const HEADER_CHARS: usize = 40;

/// Everything that is known when nothing names a further page.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something of its own that was seen, in any combination"
)]
pub(in crate::upstream::walk) struct WalkEvidence {
    /// What seems to be the end.
    pub(in crate::upstream::walk) ended_by: EndedBy,
    /// Whether another page can be asked for: positions are numbers.
    pub(in crate::upstream::walk) is_numbered: bool,
    /// The declared total.
    pub(in crate::upstream::walk) total: Option<StatedTotal>,
    /// The announced number of pages.
    pub(in crate::upstream::walk) announced_pages: Option<u64>,
    /// Whether announced numbers have changed during the walk.
    pub(in crate::upstream::walk) has_changed: bool,
    /// Whether a page with a single record came twice and was counted twice.
    pub(in crate::upstream::walk) has_spared: bool,
    /// Whether the records of a page stand under several parents, not as many as records.
    pub(in crate::upstream::walk) has_parents: bool,
    /// How many those are, where positions may count them in place of records.
    pub(in crate::upstream::walk) parents: Option<SeveralParents>,
    /// What the responses said of their place in the list.
    pub(in crate::upstream::walk) part: PartOfList,
    /// The number of pages read.
    pub(in crate::upstream::walk) pages_read: u64,
    /// The number of those with records.
    pub(in crate::upstream::walk) pages: u64,
    /// The number of records on them.
    pub(in crate::upstream::walk) listed: u64,
    /// The number of those that did not come before.
    pub(in crate::upstream::walk) distinct: u64,
    /// The number of records on the first of them.
    pub(in crate::upstream::walk) first_page: u64,
    /// The number of records on the last of them.
    pub(in crate::upstream::walk) last_page: u64,
    /// Whether that is declared to be the last because it is short.
    pub(in crate::upstream::walk) is_short: bool,
    /// How many records were requested per page.
    pub(in crate::upstream::walk) asked: Option<u64>,
}

impl WalkEvidence {
    /// Whether the last page may be followed by another, by its length: as long as requested, or as the
    /// first page where the upstream grants fewer. Nothing is known of a single page.
    pub(super) fn is_full(&self) -> bool {
        let granted = (self.pages > 1).then_some(self.first_page);
        match self.asked.into_iter().chain(granted).min() {
            Some(full) => self.last_page >= full,
            None => true,
        }
    }

    /// That something says that there is more.
    pub(super) const fn says_more(&self, evidence: String) -> Contradiction {
        Contradiction::Partial {
            evidence,
            received: self.listed,
            ended_by: self.ended_by,
        }
    }

    /// That so many records were announced, and that those which came are more, but not so many different ones.
    pub(super) const fn overlapping(&self, evidence: String, announced: u64) -> Contradiction {
        Contradiction::Overlapping {
            evidence,
            announced,
            received: self.listed,
            distinct: self.distinct,
        }
    }
}

/// So many records under so many parents on one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::upstream::walk) struct SeveralParents {
    /// The number of records.
    pub(in crate::upstream::walk) records: u64,
    /// The number of parents.
    pub(in crate::upstream::walk) parents: u64,
}

impl From<SeveralParents> for PagerError {
    fn from(SeveralParents { records, parents }: SeveralParents) -> Self {
        Self::SeveralParents { records, parents }
    }
}

/// The declared total, as far as it was stated.
#[derive(Debug, Clone)]
pub(in crate::upstream::walk) struct StatedTotal {
    /// Where it is.
    pub(in crate::upstream::walk) name: String,
    /// The number that was stated last.
    pub(in crate::upstream::walk) records: Option<u64>,
    /// From the least to the greatest number that was stated during the walk.
    pub(in crate::upstream::walk) seen: Option<RangeInclusive<u64>>,
    /// How far it is trusted.
    pub(in crate::upstream::walk) trust: Trust,
    /// Whether it is read from `Content-Range`.
    pub(in crate::upstream::walk) is_range: bool,
}

/// What the responses said of their place in the list, without being asked.
#[derive(Debug, Clone, Default)]
pub(in crate::upstream::walk) struct PartOfList {
    /// Whether the last page with records has status 206.
    pub(super) is_partial: bool,
    /// The last `Content-Range`.
    pub(super) range: Option<ContentRange>,
    /// That the `Content-Range` of a page contradicts itself.
    pub(super) contradiction: Option<PagerError>,
    /// The next page that the last page links to, if the style does not go by that.
    linked: Option<String>,
}

/// A `Content-Range` header (RFC 9110, section 14.4).
#[derive(Debug, Clone)]
pub(super) struct ContentRange {
    pub(super) shown: String,
    pub(super) is_bytes: bool,
    /// The position after the last one of the range.
    pub(super) end: Option<u64>,
    /// The length of the whole.
    pub(super) complete: Option<u64>,
}

impl PartOfList {
    /// Takes note of a response.
    pub(in crate::upstream::walk) fn note(&mut self, page: &FetchedPage) {
        self.note_parts(page.status, &page.headers, page.listed());
        self.linked = page.linked().map(str::to_owned);
    }

    /// The next page that the last page links to.
    pub(super) fn links(&self) -> Option<&str> {
        self.linked.as_deref()
    }

    /// Takes note of what status and headers say of so many records.
    pub(in crate::upstream::walk) fn note_parts(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        records: u64,
    ) {
        if records > 0 {
            self.is_partial = status == StatusCode::PARTIAL_CONTENT;
        }
        match sole_header(headers, CONTENT_RANGE) {
            Ok(range) => {
                let range = range.and_then(|range| ContentRange::parse(range.to_str().ok()?));
                self.range = range.or(self.range.take());
            }
            Err(values) => {
                let contradicts = || PagerError::contradicts(CONTENT_RANGE.as_str(), values);
                self.contradiction.get_or_insert_with(contradicts);
            }
        }
    }
}

impl ContentRange {
    /// Servers leave out the unit that RFC 9110 requires.
    fn parse(text: &str) -> Option<Self> {
        let (range, complete) = text.rsplit_once('/')?;
        let (unit, range) = range
            .trim()
            .rsplit_once([' ', '='])
            .unwrap_or(("", range.trim()));
        let last = range
            .rsplit_once('-')
            .and_then(|(_, last)| last.trim().parse::<u64>().ok());
        Some(Self {
            shown: excerpt(text, HEADER_CHARS),
            is_bytes: unit.trim().eq_ignore_ascii_case("bytes"),
            end: last.map(|last| last.saturating_add(1)),
            complete: complete.trim().parse().ok(),
        })
    }
}
