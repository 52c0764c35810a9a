//! The values of the records around a list, which its requests name.

use std::sync::Arc;

use crate::group::ReadText;
use crate::plan::{GroupField, Mapping, OuterValue};

/// The values of the records around a list: of a partition, or of a group and its partition. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct OuterValues {
    values: Arc<[(OuterValue, ReadText)]>,
    /// What comes before the ids of groups of the partition, if they are unique only within it.
    qualifier: Option<Arc<str>>,
}

impl OuterValues {
    /// Those of a partition.
    pub(super) fn of_partition(
        values: impl IntoIterator<Item = (OuterValue, ReadText)>,
        qualifier: Option<Arc<str>>,
    ) -> Self {
        Self {
            values: values.into_iter().collect(),
            qualifier,
        }
    }

    /// The value that stands for a placeholder.
    pub(super) fn get(&self, name: &OuterValue) -> Option<&ReadText> {
        let mut values = self.values.iter();
        values.find_map(|(own, value)| (own == name).then_some(value))
    }

    /// A value of the partition, by its name.
    fn of_name(&self, name: &str) -> Option<String> {
        let mut values = self.values.iter();
        values.find_map(|(own, value)| match own {
            OuterValue::Partition(own) if own == name => Some(value.text.to_string()),
            OuterValue::Partition(_)
            | OuterValue::Group(_)
            | OuterValue::Record(_)
            | OuterValue::Since => None,
        })
    }

    /// What fields of groups read, where some of them are values of the partition.
    pub(super) fn mapping(&self, mapping: &Arc<Mapping>) -> Arc<Mapping> {
        let own = mapping.of_partition(|name| self.of_name(name));
        own.map_or_else(|| Arc::clone(mapping), Arc::new)
    }

    /// These, and others.
    pub(super) fn and(&self, others: impl IntoIterator<Item = (OuterValue, ReadText)>) -> Self {
        Self {
            values: self.values.iter().cloned().chain(others).collect(),
            qualifier: self.qualifier.clone(),
        }
    }

    /// These, and those of another record.
    pub(super) fn with(&self, others: &Self) -> Self {
        self.and(others.values.iter().cloned())
    }

    /// What comes before the ids of groups.
    pub(super) fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }

    /// A field of a group as the upstream says it.
    pub(super) fn unqualified<'a>(&self, field: GroupField, text: &'a str) -> &'a str {
        let is_id = matches!(field, GroupField::Id | GroupField::ParentId);
        let qualifier = self.qualifier().filter(|_| is_id);
        let own = qualifier.and_then(|qualifier| text.strip_prefix(qualifier)?.strip_prefix('/'));
        own.unwrap_or(text)
    }
}
