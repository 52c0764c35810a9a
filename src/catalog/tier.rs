//! Where snapshots are kept besides memory, so that a restart has something to serve.
//!
//! Memory alone decides what is served, without waiting. A tier is asked only when memory has
//! nothing ([`Tier::load`]) and told what a walk changed ([`Tier::save`], [`Tier::remove`]). A list
//! that it gives back is as fresh as the end of its walk says, whichever process walked.
//!
//! A store that replicas share becomes a variant here. It needs two verbs more: `lease`, so that one
//! replica walks for all, belongs before a walk begins (`entry/walks.rs`); `subscribe`, so that the
//! others learn of its end, beside the task that renews lists (`renewal.rs`).

use std::path::Path;
use std::sync::Arc;

use crate::clock::WallClock;
use crate::plan::Freshness;

use super::cached::CachedSnapshot;
use super::disk::Disk;
use super::key::CatalogKey;

/// Where snapshots are kept besides memory.
#[derive(Debug)]
pub(super) enum Tier {
    /// Nowhere.
    None,
    /// In a folder of this machine.
    Disk(Disk),
}

impl Tier {
    /// The tier in `directory`, if one is named.
    pub(super) fn open(directory: Option<&Path>, wall: &WallClock) -> Self {
        directory.map_or(Self::None, |directory| {
            Self::Disk(Disk::open(directory, wall))
        })
    }

    /// What is kept of a key, if it may still be served and has no more than `most` bytes.
    pub(super) async fn load(
        &self,
        key: &CatalogKey,
        freshness: Freshness,
        most: u64,
    ) -> Option<CachedSnapshot> {
        match self {
            Self::None => None,
            Self::Disk(disk) => disk.load(key, freshness, most).await,
        }
    }

    /// Keeps what a walk brought, soon, in the place of what it brought before.
    pub(super) fn save(
        &self,
        key: &CatalogKey,
        cached: &Arc<CachedSnapshot>,
        freshness: Freshness,
    ) {
        match self {
            Self::None => {}
            Self::Disk(disk) => disk.save(key, cached, freshness),
        }
    }

    /// Removes what is kept of a key, now.
    pub(super) fn remove(&self, key: &CatalogKey) {
        match self {
            Self::None => {}
            Self::Disk(disk) => disk.remove(key),
        }
    }

    /// Says which keys are in use from now on. What is kept of others goes once nobody may serve it.
    pub(super) fn use_keys<'a>(&self, keys: impl Iterator<Item = &'a CatalogKey>) {
        match self {
            Self::None => {}
            Self::Disk(disk) => disk.use_keys(keys),
        }
    }

    /// Waits until what was handed in is kept, for a while; nothing is kept from then on.
    pub(super) async fn close(&self) {
        match self {
            Self::None => {}
            Self::Disk(disk) => disk.close().await,
        }
    }
}
