//! Changes at an upstream in the middle of a walk, at moments that no clock can hit.

use std::sync::Mutex;

use super::fault::InjectedFault;
use crate::tools::lock::lock;

/// One change at an emulated upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Sets the number of groups.
    Groups(usize),
    /// Sets or removes the fault. [`InjectedFault::Refuse`] and [`InjectedFault::HangConnect`] cut
    /// connections but leave the port open.
    Fault(Option<InjectedFault>),
    /// Refuses every token that was issued.
    RevokeTokens,
}

/// The changes to come, each with the number of the list request that it precedes.
#[derive(Debug, Default)]
pub(super) struct Schedule(Mutex<Vec<(u64, Change)>>);

impl Schedule {
    /// Adds a change.
    pub(super) fn add(&self, page: u64, change: Change) {
        lock(&self.0).push((page, change));
    }

    /// Removes and returns the changes that precede the list request of this number.
    pub(super) fn due(&self, page: u64) -> Vec<Change> {
        lock(&self.0)
            .extract_if(.., |(at, _)| *at <= page)
            .map(|(_, change)| change)
            .collect()
    }
}
