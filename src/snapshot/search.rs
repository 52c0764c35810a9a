//! A search through a whole list, in one pass over its text.
//!
//! What searches look at stands in the text in the order of the rows, so what they find comes in that order,
//! and rows without it are never looked at. Between stands what they do not look at, such as ids.

use memchr::memmem::Finder;

use super::layout::Row;
use super::list::Snapshot;

/// The indexes of the rows that a search finds, in default order.
#[derive(Debug)]
pub struct FoundRows<'a> {
    rows: &'a [Row],
    text: &'a [u8],
    search: &'a Finder<'a>,
    /// The first row that was not looked at.
    row: usize,
    /// Where the text goes on that was not looked at.
    at: usize,
}

impl Snapshot {
    /// The rows of which [`contains`](super::RowRef::contains) says that they contain the folded text that
    /// `search` looks for, which must not be empty.
    pub fn search<'a>(&'a self, search: &'a Finder<'a>) -> FoundRows<'a> {
        FoundRows {
            rows: &self.rows,
            text: self.buffers.text.as_bytes(),
            search,
            row: 0,
            at: 0,
        }
    }
}

impl Iterator for FoundRows<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let start = self.at + self.search.find(self.text.get(self.at..)?)?;
            let end = start + self.search.needle().len();
            let ends_before = |row: &Row| row.folded().end <= start;
            self.row += leading(self.rows.get(self.row..)?, ends_before);
            let row = self.rows.get(self.row)?;
            self.at = row.folded().end;
            for stretch in row.searched() {
                if start < stretch.start {
                    // It begins where nothing is searched.
                    self.at = stretch.start;
                    break;
                }
                if end <= stretch.end {
                    let found = self.row;
                    self.row += 1;
                    return Some(found);
                }
            }
        }
    }
}

/// How many rows lead for which something holds, which does not hold again behind them. Few are looked at if
/// these are few.
fn leading(rows: &[Row], holds: impl Fn(&Row) -> bool) -> usize {
    // Where nearly every row is found, none leads.
    if !rows.first().is_some_and(&holds) {
        return 0;
    }
    let (mut count, mut step) = (0, 1);
    while rows.get(count + step - 1).is_some_and(&holds) {
        count += step;
        step *= 2;
    }
    let rest = rows.get(count..).unwrap_or_default();
    let rest = &rest[..rest.len().min(step)];
    count + rest.partition_point(holds)
}
