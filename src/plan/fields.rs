//! How records become groups.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Field, OneOrMany, Path, RecordColumn, RecordFilter, Records, Start};

/// How the records of one upstream become groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The name of the upstream, which comes before each id.
    pub source: Arc<str>,
    /// Where a page lists records.
    pub records: Records,
    /// Which part of a record becomes which field of a group.
    pub fields: Fields,
    /// What happens to the other parts.
    pub extra: Extra,
    /// What is read of a record besides its group, for the requests about it.
    pub beside: Vec<RecordColumn>,
    /// Which records say that a group has been deleted.
    pub deleted: Option<OneOrMany<RecordFilter>>,
    /// Whether another record is laid over that of each group.
    pub has_details: bool,
}

impl Mapping {
    /// The mapping of the list of one partition, where fields take values of that; else `None`.
    pub fn of_partition(&self, value: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let mut own = self.clone();
        let mut is_other = false;
        for source in own.fields.all_mut().flat_map(|field| &mut field.0) {
            if let Start::Partition(name) = &source.start {
                source.start = Start::Constant(value(name).unwrap_or_default());
                is_other = true;
            }
        }
        is_other.then_some(own)
    }
}

impl Fields {
    /// All fields that are texts or times.
    fn all_mut(&mut self) -> impl Iterator<Item = &mut Field> {
        let optional = [
            &mut self.description,
            &mut self.email,
            &mut self.status,
            &mut self.organization_id,
            &mut self.external_id,
            &mut self.parent_id,
            &mut self.path,
            &mut self.url,
            &mut self.logo_url,
            &mut self.member_count,
            &mut self.created_at,
            &mut self.updated_at,
            &mut self.deleted_at,
        ];
        let optional = optional.into_iter().flatten();
        [&mut self.id, &mut self.name].into_iter().chain(optional)
    }
}

/// Which part of a record becomes which field of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// The id of the group in its source.
    pub id: Field,
    /// The display name.
    pub name: Field,
    /// What the group is for.
    pub description: Option<Field>,
    /// The email address of the group.
    pub email: Option<Field>,
    /// The status.
    pub status: Option<Field>,
    /// The organization that the group belongs to.
    pub organization_id: Option<Field>,
    /// The id of the group in a third system.
    pub external_id: Option<Field>,
    /// The source's id of the parent group; else it is that of the record above.
    pub parent_id: Option<Field>,
    /// The position in a tree; else it is made of the names of the records above.
    pub path: Option<Field>,
    /// A web page that shows the group.
    pub url: Option<Field>,
    /// The group's picture.
    pub logo_url: Option<Field>,
    /// Where the members of the group are.
    pub members: Vec<People>,
    /// Where its administrators are.
    pub admins: Vec<People>,
    /// Where members from outside the organization are.
    pub guests: Vec<People>,
    /// The number of members; else it is the length of `members`.
    pub member_count: Option<Field>,
    /// When the group was created.
    pub created_at: Option<Field>,
    /// When the group was last changed.
    pub updated_at: Option<Field>,
    /// When the group was marked as deleted.
    pub deleted_at: Option<Field>,
}

/// Where a record lists people.
#[derive(Debug, Clone, PartialEq)]
pub struct People {
    /// Where the list is.
    pub each: Path,
    /// What kind of list it is.
    pub kind: PeopleKind,
    /// Which of its items are people.
    pub only: Option<OneOrMany<RecordFilter>>,
    /// The account id, from the item.
    pub id: Option<Field>,
    /// The email address of the account, from the item.
    pub email: Option<Field>,
}

/// What kind of list of people it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeopleKind {
    /// One value, or a list of values.
    List,
    /// An object whose keys are data.
    Keyed,
    /// A text with this separator.
    Text(String),
}

/// What happens to the parts of a record that no field uses.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Extra {
    /// They are kept unchanged under `attributes`. Every child element of XML is a list there, also a
    /// single one. Of a list of people, each item keeps its place, with what is left of it.
    #[default]
    Keep,
    /// They are dropped.
    Drop,
}
