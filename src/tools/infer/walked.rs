//! Walks a proposed block as the gateway would, and says what that proves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::app::App;
use crate::clock::WallClock;
use crate::config::{Environment, load_text};
use crate::observe::{Event, Observer, Observers};
use crate::page::fetched_page::FetchedPage;
use crate::page::position::Next;
use crate::plan::{Format, PagingStyle};
use crate::redact::Redactor;
use crate::tools::lock::lock;
use crate::upstream::walk::{Walked, walk};

use super::leaves;
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
}

/// What a walk has shown.
#[derive(Debug, Default)]
pub(super) struct WalkFindings {
    pages: u64,
    listed: u64,
    /// Every total that a page states, each at its place.
    totals: BTreeMap<String, u64>,
    /// Why the last page was the last.
    ended_by: String,
    end: ProposalWalkEnd,
}

#[derive(Debug, Default)]
enum ProposalWalkEnd {
    /// The list was read.
    Read {
        groups: usize,
        skipped: u64,
        /// Whether the block takes the first page for the whole list.
        is_assumed: bool,
    },
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
        budget: order.pages,
        seen: Mutex::default(),
        done: Notify::new(),
    });
    let end = match follow(order.block, order.variables, &watch).await {
        Ok(None) => ProposalWalkEnd::TooLong,
        Ok(Some((walked, is_assumed))) => ProposalWalkEnd::Read {
            groups: walked.groups.len(),
            skipped: walked.counts.skipped,
            is_assumed,
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
    }
}

/// `None` where there are more pages than may be read.
async fn follow(
    block: &str,
    variables: &BTreeMap<String, String>,
    watch: &Arc<WalkWatch>,
) -> Result<Option<(Walked, bool)>, String> {
    let environment: Environment = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let loaded = load_text("the proposed block", block, environment);
    let mut loaded = loaded.map_err(|report| report.render(false))?;
    // A walk may be quicker than whoever watches it.
    let budget = u32::try_from(watch.budget).unwrap_or(u32::MAX);
    for upstream in &mut Arc::make_mut(&mut loaded.plan).upstreams {
        let limits = &mut Arc::make_mut(upstream).limits;
        limits.pages = limits.pages.min(budget);
    }
    let compiled = App::compile(&loaded, &WallClock::system());
    let compiled = compiled.map_err(|report| report.render(false))?;
    let adapter = compiled.adapters.first().ok_or("there is no upstream")?;
    let is_assumed = matches!(adapter.paging().style, PagingStyle::Whole);
    let observers = Observers::from_iter([Arc::clone(watch) as Arc<dyn Observer>]);
    let walked = tokio::select! {
        biased;
        () = watch.done.notified() => return Ok(None),
        walked = walk(adapter, &observers) => walked,
    };
    // Where answers come at once, a walk may end before it is seen to be too long.
    if lock(&watch.seen).is_too_long {
        return Ok(None);
    }
    match walked {
        Ok(walked) => Ok(Some((walked, is_assumed))),
        Err(error) => Err(error.to_string()),
    }
}

/// Watches a walk, and ends it where it would read too much.
#[derive(Debug)]
struct WalkWatch {
    format: Format,
    records: Vec<String>,
    budget: u64,
    seen: Mutex<WalkSeen>,
    done: Notify,
}

#[derive(Debug, Default)]
struct WalkSeen {
    pages: u64,
    listed: u64,
    totals: BTreeMap<String, u64>,
    ended_by: String,
    is_too_long: bool,
}

impl Observer for WalkWatch {
    fn observe(&self, event: &Event<'_>) {
        let seen = &mut *lock(&self.seen);
        match event {
            Event::PageRead(page) => self.page_read(page, seen),
            Event::NextDecided { next, reason } => {
                seen.ended_by = reason.to_string();
                let more = match next {
                    Next::End => 0,
                    Next::One(_) => 1,
                    Next::Rest(positions) => positions.len() as u64,
                };
                if more > 0 && seen.pages + more > self.budget {
                    seen.is_too_long = true;
                    self.done.notify_one();
                }
            }
            Event::WalkRestarted(_) => *seen = WalkSeen::default(),
            Event::RecordsCounted(_)
            | Event::RequestAnswered { .. }
            | Event::RequestSent { .. }
            | Event::ResponseReceived { .. }
            | Event::Repeated { .. }
            | Event::PageFailed { .. }
            | Event::WalkEnded { .. } => {}
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
                let most = seen.totals.entry(leaf.place.shown()).or_default();
                *most = number.max(*most);
            }
        }
    }
}

impl WalkFindings {
    /// Whether the list was walked to an end for which there is evidence.
    pub(super) fn is_proof(&self) -> bool {
        let ProposalWalkEnd::Read {
            skipped,
            is_assumed,
            ..
        } = self.end
        else {
            return false;
        };
        let is_said = self.totals.values().any(|total| *total == self.listed);
        let is_paged = !is_assumed && self.pages > 1;
        skipped == 0 && self.listed > 0 && self.larger().is_none() && (is_said || is_paged)
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
        let totals = self.totals.iter().map(|(place, total)| (place, *total));
        totals
            .filter(|(_, total)| *total > self.listed)
            .max_by_key(|(_, total)| *total)
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
        let agreeing = self.totals.iter().find(|(_, total)| **total == self.listed);
        match (&self.end, self.larger()) {
            (ProposalWalkEnd::Failed(problem), _) => {
                write!(
                    formatter,
                    "this block was walked and failed after {extent}: {problem}"
                )
            }
            (ProposalWalkEnd::TooLong, _) => write!(
                formatter,
                "this block was walked for {extent}, and there are more pages than `--pages` \
                 allows, so how the list ends was not seen"
            ),
            (ProposalWalkEnd::Read { .. }, Some((place, total))) => write!(
                formatter,
                "this block was walked and reads {extent}, but {place} says {total}: it does not \
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
                "this block was walked and reads {extent}, of which {count} have no id or no name"
            ),
            (ProposalWalkEnd::Read { groups, .. }, None) => {
                write!(
                    formatter,
                    "this block was walked to the end of the list: {extent}, {groups} groups"
                )?;
                match agreeing {
                    Some((place, total)) => write!(formatter, "; {place} says {total} as well"),
                    None if self.is_proof() => {
                        write!(formatter, "; it ended because {}", self.ended_by)
                    }
                    None => formatter.write_str(
                        ", but no total and no further page says that this is the whole list",
                    ),
                }
            }
        }
    }
}
