//! Samples that do not show how pages follow each other.

use crate::tools::infer::guess::ProposedLine;

use super::evidence::Evidence;
use super::guess::PagingGuess;

pub(super) fn none(evidence: &Evidence<'_, '_>) -> PagingGuess {
    let mut lines = vec![ProposedLine::not_sure("style", "none", &why(evidence))];
    if let Some((_, records)) = evidence.full_page() {
        let why =
            "a list that reaches it is refused instead of served short; remove this with the style";
        lines.push(ProposedLine::not_sure("cap", records.cast_signed(), why));
    }
    PagingGuess {
        lines,
        ..PagingGuess::default()
    }
}

/// Why the samples show no further page.
fn why(evidence: &Evidence<'_, '_>) -> String {
    let records = evidence.records();
    if evidence.seen.is_empty() {
        return "no sample could be read".to_owned();
    }
    if let Some(total) = evidence
        .total()
        .filter(|total| total.number() == Some(records))
    {
        return format!(
            "{} is {records}, and the page has as many, so nothing shows how a longer list \
             continues: add a page of one",
            total.place.shown()
        );
    }
    let silence = "nothing on the page says whether there are more records";
    if let Some((name, _)) = evidence.full_page() {
        return format!(
            "{silence}; but `{name}` requested {records} records and the page is full, so there \
             may be: look up which parameter leads to the next page (an offset, a page \
             number), or give that page and its URL"
        );
    }
    match evidence.size.as_ref().filter(|size| size.number > records) {
        Some(size) => format!(
            "{silence}; it has {records} of at most {} records, so it is the last or the only \
             one: add a full page and its URL to be sure",
            size.number
        ),
        None if records > 0 && records.is_multiple_of(10) => format!(
            "{silence}; but {records} is a round number, so the list may be cut there: check \
             the documentation for a limit"
        ),
        None => format!("{silence}: add a page of a longer list and its URL to be sure"),
    }
}
