//! The pages that a list came from, by which the next walk asks only for those that have changed.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};

use crate::list_memory::{ListHold, ListMemory};
use crate::page::fetched_page::FetchedPage;
use crate::page::page_outcome::{PageKey, PageOutcome};
use crate::page::position::Position;
use crate::snapshot::Snapshot;

/// What a page of a walk came to, if it can be asked for on a condition.
pub(crate) type RememberedPage = Option<(PageKey, Arc<PageOutcome>)>;

/// The pages that a list came from. Their rows are those of the list.
#[derive(Debug)]
pub struct KnownPages {
    pages: HashMap<PageKey, KnownPage>,
    /// Where each group of the walk stands in the list.
    places: Vec<u32>,
    /// The memory that they are counted with.
    _hold: ListHold,
}

#[derive(Debug)]
struct KnownPage {
    outcome: Arc<PageOutcome>,
    /// Which of the places are its groups'.
    rows: Range<usize>,
}

/// The pages that a list came from, and the list.
#[derive(Debug, Clone)]
pub(crate) struct ListedPages {
    pub(crate) pages: Arc<KnownPages>,
    pub(crate) list: Arc<Snapshot>,
}

impl KnownPages {
    /// Those of a walk, each with the number of its groups, whose groups stand at these `places` of the list.
    pub(crate) fn new(
        pages: impl Iterator<Item = (RememberedPage, usize)>,
        places: Vec<u32>,
        memory: &ListMemory,
    ) -> Self {
        let mut known = HashMap::new();
        let mut bytes = places.len() * size_of::<u32>();
        let mut start = 0;
        for (page, groups) in pages {
            let rows = start..start + groups;
            start = rows.end;
            if let Some((key, outcome)) = page {
                bytes += outcome.bytes() as usize + size_of::<(PageKey, KnownPage)>();
                known.insert(key, KnownPage { outcome, rows });
            }
        }
        Self {
            pages: known,
            places,
            _hold: memory.hold(bytes as u64),
        }
    }
}

impl ListedPages {
    /// Has a request for a page ask for it only if it has changed, where the page is known.
    pub(crate) fn ask_if_changed(&self, key: &PageKey, headers: &mut HeaderMap) {
        if let Some(page) = self.pages.pages.get(key) {
            page.outcome.ask_if_changed(headers);
        }
    }

    /// The page that has not changed, if it is known.
    pub(crate) fn unchanged(
        &self,
        key: PageKey,
        position: Position,
        request: Request<Bytes>,
        elapsed: Duration,
    ) -> Option<FetchedPage> {
        let KnownPage { outcome, rows } = self.pages.pages.get(&key)?;
        let places = self.pages.places.get(rows.clone())?;
        let places = places.iter().map(|&place| place as usize);
        let groups = self.list.page_of(places, outcome.nested())?;
        let mut page = outcome.unchanged(position, request, elapsed, groups);
        page.outcome = Some((key, Arc::clone(outcome)));
        Some(page)
    }
}
