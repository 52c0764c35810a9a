//! Pages that a response says have not changed: what they are by that response, and when it does not say enough.

use std::sync::Arc;

use http::HeaderMap;

use super::adapter::Adapter;
use crate::error::UpstreamError;
use crate::page::fetched_page::FetchedPage;

impl Adapter {
    /// A page that has not changed, as the headers of the response describe it that says so. `None` if they do not
    /// say again what the page says by headers alone: its list may go on although its body is what it was.
    pub(super) fn revalidated(
        &self,
        mut page: FetchedPage,
        headers: &HeaderMap,
    ) -> Result<Option<FetchedPage>, UpstreamError> {
        let paging = self.paging();
        let mut told_by = paging.told_by(&page.position, (&page).into()).into_iter();
        if told_by.any(|name| !headers.contains_key(name)) {
            return Ok(None);
        }
        if paging.update(&mut page.headers, headers) {
            page.announcement = paging.announces((&page).into())?;
            page.linked = paging.linked((&page).into());
            let outcome = page.outcome.take();
            page.outcome =
                outcome.map(|(key, own)| (key, Arc::new(own.described_by(&page, headers))));
        }
        Ok(Some(page))
    }
}
