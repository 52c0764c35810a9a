//! Rendered pages, kept for the next caller who asks the same.
//!
//! Kept are the rows alone: what stands around them (states, times) changes while they do not. A
//! key holds the content that the rows were made from, so nothing here is ever outdated, only
//! unused.

use std::sync::Arc;

use bytes::Bytes;
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use crate::gateway::{Listing, Query};
use crate::snapshot::ContentHash;

use super::negotiate::Format;
use super::render::{self, RenderError};

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

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.query.bytes() + size_of_val(&*self.contents)
    }
}

impl Pages {
    /// Keeps pages in so many bytes.
    pub(crate) fn new(share: u64) -> Self {
        Self(
            Cache::builder()
                // In KiB, for weights are 32 bits wide.
                .max_capacity(share / 1024)
                .weigher(|key: &Key, rows: &Bytes| ((key.bytes() + rows.len()) / 1024 + 1) as u32)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::filter::Filter;
    use crate::gateway::order::Sort;
    use crate::gateway::query::Limit;

    #[test]
    fn a_long_question_weighs_as_much_as_its_text() {
        let key = |search: usize| Key {
            query: Query {
                filter: Filter {
                    search: Some("x".repeat(search)),
                    ..Filter::default()
                },
                sort: Sort::default(),
                fields: None,
                limit: Limit::default(),
                resume: None,
            },
            format: Format::Xml,
            contents: Vec::new(),
        };
        assert_eq!(key(8000).bytes() - key(0).bytes(), 8000);
    }
}
