//! The groups that are complete so far.

use std::collections::HashMap;

use bytesize::ByteSize;
use tokio::time::Instant;

use crate::error::{ErrorKind, UpstreamError};
use crate::group::GroupParts;
use crate::snapshot::GroupPage;
use crate::upstream::walk::context::WalkContext;
use crate::upstream::walk::gone_groups::GoneGroup;
use crate::upstream::walk::known::{CompletedRow, KnownGroups};
use crate::upstream::walk::marks::{GroupMark, GroupMarks, LongestPages};

use super::group::{CompletedGroup, GoneRefusal, WholeGroup};

/// How many groups are laid out together.
const GROUPS_PER_PAGE: usize = 1024;

/// Which part of the room for its list what a failed walk keeps may take.
const KEPT_PART: u64 = 8;

/// The groups that are complete so far, in the order in which they were listed. Where the walk ends before all
/// are, they are kept for the next one.
pub(super) struct CompletedGroups<'a> {
    context: WalkContext<'a>,
    known: &'a KnownGroups,
    pages: Vec<GroupPage>,
    /// By what each of them is known again, and when it was read.
    marks: Vec<(GroupMark, Instant)>,
    pub(super) done: u64,
    /// How many of those that were listed are gone.
    gone: u64,
    /// All that are gone, where the next walk may ask for them again.
    gone_groups: Vec<GoneGroup>,
    /// How many of those are gone that had been gone before, and were not listed.
    still_gone: u64,
    /// Of those that are done, how many nothing was asked for.
    unasked: u64,
    /// What the last one that is gone was refused with, of those of the list that allows the least to be.
    refusal: Option<GoneRefusal>,
    /// When the oldest of them was read.
    pub(super) oldest: Option<Instant>,
    /// How many were listed. Those that are asked for again come after them.
    of: u64,
    bytes: u64,
    is_finished: bool,
}

impl<'a> CompletedGroups<'a> {
    pub(super) const fn new(context: WalkContext<'a>, known: &'a KnownGroups, of: u64) -> Self {
        Self {
            context,
            known,
            pages: Vec::new(),
            marks: Vec::new(),
            done: 0,
            gone: 0,
            gone_groups: Vec::new(),
            still_gone: 0,
            unasked: 0,
            refusal: None,
            oldest: None,
            of,
            bytes: 0,
            is_finished: false,
        }
    }

    pub(super) fn add(&mut self, group: CompletedGroup) -> Result<(), UpstreamError> {
        self.done += 1;
        let is_listed = self.done <= self.of;
        match group {
            CompletedGroup::Complete(group) => {
                self.unasked += u64::from(!group.is_asked && is_listed);
                self.lay_out(*group)
            }
            CompletedGroup::Gone(refusal, group) => {
                self.gone_groups.extend(group);
                if !is_listed {
                    self.still_gone += 1;
                    return Ok(());
                }
                self.gone += 1;
                let least = self.refusal.as_ref().map(|refusal| refusal.most.get());
                if least.is_none_or(|least| refusal.most.get() <= least) {
                    self.refusal = Some(refusal);
                }
                self.weigh_gone()
            }
        }
    }

    /// How many are gone.
    pub(super) const fn gone(&self) -> u64 {
        self.gone + self.still_gone
    }

    fn lay_out(&mut self, whole: WholeGroup) -> Result<(), UpstreamError> {
        let WholeGroup {
            group,
            is_nested,
            mark,
            at,
            is_asked: _,
        } = whole;
        let adapter = self.context.adapter;
        let is_full = |page: &GroupPage| page.rows().len() >= GROUPS_PER_PAGE;
        if self.pages.last().is_none_or(is_full) {
            self.bytes += self.pages.last().map_or(0, GroupPage::least_bytes);
            self.pages.push(GroupPage::new(adapter.name()));
        }
        let Some(page) = self.pages.last_mut() else {
            return Ok(());
        };
        let attributes = group.attributes.as_json();
        let (parts, people) = GroupParts::of(&group);
        page.push(&parts, &people, is_nested, attributes);
        self.marks.push((mark, at));
        self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
        if self.bytes + page.least_bytes() > adapter.room() {
            let room = ByteSize(adapter.room());
            return Err(UpstreamError::of_no_answer(
                ErrorKind::LimitExceeded,
                format!(
                    "its groups take more than {room} with their people, all that snapshots may \
                     (`cache.capacity`)"
                ),
            ));
        }
        Ok(())
    }

    /// One group among others may always be gone, and more up to the share that is allowed of those for which
    /// something is asked: before the end, of those that may be. Where all of them are, the request is more likely
    /// wrong. Of what has changed there may be but one.
    pub(super) fn weigh_gone(&self) -> Result<(), UpstreamError> {
        let Some(GoneRefusal { error, list, most }) = &self.refusal else {
            return Ok(());
        };
        let (gone, asked) = (self.gone, self.of - self.unasked);
        let is_one_of_several = gone == 1 && (self.of > 1 || self.context.adapter.is_of_changes());
        if is_one_of_several || gone as f64 <= most.get() * asked as f64 {
            return Ok(());
        }
        let error = error.clone();
        if gone + self.unasked == self.done.min(self.of) {
            let status = error.status.map_or(404, |status| status.as_u16());
            let groups = match gone {
                1 => "the only group that was listed".to_owned(),
                _ => format!("all {gone} groups asked for so far"),
            };
            return Err(error.within(format_args!(
                "{groups} answered {status}: is `{list}.request.path` right?"
            )));
        }
        Err(error.within(format_args!(
            "{gone} of {asked} groups asked for are gone that were just listed, more than {most} (`{list}.gone`)"
        )))
    }

    /// All of them, and by what they are known again. `full_at` is when the last walk began that
    /// read everything anew, this one perhaps.
    pub(super) fn finish(
        mut self,
        full_at: Option<Instant>,
        longest: LongestPages,
    ) -> (Vec<GroupPage>, GroupMarks) {
        self.is_finished = true;
        self.known.clear();
        let adapter = self.context.adapter;
        let mut marks = HashMap::new();
        if adapter.related().needs_marks() {
            let pages = self.pages.iter().flat_map(GroupPage::rows);
            let rows = pages.zip(self.marks.drain(..));
            marks.extend(rows.map(|(row, (mut mark, _))| {
                mark.drop_full(&longest);
                (row.source_id().into(), mark)
            }));
        }
        let gone = std::mem::take(&mut self.gone_groups);
        let marks = GroupMarks::new(marks, full_at, longest, gone, &adapter.memory.lists());
        (std::mem::take(&mut self.pages), marks)
    }
}

impl Drop for CompletedGroups<'_> {
    fn drop(&mut self) {
        let adapter = self.context.adapter;
        // What nothing is asked for is laid out again at once.
        if self.is_finished || adapter.related().lists_per_group() == 0 {
            return;
        }
        let pages = std::mem::take(&mut self.pages);
        let rows = pages.iter().flat_map(GroupPage::rows);
        let rows = rows.zip(self.marks.drain(..)).map(|(row, (mark, at))| {
            let packed = row.packed().into();
            (row.source_id().into(), CompletedRow { mark, at, packed })
        });
        let room = adapter.room() / KEPT_PART;
        let lost = self.known.keep(rows, &adapter.memory.lists(), room);
        if lost > 0 {
            tracing::warn!(
                source = %adapter.name(),
                lost,
                room = %ByteSize(room),
                "not all groups that a failed walk had read could be kept for the next one"
            );
        }
    }
}
