//! The account of a walk: what ended it, held against everything that says how much there is.
//!
//! WalkEvidence never contradicts a complete list. Where a total, a status, a range or a repeat says that
//! there is more or less than came, the walk goes on, or fails with an error that quotes it.

use std::fmt;
use std::ops::RangeInclusive;

use http::header::CONTENT_RANGE;
use http::{HeaderMap, StatusCode};
use thiserror::Error;

use crate::error::{ErrorKind, UpstreamError};
use crate::page::ended_by::EndedBy;
use crate::page::format::excerpt;
use crate::plan::Trust;

/// How much of a header a message shows.
const HEADER_CHARS: usize = 40;

/// Everything that is known when nothing names a further page.
#[derive(Debug, Clone)]
pub(super) struct WalkEvidence {
    /// What seems to be the end.
    pub(super) ended_by: EndedBy,
    /// Whether another page can be asked for: positions are numbers.
    pub(super) is_numbered: bool,
    /// The declared total.
    pub(super) total: Option<StatedTotal>,
    /// The announced number of pages.
    pub(super) announced_pages: Option<u64>,
    /// Whether announced numbers have changed during the walk.
    pub(super) has_changed: bool,
    /// Whether a page with a single record came twice and was counted twice.
    pub(super) has_spared: bool,
    /// What the responses said of their place in the list.
    pub(super) part: PartOfList,
    /// The number of pages read.
    pub(super) pages_read: u64,
    /// The number of those with records.
    pub(super) pages: u64,
    /// The number of records on them.
    pub(super) listed: u64,
    /// The number of records without those that came before.
    pub(super) distinct: u64,
    /// The number of those that came before.
    pub(super) repeated: u64,
    /// The number of records on the last of them.
    pub(super) last_page: u64,
    /// How many records were requested per page.
    pub(super) asked: Option<u64>,
}

/// The declared total, as far as it was stated.
#[derive(Debug, Clone)]
pub(super) struct StatedTotal {
    /// Where it is.
    pub(super) name: String,
    /// The number that was stated last.
    pub(super) records: Option<u64>,
    /// From the least to the greatest number that was stated during the walk.
    pub(super) seen: Option<RangeInclusive<u64>>,
    /// How far it is trusted.
    pub(super) trust: Trust,
    /// Whether it is read from `Content-Range`.
    pub(super) is_range: bool,
}

/// What the responses said of their place in the list, without being asked.
#[derive(Debug, Clone, Default)]
pub(super) struct PartOfList {
    /// Whether the last page with records has status 206.
    is_partial: bool,
    /// The last `Content-Range`.
    range: Option<ContentRange>,
}

/// A `Content-Range` header (RFC 9110, section 14.4).
#[derive(Debug, Clone)]
struct ContentRange {
    shown: String,
    is_bytes: bool,
    /// The position after the last one of the range.
    end: Option<u64>,
    /// The length of the whole.
    complete: Option<u64>,
}

/// What becomes of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The list is whole.
    Ended(EndedBy),
    /// The next page is requested, for this reason.
    AskOnceMore(Doubt),
}

/// Why an announced end is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The only page is as long as requested, and the total is its own length.
    OwnLength,
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
    /// Whether the announced number may still be true, so that the request is made only to be sure.
    pub(super) const fn is_only_to_be_sure(self) -> bool {
        match self {
            Self::OwnLength | Self::Repeated | Self::Changed | Self::Hinted => true,
            Self::Disproved => false,
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OwnLength => {
                "the total is the length of this page, which is as long as requested"
            }
            Self::Repeated => "records came twice, so others may be missing",
            Self::Changed => "the announced number has changed",
            Self::Hinted => "the total is a hint, and says only how far to read at least",
            Self::Disproved => "more came than was announced",
        })
    }
}

/// What contradicts a complete list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Contradiction {
    #[error(
        "{} announced, but {received} received: `{name}` says so, and the walk ended by \
         `{ended_by}`; {advice}",
        records_were(*announced)
    )]
    Fewer {
        name: String,
        announced: u64,
        received: u64,
        ended_by: EndedBy,
        /// What may be set instead.
        advice: &'static str,
    },
    #[error(
        "{} announced, but {received} received: `{name}` says so, and nothing says that more follow; \
         set `pagination.total` to what counts the whole list, or `pagination.trust` to \"hint\"",
        records_were(*announced)
    )]
    More {
        name: String,
        announced: u64,
        received: u64,
    },
    #[error(
        "{announced} pages were announced (`pagination.pages`), but {read} read, and the walk ended by \
         `{ended_by}`; leave out what ended it, or `pagination.pages`"
    )]
    FewerPages {
        announced: u64,
        read: u64,
        ended_by: EndedBy,
    },
    #[error("no page has the total `{0}`, which `pagination.total` names")]
    NeverStated(String),
    #[error(
        "{evidence} says that there is more than the {received} records that came, and the walk ended by \
         `{ended_by}`; set `pagination` to how pages follow each other, or `pagination.total`"
    )]
    Partial {
        evidence: String,
        received: u64,
        ended_by: EndedBy,
    },
    #[error("`{CONTENT_RANGE}: {shown}` says fewer than the {received} records that came")]
    LongerThanRange { shown: String, received: u64 },
}

/// So many records, in a sentence.
fn records_were(records: u64) -> String {
    match records {
        1 => "1 record was".to_owned(),
        _ => format!("{records} records were"),
    }
}

impl From<Contradiction> for UpstreamError {
    fn from(contradiction: Contradiction) -> Self {
        Self::new(ErrorKind::Pagination, contradiction.to_string())
    }
}

/// Whether the list is whole, by all evidence.
pub(super) fn weigh(evidence: &WalkEvidence) -> Result<Verdict, Contradiction> {
    if let Err(contradiction) = against_total(evidence) {
        if !is_within_drift(evidence) {
            return Err(contradiction);
        }
        against_range(evidence)?;
        return Ok(Verdict::Ended(EndedBy::Drifted));
    }
    against_pages(evidence)?;
    if let Some(doubt) = doubt(evidence) {
        return Ok(Verdict::AskOnceMore(doubt));
    }
    against_range(evidence)?;
    Ok(Verdict::Ended(evidence.ended_by))
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
    let is_full = evidence
        .asked
        .is_none_or(|asked| evidence.last_page >= asked);
    let ends_too_early = matches!(evidence.ended_by, EndedBy::Repeat | EndedBy::PastEnd) && is_full;
    let is_binding = total.trust == Trust::Exact || !is_numbered || ends_too_early;
    if listed < announced && is_binding {
        return Err(Contradiction::Fewer {
            name: total.name.clone(),
            announced,
            received: listed,
            ended_by: evidence.ended_by,
            advice: if is_numbered && total.trust == Trust::Exact {
                "set `pagination.trust = \"hint\"` if it counts more than the list shows"
            } else {
                "leave `pagination.total` out if it counts more than the list shows"
            },
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
    let unlike = evidence.listed.saturating_sub(evidence.repeated);
    seen.start() < seen.end() && seen.contains(&evidence.listed) && unlike >= *seen.start()
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

/// Why an announced end is not believed, if it is not. Only numbered pages can be asked for more.
fn doubt(evidence: &WalkEvidence) -> Option<Doubt> {
    let is_announced = matches!(evidence.ended_by, EndedBy::Total | EndedBy::LastPage);
    if !evidence.is_numbered || !is_announced || evidence.listed == 0 {
        return None;
    }
    let announced = (evidence.total.as_ref()).and_then(|total| total.records);
    let disproved = announced.is_some_and(|announced| evidence.listed > announced)
        || (evidence.announced_pages).is_some_and(|pages| evidence.pages > pages);
    let is_hinted = evidence.ended_by == EndedBy::Total
        && (evidence.total.as_ref()).is_some_and(|total| total.trust == Trust::Hint);
    let is_full = evidence.asked.is_some_and(|asked| evidence.listed >= asked);
    if disproved {
        Some(Doubt::Disproved)
    } else if is_hinted {
        Some(Doubt::Hinted)
    } else if evidence.has_changed {
        (evidence.asked)
            .is_some_and(|asked| evidence.last_page >= asked)
            .then_some(Doubt::Changed)
    } else if evidence.has_spared
        || announced.is_some_and(|announced| evidence.distinct < announced)
    {
        Some(Doubt::Repeated)
    } else if evidence.pages == 1 && is_full {
        Some(Doubt::OwnLength)
    } else {
        None
    }
}

/// Holds the list against what its responses say of their place in it.
fn against_range(evidence: &WalkEvidence) -> Result<(), Contradiction> {
    let listed = evidence.listed;
    let partial = |evidence_shown: String| Contradiction::Partial {
        evidence: evidence_shown,
        received: listed,
        ended_by: evidence.ended_by,
    };
    let is_declared = (evidence.total.as_ref()).is_some_and(|total| total.is_range);
    let mut is_covered = false;
    if let Some(range) = (evidence.part.range.as_ref()).filter(|_| !is_declared)
        && let Some(complete) = range.complete
    {
        let came = if range.is_bytes {
            range.end.unwrap_or(complete)
        } else {
            listed
        };
        if came < complete {
            let status = if evidence.part.is_partial {
                "status 206 with "
            } else {
                ""
            };
            return Err(partial(format!(
                "{status}`{CONTENT_RANGE}: {}`",
                range.shown
            )));
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

impl PartOfList {
    /// Takes note of a response.
    pub(super) fn note(&mut self, status: StatusCode, headers: &HeaderMap, records: u64) {
        if records > 0 {
            self.is_partial = status == StatusCode::PARTIAL_CONTENT;
        }
        let range = headers.get(CONTENT_RANGE);
        if let Some(range) = range.and_then(|range| ContentRange::parse(range.to_str().ok()?)) {
            self.range = Some(range);
        }
    }
}

impl ContentRange {
    /// Servers leave out the unit that RFC 9110 requires.
    fn parse(text: &str) -> Option<Self> {
        let (range, complete) = text.rsplit_once('/')?;
        let (unit, range) = range
            .trim()
            .rsplit_once([' ', '='])
            .unwrap_or(("", range.trim()));
        let last = range
            .rsplit_once('-')
            .and_then(|(_, last)| last.trim().parse::<u64>().ok());
        Some(Self {
            shown: excerpt(text, HEADER_CHARS),
            is_bytes: unit.trim().eq_ignore_ascii_case("bytes"),
            end: last.map(|last| last.saturating_add(1)),
            complete: complete.trim().parse().ok(),
        })
    }
}

#[cfg(test)]
mod tests;
