//! On what terms an entry's snapshots serve.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::plan::{ListTerms, Refresh, Share};

/// On what terms an entry's snapshots serve. Those of one upstream go by the same, also when others take
/// their place.
#[derive(Debug, Clone)]
pub(super) struct EntryPolicy {
    terms: Arc<ArcSwap<ListTerms>>,
    /// Whether its walks wait for their turn first, and say themselves when they begin.
    pub(super) takes_turns: bool,
    /// Whether they bring whole lists, which do not shrink without a reason.
    is_whole: bool,
}

impl EntryPolicy {
    /// The policy for an upstream's whole list.
    pub(super) fn new(terms: ListTerms) -> Self {
        Self {
            terms: Arc::new(ArcSwap::from_pointee(terms)),
            takes_turns: false,
            is_whole: true,
        }
    }

    /// The policy for the lists of callers: whoever asks has one read, and nobody else does.
    pub(super) fn for_scopes(&self) -> Self {
        Self {
            takes_turns: true,
            ..self.clone()
        }
    }

    /// The policy for what single queries bring: nobody may ask the same again, and what matches may well be
    /// nothing from now on.
    pub(super) fn for_queries(&self) -> Self {
        Self {
            takes_turns: true,
            is_whole: false,
            ..self.clone()
        }
    }

    /// The terms that hold now.
    pub(super) fn terms(&self) -> ListTerms {
        let mut terms = **self.terms.load();
        if self.takes_turns {
            terms.refresh = Refresh::OnDemand;
        }
        if !self.is_whole {
            terms.shrink_guard = Share::NONE;
        }
        terms
    }

    /// Goes by these terms from now on. Whether they are others.
    pub(super) fn go_by(&self, terms: ListTerms) -> bool {
        *self.terms.swap(Arc::new(terms)) != terms
    }
}
