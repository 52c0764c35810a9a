//! Members of one object that have one name.

use std::collections::{HashMap, HashSet};

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

/// What [`repeats`] and [`settled`] take at most per member: tables grow by doubling.
const MEMBER: usize = 80;

/// How much memory these functions take at most for so many entries, of so many members.
pub(super) const fn takes(entries: usize, members: usize) -> usize {
    entries * ENTRY + members * MEMBER
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

/// Whether a name comes twice among so many members.
pub(super) fn repeats<'a>(
    entries: &[TapeEntry],
    count: usize,
    text: impl Fn(&TapeEntry) -> &'a [u8],
) -> bool {
    let mut seen = HashSet::with_capacity(count);
    members(entries).any(|member| !seen.insert(text(&member[0])))
}

/// So many members without repeated names, and how many there are then.
pub(super) fn settled<'a>(
    entries: &[TapeEntry],
    count: usize,
    text: impl Fn(&TapeEntry) -> &'a [u8],
    counts: RepeatRule,
) -> (Vec<TapeEntry>, u32) {
    let mut places = HashMap::with_capacity(count);
    let mut order: Vec<(usize, u32)> = Vec::with_capacity(count);
    let mut at = 0;
    for member in members(entries) {
        let next = places.len();
        let place = *places.entry(text(&member[0])).or_insert(next);
        order.push((place, at));
        at += member.len() as u32;
    }
    order.sort_unstable();
    let member = |&(_, at): &(usize, u32)| members(&entries[at as usize..]).next();
    let mut settled = Vec::with_capacity(entries.len());
    for same in order.chunk_by(|(one, _), (other, _)| one == other) {
        let mut same = same.iter().filter_map(member);
        match counts {
            RepeatRule::First => settled.extend(same.next().into_iter().flatten()),
            RepeatRule::Last => settled.extend(same.next_back().into_iter().flatten()),
            RepeatRule::All => join(same, &mut settled),
        }
    }
    (settled, places.len() as u32)
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
