//! The buffers of the last page that a thread has let go of, which the next one takes.
//!
//! An allocator hands out all blocks of a size in turns. Buffers of some size would be elsewhere for each page, and come
//! into the cache anew; these are still there.

use std::cell::Cell;

use super::{ENTRY, TapeEntry};

/// Larger buffers are given back, in bytes.
const LARGEST: usize = 128 * 1024;

/// How many times as large as what is expected a buffer may be.
const LARGER: usize = 4;

/// How many bytes of a page there are for an entry, about.
const EACH: usize = 16;

/// So many entries for each byte of a page are more than any page needs, even while they are moved.
const PLENTY: usize = 8;

#[derive(Default)]
struct Spare {
    text: Cell<String>,
    entries: Cell<Vec<TapeEntry>>,
}

thread_local! {
    static SPARE: Spare = Spare::default();
}

/// A copy of a text.
pub(super) fn copied(text: &str) -> String {
    let mut copy = SPARE.with(|spare| spare.text.take());
    if !(text.len()..=LARGER * text.len()).contains(&copy.capacity()) {
        SPARE.with(|spare| spare.text.set(copy));
        return text.to_owned();
    }
    copy.clear();
    copy.push_str(text);
    copy
}

/// No entries, with room for some, of a page that is so long and may have this many. Where that is less than plenty, there
/// is no room yet: whether a page fits must not depend on the one before.
pub(super) fn entries(page: usize, most: usize) -> Vec<TapeEntry> {
    let is_plenty = most / PLENTY >= page;
    let mut entries = SPARE.with(|spare| spare.entries.take());
    if !is_plenty || entries.capacity() > LARGER * page / EACH {
        SPARE.with(|spare| spare.entries.set(entries));
        return Vec::new();
    }
    entries.clear();
    entries
}

/// Keeps what a page has let go of.
pub(super) fn keep(text: String, entries: Vec<TapeEntry>) {
    // A thread that ends keeps nothing.
    let _ = SPARE.try_with(|spare| {
        if (1..=LARGEST).contains(&text.capacity()) {
            spare.text.set(text);
        }
        if (1..=LARGEST / ENTRY).contains(&entries.capacity()) {
            spare.entries.set(entries);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_takes_the_buffers_of_the_one_before_if_they_are_about_as_large() {
        let place = |text: &String| text.as_ptr();
        let text = "a".repeat(1000);
        let first = copied(&text);
        let before = place(&first);
        keep(first, Vec::with_capacity(60));
        assert_ne!(place(&copied("short")), before);
        let longer = copied(&"b".repeat(2000));
        assert_ne!(place(&longer), before);
        let second = copied(&"c".repeat(300));
        assert_eq!(
            (second.as_str(), place(&second)),
            (&*"c".repeat(300), before)
        );
        for (page, most) in [(1000, 7999), (100, 8000)] {
            assert_eq!(entries(page, most).capacity(), 0);
        }
        assert_eq!(entries(1000, 8000).capacity(), 60);
        assert_eq!(entries(1000, 8000).capacity(), 0);
    }

    #[test]
    fn large_buffers_are_given_back() {
        SPARE.with(|spare| drop((spare.text.take(), spare.entries.take())));
        let (text, items) = (LARGEST + 1, LARGEST / ENTRY + 1);
        keep(String::with_capacity(text), Vec::with_capacity(items));
        assert_eq!(entries(usize::MAX / LARGER, usize::MAX).capacity(), 0);
        assert_eq!(copied(&"a".repeat(text)).capacity(), text);
    }
}
