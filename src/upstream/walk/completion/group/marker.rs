//! What `reuse` of a list goes by in the record of a group.

use crate::group::Moment;
use crate::plan::{ReuseMarker, ReuseRule};
use crate::upstream::walk::known::time_hash;

use super::{Group, GroupCompletion, ListedGroup};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How far the clocks of an upstream and ours may be apart, in seconds.
const SLACK: i64 = MINUTE;

/// By what a time seems to be counted, and how long after it something may have happened that is said to have happened
/// then, both in seconds. A date may be that of any time zone.
const STEPS: [(i64, i64); 4] = [
    (DAY, DAY + 12 * HOUR),
    (HOUR, HOUR),
    (MINUTE, MINUTE),
    (1, 1),
];

/// What `reuse` of a list goes by in the record of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marker {
    hash: u64,
    /// Whether another change would show: none that comes by now is said to have come then.
    is_settled: bool,
}

impl Marker {
    /// Its hash, if the list is known by it from now on.
    pub(super) fn settled(self) -> Option<u64> {
        self.is_settled.then_some(self.hash)
    }
}

impl GroupCompletion<'_> {
    /// What `reuse` of a list goes by, if the record of the group has it. An entity tag is none of the record.
    pub(super) fn marker(
        &self,
        rule: Option<&ReuseRule>,
        group: &Group,
        listed: ListedGroup<'_>,
    ) -> Option<Marker> {
        match &rule?.while_same {
            ReuseMarker::UpdatedAt => {
                let updated = group.updated_at?;
                Some(Marker {
                    hash: time_hash(updated),
                    is_settled: end_of(updated) <= self.recollection.now.as_second(),
                })
            }
            ReuseMarker::Path(path) => Some(Marker {
                hash: self.value_at(path, listed)?,
                is_settled: true,
            }),
            ReuseMarker::Etag => None,
        }
    }
}

/// Until when something may happen that is said to have happened at this time, in seconds since 1970.
fn end_of(updated: Moment) -> i64 {
    let second = updated.as_second();
    let is_step = |(step, _): &&(i64, i64)| second.rem_euclid(*step) == 0;
    let step = STEPS.iter().find(is_step).map_or(1, |(_, length)| *length);
    second.saturating_add(step + SLACK)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_date("2026-11-20T00:00:00Z", "2026-11-21T12:01:00Z")]
    #[case::an_hour("2026-11-20T12:00:00Z", "2026-11-20T13:01:00Z")]
    #[case::a_minute("2026-11-20T12:05:00Z", "2026-11-20T12:07:00Z")]
    #[case::a_second("2026-11-20T12:05:09Z", "2026-11-20T12:06:10Z")]
    #[case::a_part_of_a_second("2026-11-20T12:05:09.25Z", "2026-11-20T12:06:10Z")]
    #[case::before_1970("1969-12-31T00:00:00Z", "1970-01-01T12:01:00Z")]
    fn a_time_lasts_as_long_as_its_step_and_a_minute(#[case] time: &str, #[case] end: &str) {
        let time: jiff::Timestamp = time.parse().unwrap();
        let end: jiff::Timestamp = end.parse().unwrap();
        assert_eq!(end_of(Moment::from(time)), end.as_second());
    }
}
