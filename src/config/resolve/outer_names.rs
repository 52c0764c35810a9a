//! Which values of the records around a list its requests can name.

use crate::config::Upstream;
use crate::config::upstream::Since;
use crate::did_you_mean::nearest;
use crate::plan::{GroupField, OuterValue};
use crate::problem::{KeyPath, Problem};

/// What of the records around a list has a value in its requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct OuterNames<'a> {
    /// The block that may have partitions. `None` in the list of partitions itself.
    partitions: Option<&'a Upstream>,
    list: AskedList,
}

/// Whose requests they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AskedList {
    Partitions,
    Groups,
    Users,
    /// One of the people of all groups.
    Memberships,
    /// One of a group.
    OfGroup,
}

impl<'a> OuterNames<'a> {
    /// Nothing is around the list.
    pub(super) const NONE: OuterNames<'static> = OuterNames {
        partitions: None,
        list: AskedList::Partitions,
    };

    /// In the list of groups.
    pub(super) const fn of_groups(upstream: &'a Upstream) -> Self {
        Self {
            partitions: Some(upstream),
            list: AskedList::Groups,
        }
    }

    /// In the list of users.
    pub(super) const fn of_users(upstream: &'a Upstream) -> Self {
        Self {
            partitions: Some(upstream),
            list: AskedList::Users,
        }
    }

    /// In a list of the people of all groups.
    pub(super) const fn of_memberships(upstream: &'a Upstream) -> Self {
        Self {
            partitions: Some(upstream),
            list: AskedList::Memberships,
        }
    }

    /// In a list of each group.
    pub(super) const fn of_group(upstream: &'a Upstream) -> Self {
        Self {
            partitions: Some(upstream),
            list: AskedList::OfGroup,
        }
    }

    /// Whether the list is one of a group.
    pub(super) fn is_of_group(self) -> bool {
        self.list == AskedList::OfGroup
    }

    pub(super) fn has(self, name: &str) -> bool {
        match OuterValue::named(name) {
            Some(OuterValue::Partition(name)) => self.partition_names().any(|own| *own == name),
            Some(OuterValue::Group(_) | OuterValue::Record(_)) => self.is_of_group(),
            Some(OuterValue::Since) => self.list == AskedList::Groups && self.has_since(),
            None => false,
        }
    }

    /// Whether the list of groups is asked for what has changed since a time.
    fn has_since(self) -> bool {
        let incremental = self
            .partitions
            .and_then(|upstream| upstream.incremental.as_ref());
        incremental.is_some_and(|incremental| matches!(incremental.since, Since::Text(_)))
    }

    fn partition_names(self) -> impl Iterator<Item = &'a String> {
        let partitions = self
            .partitions
            .and_then(|upstream| upstream.partitions.as_ref());
        partitions
            .into_iter()
            .flat_map(|partitions| partitions.values.keys())
    }

    /// What is wrong with a placeholder that is meant as a value of a record around the list.
    pub(super) fn refuse(self, at: &KeyPath, name: &str) -> Option<Problem> {
        if !OuterValue::is_meant(name) {
            return None;
        }
        let is_of_group = !name.starts_with("partition");
        if is_of_group && !self.is_of_group() {
            let message =
                format!("`{{{name}}}` has no value here: this list is not one of a group");
            let help = if self.list == AskedList::Memberships {
                "one list has the people of all groups: leave the placeholder out, or `fields.group`"
            } else {
                "it has one in the requests of `details`, `members`, `admins` and `guests`"
            };
            return Some(Problem::new(at.clone(), message).with_help(help));
        }
        let problem = Problem::new(at.clone(), format!("unknown placeholder `{{{name}}}`"));
        let known: Vec<String> = if is_of_group {
            let fields = <GroupField as strum::VariantNames>::VARIANTS.iter();
            fields.map(|field| format!("group.{field}")).collect()
        } else {
            self.partition_names()
                .map(|name| format!("partition.{name}"))
                .collect()
        };
        Some(if known.is_empty() {
            problem.with_help("name its value under `partitions.values`")
        } else if let Some(nearest) = nearest(name, known.iter().map(String::as_str)) {
            problem.with_help(format!("did you mean `{{{nearest}}}`?"))
        } else {
            let known: Vec<String> = known.iter().map(|name| format!("`{{{name}}}`")).collect();
            let record = if is_of_group {
                ", or a path in its record, as in `{record/links/self}`"
            } else {
                ""
            };
            problem.with_help(format!("one of {}{record}", known.join(", ")))
        })
    }
}
