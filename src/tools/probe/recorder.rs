//! Records a walk as a report, and prints it while the walk goes on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::config::upstream::Upstream;
use crate::observe::{Event, Observer, WalkPart};
use crate::page::fetched_page::FetchedPage;
use crate::page::position::Position;
use crate::plan::RelatedList;
use crate::redact::Redactor;
use crate::terminal::print;
use crate::tools::lock::lock;
use crate::upstream::Adapter;
use crate::upstream::extensions::Purpose;

use super::capture::{Capture, CapturedAttempt, OfList};
use super::outcome::WalkOutcome;
use super::pieces::{PieceQueue, ReadPage, ShownPiece};
use super::report::{PageDetail, PageReport, WalkReport, WalkSummary};
use super::unused::unused;
use super::{summarize, text};

mod failure;

mod related;
use related::{RelatedRecord, RelatedRecorder};

/// How many pages of each list that belongs to that of groups are shown.
const SHOWN_OF_RELATED: u64 = 3;

/// How often it is shown how far it is with the groups.
const STEPS: u64 = 20;

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// A text, page by page.
    Text,
    /// One JSON object, at the end.
    Json,
    /// One page's body, at the end.
    Raw,
}

/// Observes the walk of one upstream, or the part of it that reads the groups of one partition. Clones share what
/// is recorded.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    pub(super) adapter: Arc<Adapter>,
    pub(super) block: Upstream,
    pub(super) redactor: Arc<Redactor>,
    pub(super) capture: Arc<Capture>,
    /// The page to show in full, counted from 1.
    pub(super) page: u64,
    pub(super) output: Output,
    /// Whether requests are sent.
    pub(super) is_sent: bool,
    pub(super) recorded: Arc<Mutex<Recorded>>,
    /// Notified when enough was seen.
    pub(super) done: Arc<Notify>,
    /// The partition whose groups are read.
    pub(super) partition: Option<u64>,
}

/// What was recorded so far.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pages: Vec<PageReport>,
    detail: Option<PageDetail>,
    raw: Option<Bytes>,
    summary: WalkSummary,
    /// How many pages of other lists were read.
    related: HashMap<RelatedList, u64>,
    /// Those of them that are not what was expected yet, by what errors call them.
    open: HashMap<String, (RelatedList, OfList, Arc<Mutex<RelatedRecord>>)>,
    /// The attempts for the page that was read last.
    last: Vec<CapturedAttempt>,
    /// The page that failed, of each partition.
    failed: BTreeMap<Option<u64>, Position>,
    /// What was read of partitions, in their order.
    partitions: PieceQueue,
    /// Why it is unknown when the token of the last login expires, until a page tells it.
    unknown_expiry: Option<String>,
}

impl Observer for Recorder {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it is told of all that happens, and needs some of it"
    )]
    fn observe(&self, event: &Event<'_>) {
        let recorded = &mut *lock(&self.recorded);
        match event {
            Event::ExpiryUnknown(why) => {
                let why = self.redactor.redact(why).into_owned();
                recorded.unknown_expiry = Some(why);
            }
            Event::PageRead(page) => self.page_read(page, recorded),
            Event::NextDecided { next, reason } => {
                let next = summarize::next(next, *reason, &self.redactor);
                self.add(ShownPiece::Next(next), recorded);
            }
            Event::PageFailed { position, .. } => {
                recorded.failed.insert(self.partition, (*position).clone());
            }
            Event::GroupsCompleted(progress) => {
                let (done, of) = (progress.done, progress.of);
                if done == of || done.is_multiple_of(of.div_ceil(STEPS)) {
                    self.print(&format!("  {}\n", text::completion(progress)));
                }
                recorded.summary.completion = Some(*progress);
            }
            Event::PartSettled(part) => {
                recorded.open.remove(&part.to_string());
            }
            Event::PartitionRead { done, of } => {
                self.print(&format!("  {done} of {of} partitions\n"));
                let pieces = recorded.partitions.turn_to(*done);
                for piece in pieces {
                    self.show(piece, recorded);
                }
            }
            Event::WalkRestarted(reason) => {
                let reason = self.redactor.redact(&reason.to_string()).into_owned();
                // The attempts for the pages that failed are reported with that.
                self.capture.take(&Self::own_list(self.partition), |_| true);
                recorded.failed.remove(&self.partition);
                self.add(ShownPiece::Restarted(reason), recorded);
            }
            Event::WalkEnded {
                ended_by,
                announced,
                listed,
                ..
            } => {
                recorded.summary.records = *listed;
                recorded.summary.announced = *announced;
                recorded.summary.ended_by = Some(*ended_by);
            }
            _ => {}
        }
    }

    fn within(&self, part: WalkPart<'_>) -> Option<Arc<dyn Observer>> {
        match part {
            WalkPart::Partition { number, values } => {
                let values = self.redactor.redact(values).into_owned();
                lock(&self.recorded).partitions.add(number, values);
                Some(Arc::new(Self {
                    partition: Some(number),
                    ..self.clone()
                }))
            }
            WalkPart::Partitions => Some(self.of_related(RelatedList::Partitions, part)),
            WalkPart::Common { list, .. } | WalkPart::Group { list, .. } => {
                Some(self.of_related(list, part))
            }
        }
    }
}

impl Recorder {
    /// Who observes a list that belongs to that of groups.
    fn of_related(&self, list: RelatedList, part: WalkPart<'_>) -> Arc<dyn Observer> {
        let own = Arc::<Mutex<RelatedRecord>>::default();
        let lists = [(part, list)].into_iter().chain(part.brought());
        let open = lists.map(|(one, list)| {
            let record = (list, OfList::from(part), Arc::clone(&own));
            (one.to_string(), record)
        });
        lock(&self.recorded).open.extend(open);
        Arc::new(RelatedRecorder {
            recorder: self.clone(),
            list: part.into(),
            own,
        })
    }

    /// Whether a page of such a list is shown: of each role the first are.
    pub(super) fn is_shown(&self, list: RelatedList) -> bool {
        let recorded = &mut *lock(&self.recorded);
        let shown = recorded.related.entry(list).or_default();
        *shown += 1;
        *shown <= SHOWN_OF_RELATED
    }

    fn own_list(partition: Option<u64>) -> OfList {
        partition.map_or(OfList::Groups, OfList::Partition)
    }

    fn page_read(&self, fetched: &FetchedPage, recorded: &mut Recorded) {
        let page = Purpose::Page(fetched.position.clone());
        let is_its_own = |purpose: &Purpose| {
            matches!(purpose, Purpose::Login | Purpose::Count) || *purpose == page
        };
        let attempts = self
            .capture
            .take(&Self::own_list(self.partition), is_its_own);
        let mut report = summarize::page(fetched, &attempts, &self.adapter, &self.redactor);
        report.unknown_expiry = recorded.unknown_expiry.take();
        // It is not known before its turn which number a page of a partition has: it may be the one to show.
        let before = match self.partition {
            None => recorded.summary.pages,
            Some(number) => recorded.partitions.pages_of(number),
        };
        let is_first = before == 0;
        if is_first && self.partition.is_none_or(|number| number == 0) {
            let records = self.block.records.at().to_string();
            report.unused = unused(fetched, self.adapter.paging(), &records, &self.redactor);
        }
        let may_be_shown = match self.partition {
            None => before + 1 == self.page,
            Some(_) => before < self.page,
        };
        let detail =
            may_be_shown.then(|| summarize::detail(fetched, &self.adapter, &self.redactor));
        let page = ReadPage {
            report,
            listed: fetched.listed(),
            detail,
            attempts,
        };
        self.add(ShownPiece::Page(Box::new(page)), recorded);
    }

    /// Shows a piece, or keeps it until it is the turn of its partition.
    fn add(&self, piece: ShownPiece, recorded: &mut Recorded) {
        let piece = match self.partition {
            None => Some(piece),
            Some(number) => recorded.partitions.keep_until_its_turn(number, piece),
        };
        if let Some(piece) = piece {
            self.show(piece, recorded);
        }
    }

    fn show(&self, piece: ShownPiece, recorded: &mut Recorded) {
        match piece {
            ShownPiece::Page(page) => self.show_page(*page, recorded),
            ShownPiece::Next(next) => {
                self.print(&text::next(&next));
                if let Some(page) = recorded.pages.last_mut() {
                    page.next = Some(next);
                }
            }
            ShownPiece::Restarted(reason) => {
                self.print(&format!(
                    "\nthe list changed while it was read; reading it again: {reason}\n"
                ));
                let mut restarts = std::mem::take(&mut recorded.summary.restarts);
                restarts.push(reason);
                match recorded.partitions.restarted(&recorded.summary) {
                    // Of other partitions what was read stays.
                    Some(again) => {
                        recorded.pages.retain(|page| page.page <= again.pages);
                        recorded.summary = again;
                    }
                    None => *recorded = Recorded::default(),
                }
                recorded.summary.restarts = restarts;
            }
        }
    }

    fn show_page(&self, page: ReadPage, recorded: &mut Recorded) {
        let ReadPage {
            mut report,
            listed,
            detail,
            attempts,
        } = page;
        let of_partition = recorded.partitions.of_this_turn(&recorded.summary);
        if let Some((values, is_first)) = of_partition {
            if is_first {
                self.print(&format!("\npartition {values}\n"));
            }
            report.partition = Some(values);
        }
        recorded.summary.pages += 1;
        recorded.summary.records += listed;
        recorded.summary.bytes += report.bytes;
        report.page = recorded.summary.pages;
        match detail.filter(|_| report.page == self.page) {
            Some(mut detail) => {
                detail.page = report.page;
                self.print(&text::full(&report, &detail, &self.block, self.is_sent));
                recorded.detail = Some(detail);
                recorded.raw = last_body(&attempts);
                if self.output == Output::Raw {
                    self.done.notify_one();
                }
            }
            None => self.print(&text::brief(&report)),
        }
        if self.output != Output::Json {
            recorded.pages.clear();
        }
        recorded.pages.push(report);
        recorded.last = attempts;
    }

    /// The body of the page to show, as it was received.
    pub(super) fn raw(&self) -> Option<Bytes> {
        let recorded = &mut *lock(&self.recorded);
        if recorded.raw.is_none() && recorded.summary.pages + 1 == self.page {
            // It arrived, and is not a page.
            let (partition, failed) = recorded.failed.first_key_value().unzip();
            let failed = failed.cloned().map(Purpose::Page);
            let list = Self::own_list(partition.copied().flatten());
            let attempts = (self.capture).take(&list, |purpose| Some(purpose) == failed.as_ref());
            recorded.raw = last_body(&attempts);
        }
        recorded.raw.clone()
    }

    /// How many pages were read.
    pub(super) fn pages(&self) -> u64 {
        lock(&self.recorded).summary.pages
    }

    /// The report of the whole walk.
    pub(super) fn finish(&self, outcome: &WalkOutcome) -> WalkReport {
        let recorded = &mut *lock(&self.recorded);
        let failure = (outcome.walked.as_ref()).and_then(|walked| walked.as_ref().err());
        if let Some(number) = failure.and_then(|error| recorded.partitions.named_in(&error.detail))
        {
            // What was read before it of the partition that failed.
            let pieces = recorded.partitions.turn_to(number);
            for piece in pieces {
                self.show(piece, recorded);
            }
        }
        let mut summary = std::mem::take(&mut recorded.summary);
        let mut error = None;
        summary.milliseconds = outcome.milliseconds;
        match &outcome.walked {
            Some(Ok(walked)) => {
                summary.groups = walked.groups.len() as u64;
                summary.counts = walked.counts;
                summary.named_people = summarize::named_people(&self.adapter, walked);
                summary.reuse.clone_from(&outcome.marks);
            }
            Some(Err(failure)) => error = Some(self.failure(failure, &summary, recorded)),
            None => summary.is_part = true,
        }
        recorded.summary = summary.clone();
        WalkReport {
            upstream: self.adapter.name().to_string(),
            pages: std::mem::take(&mut recorded.pages),
            detail: recorded.detail.take(),
            summary: error.is_none().then_some(summary),
            error,
        }
    }

    pub(super) fn print(&self, text: &str) {
        if self.output == Output::Text {
            // Where nobody reads on, the walk goes on all the same: it may be recorded.
            let _ = print(text);
        }
    }
}

/// The body that arrived last.
fn last_body(attempts: &[CapturedAttempt]) -> Option<Bytes> {
    let mut attempts = attempts.iter().rev();
    let response = attempts.find_map(|attempt| attempt.response.as_ref())?;
    Some(response.body.clone())
}
