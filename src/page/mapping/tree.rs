//! Finds records: in the list of a page, and nested in each other.

use crate::page::format::{FormatError, Page};
use crate::plan::Records;

use super::item::Item;

/// How deep records may be nested. Deeper trees are not groups of people.
pub(super) const MAX_DEPTH: usize = 64;

impl Records {
    /// The records at the top level.
    pub(super) fn top<'a>(&self, page: &'a Page) -> Result<Vec<Item<'a>>, FormatError> {
        let at = &self.at;
        let records = if self.keyed {
            keyed(page.keyed_records(at, self.absent)?)
        } else {
            let nodes = page.records(at, self.absent)?.into_iter();
            nodes.map(Item::Plain).collect()
        };
        Ok(records)
    }

    /// The records nested in one at `depth`, counted from 1.
    pub(super) fn below<'a>(
        &self,
        record: Item<'a>,
        depth: usize,
    ) -> Result<Vec<Item<'a>>, FormatError> {
        let Some((path, node)) = self.children.as_ref().zip(record.node()) else {
            return Ok(Vec::new());
        };
        let mut records = Vec::new();
        for list in node.find_all(path) {
            if self.keyed {
                let entries = list.entries().ok_or_else(|| FormatError::NotKeyed {
                    path: path.to_string(),
                    holds: list.holds(),
                })?;
                records.extend(keyed(entries));
            } else {
                records.extend(list.list().into_iter().map(Item::Plain));
            }
        }
        if depth == MAX_DEPTH && !records.is_empty() {
            return Err(FormatError::TooDeep {
                path: path.to_string(),
                depth: MAX_DEPTH,
            });
        }
        Ok(records)
    }
}

fn keyed<'a>(entries: Vec<(&'a str, crate::page::format::Node<'a>)>) -> Vec<Item<'a>> {
    let item = |(key, node)| Item::Keyed(key, node);
    entries.into_iter().map(item).collect()
}

/// The records above a nested record. Unknown without a tree, or if the record above is no group:
/// its name would be missing from the path.
#[derive(Debug, Default)]
pub(super) struct Ancestors {
    pub(super) parent_id: Option<String>,
    path: Option<String>,
}

impl Ancestors {
    /// At the top of a tree.
    pub(super) const fn top() -> Self {
        Self {
            parent_id: None,
            path: Some(String::new()),
        }
    }

    /// Below a group with this id and name.
    pub(super) fn below(&self, source_id: &str, name: &str) -> Self {
        Self {
            parent_id: Some(source_id.to_owned()),
            path: self.path_to(name),
        }
    }

    /// The names from the root to a record of this name.
    #[inline]
    pub(super) fn path_to(&self, name: &str) -> Option<String> {
        Some(path_below(self.path.as_deref()?, name))
    }
}

#[inline(never)]
fn path_below(above: &str, name: &str) -> String {
    match above {
        "" => name.to_owned(),
        above => format!("{above}/{name}"),
    }
}

#[cfg(test)]
mod tests;
