//! What all lists of one walk may take together.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::list_memory::WalkHold;
use crate::upstream::adapter::Adapter;

/// What the lists of a walk take, those that are being read among them.
#[derive(Debug, Default)]
pub(super) struct WalkBudget {
    /// The memory that the lists share, where there are several: none of them waits for another.
    hold: Option<WalkHold>,
    bytes: AtomicU64,
    groups: AtomicU64,
    mapped_bytes: AtomicU64,
}

impl WalkBudget {
    /// For a walk of several lists.
    pub(super) fn shared(hold: WalkHold) -> Self {
        Self {
            hold: Some(hold),
            ..Self::default()
        }
    }

    /// The memory that lists share, if they do.
    pub(super) fn hold(&self) -> Option<WalkHold> {
        self.hold.clone()
    }

    /// How large the pages of all lists are.
    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many records all lists of groups have.
    fn groups(&self) -> u64 {
        self.groups.load(Ordering::Relaxed)
    }

    /// The least memory that the groups of all lists take in a snapshot, and what else stays until the end of the walk.
    fn mapped_bytes(&self) -> u64 {
        self.mapped_bytes.load(Ordering::Relaxed)
    }
}

/// What becomes of the records of a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum SpentOn {
    /// They are groups, of which a snapshot is made.
    Groups,
    /// They stay until the end of the walk.
    Walk,
    /// They become something else, or are gone, as soon as the list is whole.
    Passing,
}

impl SpentOn {
    /// Of the list that an adapter reads.
    pub(super) fn of(adapter: &Adapter) -> Self {
        match adapter.related {
            None => Self::Groups,
            Some(list) if adapter.related().is_of_all_groups(list) => Self::Walk,
            Some(_) => Self::Passing,
        }
    }
}

/// What one list of a walk has taken so far. It is given back if the list does not come to its end.
#[derive(Debug)]
pub(super) struct ListSpending<'a> {
    budget: &'a WalkBudget,
    /// Whether its records are groups, of which a snapshot is made.
    is_of_groups: bool,
    /// Whether they stay until the end of the walk.
    is_kept: bool,
    bytes: u64,
    pub(super) records: u64,
    mapped_bytes: u64,
    is_finished: bool,
}

impl<'a> ListSpending<'a> {
    pub(super) const fn new(budget: &'a WalkBudget, records: SpentOn) -> Self {
        Self {
            budget,
            is_of_groups: matches!(records, SpentOn::Groups),
            is_kept: !matches!(records, SpentOn::Passing),
            bytes: 0,
            records: 0,
            mapped_bytes: 0,
            is_finished: false,
        }
    }

    /// Adds a page of so many bytes.
    pub(super) fn add_page(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.budget.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds the records of a page, and the least memory that they take.
    pub(super) fn add_records(&mut self, records: u64, mapped_bytes: u64) {
        self.records += records;
        self.mapped_bytes += mapped_bytes;
        if self.is_of_groups {
            self.budget.groups.fetch_add(records, Ordering::Relaxed);
        }
        if self.is_kept {
            let mapped = &self.budget.mapped_bytes;
            mapped.fetch_add(mapped_bytes, Ordering::Relaxed);
        }
    }

    /// Takes note that records which are no groups came before, and what they took is free again.
    pub(super) fn drop_rows(&mut self, bytes: u64) {
        let bytes = bytes.min(self.mapped_bytes);
        self.mapped_bytes -= bytes;
        if self.is_kept {
            self.budget.mapped_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// How large its pages and those of all other lists are.
    pub(super) fn bytes_of_all(&self) -> u64 {
        self.budget.bytes()
    }

    /// How many records it has, with those of the other lists of groups if it is one.
    pub(super) fn records_of_all(&self) -> u64 {
        if self.is_of_groups {
            self.budget.groups()
        } else {
            self.records
        }
    }

    /// The least memory that its records take, and those of all other lists that stay.
    pub(super) fn mapped_bytes_of_all(&self) -> u64 {
        let own = if self.is_kept { 0 } else { self.mapped_bytes };
        own + self.budget.mapped_bytes()
    }

    /// Takes note that the list is whole.
    pub(super) const fn finish(&mut self) {
        self.is_finished = true;
    }
}

impl Drop for ListSpending<'_> {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        let budget = self.budget;
        budget.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.is_of_groups {
            budget.groups.fetch_sub(self.records, Ordering::Relaxed);
        }
        if self.is_kept {
            let mapped = &budget.mapped_bytes;
            mapped.fetch_sub(self.mapped_bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_read_once_more_counts_once() {
        let budget = WalkBudget::default();
        let mut other = ListSpending::new(&budget, SpentOn::Groups);
        other.add_page(10);
        let mut first = ListSpending::new(&budget, SpentOn::Groups);
        first.add_page(100);
        first.add_records(5, 50);
        assert_eq!(
            (budget.bytes(), budget.groups(), budget.mapped_bytes()),
            (110, 5, 50)
        );
        drop(first);
        let mut second = ListSpending::new(&budget, SpentOn::Groups);
        second.add_page(100);
        second.add_records(6, 60);
        second.finish();
        drop(second);
        assert_eq!(
            (budget.bytes(), budget.groups(), budget.mapped_bytes()),
            (110, 6, 60)
        );
    }

    #[test]
    fn memberships_of_all_partitions_are_bounded_together_with_the_groups() {
        let budget = WalkBudget::default();
        for (partition, all) in [(1, 50), (2, 90)] {
            let mut people = ListSpending::new(&budget, SpentOn::Walk);
            people.add_records(5, 50);
            people.drop_rows(10 * (partition - 1));
            assert_eq!(
                (people.records_of_all(), people.mapped_bytes_of_all()),
                (5, all)
            );
            people.finish();
        }
        assert_eq!((budget.groups(), budget.mapped_bytes()), (0, 90));
    }

    #[test]
    fn what_is_no_group_takes_nothing_of_the_bound_of_groups() {
        let budget = WalkBudget::default();
        let mut people = ListSpending::new(&budget, SpentOn::Passing);
        people.add_page(100);
        people.add_records(5, 50);
        assert_eq!(
            (people.records_of_all(), people.mapped_bytes_of_all()),
            (5, 50)
        );
        people.finish();
        drop(people);
        assert_eq!(
            (budget.bytes(), budget.groups(), budget.mapped_bytes()),
            (100, 0, 0)
        );
    }
}
