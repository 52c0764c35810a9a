//! The bounds of a walk: how many pages, records and bytes it may read, and how few groups of those records.

use bytesize::ByteSize;

use super::Tally;
use crate::error::{ErrorKind, UpstreamError};
use crate::upstream::walk::records_read::{is_of_another_kind, nothing_read, too_many_records};

impl Tally<'_> {
    /// Whether all that was read is within the bounds, that of other lists of the walk included.
    pub(super) fn check_limits(&self) -> Result<(), UpstreamError> {
        let limits = self.adapter.limits();
        let cap = self.adapter.paging().cap.map(u64::from);
        let taken = &self.spending;
        let exceeded = if self.pages > limits.pages.into() {
            format!("more than {} pages (`limits.pages`)", limits.pages)
        } else if taken.records_of_all() > limits.groups.into() {
            return Err(too_many_records(limits));
        } else if taken.bytes_of_all() > limits.walk_bytes.as_u64() {
            format!("more than {} (`limits.walk_bytes`)", limits.walk_bytes)
        } else if taken.mapped_bytes_of_all() > self.adapter.room() {
            let room = ByteSize(self.adapter.room());
            let what = if self.adapter.is_related() {
                "records"
            } else {
                "groups"
            };
            format!("its {what} take more than {room}, all that snapshots may (`cache.capacity`)")
        } else if let Some(cap) = cap.filter(|&cap| self.listed >= cap) {
            format!("{cap} records, at which the upstream truncates its list (`pagination.cap`)")
        } else {
            return Ok(());
        };
        Err(UpstreamError::new(ErrorKind::LimitExceeded, exceeded))
    }

    /// Records of which none is a group are something else, such as an error message in place of
    /// the list: they must not replace the groups of the last walk. They may all be of another kind, if
    /// they say so. Records of what has changed that are no groups lead to a walk for everything.
    pub(super) fn check_mapped(&self) -> Result<(), UpstreamError> {
        let list = (self.adapter.related, self.adapter.related());
        let is_any = !self.groups.is_empty()
            || !self.rows.is_empty()
            || is_of_another_kind(self.has_marked, self.counts, list);
        if self.spending.records == 0 || is_any || self.adapter.is_of_changes() {
            return Ok(());
        }
        let first = self.first_skipped.as_deref();
        Err(nothing_read(
            self.spending.records,
            self.counts,
            list,
            first,
        ))
    }
}
