//! Members of one object that have one name.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{ENTRY, EntryKind, TapeEntry};

/// Which of the members with one name count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::page::format) enum RepeatRule {
    /// The first, as for attributes of XML.
    First,
    /// The last, in the place of the first, as everywhere where JSON is read.
    Last,
    /// All, as one list: elements of XML that stand apart.
    All,
}

/// How much memory [`may_repeat`] takes for so many members.
pub(super) const fn to_look(members: usize) -> usize {
    members * size_of::<u64>()
}

/// How much memory [`settled`] takes for so many entries, of so many members.
pub(super) const fn to_settle(entries: usize, members: usize) -> usize {
    entries * ENTRY + members * size_of::<(u32, u32)>()
}

/// The members of an object, each the entry of its name and those of its value.
fn members(entries: &[TapeEntry]) -> impl Iterator<Item = &[TapeEntry]> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        let value = rest.get(1)?;
        let (member, after) = rest.split_at_checked(1 + value.span as usize)?;
        rest = after;
        Some(member)
    })
}

/// Whether a name comes twice among so many members, or at least its hash does. Objects of many members are
/// often keyed by data, and they are whole pages.
pub(super) fn may_repeat<'a>(
    entries: &[TapeEntry],
    count: usize,
    text: impl Fn(&TapeEntry) -> &'a [u8],
) -> bool {
    let mut seen = Vec::with_capacity(count);
    seen.extend(members(entries).map(|member| {
        let mut hasher = DefaultHasher::new();
        text(&member[0]).hash(&mut hasher);
        hasher.finish()
    }));
    seen.sort_unstable();
    seen.windows(2).any(|pair| pair[0] == pair[1])
}

/// So many members without repeated names, and how many there are then.
pub(super) fn settled<'a>(
    entries: &[TapeEntry],
    count: usize,
    text: impl Fn(&TapeEntry) -> &'a [u8],
    counts: RepeatRule,
) -> (Vec<TapeEntry>, u32) {
    // Each member, and the first one of its name.
    let mut order: Vec<(u32, u32)> = Vec::with_capacity(count);
    let mut at = 0;
    for member in members(entries) {
        order.push((at, at));
        at += member.len() as u32;
    }
    let name = |&(_, at): &(u32, u32)| text(&entries[at as usize]);
    order.sort_unstable_by_key(|member| (name(member), member.1));
    for same in order.chunk_by_mut(|one, other| name(one) == name(other)) {
        let (_, first) = same[0];
        for member in same {
            member.0 = first;
        }
    }
    order.sort_unstable();
    let member = |&(_, at): &(u32, u32)| members(&entries[at as usize..]).next();
    let mut settled = Vec::with_capacity(entries.len());
    let mut names = 0;
    for same in order.chunk_by(|(one, _), (other, _)| one == other) {
        names += 1;
        let mut same = same.iter().filter_map(member);
        match counts {
            RepeatRule::First => settled.extend(same.next().into_iter().flatten()),
            RepeatRule::Last => settled.extend(same.next_back().into_iter().flatten()),
            RepeatRule::All => join(same, &mut settled),
        }
    }
    (settled, names)
}

/// Joins the lists of members that have one name. Of those that are no lists the last counts.
fn join<'a>(mut same: impl Iterator<Item = &'a [TapeEntry]>, settled: &mut Vec<TapeEntry>) {
    let start = settled.len();
    let Some(first) = same.next() else { return };
    settled.extend(first);
    for member in same {
        let [_, list, items @ ..] = member else {
            continue;
        };
        match settled.get_mut(start + 1) {
            Some(joined) if joined.kind == EntryKind::List => {
                joined.length += list.length;
                joined.span += list.span - 1;
                settled.extend(items);
            }
            _ => {
                settled.truncate(start);
                settled.extend(member);
            }
        }
    }
}
