//! Recorded page bodies, replayed as if the upstream were answering.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Request, Response};

use crate::error::UpstreamError;
use crate::terminal::CommandError;
use crate::tools::lock::lock;
use crate::upstream::extensions::{Purpose, carried};
use crate::upstream::pager::Position;
use crate::upstream::transport::Replay;

/// Recorded pages, one for each new position. Neither a login nor a count is requested.
#[derive(Debug)]
pub(super) struct RecordedPages {
    pages: Vec<Bytes>,
    served: Mutex<HashMap<Position, usize>>,
    is_exhausted: AtomicBool,
}

impl RecordedPages {
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, CommandError> {
        let read = |file: &PathBuf| {
            std::fs::read(file).map(Bytes::from).map_err(|error| {
                CommandError::new(format!("`{}` cannot be read: {error}", file.display()))
            })
        };
        Ok(Self {
            pages: files.iter().map(read).collect::<Result<_, _>>()?,
            served: Mutex::default(),
            is_exhausted: AtomicBool::new(false),
        })
    }

    /// Whether more pages were requested than are recorded.
    pub(super) fn is_exhausted(&self) -> bool {
        self.is_exhausted.load(Ordering::Relaxed)
    }

    /// How many pages were not requested.
    pub(super) fn unused(&self) -> usize {
        self.pages.len().saturating_sub(lock(&self.served).len())
    }

    fn page(&self, position: &Position) -> Option<&Bytes> {
        let mut served = lock(&self.served);
        let next = served.len();
        self.pages
            .get(*served.entry(position.clone()).or_insert(next))
    }
}

impl Replay for RecordedPages {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let page = match carried(request) {
            Some(Purpose::Page(position)) => self.page(position),
            Some(Purpose::Login | Purpose::Count) | None => None,
        };
        page.map(|page| Response::new(page.clone())).ok_or_else(|| {
            self.is_exhausted.store(true, Ordering::Relaxed);
            UpstreamError::ours("no further page is recorded")
        })
    }

    fn has_only_pages(&self) -> bool {
        true
    }
}
