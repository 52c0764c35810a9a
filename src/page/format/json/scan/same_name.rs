//! Whether a member has the name that stood in its place before.

use crate::page::format::tape::{EntryKind, TapeEntry};

/// How far it is to the value, if the name at a byte is written as an earlier one, up to its colon.
#[inline]
pub(super) fn name_again(bytes: &[u8], at: usize, name: &TapeEntry) -> Option<usize> {
    if name.kind != EntryKind::PlainText {
        return None;
    }
    let (start, length) = (name.start as usize - 1, name.length as usize + 3);
    let written = bytes.get(start..start + length)?;
    let is_again = is_same(bytes.get(at..at + length)?, written) && written.ends_with(b":");
    is_again.then_some(length)
}

/// Whether two texts of one length are the same. Most names are short, and two words that overlap are read sooner than
/// a function for all lengths is called.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    match one.len() {
        8..=16 => {
            one.first_chunk::<8>() == other.first_chunk()
                && one.last_chunk::<8>() == other.last_chunk()
        }
        4..8 => {
            one.first_chunk::<4>() == other.first_chunk()
                && one.last_chunk::<4>() == other.last_chunk()
        }
        _ => one == other,
    }
}
