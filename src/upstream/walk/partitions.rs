//! The list of groups, read once for each partition.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};

use crate::error::{ErrorKind, UpstreamError};
use crate::group::{ReadRow, ReadText};
use crate::observe::{Event, WalkPart};
use crate::page::ended_by::EndedBy;
use crate::page::format::excerpt;
use crate::plan::{OuterValue, PartitionSource, Partitions, RelatedList, UniqueIds};
use crate::snapshot::Counts;
use crate::upstream::outer_values::OuterValues;

use super::context::WalkContext;
use super::distinct::DistinctGroups;
use super::left_out::{LeftOutPartitions, ReadPartition, left_out_or_failed};
use super::list::read_list;
use super::outcome::{Interrupted, Walked};
use super::partition_set::PartitionSet;
use super::related_observer::{of_list, of_part, of_related};
use super::remembered::RememberedPages;

/// How much of a partition's values an error shows.
const SHOWN: usize = 80;

/// The whole list of groups, and what stands around each of its pages.
pub(super) async fn read_partitions(
    context: WalkContext<'_>,
) -> Result<(Walked, Vec<OuterValues>), Interrupted> {
    let WalkContext {
        adapter,
        observers,
        deadline,
        budget,
    } = context;
    let partitions = adapter.related().partitions.as_ref();
    let Some(partitions) = partitions.filter(|_| !adapter.exchange.has_only_pages()) else {
        let walked = read_list(adapter, observers, deadline, budget).await?;
        let origins = vec![OuterValues::default(); walked.groups.pages().len()];
        return Ok((walked, origins));
    };
    let mut all = AllPartitions::default();
    let rows: Vec<ReadRow> = match &partitions.source {
        PartitionSource::Constant(rows) => {
            let row = |row: &Vec<String>| {
                let texts = row.iter().map(String::as_str);
                texts.map(|text| Some(ReadText::text(text))).collect()
            };
            rows.iter().map(row).collect()
        }
        PartitionSource::Listed(_) => {
            let list = adapter.reading(&[RelatedList::Partitions], OuterValues::default(), None);
            let (which, part) = (RelatedList::Partitions, WalkPart::Partitions);
            let own = of_list(observers, which, part);
            let observers = own.unwrap_or_else(|| of_related(observers, which));
            let walked = read_list(&list, &observers, deadline, budget).await;
            let walked = walked.and_then(|walked| check_listed(partitions, walked));
            let walked = walked.map_err(|error| error.within(part))?;
            context.settle(part);
            all.counts.drifted = walked.counts.drifted;
            walked.rows
        }
    };
    let of = rows.len() as u64;
    let incremental_rows = adapter.incremental().map(|_| rows.clone());
    let mut incremental_rows = incremental_rows.into_iter().flatten();
    let context = &context;
    let rows = stream::iter((0..).zip(rows));
    let parts = rows.map(|(number, row)| read_partition(context, partitions, number, row));
    let mut parts = parts.buffered(adapter.limits().concurrency as usize);
    // Whether it is the account that was refused, other partitions say.
    let mut refused: Option<UpstreamError> = None;
    let mut is_accepted = false;
    while let Some(part) = parts.next().await {
        all.done += 1;
        let row = incremental_rows.next();
        let taken = match part {
            Ok(ReadPartition::Whole(outer, walked)) => {
                is_accepted = true;
                all.rows.extend(row);
                all.add(outer, *walked)?;
                Ok(())
            }
            Ok(ReadPartition::LeftOut(absence, error)) => {
                all.left_out.note(absence, error, partitions, of)
            }
            Err(error) => Err(error),
        };
        match taken {
            Err(error) if error.kind == ErrorKind::Unauthorized => refused = Some(error),
            taken => taken?,
        }
        if let Some(error) = refused.take_if(|_| is_accepted) {
            return Err(error.beside_accepted().into());
        }
        observers.notify(&Event::PartitionRead { done: all.done, of });
    }
    drop(parts);
    if let Some(error) = refused {
        return Err(error.into());
    }
    all.left_out.tell(adapter.name(), of);
    Ok(all.finish(context))
}

/// The list of groups of one partition, and what stands around it.
fn read_partition<'f>(
    context: &'f WalkContext<'f>,
    partitions: &'f Partitions,
    number: u64,
    row: ReadRow,
) -> BoxFuture<'f, Result<ReadPartition, UpstreamError>> {
    Box::pin(async move {
        let (outer, shown) = outer_values(partitions, row);
        let around = outer.with(&context.adapter.outer);
        let list = context.adapter.reading(&[], around, None);
        let part = WalkPart::Partition {
            number,
            values: &shown,
        };
        let observers = of_part(context.observers, part);
        let walked = read_list(&list, &observers, context.deadline, context.budget).await;
        let mut walked = match walked {
            Ok(walked) => walked,
            Err(error) => return left_out_or_failed(error, part, partitions),
        };
        // One that has moved to another partition is deleted here, and listed there.
        walked.groups.drop_removed();
        Ok(ReadPartition::Whole(outer, Box::new(walked)))
    })
}

/// The list of partitions, unless one lacks a value: if that was skipped, its groups would be left out.
fn check_listed(partitions: &Partitions, walked: Walked) -> Result<Walked, UpstreamError> {
    let lacking = walked.rows.iter().find_map(|row| {
        let mut values = partitions.names.iter().zip(row.iter());
        values.find_map(|(name, value)| value.is_none().then_some(name))
    });
    let first = partitions.names.first();
    let skipped = first.filter(|_| walked.counts.skipped > 0);
    match lacking.or(skipped) {
        Some(name) => Err(UpstreamError::new(
            ErrorKind::Mapping,
            format!(
                "a record has no value for `{{partition.{name}}}` (`partitions.values.{name}`)"
            ),
        )),
        None => Ok(walked),
    }
}

/// The values of a partition as placeholders take them, and as messages show them.
fn outer_values(partitions: &Partitions, row: ReadRow) -> (OuterValues, String) {
    let shown: Vec<&str> = row.iter().flatten().map(|value| &*value.text).collect();
    let shown = shown.join(", ");
    let qualifier = (partitions.ids == UniqueIds::Partition).then(|| {
        // A slash within a value must not be taken for one between two.
        let parts = row.iter().flatten();
        let parts = parts.map(|value| value.text.replace('%', "%25").replace('/', "%2F"));
        Arc::from(parts.collect::<Vec<_>>().join("/"))
    });
    let values = partitions.names.iter().zip(row);
    let values = values.filter_map(|(name, value)| {
        let name = OuterValue::Partition(name.clone());
        Some((name, value?))
    });
    let outer = OuterValues::of_partition(values, qualifier);
    (outer, format!("`{}`", excerpt(&shown, SHOWN)))
}

/// The groups of all partitions that were read.
#[derive(Default)]
struct AllPartitions {
    done: u64,
    groups: DistinctGroups,
    /// What stands around each page of them.
    origins: Vec<OuterValues>,
    counts: Counts,
    pages: u64,
    records: u64,
    remembered: RememberedPages,
    left_out: LeftOutPartitions,
    /// Those that were read to their end, of a list that is kept up: the groups of any other one are not in it.
    rows: Vec<ReadRow>,
    /// Whether two partitions list one group.
    has_repeated: bool,
}

impl AllPartitions {
    fn add(&mut self, outer: OuterValues, walked: Walked) -> Result<(), Interrupted> {
        self.counts += walked.counts;
        self.pages += walked.pages;
        self.records += walked.records;
        self.remembered.append(walked.remembered);
        for page in walked.groups.into_pages() {
            // A group may have changed since the partition before was read.
            let repeated = self.groups.add_of_another_list(page);
            let repeated = repeated.map_err(Interrupted::ListChanged)?;
            self.counts.repeated += repeated;
            self.has_repeated |= repeated > 0;
            self.origins.push(outer.clone());
        }
        Ok(())
    }

    fn finish(mut self, context: &WalkContext<'_>) -> (Walked, Vec<OuterValues>) {
        self.counts.partitions_gone = self.left_out.gone;
        self.counts.partitions_refused = self.left_out.refused;
        let is_incremental = context.adapter.incremental().is_some();
        let partitions = is_incremental.then(|| PartitionSet::of(&self.rows));
        let ended_by = EndedBy::AllPartitions;
        context.observers.notify(&Event::WalkEnded {
            ended_by,
            announced: None,
            listed: self.records,
            repeated: self.counts.repeated,
        });
        let memory = &context.adapter.memory;
        let hold = context.budget.hold();
        let walked = Walked {
            groups: self.groups.into_groups(),
            counts: self.counts,
            pages: self.pages,
            ended_by,
            hold: hold.unwrap_or_else(|| memory.lists().walk()),
            remembered: if self.has_repeated {
                // A page does not say which of its groups the list has of another one.
                RememberedPages::default()
            } else {
                self.remembered
            },
            is_of_changes: false,
            keeps_list: false,
            partitions,
            marks: None,
            oldest: None,
            rows: Vec::new(),
            brought: Vec::new(),
            etag: None,
            first_page: 0,
            records: self.records,
        };
        (walked, self.origins)
    }
}

#[cfg(test)]
mod tests;
