//! Which part of a record becomes which field of a group.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Field;
use crate::config::Path;

/// Which part of a record becomes which field of a group.
///
/// Each is a path, a table that says what is done to what stands there, or a list of these, of which
/// the first that gives a value other than null counts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The group's id in its source. A record without one is skipped and counted.
    pub id: Field,
    /// The display name. A record without one is skipped and counted.
    pub name: Field,
    /// What the group is for.
    pub description: Option<Field>,
    /// The group's own address.
    pub email: Option<Field>,
    /// Life-cycle status; lower-cased.
    pub status: Option<Field>,
    /// The organization or tenant that the group belongs to.
    pub organization_id: Option<Field>,
    /// The group's id in a third system.
    pub external_id: Option<Field>,
    /// The source's id of the group above this one. Where `records.children` names a tree and this
    /// is not set, it is the id of the record above.
    pub parent_id: Option<Field>,
    /// Where the group stands in a tree, as text. Where `records.children` names a tree and this is
    /// not set, it is the names from the root to the group, joined by `/`.
    pub path: Option<Field>,
    /// Where a person may see the group.
    pub url: Option<Field>,
    /// Where the group's picture is.
    pub logo_url: Option<Field>,
    /// Who is in the group.
    pub members: Option<Each>,
    /// Who runs the group.
    pub admins: Option<Each>,
    /// Who is in the group from outside.
    pub guests: Option<Each>,
    /// How many members there are. Without it, as many as `members` lists.
    pub member_count: Option<Field>,
    /// When the group was made.
    pub created_at: Option<Field>,
    /// When the group last changed.
    pub updated_at: Option<Field>,
    /// When the group was marked deleted.
    pub deleted_at: Option<Field>,
}

/// A list of people in a record. At least one of `id` and `email` is needed, and both are read as
/// the fields of a group are.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// Where the list stands. One item without a list around it is a list of one.
    pub each: Path,
    /// What separates the people where the list is one text, as in `"ann, bob"`. White space around
    /// each is dropped, and so is what is empty; `.` is one piece.
    pub split: Option<String>,
    /// The list is an object, and each member's name, which `$key` stands for, is part of the data.
    #[serde(default)]
    pub keyed: bool,
    /// The account's id, from the item; `.` is the item itself.
    pub id: Option<Field>,
    /// The account's e-mail address, from the item; `.` is the item itself.
    pub email: Option<Field>,
}

/// What becomes of what a record holds and no field takes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Extra {
    /// It is kept verbatim under `attributes`.
    #[default]
    Keep,
    /// It is dropped.
    Drop,
}
