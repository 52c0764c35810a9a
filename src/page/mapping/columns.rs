//! Reads columns of records: what becomes no group, or is needed besides it.

use crate::group::{ReadRow, ReadText};
use crate::page::format::{FormatError, Node};
use crate::plan::{Field, ListReading, Part, RecordColumn, Start};
use crate::snapshot::GroupPage;

use super::PageRecords;
use super::item::Item;
use super::outcome::{MappedPage, Skip};
use super::record_filter::left_out;
use super::shape::RecordsShape;

impl RecordColumn {
    /// What it reads of a record.
    fn read(&self, record: Item<'_>) -> Option<ReadText> {
        match self {
            Self::Value(field) | Self::Group(field) => value(field, record),
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

/// Whether a row gives nothing: no value, or no group where it should name one.
fn is_nothing(columns: &[RecordColumn], row: &ReadRow) -> bool {
    let is_group = |column: &RecordColumn| matches!(column, RecordColumn::Group(_));
    let mut read = columns.iter().zip(row);
    let has_group = read
        .clone()
        .all(|(column, value)| !is_group(column) || value.is_some());
    !has_group || !read.any(|(column, value)| !is_group(column) && value.is_some())
}

/// What the columns of a list read of the records of a page, as far as those are meant. A record that gives nothing is
/// skipped, unless it is no record: an object where the list should stand, or a text among objects.
pub fn map_columns(
    list: &ListReading,
    records: PageRecords<'_>,
) -> Result<MappedPage, FormatError> {
    let PageRecords(records) = records;
    let mut mapped = MappedPage {
        groups: GroupPage::new(""),
        rows: Vec::with_capacity(records.len()),
        skipped: Vec::new(),
        left_out: 0,
        unparsed_timestamps: 0,
        unread_people: 0,
        unmarked_people: 0,
        brought: Vec::new(),
    };
    let only = list.records.only.as_ref();
    let mut shape = RecordsShape::of(&list.records.at, "item of a list");
    for (index, record) in records.into_iter().enumerate() {
        let row = row(&list.columns, record);
        let skip = only.and_then(|only| left_out(only, record));
        let Some(skip) = skip.or(is_nothing(&list.columns, &row).then_some(Skip::NoValue)) else {
            mapped.rows.push(row);
            continue;
        };
        let is_none = (skip != Skip::LeftOut).then_some(skip);
        shape.check(record, is_none)?;
        mapped.skipped.push((index, skip));
    }
    Ok(mapped)
}
