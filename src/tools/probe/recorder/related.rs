//! Records one of the lists that belong to that of groups: its first pages are shown, and if it is not what was
//! expected, what was asked for last.

use std::sync::{Arc, Mutex};

use crate::observe::{Event, Observer};
use crate::page::fetched_page::FetchedPage;
use crate::page::position::Position;
use crate::plan::RelatedList;
use crate::tools::lock::lock;
use crate::upstream::extensions::Purpose;

use super::super::capture::{CapturedAttempt, OfList};
use super::super::text;
use super::Recorder;

/// Observes one of these lists.
#[derive(Debug)]
pub(super) struct RelatedRecorder {
    pub(super) recorder: Recorder,
    pub(super) list: OfList,
    pub(super) own: Arc<Mutex<RelatedRecord>>,
}

/// What was recorded of one of these lists.
#[derive(Debug, Default)]
pub(super) struct RelatedRecord {
    /// How many pages were read.
    pub(super) pages: u64,
    /// The attempts for the page that was read last.
    pub(super) last: Vec<CapturedAttempt>,
    /// The page that failed.
    pub(super) failed: Option<Position>,
}

impl Observer for RelatedRecorder {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it is told of all that happens, and needs some of it"
    )]
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::OfRelated { list, event } => self.of_list(*list, event),
            other => self.recorder.observe(other),
        }
    }
}

impl RelatedRecorder {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it is told of all that happens, and needs some of it"
    )]
    fn of_list(&self, list: RelatedList, event: &Event<'_>) {
        match event {
            Event::PageRead(page) => self.page_read(list, page),
            Event::PageFailed { position, .. } => {
                lock(&self.own).failed = Some((*position).clone());
            }
            Event::WalkRestarted(_) => {
                self.recorder.capture.take(&self.list, |_| true);
                *lock(&self.own) = RelatedRecord::default();
            }
            _ => {}
        }
    }

    fn page_read(&self, list: RelatedList, page: &FetchedPage) {
        let of_page = Purpose::Page(page.position.clone());
        let is_its_own = |purpose: &Purpose| {
            matches!(purpose, Purpose::Login | Purpose::Count) || *purpose == of_page
        };
        let attempts = self.recorder.capture.take(&self.list, is_its_own);
        {
            let own = &mut *lock(&self.own);
            own.pages += 1;
            own.last = attempts;
        }
        if self.recorder.is_shown(list) {
            let line = text::related(list, page, self.recorder.adapter.related());
            let line = self.recorder.redactor.redact(&line).into_owned();
            self.recorder.print(&format!("  {line}\n"));
        }
    }
}
