//! That a list is longer than was announced, and whole all the same: the walk read on until nothing more came.

use http::header::CONTENT_RANGE;

use super::WalkEvidence;
use crate::plan::Trust;

/// A number that is too small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::upstream::walk) struct Surplus {
    /// Where it stands, or the key that names the place.
    pub(in crate::upstream::walk) at: String,
    /// How many records or pages it announced.
    pub(in crate::upstream::walk) announced: u64,
    /// How many came.
    pub(in crate::upstream::walk) received: u64,
}

/// What announced less than came, if anything did. A total that changed may have been right at any moment of the walk,
/// and a hint may always be too low.
pub(in crate::upstream::walk) fn surplus(evidence: &WalkEvidence) -> Option<Surplus> {
    let received = evidence.distinct;
    let total = (evidence.total.as_ref()).filter(|total| total.trust == Trust::Exact);
    let of_total = total.and_then(|total| {
        let seen = total.seen.as_ref().map(|seen| *seen.end());
        Some((total.name.clone(), seen.max(total.records)?, received))
    });
    let of_pages = (evidence.announced_pages)
        .map(|pages| ("pagination.pages".to_owned(), pages, evidence.pages));
    let range = (evidence.part.range.as_ref()).filter(|range| !range.is_bytes);
    let of_range = range.and_then(|range| {
        let name = CONTENT_RANGE.as_str().to_owned();
        Some((name, range.complete?, received))
    });
    let mut said = [of_total, of_pages, of_range].into_iter().flatten();
    let (at, announced, received) = said.find(|(_, announced, received)| announced < received)?;
    Some(Surplus {
        at,
        announced,
        received,
    })
}
