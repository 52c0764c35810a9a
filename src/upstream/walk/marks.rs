//! By what the groups of a list are known again when they are asked for anew.
//!
//! Marks say what is known of the groups of one list, so they come with that list and go with it: a list that is not
//! kept leaves those of the list that is.

use std::collections::{HashMap, HashSet};

use http::HeaderValue;
use tokio::time::Instant;

use crate::list_memory::{ListHold, ListMemory};
use crate::page::page_outcome::PageKey;
use crate::plan::RelatedList;

use super::gone_groups::GoneGroup;

/// By what the groups of one list are known again.
#[derive(Debug, Default)]
pub struct GroupMarks {
    pub(super) marks: HashMap<Box<str>, GroupMark>,
    /// When the last walk began that read everything anew.
    pub(super) full_at: Option<Instant>,
    /// How long pages were.
    pub(super) longest: LongestPages,
    /// The groups that the list lacks because they were gone, as far as a walk for changes asks for them again. They
    /// are in memory alone.
    pub(super) gone: Vec<GoneGroup>,
    /// The memory that they are counted with.
    hold: ListHold,
}

/// How many records the longest first page had of each list that is asked for each group: so many an upstream sends on
/// one page, whatever was requested.
pub(super) type LongestPages = HashMap<RelatedList, u64>;

/// The entity tag of a response that brought all of one of the lists of a group.
#[derive(Debug, Clone)]
pub(super) struct ListTag {
    pub(super) list: RelatedList,
    pub(super) tag: HeaderValue,
    /// The request that it answered: the same tag elsewhere is of something else.
    pub(super) request: PageKey,
    /// How many records came, where nothing in the body says that they are all: only a page with room for more is
    /// another one when the list grows.
    pub(super) records: Option<u64>,
}

/// By what a group that was read is known again.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupMark {
    /// The hash of what was listed of it.
    pub(super) listed: u64,
    /// The entity tags of the responses that its details and people came in, each if it was one response.
    pub(super) tags: Vec<ListTag>,
    /// The hashes of what stood at the paths that `reuse` goes by, each for one of its lists.
    pub(super) values: Vec<(RelatedList, u64)>,
    /// Whether some of it was used again: without being asked for, or because a response said that it had not changed.
    pub(super) is_reused: bool,
}

impl GroupMarks {
    /// Those of a walk, by the ids of their groups. `full_at` is when a walk began that read everything anew.
    pub(super) fn new(
        marks: HashMap<Box<str>, GroupMark>,
        full_at: Option<Instant>,
        longest: LongestPages,
        gone: Vec<GoneGroup>,
        memory: &ListMemory,
    ) -> Self {
        let mut marks = Self::uncounted(marks, full_at, longest);
        marks.gone = gone;
        marks.count_with(memory);
        marks
    }

    /// The same, not counted with any memory yet.
    pub(super) fn uncounted(
        marks: HashMap<Box<str>, GroupMark>,
        full_at: Option<Instant>,
        longest: LongestPages,
    ) -> Self {
        Self {
            marks,
            full_at,
            longest,
            gone: Vec::new(),
            hold: ListHold::default(),
        }
    }

    /// Counts what they take with the memory of lists.
    pub fn count_with(&mut self, memory: &ListMemory) {
        let marks = self.marks.iter().map(|(id, mark)| mark.bytes(id));
        let gone = self.gone.iter().map(GoneGroup::bytes);
        self.hold = memory.hold(marks.chain(gone).sum());
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
        Self::new(self.marks, self.full_at, self.longest, self.gone, memory)
    }

    /// How many groups are known.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }
}

impl GroupMark {
    /// The entity tag of one of its lists.
    pub(super) fn tag(&self, list: RelatedList) -> Option<&ListTag> {
        self.tags.iter().find(|tag| tag.list == list)
    }

    /// The hash of what stood where `reuse` of one of its lists goes by.
    pub(super) fn value(&self, list: RelatedList) -> Option<u64> {
        let mut values = self.values.iter();
        values.find_map(|(own, value)| (*own == list).then_some(*value))
    }

    /// Lets go of tags of pages that may have been full.
    pub(super) fn drop_full(&mut self, longest: &LongestPages) {
        let longest = |list| longest.get(&list).copied().unwrap_or_default();
        self.tags
            .retain(|tag| (tag.records).is_none_or(|records| records < longest(tag.list)));
    }

    /// About what it takes, with the id of its group.
    pub(super) fn bytes(&self, id: &str) -> u64 {
        let tags = self.tags.iter();
        let tags = tags.map(|tag| tag.tag.len() + size_of::<ListTag>());
        let values = size_of_val(&*self.values);
        (id.len() + 96 + tags.sum::<usize>() + values) as u64
    }
}

impl ListTag {
    /// Whether two are of one response, as far as the upstream says.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.tag == other.tag && self.request == other.request
    }
}
