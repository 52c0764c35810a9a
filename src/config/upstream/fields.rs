//! Which part of a record becomes which field of a group.

use schemars::JsonSchema;
use serde::Deserialize;

use super::OneOrMany;
use crate::config::Path;

/// Which part of a record becomes which field of a group. A list of paths takes the first that is
/// there and not null.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The group's id in its source. A record without one is skipped and counted.
    pub id: OneOrMany<Path>,
    /// The display name. A record without one is skipped and counted.
    pub name: OneOrMany<Path>,
    /// What the group is for.
    pub description: Option<OneOrMany<Path>>,
    /// The group's own address.
    pub email: Option<OneOrMany<Path>>,
    /// Life-cycle status; lower-cased.
    pub status: Option<OneOrMany<Path>>,
    /// The organization or tenant that the group belongs to.
    pub organization_id: Option<OneOrMany<Path>>,
    /// The group's id in a third system.
    pub external_id: Option<OneOrMany<Path>>,
    /// The source's id of the group above this one.
    pub parent_id: Option<OneOrMany<Path>>,
    /// Where a person may see the group.
    pub url: Option<OneOrMany<Path>>,
    /// Where the group's picture is.
    pub logo_url: Option<OneOrMany<Path>>,
    /// Who is in the group.
    pub members: Option<Each>,
    /// Who runs the group.
    pub admins: Option<Each>,
    /// Who is in the group from outside.
    pub guests: Option<Each>,
    /// How many members there are. Without it, as many as `members` lists.
    pub member_count: Option<OneOrMany<Path>>,
    /// When the group was made.
    pub created_at: Option<OneOrMany<Path>>,
    /// When the group last changed.
    pub updated_at: Option<OneOrMany<Path>>,
    /// When the group was marked deleted.
    pub deleted_at: Option<OneOrMany<Path>>,
}

impl Fields {
    /// The paths that lead to single values, with their keys.
    pub fn paths(&self) -> impl Iterator<Item = (&'static str, &OneOrMany<Path>)> {
        [
            ("id", Some(&self.id)),
            ("name", Some(&self.name)),
            ("description", self.description.as_ref()),
            ("email", self.email.as_ref()),
            ("status", self.status.as_ref()),
            ("organization_id", self.organization_id.as_ref()),
            ("external_id", self.external_id.as_ref()),
            ("parent_id", self.parent_id.as_ref()),
            ("url", self.url.as_ref()),
            ("logo_url", self.logo_url.as_ref()),
            ("member_count", self.member_count.as_ref()),
            ("created_at", self.created_at.as_ref()),
            ("updated_at", self.updated_at.as_ref()),
            ("deleted_at", self.deleted_at.as_ref()),
        ]
        .into_iter()
        .filter_map(|(key, path)| Some((key, path?)))
    }

    /// The lists of people, with their keys.
    pub fn lists(&self) -> impl Iterator<Item = (&'static str, &Each)> {
        [
            ("members", self.members.as_ref()),
            ("admins", self.admins.as_ref()),
            ("guests", self.guests.as_ref()),
        ]
        .into_iter()
        .filter_map(|(key, each)| Some((key, each?)))
    }
}

/// A list of people in a record. At least one of `id` and `email` is needed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// Where the list stands. One item without a list around it is a list of one.
    pub each: Path,
    /// The account's id, from the item; `.` is the item itself.
    pub id: Option<OneOrMany<Path>>,
    /// The account's e-mail address, from the item; `.` is the item itself.
    pub email: Option<OneOrMany<Path>>,
}

/// What becomes of what a record holds and no field takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// It is kept verbatim under `attributes`.
    #[default]
    Keep,
    /// It is dropped.
    Drop,
}
