//! The entries of an upstream's scopes, within their part of memory.
//!
//! Whoever asks may bring anything, and each of its values is a scope. So those for which the upstream has listed
//! something are kept apart from those for which it has not: what it refuses takes nobody's place. And where room is
//! wanted for one more, whoever has much of it gives up its own first.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

use crate::caller::Asker;
use crate::observe::{Event, Observers};

use super::entry::Entry;
use super::key::ScopeDigest;
use super::resizable::{Resizable, SizedCache};
use super::store::{SCOPE_IDLE, Store};

/// What it is called where caches are told apart.
pub(super) const NAME: &str = "scopes";

/// The fraction of the room that is for scopes for which nothing was listed yet: one in so many.
const UNLISTED_SHARE: u64 = 8;

/// The fraction of the room from which on whoever has so much of it gives up its own first: one in so many.
const MUCH_SHARE: u64 = 8;

/// The entries of one upstream's scopes.
pub(super) struct ScopeEntries {
    listed: Resizable<ScopeDigest, KeptScope>,
    unlisted: Resizable<ScopeDigest, KeptScope>,
    /// How many scopes may be listed.
    scopes: u32,
    observers: Observers,
    /// What times of use are counted from.
    begun: Instant,
}

/// The entry of one scope, about how many bytes it takes, and who asked for it first.
#[derive(Debug, Clone)]
pub(super) struct KeptScope {
    pub(super) entry: Arc<Entry>,
    pub(super) bytes: u32,
    pub(super) asker: Asker,
    /// When it was used last, in nanoseconds.
    used: Arc<AtomicU64>,
    /// How many bytes its list took when it was read.
    list: Arc<AtomicU64>,
}

impl KeptScope {
    pub(super) fn new(entry: Arc<Entry>, bytes: u32, asker: Asker) -> Self {
        Self {
            entry,
            bytes,
            asker,
            used: Arc::default(),
            list: Arc::default(),
        }
    }
}

impl ScopeEntries {
    /// No entries yet. They may take `capacity` bytes, and so many `scopes` may be listed.
    pub(super) fn new(capacity: u64, scopes: u32, observers: Observers) -> Self {
        let told = observers.clone();
        let listed = move |capacity| listed(capacity, scopes, told.clone());
        Self {
            listed: Resizable::new(without_unlisted(capacity), listed),
            unlisted: Resizable::new(capacity / UNLISTED_SHARE, unlisted),
            scopes,
            observers,
            begun: Instant::now(),
        }
    }

    /// The entry of a scope, if it is kept.
    pub(super) fn get(&self, digest: &ScopeDigest) -> Option<Arc<Entry>> {
        let found = self.listed.get().cache.get(digest);
        let found = found.or_else(|| self.unlisted.get().cache.get(digest))?;
        self.use_now(&found);
        Some(found.entry)
    }

    fn use_now(&self, scope: &KeptScope) {
        let now = nanoseconds(self.begun.elapsed());
        scope.used.store(now, Ordering::Relaxed);
    }

    /// Keeps a scope for which the upstream has listed nothing, so that its failures count. One that was listed before
    /// stays where it is.
    pub(super) fn put_unlisted(&self, digest: ScopeDigest, scope: KeptScope) {
        if !self.listed.get().cache.contains_key(&digest) {
            self.use_now(&scope);
            let unlisted = self.unlisted.get();
            unlisted.cache.insert(digest, scope);
            unlisted.cache.run_pending_tasks();
        }
    }

    /// Keeps a scope for which the upstream has just listed so many bytes, which go into `lists`.
    pub(super) fn put_listed(
        &self,
        digest: ScopeDigest,
        scope: KeptScope,
        bytes: u64,
        lists: &Store,
    ) {
        let listed = self.listed.get();
        let present = listed.cache.get(&digest);
        let is_new = present.is_none();
        let scope = present.unwrap_or(scope);
        // As the store counts it, which lets go of the lists of others where it is more than there is room for.
        let bytes = (scope.entry.key().bytes() as u64 + bytes).next_multiple_of(1024);
        self.make_room(&listed, (&digest, &scope, is_new), bytes, lists);
        scope.list.store(bytes, Ordering::Relaxed);
        self.use_now(&scope);
        if is_new {
            self.unlisted.get().cache.invalidate(&digest);
            listed.cache.insert(digest, scope);
        }
        // Or else the cache lets go of others at some later time.
        listed.cache.run_pending_tasks();
    }

    /// Where there is no room for a scope and its list, lets go of others of whoever asked for it, the least
    /// recently used first, for as long as they take much of it.
    fn make_room(
        &self,
        listed: &SizedCache<ScopeDigest, KeptScope>,
        (digest, scope, is_new): (&ScopeDigest, &KeptScope, bool),
        bytes: u64,
        lists: &Store,
    ) {
        let least = least_weight(listed.capacity, self.scopes);
        let weigh = |scope: &KeptScope| u64::from(scope.bytes.max(least));
        let list_of = |scope: &KeptScope| scope.list.load(Ordering::Relaxed);
        let most = u64::from(least).saturating_mul(u64::from(self.scopes));
        let entry = if is_new { weigh(scope) } else { 0 };
        let more = bytes.saturating_sub(list_of(scope));
        let mut room = [
            Room::new(listed.cache.weighted_size(), entry, most),
            Room::new(lists.bytes(), more, lists.capacity() / 1024 * 1024),
        ];
        if room.iter().all(Room::is_enough) {
            return;
        }
        let own = listed.cache.iter();
        let own = own.filter(|(other, kept)| **other != *digest && kept.asker == scope.asker);
        let mut own: Vec<_> = own.map(|(digest, kept)| (*digest, kept)).collect();
        own.sort_unstable_by_key(|(_, kept)| kept.used.load(Ordering::Relaxed));
        let takes = |kept: &KeptScope| [weigh(kept), list_of(kept)];
        for (_, kept) in &own {
            for (room, bytes) in room.iter_mut().zip(takes(kept)) {
                room.own += bytes;
            }
        }
        for (digest, kept) in own {
            if !room.iter().any(Room::is_taken_by_own) {
                break;
            }
            for (room, bytes) in room.iter_mut().zip(takes(&kept)) {
                room.give_up(bytes);
            }
            listed.cache.invalidate(&digest);
            kept.entry.keep_lists(false);
            self.observers.notify(&Event::Evicted(NAME));
        }
    }

    /// How many bytes they take, how many they may take, and how many there are.
    pub(super) fn standing(&self) -> (u64, u64, u64) {
        let caches = [self.listed.get(), self.unlisted.get()];
        let bytes = caches.iter().flat_map(|present| present.cache.iter());
        let bytes = bytes.map(|(_, scope)| u64::from(scope.bytes)).sum();
        let capacity = caches.iter().map(|present| present.capacity).sum();
        let entries = caches.iter().map(|present| present.cache.entry_count());
        (bytes, capacity, entries.sum())
    }

    /// Lets go of what nobody has asked for in a while.
    pub(super) fn drop_idle(&self) {
        let now = nanoseconds(self.begun.elapsed());
        let is_idle = |scope: &KeptScope| {
            let since = now.saturating_sub(scope.used.load(Ordering::Relaxed));
            since >= nanoseconds(SCOPE_IDLE)
        };
        for present in [self.listed.get(), self.unlisted.get()] {
            let idle = present.cache.iter().filter(|(_, scope)| is_idle(scope));
            for (digest, scope) in idle.collect::<Vec<_>>() {
                present.cache.invalidate(&*digest);
                scope.entry.keep_lists(false);
            }
            present.cache.run_pending_tasks();
        }
    }

    /// May take so many bytes from now on.
    pub(super) fn resize(&self, capacity: u64) {
        self.listed.resize(without_unlisted(capacity));
        self.unlisted.resize(capacity / UNLISTED_SHARE);
    }

    /// Forgets all of them, as if others had taken their place.
    #[cfg(test)]
    pub(super) fn clear(&self) {
        for entries in [&self.listed, &self.unlisted] {
            let present = entries.get();
            for (_, scope) in &present.cache {
                scope.entry.keep_lists(false);
            }
            present.cache.invalidate_all();
            present.cache.run_pending_tasks();
        }
    }
}

/// How much of something there is, how much more is wanted, and how much who wants it has.
#[derive(Debug)]
struct Room {
    taken: u64,
    wanted: u64,
    most: u64,
    own: u64,
}

impl Room {
    const fn new(taken: u64, wanted: u64, most: u64) -> Self {
        Self {
            taken,
            wanted,
            most,
            own: 0,
        }
    }

    const fn is_enough(&self) -> bool {
        self.wanted == 0 || self.taken.saturating_add(self.wanted) <= self.most
    }

    const fn is_taken_by_own(&self) -> bool {
        !self.is_enough() && self.own.saturating_add(self.wanted) > self.most / MUCH_SHARE
    }

    const fn give_up(&mut self, bytes: u64) {
        self.taken = self.taken.saturating_sub(bytes);
        self.own = self.own.saturating_sub(bytes);
    }
}

/// An entry counts at least for its share of the bytes, so that the bounds of bytes and scopes are one.
fn least_weight(capacity: u64, scopes: u32) -> u32 {
    let least = (capacity / u64::from(scopes.max(1))).max(1);
    u32::try_from(least).unwrap_or(u32::MAX)
}

fn listed(capacity: u64, scopes: u32, observers: Observers) -> Cache<ScopeDigest, KeptScope> {
    let weight = least_weight(capacity, scopes);
    Cache::builder()
        .name(NAME)
        .eviction_policy(EvictionPolicy::lru())
        .weigher(move |_, scope: &KeptScope| scope.bytes.max(weight))
        .max_capacity(u64::from(weight).saturating_mul(u64::from(scopes)))
        .eviction_listener(move |_, scope: KeptScope, cause| {
            if cause == RemovalCause::Size {
                observers.notify(&Event::Evicted(NAME));
                scope.entry.keep_lists(false);
            }
        })
        .build()
}

fn unlisted(capacity: u64) -> Cache<ScopeDigest, KeptScope> {
    Cache::builder()
        .name("unlisted scopes")
        .eviction_policy(EvictionPolicy::lru())
        .weigher(|_, scope: &KeptScope| scope.bytes)
        .max_capacity(capacity)
        .build()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

const fn without_unlisted(capacity: u64) -> u64 {
    capacity - capacity / UNLISTED_SHARE
}

impl fmt::Debug for ScopeEntries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ScopeEntries")
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
