//! The state of an entry: its key, its policy and its walks.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::caller::Asker;
use crate::observe::{Observers, SettledWalk};
use crate::plan::ListTerms;

use super::super::age::Age;
use super::super::backoff::Failure;
use super::super::cached::CachedSnapshot;
use super::super::fetch::Fetch;
use super::super::history::WalkHistory;
use super::super::in_flight::InFlightWalk;
use super::super::key::CatalogKey;
use super::super::policy::EntryPolicy;
use super::super::resources::CatalogResources;
use super::super::shrink_guard::PendingConfirmation;
use super::super::tasks::Tasks;

/// One upstream and credential scope.
pub(in crate::catalog) struct Entry {
    pub(super) key: CatalogKey,
    pub(super) policy: EntryPolicy,
    pub(super) fetch: Fetch,
    pub(super) resources: Arc<CatalogResources>,
    /// Where its walks run.
    pub(super) tasks: Arc<Tasks>,
    /// What its last walks were like, and those of other entries of its upstream.
    history: Arc<WalkHistory>,
    /// Who is told what happens with its upstream.
    pub(super) observers: Observers,
    /// When these settings came into force. What was cached earlier was read under others.
    since: Instant,
    walks: Mutex<Walks>,
    /// Notified whenever a walk has ended, or other terms hold.
    pub(super) changed: Notify,
}

/// The walks of one entry: at most one is under way, and at most one waits behind it.
#[derive(Debug, Default)]
pub(super) struct Walks {
    pub(super) running: Option<InFlightWalk>,
    pub(super) queued: Option<InFlightWalk>,
    /// Whether the queued one begins even if the running one fails.
    pub(super) queued_insists: bool,
    /// When the last one before the running one began.
    pub(super) last_begun: Option<Instant>,
    /// Who asked last.
    pub(super) asker: Asker,
    /// How long the last finished one took.
    pub(super) taken: Option<Duration>,
    pub(super) failure: Option<Failure>,
    /// What the last one returned and still waits for confirmation.
    pub(super) pending: Option<PendingConfirmation>,
    /// Whether a cache has dropped the entry. What its walk brings is for its waiters alone.
    pub(super) is_dropped: bool,
    /// Set when the settings are replaced. No walk begins from then on.
    pub(super) retired: Option<Retired>,
}

impl Walks {
    /// When the last walk began. One that waits for its turn has not.
    pub(super) fn last_begun(&self) -> Option<Instant> {
        let running = self.running.as_ref().and_then(InFlightWalk::begun);
        running.map(|begun| begun.at).or(self.last_begun)
    }
}

/// What an entry of replaced settings still serves.
#[derive(Debug)]
pub(super) struct Retired {
    last: Option<Arc<CachedSnapshot>>,
}

impl Entry {
    pub(in crate::catalog) fn new(
        key: CatalogKey,
        policy: EntryPolicy,
        fetch: Fetch,
        resources: Arc<CatalogResources>,
        tasks: Arc<Tasks>,
        history: Arc<WalkHistory>,
    ) -> Self {
        Self {
            observers: resources.observers.of_upstream(&key.upstream),
            history,
            key,
            policy,
            fetch,
            resources,
            tasks,
            since: Instant::now(),
            walks: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Its key.
    pub(in crate::catalog) const fn key(&self) -> &CatalogKey {
        &self.key
    }

    /// A number that changes with what it shows.
    pub(in crate::catalog) fn epoch(&self) -> u64 {
        self.resources.epoch.current()
    }

    /// What its last walks were like.
    pub(in crate::catalog) const fn history(&self) -> &Arc<WalkHistory> {
        &self.history
    }

    pub(in crate::catalog) const fn policy(&self) -> &EntryPolicy {
        &self.policy
    }

    pub(super) fn terms(&self) -> ListTerms {
        self.policy.terms()
    }

    /// Goes by these terms from now on: they say anew how long its list serves, and when the next walk is due.
    pub(in crate::catalog) fn go_by(&self, terms: ListTerms) {
        if self.policy.go_by(terms) {
            self.save();
            self.resources.epoch.advance();
            self.changed.notify_one();
        }
    }

    /// Loads the snapshot from the tier, if memory has none.
    pub(in crate::catalog) async fn load(&self) {
        let resources = &self.resources;
        if resources.store.get(&self.key).is_some() {
            return;
        }
        let (tier, most) = (resources.tier(), resources.store.capacity());
        let loaded = tier.load(&self.key, self.terms().freshness, most).await;
        let Some(mut cached) = loaded else {
            return;
        };
        if let Some(snapshot) = Arc::get_mut(&mut cached.snapshot) {
            let lists = resources.pages.lists();
            snapshot.count_with(lists.hold(snapshot.bytes() as u64));
        }
        if let Some(marks) = cached.marks.as_mut().and_then(Arc::get_mut) {
            marks.count_with(&resources.pages.lists());
        }
        match resources.store.put(&self.key, Arc::new(cached)) {
            Ok(()) => resources.epoch.advance(),
            Err(error) => tracing::warn!(
                source = %self.key.upstream,
                error.detail = error.detail,
                "snapshot on disk does not fit into memory"
            ),
        }
    }

    /// Has the tier keep what memory has.
    pub(in crate::catalog) fn save(&self) {
        if let Some(cached) = self.resources.store.get(&self.key)
            && !cached.is_of_another_shape
        {
            let tier = self.resources.tier();
            tier.save(&self.key, &cached, self.terms().freshness);
        }
    }

    /// Begins with the list of the entry whose settings these follow, if these only shape lists otherwise and
    /// nothing later is there. It is served as stale, and is never on disk under this key.
    pub(in crate::catalog) fn take_over(&self, before: &Self) {
        let store = &self.resources.store;
        if !self.key.differs_in_shape_only(&before.key) {
            return;
        }
        let Some(old) = store.get(&before.key) else {
            return;
        };
        let own = store.get(&self.key);
        if own.is_none_or(|own| own.walked_at < old.walked_at) {
            let shared = CachedSnapshot {
                is_of_another_shape: true,
                ..CachedSnapshot::clone(&old)
            };
            store.share(&self.key, Arc::new(shared));
            self.resources.epoch.advance();
        }
    }

    /// Keeps what it took over from an entry that has been retired since.
    pub(in crate::catalog) fn hold(&self) {
        self.resources.store.hold(&self.key);
    }

    /// Whether its list is kept from now on, or only brought to those who wait for it. An entry that a cache
    /// has dropped keeps none.
    pub(in crate::catalog) fn keep_lists(&self, keeps: bool) {
        let mut walks = self.lock();
        walks.is_dropped = !keeps;
        // Otherwise it would remove what the settings that followed have read.
        if walks.is_dropped && walks.retired.is_none() {
            self.evict();
        }
    }

    /// Whether its list is kept.
    pub(in crate::catalog) fn keeps_lists(&self) -> bool {
        !self.lock().is_dropped
    }

    /// Removes its snapshot everywhere. What a refused account may no longer see, nobody may.
    pub(in crate::catalog) fn forget(&self) {
        let walks = self.lock();
        // Otherwise it would remove what the settings that followed have read.
        if walks.retired.is_none() {
            self.evict();
        }
    }

    pub(super) fn evict(&self) {
        self.resources.store.remove(&self.key);
        self.resources.tier().remove(&self.key);
        self.resources.epoch.advance();
    }

    /// Ends its walks for good, and tells the callers that wait for them. Requests that still use it
    /// get its last snapshot. The store drops that, unless the entry that follows has the same key.
    pub(in crate::catalog) fn retire(&self, is_key_in_use: bool) {
        let mut walks = self.lock();
        let last = self.cached(&walks);
        walks.retired = Some(Retired { last });
        if !is_key_in_use {
            self.resources.store.remove(&self.key);
        }
        let ended = [walks.running.take(), walks.queued.take()];
        for walk in ended.into_iter().flatten() {
            self.settle_unread(&walk, SettledWalk::Superseded);
        }
        drop(walks);
        self.resources.epoch.advance();
    }

    pub(super) fn cached(&self, walks: &Walks) -> Option<Arc<CachedSnapshot>> {
        match &walks.retired {
            Some(retired) => retired.last.clone(),
            None => self.resources.store.get(&self.key),
        }
    }

    pub(super) fn age(&self, cached: &CachedSnapshot, now: Instant) -> Age {
        Age::of(cached, self.terms().freshness, self.since, now)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Walks> {
        self.walks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Entry")
            .field("key", &self.key)
            .field("policy", &self.policy)
            .field("walks", &self.walks)
            .finish_non_exhaustive()
    }
}
