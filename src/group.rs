//! The normalized record: what every upstream's items become, and what clients see.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod attributes;
pub use attributes::Attributes;

mod moment;
pub use moment::Moment;

mod packed;
pub(crate) use packed::JsonSource;

mod parts;
pub(crate) use parts::{GroupParts, GroupPerson, GroupText, GroupTime};

mod read_row;
pub(crate) use read_row::row_bytes;
pub use read_row::{ReadRow, ReadText};

mod same_person;
pub(crate) use same_person::merge_same;

/// One group, as `GET /groups` shows it. Every key is always there, unless `fields` chooses some.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// The source, a colon, and the source's id as it is. Unique in the union.
    pub id: String,
    /// The upstream that the group came from.
    pub source: String,
    /// The group's id in its source, always a string.
    pub source_id: String,
    /// Display name.
    pub name: String,
    /// What the group is for.
    pub description: Option<String>,
    /// The group's own address.
    pub email: Option<String>,
    /// Life-cycle status, lower-cased.
    pub status: Option<String>,
    /// The organization or tenant that the group belongs to.
    pub organization_id: Option<String>,
    /// The group's id in a third system.
    pub external_id: Option<String>,
    /// The source's id of the group above this one.
    pub parent_id: Option<String>,
    /// Where the group stands in its source's tree, as text: names from the root, or what the source
    /// calls its path.
    pub path: Option<String>,
    /// Where a person may see the group.
    pub url: Option<String>,
    /// Where the group's picture is.
    pub logo_url: Option<String>,
    /// Who is in the group.
    pub members: Vec<Member>,
    /// Who runs the group.
    pub admins: Vec<Member>,
    /// Who is in the group from outside.
    pub guests: Vec<Member>,
    /// How many members there are, where the source says or lists them.
    pub member_count: Option<u64>,
    /// When the group was made, RFC 3339 UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub created_at: Option<Moment>,
    /// When the group last changed, RFC 3339 UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub updated_at: Option<Moment>,
    /// When the group was marked deleted, RFC 3339 UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub deleted_at: Option<Moment>,
    /// What the source sends and no field takes, verbatim.
    #[schemars(with = "Map<String, Value>")]
    pub attributes: Attributes,
}

/// One person or account in a group: at least one of the two keys is not null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// The source's id of the account.
    pub id: Option<String>,
    /// The account's e-mail address.
    pub email: Option<String>,
}
