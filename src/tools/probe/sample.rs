//! Recorded page bodies, walked as if the upstream were answering.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};

use crate::error::UpstreamError;
use crate::terminal::Failure;
use crate::upstream::extensions::Purpose;
use crate::upstream::pager::Position;
use crate::upstream::transport::Replay;

/// Recorded pages, which answer one position after the other. Logins and counts are not asked for.
#[derive(Debug)]
pub(super) struct Samples {
    pages: Vec<Bytes>,
    given: Mutex<HashMap<Position, usize>>,
    ran_out: AtomicBool,
}

impl Samples {
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, Failure> {
        let read = |file: &PathBuf| {
            std::fs::read(file).map(Bytes::from).map_err(|error| {
                Failure::new(format!("`{}` cannot be read: {error}", file.display()))
            })
        };
        Ok(Self {
            pages: files.iter().map(read).collect::<Result<_, _>>()?,
            given: Mutex::default(),
            ran_out: AtomicBool::new(false),
        })
    }

    /// Whether more pages were asked for than there are.
    pub(super) fn ran_out(&self) -> bool {
        self.ran_out.load(Ordering::Relaxed)
    }

    /// How many pages nobody asked for.
    pub(super) fn left(&self) -> usize {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        self.pages.len().saturating_sub(given.len())
    }

    fn page(&self, position: &Position) -> Option<&Bytes> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let next = given.len();
        self.pages
            .get(*given.entry(position.clone()).or_insert(next))
    }
}

impl Replay for Samples {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let page = match request.extensions().get() {
            Some(Purpose::Page(position)) => self.page(position),
            Some(Purpose::Login | Purpose::Count) | None => None,
        };
        page.map(|page| Response::new(page.clone())).ok_or_else(|| {
            self.ran_out.store(true, Ordering::Relaxed);
            UpstreamError::ours("no further page is recorded")
        })
    }

    fn has_only_pages(&self) -> bool {
        true
    }
}
