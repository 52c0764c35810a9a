//! Walks a proposed block as the gateway would, and says what that proves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::app::App;
use crate::clock::WallClock;
use crate::config::{Environment, Loaded, load_text};
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Event, Observer, Observers};
use crate::page::ended_by::EndedBy;
use crate::page::fetched_page::FetchedPage;
use crate::plan::Format;
use crate::redact::Redactor;
use crate::tools::lock::lock;
use crate::upstream::walk::{Walked, walk};

use super::leaves;
use super::listed_kind::ListedKind;
use super::paging::TOTALS;
use super::part::SampleValue;

/// What is walked.
pub(super) struct WalkOrder<'a> {
    pub(super) block: &'a str,
    pub(super) variables: &'a BTreeMap<String, String>,
    pub(super) format: Format,
    /// The names that lead to the records.
    pub(super) records: Vec<String>,
    /// How many pages may be read.
    pub(super) pages: u64,
    /// What is said to be walked, and what it is a list of.
    pub(super) subject: (String, ListedKind),
}

/// A number that is called as totals are.
#[derive(Debug, Clone, Copy, Default)]
struct SeenTotal {
    /// The largest that a page states.
    most: u64,
    /// Whether it is more or less than the length of its page somewhere.
    is_no_length: bool,
}

/// What a walk has shown.
#[derive(Debug, Default)]
pub(super) struct WalkFindings {
    pages: u64,
    listed: u64,
    /// Every total that a page states, each at its place.
    totals: BTreeMap<String, SeenTotal>,
    /// Why the last page was the last.
    ended_by: Option<EndedBy>,
    end: ProposalWalkEnd,
    /// What was walked, and what it is a list of.
    subject: (String, ListedKind),
}

#[derive(Debug, Default)]
enum ProposalWalkEnd {
    /// The list was read.
    Read { groups: usize, skipped: u64 },
    /// There are more pages than may be read.
    #[default]
    TooLong,
    /// It failed.
    Failed(String),
}

/// Walks a block.
pub(super) async fn walk_block(order: WalkOrder<'_>) -> WalkFindings {
    let redactor = Redactor::default();
    for (name, value) in order.variables {
        redactor.add(value, name);
    }
    let failed =
        |problem: String| ProposalWalkEnd::Failed(redactor.redact(problem.trim()).into_owned());
    let watch = Arc::new(WalkWatch {
        format: order.format,
        records: order.records,
        seen: Mutex::default(),
    });
    let pages = u32::try_from(order.pages).unwrap_or(u32::MAX);
    let end = match follow(order.block, order.variables, pages, &watch).await {
        Ok(None) => ProposalWalkEnd::TooLong,
        Ok(Some(walked)) => ProposalWalkEnd::Read {
            groups: walked.groups.len(),
            skipped: walked.counts.skipped,
        },
        Err(problem) => failed(problem),
    };
    let seen = std::mem::take(&mut *lock(&watch.seen));
    WalkFindings {
        pages: seen.pages,
        listed: seen.listed,
        totals: seen.totals,
        ended_by: seen.ended_by,
        end,
        subject: order.subject,
    }
}

/// Loads a block, as `groupgate check` does.
pub(super) fn load(block: &str, variables: &BTreeMap<String, String>) -> Result<Loaded, String> {
    let environment: Environment = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let loaded = load_text("the proposed block", block, environment);
    loaded.map_err(|report| report.render(false))
}

/// `None` where there are more pages than may be read.
async fn follow(
    block: &str,
    variables: &BTreeMap<String, String>,
    pages: u32,
    watch: &Arc<WalkWatch>,
) -> Result<Option<Walked>, String> {
    let mut loaded = load(block, variables)?;
    for upstream in &mut Arc::make_mut(&mut loaded.plan).upstreams {
        let upstream = Arc::make_mut(upstream);
        upstream.limits.pages = upstream.limits.pages.min(pages);
        upstream.paging.max_pages = upstream.limits.pages;
    }
    let compiled = App::compile(&loaded, &WallClock::system());
    let compiled = compiled.map_err(|report| report.render(false))?;
    let adapter = compiled.adapters.first().ok_or("there is no upstream")?;
    let observers = Observers::from_iter([Arc::clone(watch) as Arc<dyn Observer>]);
    match walk(adapter, &observers).await {
        Ok(walked) => Ok(Some(walked)),
        Err(error) if has_more_pages(&error) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether a walk ended because there are more pages than it may read.
fn has_more_pages(error: &UpstreamError) -> bool {
    error.kind == ErrorKind::LimitExceeded && error.detail.contains("`limits.pages`")
}

/// Watches a walk.
#[derive(Debug)]
struct WalkWatch {
    format: Format,
    records: Vec<String>,
    seen: Mutex<WalkSeen>,
}

#[derive(Debug, Default)]
struct WalkSeen {
    pages: u64,
    listed: u64,
    totals: BTreeMap<String, SeenTotal>,
    ended_by: Option<EndedBy>,
}

impl Observer for WalkWatch {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it is told of all that happens, and needs some of it"
    )]
    fn observe(&self, event: &Event<'_>) {
        let seen = &mut *lock(&self.seen);
        match event {
            Event::PageRead(page) => self.page_read(page, seen),
            Event::WalkEnded { ended_by, .. } => seen.ended_by = Some(*ended_by),
            Event::WalkRestarted(_) => *seen = WalkSeen::default(),
            _ => {}
        }
    }
}

impl WalkWatch {
    fn page_read(&self, page: &FetchedPage, seen: &mut WalkSeen) {
        seen.pages += 1;
        seen.listed += page.listed();
        let root = SampleValue::root(&page.page, self.format);
        let records: Vec<_> = self.records.iter().map(String::as_str).collect();
        for leaf in leaves::of(root, &records, &page.headers) {
            // No block can read the total out of a `Content-Range`, but it is one.
            let is_total = TOTALS.contains(&leaf.name) || leaf.name == "contentrange";
            let number = leaf.number().filter(|_| is_total);
            if let Some(number) = number {
                let total = seen.totals.entry(leaf.place.shown()).or_default();
                total.most = number.max(total.most);
                total.is_no_length |= number != page.listed();
            }
        }
    }
}

/// Whether an end is something that the upstream said or did, and nothing that the block assumes.
const fn is_evidence(ended_by: EndedBy) -> bool {
    match ended_by {
        EndedBy::NoNext
        | EndedBy::Flag
        | EndedBy::LastPage
        | EndedBy::Total
        | EndedBy::EmptyPage
        | EndedBy::PastEnd
        | EndedBy::Confirmed => true,
        EndedBy::Drifted
        | EndedBy::ShortPage
        | EndedBy::WholeList
        | EndedBy::NoTotal
        | EndedBy::Repeat
        | EndedBy::AllPartitions => false,
    }
}

impl WalkFindings {
    /// Whether the list was walked to an end for which there is evidence.
    pub(super) fn is_proof(&self) -> bool {
        let ProposalWalkEnd::Read { skipped, .. } = self.end else {
            return false;
        };
        let is_said = (self.totals.values()).any(|total| total.most == self.listed);
        let is_seen = self.pages > 1 && self.ended_by.is_some_and(is_evidence);
        let is_denied = self.larger().is_some() || self.smaller().is_some();
        skipped == 0 && self.listed > 0 && !is_denied && (is_said || is_seen)
    }

    /// Whether the block was shown to be wrong.
    pub(super) fn is_refutation(&self) -> bool {
        matches!(self.end, ProposalWalkEnd::Failed(_)) || self.is_short()
    }

    fn is_short(&self) -> bool {
        matches!(self.end, ProposalWalkEnd::Read { .. }) && self.larger().is_some()
    }

    /// The largest total that says that there are more records than were listed.
    fn larger(&self) -> Option<(&String, u64)> {
        let totals = self.totals.iter().map(|(place, total)| (place, total.most));
        totals
            .filter(|(_, total)| *total > self.listed)
            .max_by_key(|(_, total)| *total)
    }

    /// A total that says that there are fewer records than were listed.
    fn smaller(&self) -> Option<(&String, u64)> {
        let mut totals = self.totals.iter();
        let (place, total) =
            totals.find(|(_, total)| total.is_no_length && total.most < self.listed)?;
        Some((place, total.most))
    }

    /// Whether there was more than one page.
    pub(super) const fn has_further(&self) -> bool {
        self.pages > 1
    }

    /// What is said of it above the block. Of lists that each group has, one whole list is no more than likely to show
    /// what others are like, unless all was seen that one may be.
    pub(super) fn sentence(&self, is_all_seen: bool) -> String {
        let word = match (self.is_proof(), is_all_seen) {
            (false, _) => "Not certain",
            (true, false) => "Likely",
            (true, true) => "Certain",
        };
        format!("{word}: {self}.")
    }

    fn extent(&self) -> String {
        let pages = match self.pages {
            1 => "1 page".to_owned(),
            pages => format!("{pages} pages"),
        };
        format!("{pages} with {} records", self.listed)
    }
}

impl fmt::Display for WalkFindings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = self.extent();
        let (subject, kind) = &self.subject;
        let agreeing = (self.totals.iter()).find(|(_, total)| total.most == self.listed);
        match (&self.end, self.larger()) {
            (ProposalWalkEnd::Failed(problem), _) => {
                write!(
                    formatter,
                    "{subject} was walked and failed after {extent}: {problem}"
                )
            }
            (ProposalWalkEnd::TooLong, _) => write!(
                formatter,
                "{subject} was walked for {extent}, and there are more pages than `--pages` \
                 allows, so how the list ends was not seen"
            ),
            (ProposalWalkEnd::Read { .. }, Some((place, total))) => write!(
                formatter,
                "{subject} was walked and reads {extent}, but {place} says {total}: it does not \
                 read the whole list"
            ),
            (
                ProposalWalkEnd::Read {
                    skipped: count @ 1..,
                    ..
                },
                None,
            ) => write!(
                formatter,
                "{subject} was walked and reads {extent}, of which {count} do not have {}",
                kind.needs()
            ),
            (ProposalWalkEnd::Read { groups, .. }, None) => {
                write!(
                    formatter,
                    "{subject} was walked to the end of the list: {extent}, {groups} {kind}"
                )?;
                if let Some((place, total)) = self.smaller() {
                    return write!(
                        formatter,
                        ", but {place} says {total}, which is fewer, so one of the two is wrong"
                    );
                }
                match agreeing {
                    Some((place, total)) => {
                        write!(formatter, "; {place} says {} as well", total.most)
                    }
                    None if self.is_proof() => {
                        let ended_by = self.ended_by.map_or("", EndedBy::explained);
                        write!(formatter, "; it ended because {ended_by}")
                    }
                    None => formatter.write_str(
                        ", but no total and no further page says that this is the whole list",
                    ),
                }
            }
        }
    }
}
