//! By what the groups of a list are known again when they are asked for anew.
//!
//! Marks say what is known of the groups of one list, so they come with that list and go with it: a list that is not
//! kept leaves those of the list that is.

use std::collections::{HashMap, HashSet};

use http::HeaderValue;
use tokio::time::Instant;

use crate::list_memory::{ListHold, ListMemory};
use crate::plan::RelatedList;

/// By what the groups of one list are known again.
#[derive(Debug, Default)]
pub struct GroupMarks {
    marks: HashMap<Box<str>, GroupMark>,
    /// When the last walk began that read everything anew.
    pub(super) full_at: Option<Instant>,
    /// The memory that they are counted with.
    _hold: ListHold,
}

/// By what a group that was read is known again.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupMark {
    /// The hash of what was listed of it.
    pub(super) listed: u64,
    /// The entity tags of the responses that its details and people came in, each if it was one response.
    pub(super) etags: Vec<(RelatedList, HeaderValue)>,
    /// Whether some of it was used again without being asked for.
    pub(super) is_reused: bool,
}

impl GroupMarks {
    /// Those of a walk, by the ids of their groups. `full_at` is when a walk began that read everything anew.
    pub(super) fn new(
        marks: HashMap<Box<str>, GroupMark>,
        full_at: Option<Instant>,
        memory: &ListMemory,
    ) -> Self {
        let bytes = marks.iter().map(|(id, mark)| mark.bytes(id)).sum();
        Self {
            marks,
            full_at,
            _hold: memory.hold(bytes),
        }
    }

    /// That of a group.
    pub(super) fn get(&self, id: &str) -> Option<&GroupMark> {
        self.marks.get(id)
    }

    /// These, and those of the list that they are laid over: of all groups but the `listed` ones.
    pub(super) fn laid_over(
        mut self,
        before: Option<&Self>,
        listed: &HashSet<Box<str>>,
        memory: &ListMemory,
    ) -> Self {
        if let Some(before) = before {
            let stay = before.marks.iter().filter(|(id, _)| !listed.contains(*id));
            let stay = stay.map(|(id, mark)| (id.clone(), mark.clone()));
            self.marks.extend(stay);
            self.full_at = self.full_at.or(before.full_at);
        }
        Self::new(self.marks, self.full_at, memory)
    }

    /// How many groups are known.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }
}

impl GroupMark {
    /// The entity tag of one of its lists.
    pub(super) fn etag(&self, list: RelatedList) -> Option<&HeaderValue> {
        let mut etags = self.etags.iter();
        etags.find_map(|(own, etag)| (*own == list).then_some(etag))
    }

    /// About what it takes, with the id of its group.
    pub(super) fn bytes(&self, id: &str) -> u64 {
        let etags = self.etags.iter().map(|(_, etag)| etag.len() + 48);
        (id.len() + 96 + etags.sum::<usize>()) as u64
    }
}
