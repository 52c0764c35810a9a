//! What stands in a request for a value of a record around its list.

use std::fmt;

use super::Path;
use super::path::Anchor;
use crate::group::Group;

/// What stands in a request for a value of a record around its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OuterValue {
    /// A value of the partition (`{partition.org}`).
    Partition(String),
    /// A field of the group, as clients see it (`{group.id}`).
    Group(GroupField),
    /// What stands at a path in the record of the group (`{record/links/self}`).
    Record(Path),
    /// Since when changes are asked for (`{since}`): the list that is there is around what has changed.
    Since,
}

/// A field of a group that can stand in a request.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString, strum::VariantNames,
)]
#[strum(serialize_all = "snake_case")]
pub enum GroupField {
    /// The id in its source.
    Id,
    /// The display name.
    Name,
    /// The email address.
    Email,
    /// The organization's id.
    OrganizationId,
    /// The id in a third system.
    ExternalId,
    /// The source's id of the parent.
    ParentId,
    /// The position in a tree.
    Path,
    /// The web page that shows it.
    Url,
}

impl GroupField {
    /// The field of a group.
    pub fn of(self, group: &Group) -> Option<&str> {
        match self {
            Self::Id => Some(&group.source_id),
            Self::Name => Some(&group.name),
            Self::Email => group.email.as_deref(),
            Self::OrganizationId => group.organization_id.as_deref(),
            Self::ExternalId => group.external_id.as_deref(),
            Self::ParentId => group.parent_id.as_deref(),
            Self::Path => group.path.as_deref(),
            Self::Url => group.url.as_deref(),
        }
    }
}

/// Where the name of a partition's value begins.
const PARTITION: &str = "partition.";

/// Where the name of a group's field begins.
const GROUP: &str = "group.";

/// What stands for the time since when.
const SINCE: &str = "since";

/// Where the path in a record begins.
const RECORD: &str = "record/";

impl OuterValue {
    /// The value that a placeholder of this name stands for.
    pub fn named(name: &str) -> Option<Self> {
        if name == SINCE {
            return Some(Self::Since);
        }
        if let Some(name) = name.strip_prefix(PARTITION) {
            let is_name = !name.is_empty() && !name.contains('.');
            return is_name.then(|| Self::Partition(name.to_owned()));
        }
        if let Some(field) = name.strip_prefix(GROUP) {
            return field.parse().ok().map(Self::Group);
        }
        let path: Path = name.strip_prefix(RECORD)?.parse().ok()?;
        (path.anchor() == Anchor::Record).then_some(Self::Record(path))
    }

    /// Whether a name between braces is meant as one, right or wrong.
    pub fn is_meant(name: &str) -> bool {
        let starts = [PARTITION, GROUP, RECORD];
        starts.iter().any(|start| name.starts_with(start))
            || ["partition", "group", "record"].contains(&name)
    }

    /// Whether a placeholder names a path in a record.
    pub(super) fn is_record(name: &str) -> bool {
        name.strip_prefix(RECORD)
            .is_some_and(|path| !path.is_empty() && !path.contains(char::is_control))
    }
}

impl fmt::Display for OuterValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Since => formatter.write_str(SINCE),
            Self::Partition(name) => write!(formatter, "{PARTITION}{name}"),
            Self::Group(field) => write!(formatter, "{GROUP}{field}"),
            Self::Record(path) => write!(formatter, "{RECORD}{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::partition("partition.org", true)]
    #[case::of_a_group("group.id", true)]
    #[case::in_a_record("record/links/members", true)]
    #[case::escaped("record/a~1b", true)]
    #[case::no_name("partition.", false)]
    #[case::no_field("group.members", false)]
    #[case::no_path("record/", false)]
    #[case::from_the_page("record//links", false)]
    #[case::of_no_record("id", false)]
    fn a_placeholder_names_a_value_of_a_record_around_its_list(
        #[case] name: &str,
        #[case] is_known: bool,
    ) {
        let value = OuterValue::named(name);
        assert_eq!(value.is_some(), is_known);
        assert!(value.is_none_or(|value| value.to_string() == name));
    }
}
