//! The bounds of a walk: how many pages, records and bytes it may read, and how few groups of those records.

use bytesize::ByteSize;

use super::Tally;
use crate::error::{ErrorKind, UpstreamError};
use crate::upstream::walk::records_read::{nothing_read, too_many_records};

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
            format!("its groups take more than {room}, all that snapshots may (`cache.capacity`)")
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
        let is_any = !self.groups.is_empty() || !self.rows.is_empty() || self.has_marked;
        if self.spending.records == 0 || is_any || self.adapter.is_of_changes() {
            return Ok(());
        }
        let first = self.first_skipped.as_deref();
        let (records, list) = (self.spending.records, self.adapter.related);
        Err(nothing_read(records, self.counts, list, first))
    }
}
