//! Packed groups, in order, in pieces.
//!
//! One buffer of a hundred megabytes would need as much memory in one piece whenever a list is replaced, while what
//! the list before and the pages of the walk leave lies between others. Pieces fit wherever anything was.

use std::io::{self, Read, Write};

use super::content_hash::{ContentDigest, ContentHash};
use super::stretch::Stretch;

/// How long a piece is at most, unless one row alone is longer: a bit less than nine of the slices of 64 KiB that
/// the allocator is made of, and more than it would put together with others.
const PIECE: usize = 568 * 1024;

/// How much is hashed at once: as much as is still in the cache when it has been copied, and of a length
/// that is quickly hashed.
const HASHED: usize = 128 * 1024;

/// How many bits of a start say where in its piece a row begins. The others are the number of the piece.
const OFFSET: u32 = u32::BITS;

/// Packed groups, one for each row.
#[derive(Debug, Default)]
pub(super) struct PackedPieces(Vec<Vec<u8>>);

/// How long the pieces will be.
#[derive(Debug, Default)]
pub(super) struct PieceLengths(Vec<usize>);

impl PieceLengths {
    /// Where the next row goes, of so many bytes.
    #[inline]
    pub(super) fn place(&mut self, length: u32) -> Stretch {
        let bytes = length as usize;
        match self.0.last_mut() {
            Some(last) if *last + bytes <= PIECE => *last += bytes,
            _ => self.0.push(bytes),
        }
        let end = self.0.last().copied().unwrap_or_default();
        Stretch {
            start: ((self.0.len() - 1) as u64) << OFFSET | (end - bytes) as u64,
            length,
        }
    }

    /// How long all are together.
    pub(super) fn sum(&self) -> usize {
        self.0.iter().sum()
    }
}

impl PackedPieces {
    /// The pieces of rows in their order, as long as was said of them, and their hash.
    pub(super) fn of<'a>(
        lengths: PieceLengths,
        mut rows: impl Iterator<Item = &'a [u8]>,
    ) -> (Self, ContentHash) {
        let mut digest = ContentDigest::default();
        let mut until = HASHED;
        let pieces = lengths.0.into_iter().map(|length| {
            let mut piece = Vec::with_capacity(length);
            let mut hashed = 0;
            while let Some(row) = (piece.len() < length).then(|| rows.next()).flatten() {
                piece.extend_from_slice(row);
                while let Some(next) = piece.get(hashed..hashed + until) {
                    digest.update(next);
                    hashed += until;
                    until = HASHED;
                }
            }
            digest.update(&piece[hashed..]);
            until -= piece.len() - hashed;
            piece
        });
        let pieces = Self(pieces.collect());
        (pieces, digest.finish())
    }

    /// The packed group of a row.
    #[inline]
    pub(super) fn row(&self, stretch: Stretch) -> &[u8] {
        let at = stretch.start as u32 as usize;
        &self.0[(stretch.start >> OFFSET) as usize][at..at + stretch.length as usize]
    }

    /// How long all are together.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.len() + self.0.len() * size_of::<Vec<u8>>()
    }

    /// Writes them one after the other.
    pub(super) fn write_to(&self, writer: &mut impl Write) -> io::Result<()> {
        self.0.iter().try_for_each(|piece| writer.write_all(piece))
    }

    /// Reads pieces of these lengths.
    pub(super) fn read_from(reader: &mut impl Read, lengths: PieceLengths) -> io::Result<Self> {
        let pieces = lengths.0.into_iter().map(|length| {
            let mut piece = vec![0; length];
            reader.read_exact(&mut piece)?;
            Ok(piece)
        });
        Ok(Self(pieces.collect::<io::Result<_>>()?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_row_is_where_it_was_placed_and_the_hash_knows_of_no_pieces(
            lengths in prop::collection::vec(
                prop_oneof![0..2000_usize, 100_000..300_000_usize, 500_000..700_000_usize],
                0..12,
            ),
        ) {
            let rows = lengths.iter().zip(b'a'..).map(|(length, letter)| vec![letter; *length]);
            let rows: Vec<_> = rows.collect();
            let mut planned = PieceLengths::default();
            let places: Vec<_> = rows.iter().map(|row| planned.place(row.len() as u32)).collect();
            prop_assert_eq!(planned.sum(), rows.concat().len());
            let (pieces, hash) = PackedPieces::of(planned, rows.iter().map(Vec::as_slice));
            for (row, place) in rows.iter().zip(places) {
                prop_assert_eq!(pieces.row(place), row);
            }
            prop_assert_eq!(hash, ContentHash::of(rows.iter().map(Vec::as_slice)));
        }
    }
}
