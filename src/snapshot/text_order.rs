//! The order of rows by a text of each, found by numbers that say how the texts go on behind what all share.

use std::cmp::Ordering;

/// How many bytes of a text are in a key, in front of the row.
const KEY: usize = 12;

/// Up to so many rows are compared with each other.
const FEW: usize = 16;

/// The rows from 0 to `count`, of which each has a `text`, in the order of `compare`, which compares these texts
/// first.
pub(super) fn rows_in_order<'a>(
    count: usize,
    text: impl Fn(u32) -> &'a [u8],
    compare: impl Fn(u32, u32) -> Ordering,
) -> Vec<u32> {
    let is_ordered = (1..count as u32).all(|row| compare(row - 1, row).is_lt());
    if is_ordered {
        return (0..count as u32).collect();
    }
    let mut keys: Vec<_> = (0..count as u128).collect();
    sort(&mut keys, 0, &text, &compare);
    keys.into_iter().map(row).collect::<Vec<_>>()
}

const fn row(key: u128) -> u32 {
    key as u32
}

/// Sorts keys whose texts are the same up to a byte.
fn sort<'a>(
    keys: &mut [u128],
    from: usize,
    text: &impl Fn(u32) -> &'a [u8],
    compare: &impl Fn(u32, u32) -> Ordering,
) {
    if keys.len() <= FEW {
        keys.sort_unstable_by(|one, other| compare(row(*one), row(*other)));
        return;
    }
    let rest = |key: &u128| text(row(*key)).get(from..).unwrap_or_default();
    let mut shared = keys.first().map(rest).unwrap_or_default();
    for key in &*keys {
        let same = shared.iter().zip(rest(key));
        let same = same.take_while(|(one, other)| one == other).count();
        shared = &shared[..same];
        if shared.is_empty() {
            break;
        }
    }
    let behind = from + shared.len();
    let mut is_more = false;
    for key in &mut *keys {
        let row = row(*key);
        let text = text(row).get(behind..).unwrap_or_default();
        is_more |= !text.is_empty();
        *key = start_of(text) | u128::from(row);
    }
    if !is_more {
        // All have the same text.
        keys.sort_unstable_by(|one, other| compare(row(*one), row(*other)));
        return;
    }
    keys.sort_unstable();
    let is_same = |one: &u128, other: &u128| one >> u32::BITS == other >> u32::BITS;
    let same = keys.chunk_by_mut(is_same).filter(|same| same.len() > 1);
    for same in same {
        sort(same, behind + KEY, text, compare);
    }
}

/// The first bytes of a text as a number that is in the same order, with room for a row.
fn start_of(text: &[u8]) -> u128 {
    let mut start = [0; size_of::<u128>()];
    if let Some(text) = text.first_chunk::<KEY>() {
        start[..KEY].copy_from_slice(text);
    } else {
        start[..text.len()].copy_from_slice(text);
    }
    u128::from_be_bytes(start)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_in_order_stay(texts in prop::collection::btree_set("[ab\0é]{0,3}", 0..40)) {
            let texts: Vec<_> = texts.into_iter().collect();
            let compare = |one: u32, other: u32| texts[one as usize].cmp(&texts[other as usize]);
            let rows = rows_in_order(texts.len(), |row| texts[row as usize].as_bytes(), compare);
            prop_assert!(rows.into_iter().eq(0..texts.len() as u32));
        }

        #[test]
        fn rows_stand_as_if_they_were_compared(
            texts in prop::collection::vec("(team|x{12}|y{30}|\0){0,3}[ab\0é]{0,3}", 0..200),
            second in prop::collection::vec(0..3_u8, 200),
        ) {
            let compare = |one: u32, other: u32| {
                let key = |row: u32| (&texts[row as usize], second[row as usize], row);
                key(one).cmp(&key(other))
            };
            let rows = rows_in_order(texts.len(), |row| texts[row as usize].as_bytes(), compare);
            let mut expected: Vec<_> = (0..texts.len() as u32).collect();
            expected.sort_by(|one, other| compare(*one, *other));
            prop_assert_eq!(rows, expected);
        }
    }
}
