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

pub(super) use guess::{PagingGuess, QueryParameter};
pub(super) use parameters::is_position;
pub(super) use series::PageSample;

use evidence::Evidence;
use series::leaf_series;

/// Guesses the style.
pub(super) fn guess(seen: &[PageSample<'_>]) -> PagingGuess {
    let series = leaf_series(seen);
    let evidence = Evidence {
        seen,
        series: &series,
        size: size::of(seen, &series),
    };
    linked::by_header(&evidence)
        .or_else(|| cursor::surely(&evidence))
        // Pages that are counted up to a known end can be fetched concurrently, so that comes
        // before the URL of the next one where an answer has both.
        .or_else(|| numbered::up_to_an_end(&evidence))
        .or_else(|| linked::by_body(&evidence))
        .or_else(|| cursor::likely(&evidence))
        .or_else(|| numbered::guess(&evidence))
        .or_else(|| cursor::after_last_record(&evidence))
        .unwrap_or_else(|| last_page::none(&evidence))
}
