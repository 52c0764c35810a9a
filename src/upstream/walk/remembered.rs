//! What a walk remembers of its pages, so that the next one asks only for those that have changed.

use url::Url;

use crate::page::fetched_page::FetchedPage;
use crate::upstream::known_pages::RememberedPage;

/// What a walk remembers of the pages that brought its groups, in their order. Nothing where pages are not asked
/// for on a condition.
#[derive(Debug, Default)]
pub(crate) struct RememberedPages {
    pages: Vec<RememberedPage>,
    bytes: u64,
    unchanged: u64,
    /// The link for what changes from now on.
    pub(crate) since_link: Option<Url>,
}

/// What is remembered of a page, and whether it had not changed.
pub(super) struct PageMemo {
    page: RememberedPage,
    is_unchanged: bool,
    since_link: Option<Url>,
}

impl PageMemo {
    pub(super) fn of(page: &mut FetchedPage) -> Self {
        Self {
            page: page.outcome.take(),
            is_unchanged: page.is_unchanged(),
            since_link: page.since_link.take(),
        }
    }
}

impl RememberedPages {
    /// Takes note of a page, as long as all of them take no more than `most` bytes. A page with a record that came
    /// before is asked for anew: the list has the other one.
    pub(super) fn note(&mut self, memo: PageMemo, has_repeated: bool, most: u64) {
        let page = memo.page.filter(|(_, outcome)| {
            self.bytes += outcome.bytes();
            !has_repeated && self.bytes <= most
        });
        self.pages.push(page);
        self.since_link = memo.since_link.or_else(|| self.since_link.take());
        self.unchanged += u64::from(memo.is_unchanged);
    }

    /// Adds those of another list.
    pub(super) fn append(&mut self, other: Self) {
        self.pages.extend(other.pages);
        self.bytes += other.bytes;
        self.unchanged += other.unchanged;
    }

    /// How many pages had not changed.
    pub(crate) const fn unchanged(&self) -> u64 {
        self.unchanged
    }

    /// Each page, if any can be asked for on a condition.
    pub(crate) fn into_pages(self) -> Option<Vec<RememberedPage>> {
        let is_any = self.pages.iter().any(Option::is_some);
        is_any.then_some(self.pages)
    }
}
