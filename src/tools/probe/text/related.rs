//! A page of a list that belongs to that of groups.

use std::fmt::Write as _;

use crate::group::{ReadRow, ReadText};
use crate::page::fetched_page::FetchedPage;
use crate::page::format::excerpt;
use crate::page::mapping::BroughtPage;
use crate::plan::{RelatedList, RelatedLists};

use super::super::lines::counted;
use super::super::other_lists::other_lists;

/// How many people or partitions of a page are shown.
const SHOWN_ROWS: usize = 5;

/// How much of each of their values is shown.
const SHOWN_VALUE: usize = 40;

/// A page of a list that belongs to that of groups, in a line, with other lists that it brings; what looks wrong in it
/// in others.
pub(in crate::tools::probe) fn related(
    list: RelatedList,
    page: &FetchedPage,
    lists: &RelatedLists,
) -> String {
    let (request, records) = (&page.request, counted(page.records(), "record"));
    let mut line = format!("{list}: {} {}: {records}", request.method(), request.uri());
    if list != RelatedList::Details {
        line.push_str(&rows(&page.mapped().rows, lists.is_of_all_groups(list)));
    }
    for BroughtPage { list, mapped } in &page.mapped().brought {
        let brought = mapped.as_ref().map_or_else(
            |error| format!(": {error}"),
            |mapped| {
                let records = counted(mapped.records() as u64, "record");
                format!(
                    ": {records}{}",
                    rows(&mapped.rows, lists.is_of_all_groups(*list))
                )
            },
        );
        let _ = write!(line, "; {list} of the same response{brought}");
    }
    for doubt in doubts(list, page, lists) {
        let _ = write!(line, "\n    {doubt}");
    }
    line
}

/// What looks wrong in a page: records of which nothing is read, and none where there are other lists.
fn doubts(list: RelatedList, page: &FetchedPage, lists: &RelatedLists) -> Vec<String> {
    let Some(reading) = lists.reading(list) else {
        return Vec::new();
    };
    let skipped = page.mapped().skipped.iter();
    let skipped: Vec<_> = skipped.filter(|(_, skip)| !skip.is_left_out()).collect();
    if let Some((index, skip)) = skipped.first() {
        let records = reading.records.values(&page.page);
        let record = records.get(*index).copied().flatten();
        let reason = record.map_or_else(|| skip.to_string(), |record| skip.of(record));
        return vec![format!(
            "{} skipped; record {}: {reason}",
            counted(skipped.len() as u64, "record"),
            index + 1
        )];
    }
    if page.records() > 0 {
        return Vec::new();
    }
    let brought = page.mapped().brought.iter();
    let brought = brought.filter_map(|brought| lists.reading(brought.list));
    let read = [reading].into_iter().chain(brought);
    let read: Vec<_> = read.map(|list| list.records.at.to_string()).collect();
    let others = other_lists(page.page.root(), &read).into_iter();
    let at = &reading.records.at;
    others
        .map(|other| format!("nothing at `{at}` (`{list}.records`), but {other}"))
        .collect()
}

/// The first rows of a list, whose items may name their group.
fn rows(rows: &[ReadRow], name_groups: bool) -> String {
    let shown = rows.iter().take(SHOWN_ROWS);
    let shown = shown.map(|row| match row.split_last() {
        Some((group, person)) if name_groups => {
            format!(
                "{} in {}",
                values(person),
                values(std::slice::from_ref(group))
            )
        }
        _ => values(row),
    });
    let mut shown = shown.collect::<Vec<_>>();
    if rows.len() > SHOWN_ROWS {
        shown.push("…".to_owned());
    }
    if shown.is_empty() {
        return String::new();
    }
    format!(": {}", shown.join(", "))
}

/// The values of a partition, or the id and the address of somebody.
fn values(row: &[Option<ReadText>]) -> String {
    let values = row.iter().flatten();
    let values = values.map(|value| excerpt(&value.text, SHOWN_VALUE));
    values.collect::<Vec<_>>().join(" ")
}
