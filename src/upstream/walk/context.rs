//! What all lists of one walk have in common.

use std::sync::Arc;

use tokio::time::Instant;

use crate::observe::Observers;
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
