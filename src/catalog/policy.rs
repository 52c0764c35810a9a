//! On what terms an entry's snapshots serve.

use crate::plan::Freshness;
use crate::plan::Refresh;
use crate::plan::Share;
use crate::upstream::adapter::Adapter;

/// On what terms an entry's snapshots serve.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntryPolicy {
    pub(super) freshness: Freshness,
    pub(super) required: bool,
    pub(super) refresh: Refresh,
    pub(super) shrink_guard: Share,
    /// Whether its walks wait for their turn first, and say themselves when they begin.
    pub(super) takes_turns: bool,
}

impl EntryPolicy {
    /// The policy for an upstream's whole list.
    pub(super) fn of(adapter: &Adapter) -> Self {
        Self {
            freshness: adapter.freshness(),
            required: adapter.required(),
            refresh: adapter.refresh(),
            shrink_guard: adapter.shrink_guard(),
            takes_turns: false,
        }
    }

    /// The policy for what single queries bring: nobody may ask the same again, and what matches
    /// may well be nothing from now on.
    pub(super) fn for_queries(self) -> Self {
        Self {
            refresh: Refresh::OnDemand,
            shrink_guard: Share::NONE,
            takes_turns: true,
            ..self
        }
    }
}
