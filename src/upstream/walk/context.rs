//! What all lists of one walk have in common.

use std::sync::Arc;

use tokio::time::Instant;

use crate::observe::{Event, Observers, WalkPart};
use crate::upstream::adapter::Adapter;

use super::budget::WalkBudget;

/// What all lists of one walk have in common.
#[derive(Clone, Copy)]
pub(super) struct WalkContext<'a> {
    pub(super) adapter: &'a Arc<Adapter>,
    pub(super) observers: &'a Observers,
    pub(super) deadline: Instant,
    pub(super) budget: &'a WalkBudget,
}

impl WalkContext<'_> {
    /// Tells observers that what was read of a part is what was expected of it.
    pub(super) fn settle(&self, part: WalkPart<'_>) {
        self.observers.notify(&Event::PartSettled(part));
    }
}
