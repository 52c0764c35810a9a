//! Partitions that are left out, as far as the adapter allows it: they are gone, or refuse credentials that others
//! accept. The list then lacks their groups, so they are counted, and never all of them.

use std::sync::Arc;

use http::StatusCode;

use crate::error::{Concern, ErrorKind, UpstreamError};
use crate::observe::WalkPart;
use crate::plan::{Partitions, Share};
use crate::upstream::outer_values::OuterValues;

use super::outcome::{Walked, is_missing};

/// What became of the list of one partition.
pub(super) enum ReadPartition {
    /// It is whole.
    Whole(OuterValues, Box<Walked>),
    /// It may be left out.
    LeftOut(LeftOutCause, UpstreamError),
}

/// Why a partition is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftOutCause {
    /// It was just listed, and is not found any more.
    Gone,
    /// It refuses the credentials.
    Refused,
}

impl LeftOutCause {
    /// What an error says of a partition. Refused is one of which a second attempt was refused too.
    fn of(error: &UpstreamError) -> Option<Self> {
        match error.status? {
            _ if error.concern != Concern::List => None,
            _ if is_missing(error) => Some(Self::Gone),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
                if error.kind == ErrorKind::Unauthorized =>
            {
                Some(Self::Refused)
            }
            _ => None,
        }
    }

    /// How many partitions may be so.
    const fn most(self, partitions: &Partitions) -> Share {
        match self {
            Self::Gone => partitions.gone,
            Self::Refused => partitions.refused,
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Gone => "partitions.gone",
            Self::Refused => "partitions.refused",
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::Gone => "are gone",
            Self::Refused => "refuse the credentials",
        }
    }
}

/// What a partition whose list was not read comes to.
pub(super) fn left_out_or_failed(
    error: UpstreamError,
    part: WalkPart<'_>,
    partitions: &Partitions,
) -> Result<ReadPartition, UpstreamError> {
    let absence =
        LeftOutCause::of(&error).filter(|absence| absence.most(partitions) != Share::NONE);
    let error = error.within(part);
    match absence {
        Some(absence) => Ok(ReadPartition::LeftOut(absence, error)),
        None => Err(error),
    }
}

/// The partitions that were left out so far.
#[derive(Debug, Default)]
pub(super) struct LeftOutPartitions {
    pub(super) gone: u64,
    pub(super) refused: u64,
}

impl LeftOutPartitions {
    /// Leaves out one more of so many, unless that is more than the adapter allows.
    pub(super) fn note(
        &mut self,
        absence: LeftOutCause,
        error: UpstreamError,
        partitions: &Partitions,
        of: u64,
    ) -> Result<(), UpstreamError> {
        let count = match absence {
            LeftOutCause::Gone => &mut self.gone,
            LeftOutCause::Refused => &mut self.refused,
        };
        *count += 1;
        let (count, most) = (*count, absence.most(partitions));
        if self.gone + self.refused == of {
            return Err(error.within(format_args!("none of {of} partitions can be read")));
        }
        if count as f64 <= most.get() * of as f64 {
            return Ok(());
        }
        let (verb, key) = (absence.verb(), absence.key());
        Err(error.within(format_args!(
            "{count} of {of} partitions {verb}, more than {most} (`{key}`)"
        )))
    }

    /// Says so in the log.
    pub(super) fn tell(&self, source: &Arc<str>, of: u64) {
        let Self { gone, refused } = *self;
        if gone + refused > 0 {
            let source = &**source;
            tracing::warn!(
                source,
                gone,
                refused,
                of,
                "partitions are left out of the list"
            );
        }
    }
}
