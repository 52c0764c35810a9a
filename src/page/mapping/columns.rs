//! Reads columns of records: what becomes no group, or is needed besides it.

use crate::group::{ReadRow, ReadText};
use crate::page::format::Node;
use crate::plan::{Field, OneOrMany, Part, RecordColumn, RecordFilter, Start};
use crate::snapshot::GroupPage;

use super::PageRecords;
use super::item::Item;
use super::outcome::{MappedPage, Skip};
use super::record_filter::left_out;

impl RecordColumn {
    /// What it reads of a record.
    fn read(&self, record: Item<'_>) -> Option<ReadText> {
        match self {
            Self::Value(field) => value(field, record),
            Self::Record => {
                let mut json = String::new();
                record.node()?.write(&mut json);
                Some(ReadText::text(json))
            }
        }
    }
}

fn value(field: &Field, record: Item<'_>) -> Option<ReadText> {
    let mut is_number = false;
    let text = field.text(record, |source| {
        let path = match &source.start {
            Start::Part(Part::At(path)) if source.conversions.is_none() => Some(path),
            Start::Part(_) | Start::Template(_) | Start::Constant(_) | Start::Partition(_) => None,
        };
        let found = path.zip(record.node());
        let found = found.and_then(|(path, node)| node.find(path));
        is_number = found.is_some_and(Node::is_number);
    })?;
    (!text.text.is_empty()).then(|| ReadText {
        text: text.text.into(),
        is_number,
    })
}

/// What columns read of a record.
pub(super) fn row(columns: &[RecordColumn], record: Item<'_>) -> ReadRow {
    columns.iter().map(|column| column.read(record)).collect()
}

/// What columns read of the records of a page, as far as those are meant. A record that gives nothing is skipped.
pub fn map_columns(
    columns: &[RecordColumn],
    only: Option<&OneOrMany<RecordFilter>>,
    records: PageRecords<'_>,
) -> MappedPage {
    let PageRecords(records) = records;
    let mut mapped = MappedPage {
        groups: GroupPage::new("".into()),
        rows: Vec::with_capacity(records.len()),
        skipped: Vec::new(),
        left_out: 0,
        unparsed_timestamps: 0,
        unread_people: 0,
        unmarked_people: 0,
    };
    for (index, record) in records.into_iter().enumerate() {
        if let Some(skip) = only.and_then(|only| left_out(only, record)) {
            mapped.skipped.push((index, skip));
            continue;
        }
        let row = row(columns, record);
        if row.iter().any(Option::is_some) {
            mapped.rows.push(row);
        } else {
            mapped.skipped.push((index, Skip::NoValue));
        }
    }
    mapped
}
