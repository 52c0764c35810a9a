//! Members of one object that have one name.

use std::collections::HashMap;

use super::{EntryKind, TapeEntry};

/// The names of an object, as far as it takes to see that none repeats.
#[derive(Debug, Default)]
pub(in crate::page::format) struct SeenNames {
    seen: u128,
    may_repeat: bool,
}

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

impl SeenNames {
    /// Takes note of a name.
    #[inline]
    pub(in crate::page::format) fn note(&mut self, name: &[u8]) {
        let (first, middle, last) = match name {
            [] => (0, 0, 0),
            [first, ..] => (*first, name[name.len() / 2], name[name.len() - 1]),
        };
        let mixed = u32::from_le_bytes([name.len() as u8, first, middle, last]);
        let bit = 1_u128 << (mixed.wrapping_mul(0x9e37_79b1) >> 25);
        self.may_repeat |= self.seen & bit != 0;
        self.seen |= bit;
    }

    /// Takes note of a name that is not known here.
    pub(in crate::page::format) const fn doubt(&mut self) {
        self.may_repeat = true;
    }

    /// Whether one of them may have come before.
    pub(in crate::page::format) const fn may_repeat(&self) -> bool {
        self.may_repeat
    }
}

/// Up to so many members are compared with each other; a table costs more.
const FEW: usize = 16;

/// The members without repeated names, and how many there are; `None` if no name repeats.
pub(super) fn settled<'a>(
    entries: &[TapeEntry],
    text: impl Fn(&TapeEntry) -> &'a str,
    counts: RepeatRule,
) -> Option<(Vec<TapeEntry>, u32)> {
    let mut members: Vec<(&str, &[TapeEntry])> = Vec::new();
    let mut rest = entries;
    while let [name, value, ..] = rest {
        let (member, after) = rest.split_at_checked(1 + value.span as usize)?;
        members.push((text(name), member));
        rest = after;
    }
    let is_repeated = |index: usize| {
        let (name, _) = members[index];
        members[..index].iter().any(|(before, _)| *before == name)
    };
    if members.len() <= FEW && !(1..members.len()).any(is_repeated) {
        return None;
    }
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(members.len());
    let mut groups: Vec<Vec<&[TapeEntry]>> = Vec::with_capacity(members.len());
    for (name, member) in &members {
        let place = *places.entry(name).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(member),
            None => groups.push(vec![member]),
        }
    }
    if groups.len() == members.len() {
        return None;
    }
    let mut settled = Vec::with_capacity(entries.len());
    for group in &groups {
        let counted = match counts {
            RepeatRule::First => group.first(),
            RepeatRule::Last | RepeatRule::All => group.last(),
        };
        match (counts, group.as_slice()) {
            (RepeatRule::All, [[name, list, ..], _, ..]) if list.kind == EntryKind::List => {
                let lists = group.iter().filter_map(|member| member.get(1..));
                let (mut length, mut span) = (0, 1);
                for list in lists.clone().filter_map(<[TapeEntry]>::first) {
                    length += list.length;
                    span += list.span - 1;
                }
                settled.extend([
                    *name,
                    TapeEntry {
                        length,
                        span,
                        ..*list
                    },
                ]);
                settled.extend(lists.flat_map(|list| &list[1..]));
            }
            _ => settled.extend(counted.into_iter().copied().flatten()),
        }
    }
    Some((settled, groups.len() as u32))
}
