//! Records that stand under several parents.

use std::ops::Range;

use serde_json::{Value, json};

use super::liar::{Liar, Oddity};

/// The parents of the records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Parents {
    /// How many records each of three in turn has.
    pub(super) sizes: [usize; 3],
    /// Whether positions and limits count parents.
    pub(super) are_counted: bool,
}

impl Liar {
    /// How many records the first parents have.
    fn records_before(&self, parent: usize) -> usize {
        let Some(parents) = self.parents else {
            return parent;
        };
        (0..parent).map(|parent| parents.sizes[parent % 3]).sum()
    }

    /// How many records there are, shown or not.
    pub(super) fn records(&self) -> usize {
        self.records_before(self.length)
    }

    /// How many of what positions count there are.
    pub(super) fn units(&self) -> usize {
        match self.parents {
            Some(parents) if parents.are_counted => self.length,
            Some(_) => self.records(),
            None => self.length,
        }
    }

    /// The records in so many of what positions count, each with its parent.
    pub(super) fn shown(&self, units: Range<usize>) -> Vec<(usize, usize)> {
        let parent_of = |slot: usize| {
            (0..self.length)
                .find(|parent| slot < self.records_before(parent + 1))
                .unwrap_or(0)
        };
        let slots = match self.parents {
            Some(parents) if parents.are_counted => {
                self.records_before(units.start)..self.records_before(units.end)
            }
            Some(_) | None => units,
        };
        slots
            .filter(|slot| !self.is_hidden(*slot))
            .map(|slot| (parent_of(slot), self.id(slot)))
            .collect()
    }

    /// Writes the records, below their parents if they have any.
    pub(super) fn list(
        &self,
        units: Range<usize>,
        records: &[(usize, usize)],
        oddity: Oddity,
        body: &mut Value,
    ) {
        let list = |parent: Option<usize>| -> Value {
            let mut records: Vec<_> = (records.iter())
                .filter(|(of, _)| parent.is_none_or(|parent| parent == *of))
                .map(|(_, id)| json!({ "id": id }))
                .collect();
            match oddity {
                Oddity::Object => json!({ "count": records.len(), "items": records }),
                Oddity::Text => {
                    records.push(json!("text"));
                    Value::from(records)
                }
                Oddity::None | Oddity::Html => Value::from(records),
            }
        };
        let Some(parents) = self.parents else {
            body["groups"] = list(None);
            return;
        };
        let mut shown: Vec<usize> = if parents.are_counted {
            units.collect()
        } else {
            records.iter().map(|(parent, _)| *parent).collect()
        };
        shown.dedup();
        let orgs = shown.into_iter();
        let orgs = orgs.map(|org| json!({ "name": org, "groups": list(Some(org)) }));
        body["orgs"] = orgs.collect();
    }
}
