//! How the pages follow each other.
//!
//! The surest sign is tried first: a link to the next page, its URL in the body, a token for it;
//! then numbers, of which two pages show more than one. Where there is no sign, the proposal says so.

mod cursor;
mod evidence;
mod guess;
mod last_page;
mod linked;
mod numbered;
mod parameters;
mod series;
mod size;
mod token_names;

pub(super) use evidence::TOTALS;
pub(super) use guess::{PagingGuess, QueryParameter};
pub(super) use parameters::{CountedBy, is_position};
pub(super) use series::PageSample;

use evidence::Evidence;
use series::leaf_series;

/// Guesses the style. The first guess is the best, and another may be right where that one is not.
pub(super) fn guesses(seen: &[PageSample<'_>]) -> Vec<PagingGuess> {
    let series = leaf_series(seen);
    let evidence = Evidence {
        seen,
        series: &series,
        size: size::of(seen, &series),
    };
    let mut guesses: Vec<PagingGuess> = Vec::new();
    let found = [
        linked::by_header(&evidence),
        cursor::surely(&evidence),
        // Pages that are counted up to a known end can be fetched concurrently, so that comes
        // before the URL of the next one where an answer has both.
        numbered::up_to_an_end(&evidence),
        linked::by_body(&evidence),
        cursor::likely(&evidence),
        numbered::guess(&evidence),
        cursor::after_last_record(&evidence),
        Some(last_page::none(&evidence)),
    ];
    for guess in found.into_iter().flatten() {
        if guesses.iter().all(|known| !known.is_same(&guess)) {
            guesses.push(guess);
        }
    }
    guesses
}
