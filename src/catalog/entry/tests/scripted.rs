//! An entry over walks that a test scripts.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::catalog::cached::Upkeep;
use crate::catalog::entry::Entry;
use crate::catalog::fetch::{Fetch, WalkResult};
use crate::catalog::keep_fresh::keep_fresh;
use crate::catalog::key::{CatalogKey, Scope};
use crate::catalog::lookup::{CacheMode, SourceLookup};
use crate::catalog::policy::EntryPolicy;
use crate::catalog::resources::CatalogResources;
use crate::catalog::tasks::Tasks;
use crate::clock::WallClock;
use crate::error::{ErrorKind, UpstreamError};
use crate::page::ended_by::EndedBy;
use crate::plan::{Account, Freshness, ListTerms, Refresh, Shape, Share};
use crate::snapshot::tests::group;
use crate::snapshot::{Counts, Snapshot};
use crate::upstream::pushdown::Pushed;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// What the next walks do: how long each takes, and the names of the groups that come of it.
pub(super) type Script = VecDeque<(Duration, Result<Vec<String>, ErrorKind>)>;

pub(super) struct Scripted {
    pub(super) entry: Arc<Entry>,
    walks: Arc<AtomicUsize>,
    script: Arc<Mutex<Script>>,
}

impl Scripted {
    pub(super) fn new(freshness: Freshness, capacity: u64) -> Self {
        Self::on_terms(ListTerms { freshness, ..TERMS }, capacity)
    }

    pub(super) fn on_terms(terms: ListTerms, capacity: u64) -> Self {
        Self::in_place(EntryPolicy::new(terms), capacity, None, NOW)
    }

    /// An entry at a certain time, whose snapshot is kept in a folder.
    pub(super) fn on_disk(directory: &Path, now: &str) -> Self {
        Self::in_place(EntryPolicy::new(TERMS), 1 << 20, Some(directory), now)
    }

    pub(super) fn in_place(
        policy: EntryPolicy,
        capacity: u64,
        directory: Option<&Path>,
        now: &str,
    ) -> Self {
        let wall = WallClock::fixed(now.parse().unwrap());
        let resources = CatalogResources::new(capacity, directory, &wall);
        Self::over(policy, Arc::new(resources))
    }

    pub(super) fn over(policy: EntryPolicy, resources: Arc<CatalogResources>) -> Self {
        let takes_turns = policy.takes_turns;
        let walks = Arc::new(AtomicUsize::new(0));
        let script = Arc::new(Mutex::new(Script::new()));
        let fetch: Fetch = {
            let (walks, script) = (Arc::clone(&walks), Arc::clone(&script));
            Box::new(move |walk, _| {
                walks.fetch_add(1, Ordering::SeqCst);
                let step = script.lock().unwrap().pop_front();
                Box::pin(async move {
                    let (takes, outcome) = step.expect("an unexpected walk");
                    if takes_turns {
                        sleep(TURN).await;
                        walk.begin(NOW.parse().unwrap());
                    }
                    sleep(takes).await;
                    let walked = outcome.map(|names| WalkResult {
                        snapshot: Arc::new(snapshot(&names)),
                        counts: Counts::default(),
                        pages: 1,
                        known_pages: None,
                        marks: None,
                        upkeep: Upkeep::default(),
                        ended_by: EndedBy::NoNext,
                        oldest: None,
                    });
                    Some(walked.map_err(|kind| UpstreamError::new(kind, "scripted")))
                })
            })
        };
        let tasks = Arc::new(Tasks::new());
        Self {
            entry: Arc::new(Entry::new(
                key(),
                policy,
                fetch,
                resources,
                tasks,
                Arc::default(),
            )),
            walks,
            script,
        }
    }

    /// An entry whose settings take the place of these, with the same key.
    pub(super) fn successor(&self) -> Self {
        Self::over(self.entry.policy.clone(), Arc::clone(&self.entry.resources))
    }

    pub(super) fn usual() -> Self {
        Self::new(USUAL, 1 << 20)
    }

    pub(super) fn then(self, takes: Duration, outcome: Result<&'static str, ErrorKind>) -> Self {
        self.step(takes, outcome.map(|name| vec![name.to_owned()]));
        self
    }

    /// A walk of a second that brings so many groups.
    pub(super) fn then_groups(self, groups: usize) -> Self {
        let names = (0..groups).map(|group| format!("{group:03}")).collect();
        self.step(SECOND, Ok(names));
        self
    }

    pub(super) fn step(&self, takes: Duration, outcome: Result<Vec<String>, ErrorKind>) {
        self.script.lock().unwrap().push_back((takes, outcome));
    }

    /// Ends as a process does that is asked to stop.
    pub(super) async fn stop(self) {
        self.entry.tasks.close();
        self.entry.resources.tier().close().await;
    }

    /// Walks from now on whenever a walk is due that nobody asks for.
    pub(super) fn kept(self) -> Self {
        let entry = Arc::clone(&self.entry);
        self.entry.tasks.spawn(keep_fresh(entry));
        self
    }

    pub(super) async fn ask(&self, mode: CacheMode) -> SourceLookup {
        self.entry.get(mode, Instant::now() + 10 * SECOND).await
    }

    pub(super) async fn get(&self) -> SourceLookup {
        self.ask(CacheMode::Cached).await
    }

    pub(super) fn walks(&self) -> usize {
        self.walks.load(Ordering::SeqCst)
    }
}

/// How long a walk waits that waits for its turn.
pub(super) const TURN: Duration = Duration::from_mins(1);

pub(super) const NOW: &str = "2026-11-21T09:30:00Z";

pub(super) const TERMS: ListTerms = ListTerms {
    freshness: USUAL,
    required: false,
    refresh: Refresh::OnDemand,
    shrink_guard: Share::HALF,
};

pub(super) const USUAL: Freshness = Freshness {
    ttl: Duration::from_secs(30),
    stale_while_revalidate: Duration::from_mins(5),
    stale_if_error: Duration::from_hours(1),
    min_refresh: Duration::from_secs(5),
};

pub(super) fn snapshot(names: &[impl AsRef<str>]) -> Snapshot {
    let numbered = names.iter().enumerate();
    let groups = numbered
        .map(|(number, name)| group("u", &number.to_string(), name.as_ref()))
        .collect();
    Snapshot::new("u".into(), groups)
}

pub(super) fn groups(held: &SourceLookup) -> usize {
    held.snapshot.as_ref().map_or(0, |snapshot| snapshot.len())
}

pub(super) fn name(held: &SourceLookup) -> Option<&str> {
    held.snapshot
        .as_ref()
        .map(|snapshot| snapshot.row(0).name())
}

pub(super) fn key() -> CatalogKey {
    CatalogKey {
        upstream: "u".into(),
        shape: Shape::default(),
        account: Account::default(),
        scope: Scope::Shared,
        filters: Pushed::NONE,
    }
}
