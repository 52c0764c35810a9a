//! Rendered pages, kept for the next caller who asks the same.
//!
//! Kept are the rows alone: what stands around them (states, times) changes while they do not. A
//! key holds the content that the rows were made from, so nothing here is ever outdated, only
//! unused.

use std::sync::Arc;

use bytes::Bytes;
use bytesize::ByteSize;
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use crate::gateway::{Listing, Query};
use crate::upstream::snapshot::ContentHash;

use super::negotiate::Format;
use super::render::{self, RenderError};

/// The share of the whole cache that rendered pages get: one part in so many.
const SHARE: u64 = 16;

/// The rendered rows of pages, the least recently used forgotten first.
#[derive(Debug, Clone)]
pub(crate) struct Pages(Cache<Key, Bytes>);

/// What the rows of a page depend on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    query: Query,
    format: Format,
    contents: Vec<(Arc<str>, ContentHash)>,
}

impl Key {
    fn new(query: &Query, format: Format, listing: &Listing) -> Self {
        let contents = listing.sources.iter().filter_map(|report| {
            let snapshot = report.held.snapshot.as_ref()?;
            Some((Arc::clone(&report.held.source), snapshot.hash()))
        });
        Self {
            query: query.clone(),
            format,
            contents: contents.collect(),
        }
    }
}

impl Pages {
    /// Keeps pages in their share of `capacity`.
    pub(crate) fn new(capacity: ByteSize) -> Self {
        Self(
            Cache::builder()
                // In KiB, for weights are 32 bits wide.
                .max_capacity(capacity.as_u64() / SHARE / 1024)
                .weigher(|_, rows: &Bytes| (rows.len() / 1024 + 1) as u32)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        )
    }

    /// The rows of a page, rendered or kept from before.
    pub(crate) async fn rows(
        &self,
        query: &Query,
        format: Format,
        listing: &Listing,
    ) -> Result<Bytes, Arc<RenderError>> {
        let fields = query.fields.as_deref();
        let render = || render::rows(format, listing.rows(), fields);
        // Whole groups as JSON are in memory already: a kept page would be the same copy again.
        if format == Format::Json && fields.is_none() {
            return render().map_err(Arc::new);
        }
        let key = Key::new(query, format, listing);
        self.0.try_get_with(key, async { render() }).await
    }
}
