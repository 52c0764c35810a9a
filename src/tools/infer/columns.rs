//! Records side by side: one column for each member that any of them has.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::plan::Path;

use super::names::plain;
use super::part::{SampleValue, record_path};
use super::words::WordList;

/// How deep into a record a guess may reach.
const DEPTH: usize = 4;

/// How many records are compared. More would not say more.
const RECORDS: usize = 200;

/// How many members are compared. A record with more is keyed by data.
const COLUMNS: usize = 400;

/// Members that only wrap others.
const WRAPPERS: WordList = WordList(
    "profile attributes properties node group data fields meta source resource entity details",
);

/// Records side by side.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    /// How many records were compared.
    pub(super) records: usize,
    pub(super) all: Vec<Column<'a>>,
}

/// One member, over all records.
#[derive(Debug, Clone)]
pub(super) struct Column<'a> {
    /// The names from the record to it.
    pub(super) names: Vec<&'a str>,
    pub(super) path: Path,
    /// What the records that have it hold there, each with the record's number.
    pub(super) cells: Vec<(usize, SampleValue<'a>)>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(records: &[SampleValue<'a>]) -> Self {
        let mut columns = Self {
            records: records.len().min(RECORDS),
            all: Vec::new(),
        };
        let mut places = HashMap::new();
        for (index, record) in records.iter().take(RECORDS).enumerate() {
            columns.collect(&mut places, &mut Vec::new(), index, *record);
        }
        columns
    }

    fn collect(
        &mut self,
        places: &mut HashMap<Vec<&'a str>, usize>,
        names: &mut Vec<&'a str>,
        record: usize,
        part: SampleValue<'a>,
    ) {
        for (name, member) in part.members() {
            names.push(name);
            if let Some(place) = self.place(places, names) {
                self.all[place].cells.push((record, member));
                // Of repeated elements, a path would find the first alone.
                let is_repeated = member.items().is_some_and(|items| items.len() > 1);
                if names.len() < DEPTH && !is_repeated {
                    self.collect(places, names, record, member);
                }
            }
            names.pop();
        }
    }

    fn place(
        &mut self,
        places: &mut HashMap<Vec<&'a str>, usize>,
        names: &[&'a str],
    ) -> Option<usize> {
        if let Some(&place) = places.get(names) {
            return Some(place);
        }
        if self.all.len() == COLUMNS {
            return None;
        }
        self.all.push(Column {
            path: record_path(names)?,
            names: names.to_vec(),
            cells: Vec::new(),
        });
        places.insert(names.to_vec(), self.all.len() - 1);
        Some(self.all.len() - 1)
    }

    /// The same with what another record says of the record of this number.
    pub(super) fn overlaid(&self, record: usize, over: SampleValue<'a>) -> Self {
        let own = Self::of(&[over]);
        let mut all = self.all.clone();
        for column in own.all {
            let cells = column.cells.into_iter().map(|(_, part)| (record, part));
            match all.iter_mut().find(|known| known.names == column.names) {
                Some(known) => {
                    known.cells.retain(|(of, _)| *of != record);
                    known.cells.extend(cells);
                }
                None => all.push(Column {
                    cells: cells.collect(),
                    ..column
                }),
            }
        }
        Self {
            records: self.records.max(1),
            all,
        }
    }

    /// The columns right below one.
    pub(super) fn below(&self, column: &Column<'a>) -> impl Iterator<Item = &Column<'a>> {
        let names = column.names.clone();
        self.all.iter().filter(move |below| {
            below.names.len() == names.len() + 1 && below.names.starts_with(&names)
        })
    }
}

impl<'a> Column<'a> {
    /// The texts of its scalars, blank ones aside, each with its record's number.
    pub(super) fn texts(&self) -> impl Iterator<Item = (usize, Cow<'a, str>)> {
        self.cells.iter().filter_map(|(record, part)| {
            let text = part.text()?;
            (!text.trim().is_empty()).then_some((*record, text))
        })
    }

    /// Whether it holds nothing but scalars and nulls.
    pub(super) fn is_scalar(&self) -> bool {
        self.cells.iter().all(|(_, part)| {
            let is_list = part.items().is_some_and(|items| items.len() > 1);
            part.is_null() || (part.text().is_some() && !is_list)
        })
    }

    /// In how many records it has a text.
    pub(super) fn filled(&self) -> usize {
        self.texts().count()
    }

    /// Its name in plain form: the last part if only wrappers are around it, and all parts together.
    pub(super) fn plain_names(&self) -> Vec<String> {
        let parts: Vec<_> = self.names.iter().map(|name| plain(name)).collect();
        let whole = parts.concat();
        match parts.split_last() {
            Some((last, around))
                if !around.is_empty() && around.iter().all(|part| WRAPPERS.contains(part)) =>
            {
                vec![last.clone(), whole]
            }
            _ => vec![whole],
        }
    }
}
