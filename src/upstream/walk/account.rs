//! The account of a walk: what ended it, held against everything that says how much there is.
//!
//! Evidence never contradicts a complete list. Where a total, a status, a range, a link or a repeat says
//! that there is more or less than came, the walk goes on, or fails with an error that quotes it.

use std::fmt;

use http::header::{CONTENT_RANGE, LINK};

use crate::page::ended_by::EndedBy;
use crate::plan::Trust;

mod contradiction;
pub(super) use contradiction::Contradiction;

mod evidence;
pub(super) use evidence::{PartOfList, SeveralParents, StatedTotal, WalkEvidence};

mod surplus;
pub(super) use surplus::surplus;

/// What becomes of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The list is whole.
    Ended(EndedBy),
    /// Another page is requested, for this reason.
    AskOnceMore(Doubt),
}

/// Why an announced end is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The announced number may be that of the only page.
    OwnLength,
    /// The last page links to a next one.
    Linked,
    /// Records stand under several parents, which the position may count in place of them.
    ParentsInPosition,
    /// Records stand under several parents, which the announced number may count in place of them.
    ParentsInTotal,
    /// Records came twice, so that others may be missing.
    Repeated,
    /// The announced number has changed.
    Changed,
    /// As many came as a hint says, which more may follow.
    Hinted,
    /// More came than was announced.
    Disproved,
}

impl Doubt {
    /// Whether the announced end may still be right, so that the request is made only to be sure.
    pub(super) const fn is_only_to_be_sure(self) -> bool {
        !matches!(self, Self::Disproved)
    }

    /// What helps where the request that it leads to fails.
    pub(super) const fn remedy(self) -> &'static str {
        match self {
            Self::OwnLength => {
                "if it answers so past the end, set `limit` and `pagination.short_page = \"end\"`, or write \
                 a rule in `answers` that means `end`"
            }
            Self::Linked
            | Self::ParentsInPosition
            | Self::ParentsInTotal
            | Self::Repeated
            | Self::Changed
            | Self::Hinted
            | Self::Disproved => {
                "if it answers so past the end, write a rule in `answers` that means `end`"
            }
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OwnLength => "the announced number may be that of this page alone",
            Self::Linked => "the `Link` header names a next page",
            Self::ParentsInPosition => {
                "the position may count the parents of records in place of them"
            }
            Self::ParentsInTotal => "the announced number may be that of the parents of records",
            Self::Repeated => "records came twice, so others may be missing",
            Self::Changed => "the announced number has changed",
            Self::Hinted => "the total is a hint, and says only how far to read at least",
            Self::Disproved => "more came than was announced",
        })
    }
}

/// Whether the list is whole, by all evidence.
pub(super) fn weigh(evidence: &WalkEvidence) -> Result<Verdict, Contradiction> {
    if let Some(doubt) = against_parents(evidence)? {
        return Ok(Verdict::AskOnceMore(doubt));
    }
    let ended_by = match against_total(evidence) {
        Ok(()) => evidence.ended_by,
        Err(_) if is_within_drift(evidence) => EndedBy::Drifted,
        Err(contradiction) => return Err(contradiction),
    };
    against_pages(evidence)?;
    if let Some(doubt) = doubt(evidence) {
        return Ok(Verdict::AskOnceMore(doubt));
    }
    against_range(evidence)?;
    against_link(evidence)?;
    Ok(Verdict::Ended(ended_by))
}

/// Holds an offset that counts records against pages whose records stand under several parents. That
/// the upstream counts records too, only an exact total shows that came.
fn against_parents(evidence: &WalkEvidence) -> Result<Option<Doubt>, Contradiction> {
    let Some(parents) = evidence.parents else {
        return Ok(None);
    };
    let is_stepped = evidence.pages_read > 1 || evidence.ended_by == EndedBy::Total;
    if evidence.ended_by == EndedBy::Confirmed || !is_stepped {
        return Ok(None);
    }
    let total = (evidence.total.as_ref()).filter(|total| total.trust == Trust::Exact);
    let is_reached = total.is_some_and(|total| total.records == Some(evidence.listed));
    if is_reached && evidence.distinct >= evidence.listed {
        return Ok(Some(Doubt::ParentsInPosition));
    }
    Err(Contradiction::OfPages(parents.into()))
}

/// Holds the list against the declared total.
fn against_total(evidence: &WalkEvidence) -> Result<(), Contradiction> {
    let Some(total) = &evidence.total else {
        return Ok(());
    };
    let (listed, is_numbered) = (evidence.listed, evidence.is_numbered);
    let Some(announced) = total.records else {
        return match total.trust {
            // Numbered pages say by `absent` what a missing total means.
            Trust::Exact if !is_numbered => Err(Contradiction::NeverStated(total.name.clone())),
            Trust::Exact | Trust::Hint => Ok(()),
        };
    };
    // Numbered pages were read as far as a hint says. Others cannot be.
    let is_refused = matches!(evidence.ended_by, EndedBy::Repeat | EndedBy::PastEnd);
    let ends_too_early = is_refused && evidence.is_full();
    let is_binding = total.trust == Trust::Exact || !is_numbered || ends_too_early;
    if listed < announced && is_binding {
        return Err(Contradiction::Fewer {
            name: total.name.clone(),
            announced,
            received: listed,
            ended_by: evidence.ended_by,
            is_hint_better: is_numbered && total.trust == Trust::Exact,
        });
    }
    // Other ends of numbered pages are asked beyond.
    let is_final = !is_numbered
        || matches!(
            evidence.ended_by,
            EndedBy::Flag | EndedBy::ShortPage | EndedBy::NoTotal
        );
    if listed > announced && total.trust == Trust::Exact && is_final {
        return Err(Contradiction::More {
            name: total.name.clone(),
            announced,
            received: listed,
        });
    }
    // A total that changed is held to the least that it said.
    let least = (total.seen.as_ref()).map_or(announced, |seen| announced.min(*seen.start()));
    let is_asked_beyond = matches!(evidence.ended_by, EndedBy::Total | EndedBy::LastPage);
    if listed > announced
        && evidence.distinct < least
        && total.trust == Trust::Exact
        && !is_asked_beyond
    {
        return Err(evidence.overlapping(format!("`{}`", total.name), least));
    }
    Ok(())
}

/// Whether the list is as long as a total that changed during the walk once said, and the walk found its
/// end without that total. Numbered pages do not: where a record is deleted, one that follows moves to a
/// page that was read, and is passed over.
fn is_within_drift(evidence: &WalkEvidence) -> bool {
    let is_certain = matches!(
        evidence.ended_by,
        EndedBy::NoNext
            | EndedBy::Flag
            | EndedBy::EmptyPage
            | EndedBy::PastEnd
            | EndedBy::WholeList
    );
    let seen = (evidence.total.as_ref()).and_then(|total| total.seen.as_ref());
    let Some(seen) = seen.filter(|_| is_certain && !evidence.is_numbered) else {
        return false;
    };
    seen.start() < seen.end()
        && seen.contains(&evidence.listed)
        && evidence.distinct >= *seen.start()
}

/// Holds the list against the announced number of pages.
fn against_pages(evidence: &WalkEvidence) -> Result<(), Contradiction> {
    match evidence.announced_pages {
        Some(announced) if evidence.pages_read < announced => Err(Contradiction::FewerPages {
            announced,
            read: evidence.pages_read,
            ended_by: evidence.ended_by,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Why an end is not believed, if it is not. Only numbered pages can be asked for more.
fn doubt(evidence: &WalkEvidence) -> Option<Doubt> {
    let is_announced = matches!(evidence.ended_by, EndedBy::Total | EndedBy::LastPage);
    let is_declared = matches!(evidence.ended_by, EndedBy::ShortPage | EndedBy::NoTotal);
    let is_bare = evidence.listed == 0 && !evidence.has_parents;
    if !evidence.is_numbered || !(is_announced || is_declared) || is_bare {
        return None;
    }
    if is_declared {
        return evidence.part.links().map(|_| Doubt::Linked);
    }
    let announced = (evidence.total.as_ref()).and_then(|total| total.records);
    let disproved = announced.is_some_and(|announced| evidence.listed > announced)
        || (evidence.announced_pages).is_some_and(|pages| evidence.pages > pages);
    let is_hinted = evidence.ended_by == EndedBy::Total
        && (evidence.total.as_ref()).is_some_and(|total| total.trust == Trust::Hint);
    if disproved {
        Some(Doubt::Disproved)
    } else if evidence.part.links().is_some() {
        Some(Doubt::Linked)
    } else if is_hinted {
        Some(Doubt::Hinted)
    } else if evidence.has_changed {
        evidence.is_full().then_some(Doubt::Changed)
    } else if evidence.has_spared
        || announced.is_some_and(|announced| evidence.distinct < announced)
    {
        Some(Doubt::Repeated)
    } else if evidence.has_parents && evidence.ended_by == EndedBy::Total {
        Some(Doubt::ParentsInTotal)
    } else if evidence.pages == 1 && may_be_its_own(evidence) {
        Some(Doubt::OwnLength)
    } else {
        None
    }
}

/// Whether what the only page announces may be of that page alone. A total that is its length says
/// nothing, for an upstream may grant fewer records than requested; that it is the one page says that
/// the list is as short as the page is.
fn may_be_its_own(evidence: &WalkEvidence) -> bool {
    if evidence.ended_by == EndedBy::Total {
        !evidence.is_short
    } else {
        evidence.is_full()
    }
}

/// Holds the list against what its responses say of their place in it.
pub(super) fn against_range(evidence: &WalkEvidence) -> Result<(), Contradiction> {
    let listed = evidence.listed;
    let partial = |shown: String| evidence.says_more(shown);
    let is_declared = (evidence.total.as_ref()).is_some_and(|total| total.is_range);
    if let Some(contradiction) = &evidence.part.contradiction {
        return Err(Contradiction::OfPages(contradiction.clone()));
    }
    let mut is_covered = false;
    if let Some(range) = (evidence.part.range.as_ref()).filter(|_| !is_declared)
        && let Some(complete) = range.complete
    {
        let came = if range.is_bytes {
            range.end.unwrap_or(complete)
        } else {
            listed
        };
        let overlaps = came > complete && !range.is_bytes && evidence.distinct < complete;
        if came < complete || overlaps {
            let status = if evidence.part.is_partial {
                "status 206 with "
            } else {
                ""
            };
            let shown = format!("{status}`{CONTENT_RANGE}: {}`", range.shown);
            return Err(if overlaps {
                evidence.overlapping(shown, complete)
            } else {
                partial(shown)
            });
        }
        if came > complete && evidence.ended_by == EndedBy::WholeList {
            return Err(Contradiction::LongerThanRange {
                shown: range.shown.clone(),
                received: listed,
            });
        }
        is_covered = true;
    }
    let total = evidence.total.as_ref();
    let is_counted = total.is_some_and(|total| total.records == Some(listed))
        || is_within_drift(evidence)
        || (evidence.announced_pages)
            .is_some_and(|pages| pages > 0 && evidence.pages_read >= pages);
    let is_asked_further = matches!(
        evidence.ended_by,
        EndedBy::EmptyPage | EndedBy::Confirmed | EndedBy::PastEnd
    );
    if evidence.part.is_partial && !is_covered && !is_counted && !is_asked_further {
        return Err(partial("status 206".to_owned()));
    }
    Ok(())
}

/// What a doubt comes to that a further request has not settled: it was refused, or brought what does
/// not fit. None if that settles it.
pub(super) fn unsettled(evidence: &WalkEvidence, doubt: Doubt) -> Option<Contradiction> {
    match doubt {
        Doubt::Linked => Some(evidence.says_more(link(evidence.part.links()?))),
        Doubt::ParentsInPosition => evidence
            .parents
            .map(|parents| Contradiction::OfPages(parents.into())),
        Doubt::OwnLength
        | Doubt::ParentsInTotal
        | Doubt::Repeated
        | Doubt::Changed
        | Doubt::Hinted
        | Doubt::Disproved => None,
    }
}

fn link(next: &str) -> String {
    format!("`{LINK}: <{next}>; rel=\"next\"`")
}

/// Holds the list against a next page that a `Link` header names, unless the adapter declares what ends
/// the list whatever else a page says, or the walk has read on in vain.
fn against_link(evidence: &WalkEvidence) -> Result<(), Contradiction> {
    let is_settled = match evidence.ended_by {
        EndedBy::Flag | EndedBy::PastEnd | EndedBy::Repeat | EndedBy::Confirmed => true,
        // Other styles go on after an empty page unless they are told that it is the end.
        EndedBy::EmptyPage => !evidence.is_numbered,
        EndedBy::NoNext
        | EndedBy::LastPage
        | EndedBy::Total
        | EndedBy::ShortPage
        | EndedBy::WholeList
        | EndedBy::NoTotal
        | EndedBy::Drifted
        | EndedBy::AllPartitions => false,
    };
    match evidence.part.links().filter(|_| !is_settled) {
        Some(next) => Err(evidence.says_more(link(next))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
