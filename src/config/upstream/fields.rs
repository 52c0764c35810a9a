//! Which part of a record becomes which field of a group.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Field, OneOrMany};
use crate::plan::{Path, RecordFilter};

/// Which part of a record becomes which field of a group.
///
/// Each field is a path, a table with conversions, or a list of these. In a list, the first one
/// whose value is not null counts. Of several lists of people, all count. Who is in one of them twice,
/// or in two of them, counts once: by id, or by address where one of the two has no id.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The id of the group in its source. A record without one is skipped and counted.
    pub id: Field,
    /// The display name. A record without one is skipped and counted.
    pub name: Field,
    /// What the group is for.
    pub description: Option<Field>,
    /// The email address of the group.
    pub email: Option<Field>,
    /// The status, such as active or archived. It is lowercased.
    pub status: Option<Field>,
    /// The organization or tenant that the group belongs to.
    pub organization_id: Option<Field>,
    /// The id of the group in a third system.
    pub external_id: Option<Field>,
    /// The source's id of the parent group. Without it, `records.children` provides the id of the
    /// parent record.
    pub parent_id: Option<Field>,
    /// The position of the group in a tree, as text. Without it, `records.children` provides the
    /// names from the root to the group, joined by `/`.
    pub path: Option<Field>,
    /// A web page that shows the group.
    pub url: Option<Field>,
    /// The group's picture.
    pub logo_url: Option<Field>,
    /// The members of the group.
    pub members: Option<OneOrMany<Each>>,
    /// The administrators of the group.
    pub admins: Option<OneOrMany<Each>>,
    /// Members from outside the organization.
    pub guests: Option<OneOrMany<Each>>,
    /// The number of members. Without it, the length of `members`.
    pub member_count: Option<Field>,
    /// When the group was created.
    pub created_at: Option<Field>,
    /// When the group was last changed.
    pub updated_at: Option<Field>,
    /// When the group was marked as deleted.
    pub deleted_at: Option<Field>,
}

/// A list of people in a record. At least one of `id` and `email` is required.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// Where the list is. A single item that is not in a list counts as a list of one.
    pub each: Path,
    /// The separator, if the list is a single text such as `"ann, bob"`. White space around each
    /// piece and empty pieces are dropped. In `id` and `email`, `.` is one piece. Not together with
    /// `keyed`.
    pub split: Option<String>,
    /// Set this if the list is an object whose member names are part of the data. In `id` and
    /// `email`, `$key` is that name. JSON only.
    #[serde(default)]
    pub keyed: bool,
    /// Which items are people, where the list holds others too, such as `{ path = "type", not =
    /// "group" }`. Of a list of conditions, all must hold. The other items stay in `attributes`.
    /// Those that have nothing at a path that is compared are counted (`unmarked_people` in `/sources`): if that is
    /// so of all of them, the path may be another.
    pub only: Option<OneOrMany<RecordFilter>>,
    /// The account id, from the item; `.` is the item itself.
    pub id: Option<Field>,
    /// The email address of the account, from the item; `.` is the item itself.
    pub email: Option<Field>,
}
