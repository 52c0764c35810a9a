//! How a page is kept for its revalidation, and made again where the response says that it has not changed.

use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, ETAG, HeaderName, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, Request};
use jiff::SignedDuration;
use jiff::fmt::rfc2822;

use super::fetched_page::FetchedPage;
use super::format::Page;
use super::mapping::MappedPage;
use super::page_outcome::PageOutcome;
use super::position::Position;
use super::sole_header::certain_header;
use crate::page_memory::PageHold;
use crate::snapshot::GroupPage;

/// How long before its response a page must have changed for the time of that to say which page it is.
const SETTLED: SignedDuration = SignedDuration::from_mins(1);

impl PageOutcome {
    /// What a page came to, if it can be asked for again on the condition that it has changed. `kept` is what of
    /// its body and headers says something of the list.
    pub(crate) fn of(page: &FetchedPage, kept: (Page, HeaderMap)) -> Option<Self> {
        let etag = certain_header(&page.headers, ETAG).cloned();
        let last_modified = settled_change(&page.headers).cloned();
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
            unmarked_people: mapped.unmarked_people,
            nested: nested.map(|(index, _)| index as u32).collect(),
        })
    }

    /// The same, of a page that the response to a condition describes by these headers, and by its entity tag if that
    /// has one (RFC 9111, section 4.3.4).
    pub(crate) fn described_by(&self, page: &FetchedPage, response: &HeaderMap) -> Self {
        Self {
            etag: certain_header(response, ETAG)
                .or(self.etag.as_ref())
                .cloned(),
            headers: page.headers.clone(),
            announcement: page.announcement,
            linked: page.linked.clone(),
            ..self.clone()
        }
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
            first_skipped: None,
            listed: self.listed,
            mapped: MappedPage {
                groups,
                rows: Vec::new(),
                skipped: self.skips.clone(),
                left_out: 0,
                unparsed_timestamps: self.unparsed_timestamps,
                unread_people: self.unread_people,
                unmarked_people: self.unmarked_people,
                brought: Vec::new(),
            },
            hold: PageHold::default(),
            outcome: None,
            is_unchanged: true,
            since_link: None,
        }
    }
}

/// `Last-Modified`, if the page cannot have changed once more within that second: it lies a minute before the `Date` of
/// the response (RFC 9110, section 8.8.2.2, where clocks may differ; the length is that of RFC 7232, section 2.2.2).
fn settled_change(headers: &HeaderMap) -> Option<&HeaderValue> {
    let time = |name: HeaderName| {
        let value = certain_header(headers, name)?.to_str().ok()?;
        Some(rfc2822::parse(value).ok()?.timestamp())
    };
    let age = time(DATE)?.duration_since(time(LAST_MODIFIED)?);
    headers.get(LAST_MODIFIED).filter(|_| age >= SETTLED)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const CHANGED: &str = "Sat, 21 Nov 2026 10:00:00 GMT";

    #[rstest]
    #[case::a_minute_ago(CHANGED, Some("Sat, 21 Nov 2026 10:01:00 GMT"), true)]
    #[case::just_now(CHANGED, Some("Sat, 21 Nov 2026 10:00:59 GMT"), false)]
    #[case::later_than_the_response(CHANGED, Some("Sat, 21 Nov 2026 09:00:00 GMT"), false)]
    #[case::at_an_unknown_distance(CHANGED, None, false)]
    #[case::at_no_time("yesterday", Some("Sat, 21 Nov 2026 10:01:00 GMT"), false)]
    fn a_time_of_change_identifies_a_page_once_it_lies_well_before_the_response(
        #[case] changed: &'static str,
        #[case] date: Option<&'static str>,
        #[case] expected: bool,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(LAST_MODIFIED, HeaderValue::from_static(changed));
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        assert_eq!(settled_change(&headers).is_some(), expected);
    }
}
