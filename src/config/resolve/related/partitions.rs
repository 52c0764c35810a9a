//! Partitions: those that the upstream lists, and those that the file writes out.

use std::collections::BTreeSet;

use crate::config::upstream::{OneOrMany, Pagination, PartitionValue, Partitions, Request};
use crate::plan::{self, ListReading, PartitionSource, RecordColumn, Scalar};
use crate::problem::KeyPath;

use super::RelatedResolver;
use crate::config::resolve::fields;
use crate::config::resolve::outer_names::OuterNames;

impl RelatedResolver<'_> {
    pub(super) fn partitions(&mut self, partitions: &Partitions) -> Option<plan::Partitions> {
        let at = self.at.join("partitions");
        let values_at = at.join("values");
        if partitions.values.is_empty() {
            let message = "`values` is empty: nothing tells one partition from another";
            let help = "name a value, as in `values = { org = \"login\" }`, and write `{partition.org}` in a request";
            self.push(values_at, message, help);
            return None;
        }
        for name in partitions.values.keys() {
            let is_plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
            if name.is_empty() || !name.bytes().all(is_plain) {
                let message = format!("`{name}` is not a valid placeholder name");
                self.push(
                    values_at.join(name),
                    message,
                    "use `a` to `z`, `0` to `9` and `_`",
                );
                return None;
            }
        }
        let source = match &partitions.request {
            Some(request) => self.listed_partitions(&at, partitions, request)?,
            None => self.constant_partitions(&at, partitions)?,
        };
        Some(plan::Partitions {
            names: partitions.values.keys().cloned().collect(),
            source,
            ids: partitions.ids,
            gone: partitions.gone,
            refused: partitions.refused,
        })
    }

    fn listed_partitions(
        &mut self,
        at: &KeyPath,
        partitions: &Partitions,
        request: &Request,
    ) -> Option<PartitionSource> {
        let Some(records) = &partitions.records else {
            let message = "`records` is missing: nothing says where a page holds the partitions";
            self.push(at.clone(), message, "add it, as in `records = \"/\"`");
            return None;
        };
        let list = self.upstream.with_list(
            request,
            partitions.continuation.as_ref(),
            records,
            &partitions.pagination,
        );
        let mut columns = Vec::new();
        for (name, value) in &partitions.values {
            let at = at.join("values").join(name);
            match value {
                PartitionValue::Read(source) => {
                    let field = OneOrMany::One((**source).clone());
                    columns.push(fields::column(&at, &field, &list, self.problems));
                }
                PartitionValue::Constants(_) => {
                    let message = "constants stand beside a `request` that lists the partitions";
                    self.push(
                        at,
                        message,
                        "keep one of them: name a path in a record, or leave `request` out",
                    );
                    columns.push(None);
                }
            }
        }
        let reading = self.reading(at, &list, OuterNames::NONE)?;
        let columns = columns
            .into_iter()
            .map(|column| column.map(RecordColumn::Value));
        Some(PartitionSource::Listed(Box::new(ListReading {
            columns: columns.collect::<Option<_>>()?,
            ..reading
        })))
    }

    fn constant_partitions(
        &mut self,
        at: &KeyPath,
        partitions: &Partitions,
    ) -> Option<PartitionSource> {
        for (key, is_set) in [
            ("continuation", partitions.continuation.is_some()),
            ("records", partitions.records.is_some()),
            (
                "pagination",
                !matches!(&partitions.pagination, Pagination::None(list) if list.total.is_none()),
            ),
        ] {
            if is_set {
                let message = format!(
                    "`{key}` says how a list of partitions is read, and no `request` asks for one"
                );
                self.push(at.join(key), message, "add `request`, or leave it out");
            }
        }
        let mut columns = Vec::new();
        for (name, value) in &partitions.values {
            match value {
                PartitionValue::Constants(constants) => columns.push((name, constants)),
                PartitionValue::Read(_) => {
                    let message =
                        "this is read from a list of partitions, and no `request` asks for one";
                    let help =
                        "add `request`, or write a list of constants, as in `[\"a\", \"b\"]`";
                    self.push(at.join("values").join(name), message, help);
                    return None;
                }
            }
        }
        let (first, constants) = columns.first()?;
        let count = constants.len();
        if let Some((name, others)) = columns.iter().find(|(_, others)| others.len() != count) {
            let message = format!(
                "`{name}` has {} constants and `{first}` has {count}: those at one place belong to one partition",
                others.len()
            );
            self.push(
                at.join("values").join(name.as_str()),
                message,
                "write as many of each",
            );
            return None;
        }
        let mut seen = BTreeSet::new();
        let mut rows = Vec::with_capacity(count);
        for index in 0..count {
            let row = columns
                .iter()
                .filter_map(|(_, constants)| constants.get(index));
            let row: Vec<String> = row.map(|Scalar(text)| text.clone()).collect();
            let place = at
                .join("values")
                .join(first.as_str())
                .join(index.to_string());
            if row.iter().any(String::is_empty) {
                self.push(
                    place,
                    "a partition has an empty value",
                    "write what the placeholder stands for",
                );
            } else if !seen.insert(row.clone()) {
                self.push(place, "this partition comes twice", "leave one of them out");
            }
            rows.push(row);
        }
        Some(PartitionSource::Constant(rows))
    }
}
