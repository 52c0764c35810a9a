//! Packed groups in pieces, of a page and of a whole list alike.
//!
//! One buffer of a hundred megabytes would need as much memory in one piece whenever a list is replaced, while what
//! the list before and the pages of the walk leave lies between others. Pieces fit wherever anything was, and a list
//! takes those of its pages over as they stand.

use std::mem;
use std::ops::Range;

use super::stretch::Stretch;

/// How long a piece is at most, unless one row alone is longer: a size that the allocator has blocks of, nine of which
/// nearly fill the 512 KiB that it cuts them from.
const PIECE: usize = 56 * 1024;

/// How long the first piece is at first.
const FIRST: usize = 4 * 1024;

/// How many bits of a start say where in its piece a row begins. The others are the number of the piece.
const OFFSET: u32 = u32::BITS;

/// Packed groups, one for each row.
#[derive(Debug, Default)]
pub(super) struct PackedPieces {
    pieces: Vec<Vec<u8>>,
    /// The number of the piece that rows are added to, if there is one.
    open: Option<usize>,
}

impl PackedPieces {
    /// Adds a row.
    #[inline]
    pub(super) fn push(&mut self, row: &[u8]) -> Stretch {
        let (number, piece) = self.piece_for(row.len());
        let start = piece.len();
        piece.extend_from_slice(row);
        stretch(number, start, row.len())
    }

    /// Adds a row of so many bytes, which are zero until they are written.
    pub(super) fn push_zeros(&mut self, length: usize) -> (Stretch, &mut [u8]) {
        let (number, piece) = self.piece_for(length);
        let start = piece.len();
        piece.resize(start + length, 0);
        (stretch(number, start, length), &mut piece[start..])
    }

    /// Gets ready for so many more bytes, as far as they go into one piece.
    pub(super) fn reserve(&mut self, bytes: usize) {
        let left = PIECE.saturating_sub(self.open().map_or(0, |open| open.len()));
        self.grow(bytes.min(left));
    }

    /// Takes over rows of one piece of a page, and says to each where it is now: with all of that piece, or copied
    /// behind others, where too little of a piece would be in use.
    pub(super) fn take_over(&mut self, page: &mut Self, rows: Vec<&mut Stretch>) {
        let Some(first) = rows.first() else {
            return;
        };
        let piece = mem::take(&mut page.pieces[first.piece()]);
        let bytes = rows.iter().map(|row| row.length as usize).sum();
        if bytes >= in_use(PIECE) {
            let number = self.pieces.len();
            self.pieces.push(piece);
            for row in rows {
                *row = stretch(number, row.offset(), row.length as usize);
            }
        } else {
            self.reserve(bytes);
            for row in rows {
                *row = self.push(&piece[row.in_piece()]);
            }
        }
    }

    /// Gives back what it does not need any more, now that all rows are there.
    pub(super) fn shrink(&mut self) {
        self.open().map(trim);
        self.pieces.shrink_to_fit();
    }

    /// The packed group of a row.
    #[inline]
    pub(super) fn row(&self, stretch: Stretch) -> &[u8] {
        &self.pieces[stretch.piece()][stretch.in_piece()]
    }

    /// How long all are together.
    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(Vec::capacity).sum();
        pieces + self.pieces.capacity() * size_of::<Vec<u8>>()
    }

    fn open(&mut self) -> Option<&mut Vec<u8>> {
        self.pieces.get_mut(self.open?)
    }

    /// The piece that has room for a row of so many bytes, with its number.
    #[inline]
    fn piece_for(&mut self, bytes: usize) -> (usize, &mut Vec<u8>) {
        if let Some(open) = self.open()
            && !open.is_empty()
            && open.len() + bytes > PIECE
        {
            trim(open);
            self.open = None;
        }
        self.grow(bytes)
    }

    /// The piece that rows are added to, with room for so many more bytes. The first of all grows by and by, for there
    /// may be few rows.
    #[inline]
    fn grow(&mut self, bytes: usize) -> (usize, &mut Vec<u8>) {
        let number = *self.open.get_or_insert_with(|| {
            self.pieces.push(Vec::new());
            self.pieces.len() - 1
        });
        let piece = &mut self.pieces[number];
        let needed = piece.len() + bytes;
        if piece.capacity() < needed {
            let more = match number {
                0 => FIRST.max(2 * piece.capacity()),
                _ => PIECE,
            };
            piece.reserve_exact(more.min(PIECE).max(needed) - piece.len());
        }
        (number, piece)
    }
}

impl Stretch {
    /// The number of the piece that it is in.
    #[inline]
    pub(super) const fn piece(self) -> usize {
        (self.start >> OFFSET) as usize
    }

    #[inline]
    const fn offset(self) -> usize {
        self.start as u32 as usize
    }

    #[inline]
    fn in_piece(self) -> Range<usize> {
        self.offset()..self.offset() + self.length as usize
    }
}

/// How much of a piece is in use at least.
const fn in_use(capacity: usize) -> usize {
    capacity / 8 * 7
}

/// Moves a piece to where it has no room left, if too little of it is in use: an allocator leaves what only becomes
/// shorter where it is.
fn trim(piece: &mut Vec<u8>) {
    if piece.len() < in_use(piece.capacity()) {
        *piece = piece.as_slice().to_vec();
    }
}

#[inline]
const fn stretch(piece: usize, start: usize, length: usize) -> Stretch {
    Stretch {
        start: (piece as u64) << OFFSET | start as u64,
        length: length as u32,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows of these lengths, each of a letter of its own.
    fn rows(lengths: &[usize]) -> Vec<Vec<u8>> {
        let rows = lengths.iter().zip((b'a'..=b'z').cycle());
        rows.map(|(length, letter)| vec![letter; *length]).collect()
    }

    fn lengths() -> impl Strategy<Value = Vec<usize>> {
        let length = prop_oneof![
            4 => 0..1000_usize,
            2 => 1000..20_000_usize,
            1 => 20_000..150_000_usize,
        ];
        prop::collection::vec(length, 0..80)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_row_is_where_it_was_placed_and_little_is_held_in_vain(
            pages in prop::collection::vec((lengths(), any::<u64>(), 0..=100_u64), 0..6),
        ) {
            let mut all = PackedPieces::default();
            let mut wanted = Vec::new();
            for (lengths, seed, share) in pages {
                let rows = rows(&lengths);
                let mut page = PackedPieces::default();
                let places: Vec<_> = rows.iter().map(|row| page.push(row)).collect();
                page.shrink();
                prop_assert!(places.iter().zip(&rows).all(|(place, row)| page.row(*place) == row));
                prop_assert_eq!(page.len(), rows.concat().len());
                // Some are left out, here and there or many.
                let is_wanted = |number: usize| (seed >> (number % 57)) % 101 >= share;
                let places = places.into_iter().zip(rows).enumerate();
                let places = places.filter(|(number, _)| is_wanted(*number));
                let mut places: Vec<_> = places.map(|(_, place)| place).collect();
                for of_piece in places.chunk_by_mut(|(one, _), (next, _)| one.piece() == next.piece()) {
                    all.take_over(&mut page, of_piece.iter_mut().map(|(place, _)| place).collect());
                }
                wanted.extend(places);
            }
            all.shrink();
            prop_assert!(wanted.iter().all(|(place, row)| all.row(*place) == row));
            let bytes: usize = wanted.iter().map(|(_, row)| row.len()).sum();
            let held: usize = all.pieces.iter().map(Vec::capacity).sum();
            prop_assert!(in_use(held) <= bytes + 8 * all.pieces.len(), "{} of {}", bytes, held);
        }
    }
}
