//! Changes at an upstream in the middle of a walk, at moments that no clock can hit.

use std::sync::Mutex;

use super::{Fault, lock};

/// One change at an emulated upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// There are so many groups.
    Groups(usize),
    /// This goes wrong, or nothing does. [`Fault::Refuse`] and [`Fault::HangConnect`] cut
    /// connections but leave the port open.
    Fault(Option<Fault>),
    /// Every token that was issued is refused.
    RevokeTokens,
}

/// The changes still to come, each with the number of the list request that it comes before.
#[derive(Debug, Default)]
pub(super) struct Plan(Mutex<Vec<(u64, Change)>>);

impl Plan {
    /// Plans a change.
    pub(super) fn add(&self, page: u64, change: Change) {
        lock(&self.0).push((page, change));
    }

    /// Takes the changes out that come before the list request of this number.
    pub(super) fn due(&self, page: u64) -> Vec<Change> {
        lock(&self.0)
            .extract_if(.., |(at, _)| *at <= page)
            .map(|(_, change)| change)
            .collect()
    }
}
