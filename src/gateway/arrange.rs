//! Puts rows of one snapshot into the order of a sort.
//!
//! One key of the sort is taken at a time, the one that counts least first, as one number of each row: no two
//! rows are compared.

use crate::group::Moment;
use crate::snapshot::Snapshot;

use super::order::{Direction, Sort, SortField, SortKey};

impl Sort {
    /// Sorts rows of a snapshot, which stand in default order.
    pub(super) fn arrange(&self, snapshot: &Snapshot, rows: &mut [u32]) {
        for key in self.moving().iter().rev() {
            key.arrange(snapshot, rows);
        }
    }

    /// Whether rows of a snapshot stand in this order already.
    pub(super) fn is_of_snapshots(&self) -> bool {
        self.moving().is_empty()
    }

    /// The keys that move any row: rows stand in default order already, and one source has but one name.
    fn moving(&self) -> &[SortKey] {
        let mut keys = self.keys();
        while let [before @ .., last] = keys
            && (last.is_default() || last.field == SortField::Source)
        {
            keys = before;
        }
        keys
    }
}

impl SortKey {
    fn is_default(self) -> bool {
        self.field == SortField::Name && self.direction == Direction::Ascending
    }

    /// Sorts rows of a snapshot by this key alone, and leaves those with equal keys as they stand.
    fn arrange(self, snapshot: &Snapshot, rows: &mut [u32]) {
        let at = |row: u32| snapshot.row(row as usize);
        match self.field {
            SortField::CreatedAt => self.by_instants(rows, |row| at(row).created_at()),
            SortField::UpdatedAt => self.by_instants(rows, |row| at(row).updated_at()),
            // In default order they stand by name, and are turned around but for those of one name.
            SortField::Name if rows.is_sorted() => {
                if self.direction == Direction::Descending {
                    let of_one_name =
                        rows.chunk_by(|&left, &right| at(left).name() == at(right).name());
                    let turned: Vec<_> = of_one_name.rev().flatten().copied().collect();
                    rows.copy_from_slice(&turned);
                }
            }
            // To rank names, each of the snapshot's is looked at.
            SortField::Name if rows.len() < snapshot.len() / 16 => {
                rows.sort_by(|left, right| self.compare(&at(*left), &at(*right)));
            }
            SortField::Name => self.by_ranks(&snapshot.name_ranks(), rows),
            SortField::Id => self.by_ranks(&snapshot.id_ranks(), rows),
            SortField::Source => {}
        }
    }

    /// What has no instant comes last, whichever the direction.
    fn by_instants(self, rows: &mut [u32], instant: impl Fn(u32) -> Option<Moment>) {
        let mut keys = Vec::with_capacity(rows.len());
        let mut undated = Vec::new();
        for &row in &*rows {
            match instant(row) {
                Some(instant) => keys.push(key(self.direction.turned(number(instant)), row)),
                None => undated.push(row),
            }
        }
        sort(&mut keys);
        fill(rows, keys.iter().map(row_of).chain(undated));
    }

    fn by_ranks(self, ranks: &[u32], rows: &mut [u32]) {
        let key = |&row: &u32| key(self.direction.turned(ranks[row as usize].into()), row);
        let mut keys: Vec<_> = rows.iter().map(key).collect();
        sort(&mut keys);
        fill(rows, keys.iter().map(row_of));
    }
}

impl Direction {
    /// A number of 96 bits that sorts in this direction as another one does upwards.
    const fn turned(self, number: u128) -> u128 {
        match self {
            Self::Ascending => number,
            Self::Descending => (1 << 96) - 1 - number,
        }
    }
}

/// A number of 96 bits that sorts like an instant: seconds and nanoseconds, which without their signs sort as
/// they did with them.
fn number(instant: Moment) -> u128 {
    let seconds = instant.as_second().cast_unsigned() ^ (1 << 63);
    let nanoseconds = instant.subsec_nanosecond().cast_unsigned() ^ (1 << 31);
    u128::from(seconds) << 32 | u128::from(nanoseconds)
}

/// A number of 96 bits, and a row behind it.
const fn key(number: u128, row: u32) -> u128 {
    number << ROW | row as u128
}

/// How many bits a row takes in its key.
const ROW: u32 = u32::BITS;

const fn row_of(key: &u128) -> u32 {
    *key as u32
}

fn fill(rows: &mut [u32], sorted: impl Iterator<Item = u32>) {
    for (place, row) in rows.iter_mut().zip(sorted) {
        *place = row;
    }
}

/// How many bits of a number make a digit.
const DIGIT: u32 = 8;

/// Sorts by numbers, and leaves those with equal ones as they stand: digit by digit, the one that counts least
/// first. Digits in which no two keys differ are left out, as those of nanoseconds mostly are.
fn sort(keys: &mut Vec<u128>) {
    let Some(&first) = keys.first() else { return };
    let varying = keys.iter().fold(0, |varying, key| varying | (key ^ first));
    let mut sorted = vec![0; keys.len()];
    for shift in (ROW..u128::BITS).step_by(DIGIT as usize) {
        let digit = |key: u128| (key >> shift) as usize % (1 << DIGIT);
        if digit(varying) == 0 {
            continue;
        }
        let mut places = [0; 1 << DIGIT];
        for &key in &*keys {
            places[digit(key)] += 1;
        }
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        for &key in &*keys {
            let place = &mut places[digit(key)];
            sorted[*place] = key;
            *place += 1;
        }
        std::mem::swap(keys, &mut sorted);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_sorted_as_by_comparison(
            numbers in prop::collection::vec(
                prop_oneof![0..4_u128, 0..1_u128 << 96, (0..300_u128).prop_map(|number| number << 40)],
                0..600,
            ),
        ) {
            let numbers = numbers.into_iter().enumerate();
            let mut keys: Vec<_> = numbers.map(|(row, number)| key(number, row as u32)).collect();
            let mut expected = keys.clone();
            expected.sort_by_key(|key| key >> ROW);
            sort(&mut keys);
            prop_assert_eq!(keys, expected);
        }
    }
}
