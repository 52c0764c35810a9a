//! Which pages were read before: an upstream that ignores the position repeats one for ever.

use std::collections::HashSet;

use crate::page::fetched_page::FetchedPage;
use crate::plan::Repeat;

/// The pages that were read, by their fingerprints.
#[derive(Debug, Default)]
pub(super) struct SeenPages {
    fingerprints: HashSet<u64>,
    /// Whether a page with a single record was already accepted twice.
    pub(super) has_spared: bool,
}

/// Whether a page was read before.
#[derive(PartialEq)]
pub(super) enum PageSeen {
    New,
    Repeated,
}

impl SeenPages {
    /// Whether a page was read before, and none was before it.
    pub(super) fn contains(&self, page: &FetchedPage) -> bool {
        !is_bare(page) && !self.has_spared && self.fingerprints.contains(&page.fingerprint())
    }

    /// Takes note of a page. One with a single record may occur twice: that is a repeated id. If it
    /// occurs again, the upstream ignores the position.
    pub(super) fn note(&mut self, page: &FetchedPage, on_repeat: Repeat) -> PageSeen {
        if is_bare(page) || self.fingerprints.insert(page.fingerprint()) {
            return PageSeen::New;
        }
        let is_spared = page.records() == 1 && !self.has_spared && on_repeat == Repeat::Error;
        self.has_spared |= is_spared;
        if is_spared {
            PageSeen::New
        } else {
            PageSeen::Repeated
        }
    }
}

/// Whether nothing on a page tells it from others.
fn is_bare(page: &FetchedPage) -> bool {
    let parents = page.parents().and_then(|parents| parents.fingerprint);
    page.records() == 0 && parents.is_none()
}
