//! The walk: the exchanges that together fetch an upstream's whole list.
//!
//! Pages follow each other as the pager says; where the first one tells how many there are, the
//! rest is fetched concurrently. A walk brings the whole list or an error, never a short list that
//! looks whole: totals are checked, repeats are noticed, and every bound has its own error. A list
//! that changes while it is read is read once more.

use std::collections::HashSet;
use std::sync::Arc;

use bytesize::ByteSize;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::config::upstream::Repeat;
use crate::group::Group;

use super::adapter::{Adapter, Turn};
use super::pager::{Announcement, Next, PagerError, Position, SoFar};
pub use super::watch::Progress;
use super::watch::{Check, Event, Observer};
use crate::error::{ErrorKind, UpstreamError};
use crate::snapshot::Counts;

/// After so many pages without a single group the rest is not asked for: the adapter is wrong, and a
/// long list would cost its upstream hundreds of requests to say so.
const HOPELESS_PAGES: u64 = 3;

/// What one walk brought.
#[derive(Debug)]
pub struct Walked {
    /// The groups, each id once, in the upstream's order.
    pub groups: Vec<Group>,
    /// What was counted besides.
    pub counts: Counts,
    /// How many pages were read.
    pub pages: u64,
}

/// Walks the whole list of `adapter`'s upstream, and tells `observer` how it goes.
pub async fn walk(
    adapter: &Arc<Adapter>,
    observer: &dyn Observer,
) -> Result<Walked, UpstreamError> {
    let limit = adapter.limits().walk;
    let deadline = Instant::now() + limit.get();
    timeout_at(deadline, twice(adapter, observer, deadline))
        .await
        .unwrap_or_else(|_| {
            Err(UpstreamError::new(
                ErrorKind::Timeout,
                format!("the walk took longer than {limit} (`limits.walk`)"),
            ))
        })
}

async fn twice(
    adapter: &Arc<Adapter>,
    observer: &dyn Observer,
    deadline: Instant,
) -> Result<Walked, UpstreamError> {
    let first = Attempt::new(adapter, observer, deadline, false).run().await;
    let reason = match first {
        Ok(walked) => return Ok(walked),
        Err(Broken::Failed(error)) => return Err(error),
        Err(Broken::Drifted(reason)) => reason,
    };
    tracing::info!(source = %adapter.name(), %reason, "list changed during its walk, walking again");
    observer.saw(Event::Restarted(&reason));
    match Attempt::new(adapter, observer, deadline, true).run().await {
        Ok(walked) => Ok(walked),
        // Not even begun, for what ended the first attempt has opened the breaker: that is the news.
        Err(Broken::Failed(error))
            if error.kind == ErrorKind::CircuitOpen && is_refusal(reason.kind) =>
        {
            let wait = reason.retry_after.max(error.retry_after);
            Err(reason.with_retry_after(wait))
        }
        Err(Broken::Failed(error) | Broken::Drifted(error)) => Err(error),
    }
}

/// Why an attempt ended without a list.
enum Broken {
    /// It failed.
    Failed(UpstreamError),
    /// The list changed under it; a second attempt may succeed. On the second one it is a failure
    /// for this reason.
    Drifted(UpstreamError),
}

impl From<UpstreamError> for Broken {
    fn from(error: UpstreamError) -> Self {
        Self::Failed(error)
    }
}

impl From<PagerError> for Broken {
    fn from(error: PagerError) -> Self {
        Self::Failed(error.into())
    }
}

/// One reading of the whole list, and the account that is kept over its pages.
struct Attempt<'a> {
    adapter: &'a Arc<Adapter>,
    observer: &'a dyn Observer,
    deadline: Instant,
    /// Whether the list has already changed under an earlier attempt.
    again: bool,
    /// How many records the first page held.
    granted: u64,
    positions: HashSet<Position>,
    prints: HashSet<u64>,
    /// Whether a record has come twice on a page of its own.
    has_spared: bool,
    /// How much there is, as far as any page has said.
    announced: Announcement,
    /// How many records there are, where a request of its own has told.
    counted: Option<u64>,
    groups: Vec<Group>,
    counts: Counts,
    pages: u64,
    records: u64,
    /// Records without those below others: paging, totals and caps count in these.
    listed: u64,
    bytes: u64,
    /// How much memory the groups take in a snapshot at least.
    mapped_bytes: u64,
}

/// Whether a page was new.
#[derive(PartialEq)]
enum Page {
    New,
    Seen,
}

impl<'a> Attempt<'a> {
    fn new(
        adapter: &'a Arc<Adapter>,
        observer: &'a dyn Observer,
        deadline: Instant,
        again: bool,
    ) -> Self {
        Self {
            adapter,
            observer,
            deadline,
            again,
            granted: 0,
            positions: HashSet::new(),
            prints: HashSet::new(),
            has_spared: false,
            announced: Announcement::default(),
            counted: None,
            groups: Vec::new(),
            counts: Counts::default(),
            pages: 0,
            records: 0,
            listed: 0,
            bytes: 0,
            mapped_bytes: 0,
        }
    }

    async fn run(mut self) -> Result<Walked, Broken> {
        self.counted = self.adapter.count(self.deadline).await?;
        if let Some(counted) = self.counted {
            self.observer.saw(Event::Counted(counted));
        }
        let first = self.adapter.pager().first();
        self.positions.insert(first.clone());
        let turn = self.fetch(first).await?;
        self.granted = turn.listed();
        let mut next = self.take(turn)?;
        loop {
            next = match next {
                Next::End => return self.finish(),
                Next::One(position) => self.read_one(position).await?,
                Next::Rest(positions) => self.read_rest(positions).await?,
            };
        }
    }

    /// Reads the page that the one before named.
    async fn read_one(&mut self, position: Position) -> Result<Next, Broken> {
        if !self.positions.insert(position.clone()) {
            return self.repeat(PagerError::Loop, Broken::Failed);
        }
        let turn = self.fetch(position).await.map_err(refused_is_drift)?;
        self.take(turn)
    }

    /// Reads the pages that an earlier one announced, several at a time, in order.
    async fn read_rest(&mut self, positions: Vec<Position>) -> Result<Next, Broken> {
        let (adapter, observer, deadline) = (self.adapter, self.observer, self.deadline);
        let last = positions.last().cloned();
        let mut next = Next::End;
        let mut turns = stream::iter(positions)
            .map(|position| fetch(adapter, observer, deadline, position))
            .buffered(adapter.limits().concurrency as usize);
        while let Some(turn) = turns.try_next().await.map_err(refused_is_drift)? {
            self.observer.saw(Event::Read(&turn));
            // A list that has grown meanwhile goes on after what was announced as its last page.
            if last.as_ref() == Some(&turn.position) {
                next = self.next(&turn)?;
            }
            let is_past_end = turn.is_past_end();
            if self.absorb(turn)? == Page::Seen {
                return self.repeat(PagerError::SamePage, Broken::Drifted);
            }
            if is_past_end {
                return Ok(Next::End);
            }
        }
        Ok(next)
    }

    /// Takes one page into the account, and says where to read on.
    fn take(&mut self, turn: Turn) -> Result<Next, Broken> {
        self.observer.saw(Event::Read(&turn));
        let next = self.next(&turn)?;
        match self.absorb(turn)? {
            Page::New => Ok(next),
            Page::Seen => self.repeat(PagerError::SamePage, Broken::Failed),
        }
    }

    fn next(&self, turn: &Turn) -> Result<Next, PagerError> {
        let so_far = SoFar {
            granted: self.granted,
            received: self.listed + turn.listed(),
            counted: self.counted,
        };
        let decided = self
            .adapter
            .pager()
            .decide(&turn.position, so_far, turn.look());
        let decision = decided.inspect_err(|error| self.warn(error))?;
        self.observer.saw(Event::Decided(&decision));
        Ok(decision.next)
    }

    /// An upstream that sends us elsewhere may have been made to.
    fn warn(&self, error: &PagerError) {
        if let PagerError::ForeignUrl(origin) = error {
            let source = &**self.adapter.name();
            tracing::warn!(source, origin, "refused a URL of another origin");
        }
    }

    /// What a repeat means: the end where the upstream is known for it, or that this is `broken`.
    fn repeat(
        &self,
        what: PagerError,
        broken: impl Fn(UpstreamError) -> Broken,
    ) -> Result<Next, Broken> {
        let is_end = self.adapter.pager().on_repeat() == Repeat::End;
        self.observer.saw(Event::Repeated {
            what: &what,
            is_end,
        });
        if is_end {
            return Ok(Next::End);
        }
        Err(broken(what.into()))
    }

    async fn fetch(&self, position: Position) -> Result<Turn, UpstreamError> {
        fetch(self.adapter, self.observer, self.deadline, position).await
    }

    /// Takes one page into the account.
    fn absorb(&mut self, turn: Turn) -> Result<Page, Broken> {
        self.pages += 1;
        self.records += turn.records();
        self.listed += turn.listed();
        self.bytes += turn.bytes();
        self.mapped_bytes += turn.mapped_bytes();
        self.check_bounds()?;
        self.check_announcement(turn.announcement())?;
        let page = self.look(&turn);
        for outcome in turn.into_outcomes() {
            match outcome {
                Ok(mapped) => {
                    self.counts.unparsed_timestamps += mapped.unparsed_timestamps;
                    self.groups.push(mapped.group);
                }
                Err(_) => self.counts.skipped += 1,
            }
        }
        if self.pages == HOPELESS_PAGES {
            self.check_mapped()?;
        }
        Ok(page)
    }

    /// Whether a page was new. One record that comes twice is a repeated id, though its page holds
    /// nothing else; the next time, an upstream does not look at what page it is asked for.
    fn look(&mut self, turn: &Turn) -> Page {
        if turn.records() == 0 || self.prints.insert(turn.print()) {
            return Page::New;
        }
        let is_spared = turn.records() == 1
            && !self.has_spared
            && self.adapter.pager().on_repeat() == Repeat::Error;
        self.has_spared |= is_spared;
        if is_spared { Page::New } else { Page::Seen }
    }

    fn check_bounds(&self) -> Result<(), UpstreamError> {
        let limits = self.adapter.limits();
        let cap = self.adapter.pager().cap().map(u64::from);
        let exceeded = if self.pages > limits.pages.into() {
            format!("more than {} pages (`limits.pages`)", limits.pages)
        } else if self.records > limits.groups.into() {
            format!("more than {} records (`limits.groups`)", limits.groups)
        } else if self.bytes > limits.walk_bytes.as_u64() {
            format!("more than {} (`limits.walk_bytes`)", limits.walk_bytes)
        } else if self.mapped_bytes > self.adapter.room() {
            let room = ByteSize(self.adapter.room());
            format!("its groups take more than {room}, all that snapshots may (`cache.capacity`)")
        } else if let Some(cap) = cap.filter(|&cap| self.listed >= cap) {
            format!("{cap} records, where the upstream cuts its list (`pagination.cap`)")
        } else {
            return Ok(());
        };
        Err(UpstreamError::new(ErrorKind::LimitExceeded, exceeded))
    }

    fn check_announcement(&mut self, said: Announcement) -> Result<(), Broken> {
        let has_changed = !self.announced.agrees(said);
        if has_changed && !self.again {
            return Err(Broken::Drifted(UpstreamError::new(
                ErrorKind::Pagination,
                "the announced total changed during the walk",
            )));
        }
        self.counts.drifted |= has_changed;
        self.announced = self.announced.least(said);
        Ok(())
    }

    fn finish(mut self) -> Result<Walked, Broken> {
        let before = self.groups.len();
        let mut ids = HashSet::with_capacity(before);
        self.groups
            .retain(|group| ids.insert(group.source_id.clone()));
        self.counts.repeated = (before - self.groups.len()) as u64;
        self.check_mapped()?;
        self.check_total()?;
        Ok(Walked {
            groups: self.groups,
            counts: self.counts,
            pages: self.pages,
        })
    }

    /// Records of which none is a group are something else, such as an excuse where the list
    /// should be: they must not take the place of the groups that were there before.
    fn check_mapped(&self) -> Result<(), UpstreamError> {
        if self.records == 0 || !self.groups.is_empty() {
            return Ok(());
        }
        let records = self.records;
        Err(UpstreamError::new(
            ErrorKind::Mapping,
            format!("none of {records} records has an id and a name (`fields`)"),
        ))
    }

    /// Holds the list against how many records there are said to be.
    fn check_total(&mut self) -> Result<(), Broken> {
        let paged = self.announced.records;
        let announced = paged.or(self.counted);
        self.observer.saw(Event::Checked(Check {
            announced,
            listed: self.listed,
            repeated: self.counts.repeated,
        }));
        let Some(announced) = announced else {
            return Ok(());
        };
        let short = |received| {
            UpstreamError::from(PagerError::Short {
                announced,
                received,
            })
        };
        if self.listed < announced {
            return Err(match paged {
                Some(_) => Broken::Failed(short(self.listed)),
                // Count and list were taken at two moments, and the list may have shrunk between.
                None => Broken::Drifted(short(self.listed)),
            });
        }
        // A record that comes twice may stand where one that moved away was not seen.
        let distinct = self.records - self.counts.repeated;
        if distinct < announced {
            if !self.again {
                return Err(Broken::Drifted(short(distinct)));
            }
            self.counts.drifted = true;
        }
        Ok(())
    }
}

/// Reads the page at `position`.
async fn fetch(
    adapter: &Arc<Adapter>,
    observer: &dyn Observer,
    deadline: Instant,
    position: Position,
) -> Result<Turn, UpstreamError> {
    let turn = adapter.turn(position.clone(), deadline).await;
    turn.inspect_err(|error| {
        observer.saw(Event::Failed {
            position: &position,
            error,
        });
    })
}

/// A continuation that is refused although the walk began well: its place in the list is gone.
fn refused_is_drift(error: UpstreamError) -> Broken {
    if is_refusal(error.kind) {
        Broken::Drifted(error)
    } else {
        Broken::Failed(error)
    }
}

/// Whether the upstream answered, and refused.
const fn is_refusal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::HttpStatus | ErrorKind::Rejected)
}
