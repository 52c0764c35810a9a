//! Whether groups have at all what `reuse` goes by: where its path is wrong none has, and all are asked for each time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::plan::RelatedList;

/// Of how many groups it was looked for, and how many have it, for each list.
#[derive(Debug, Default)]
pub(super) struct MarkersRead(Mutex<HashMap<RelatedList, (u64, u64)>>);

impl MarkersRead {
    /// Takes note of one group.
    pub(super) fn note(&self, list: RelatedList, has_marker: bool) {
        let mut lists = self.lock();
        let (groups, marked) = lists.entry(list).or_default();
        *groups += 1;
        *marked += u64::from(has_marker);
    }

    /// The lists for which none of so many groups has it.
    pub(super) fn missing(&self) -> Vec<(RelatedList, u64)> {
        let lists = self.lock();
        let missing = lists.iter().filter(|(_, (_, marked))| *marked == 0);
        missing
            .map(|(list, (groups, _))| (*list, *groups))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RelatedList, (u64, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
