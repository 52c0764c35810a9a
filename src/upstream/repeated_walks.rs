//! Adapters that ask again only for what has changed: page by page, or of the list.

use std::sync::Arc;

use super::adapter::Adapter;
use super::asked_since::AskedSince;
use super::known_pages::ListedPages;
use super::pager::Position;
use crate::group::ReadText;
use crate::page::mapping::LeftOutRecord;
use crate::plan::{Incremental, OuterValue, SinceRule};

impl Adapter {
    /// The adapter that asks for pages of the list of groups only if they have changed since.
    pub(super) fn knowing(&self, pages: ListedPages) -> Arc<Self> {
        let mut knowing = self.clone();
        knowing.known_pages = Some(pages);
        Arc::new(knowing)
    }

    /// How its list is kept up by walks for what has changed, if it is.
    pub(super) fn incremental(&self) -> Option<&Incremental> {
        (self.plan.incremental.as_ref()).filter(|_| !self.is_filtered)
    }

    /// The adapter that asks for what has changed.
    pub(super) fn asking_since(&self, since: AskedSince) -> Arc<Self> {
        let outer = match &since {
            AskedSince::Link(_) => self.outer.clone(),
            AskedSince::Text(text) => {
                let text = ReadText {
                    text: text.as_str().into(),
                    is_number: text.bytes().all(|byte| byte.is_ascii_digit()),
                };
                self.outer.and([(OuterValue::Since, text)])
            }
        };
        let mut asking = self.clone();
        asking.outer = outer;
        asking.since = Some(since);
        Arc::new(asking)
    }

    /// Whether it asks for what has changed in the list of groups, and not for everything.
    pub(super) const fn is_of_changes(&self) -> bool {
        self.since.is_some() && self.related.is_none()
    }

    /// Whether the last page of a walk has the link for what changes from then on.
    pub(super) fn is_linked(&self) -> bool {
        let rule = self.incremental().map(|rule| &rule.since);
        self.related.is_none() && matches!(rule, Some(SinceRule::Link(_)))
    }

    /// Whether of two records of one group the later one holds: changes come in their order.
    pub(super) fn keeps_last(&self) -> bool {
        self.is_of_changes() || self.is_linked()
    }

    /// What becomes of groups whose records `records.only` leaves out. In a list that ends with a link for what
    /// changes, a group may have come before in the same walk.
    pub(super) fn of_left_out(&self) -> LeftOutRecord {
        if self.is_of_changes() {
            LeftOutRecord::Removes
        } else if self.is_linked() {
            LeftOutRecord::RemovesMarked
        } else {
            LeftOutRecord::SaysNothing
        }
    }

    /// Where the first page is.
    pub(super) fn first_page(&self) -> Position {
        match &self.since {
            Some(AskedSince::Link(url)) if self.related.is_none() => Position::Url(url.clone()),
            Some(AskedSince::Link(_) | AskedSince::Text(_)) | None => self.paging().first(),
        }
    }
}
