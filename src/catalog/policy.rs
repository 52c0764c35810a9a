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
}

impl EntryPolicy {
    /// The policy for an upstream's whole list.
    pub(super) fn new(terms: ListTerms) -> Self {
        Self {
            terms: Arc::new(ArcSwap::from_pointee(terms)),
            takes_turns: false,
        }
    }

    /// The policy for what single queries bring.
    pub(super) fn for_queries(&self) -> Self {
        Self {
            takes_turns: true,
            ..self.clone()
        }
    }

    /// The terms that hold now. Of what a single query brings, nobody may ask the same again, and what matches
    /// may well be nothing from now on.
    pub(super) fn terms(&self) -> ListTerms {
        let terms = **self.terms.load();
        if self.takes_turns {
            ListTerms {
                refresh: Refresh::OnDemand,
                shrink_guard: Share::NONE,
                ..terms
            }
        } else {
            terms
        }
    }

    /// Goes by these terms from now on. Whether they are others.
    pub(super) fn go_by(&self, terms: ListTerms) -> bool {
        *self.terms.swap(Arc::new(terms)) != terms
    }
}
