//! The fields of a group, compiled.

use crate::plan;

use super::field::Field;
use super::people::People;

/// Where each field of a group is read from.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) id: Field,
    pub(super) name: Field,
    pub(super) description: Option<Field>,
    pub(super) email: Option<Field>,
    pub(super) status: Option<Field>,
    pub(super) organization_id: Option<Field>,
    pub(super) external_id: Option<Field>,
    pub(super) parent_id: Option<Field>,
    pub(super) path: Option<Field>,
    pub(super) url: Option<Field>,
    pub(super) logo_url: Option<Field>,
    pub(super) members: Option<People>,
    pub(super) admins: Option<People>,
    pub(super) guests: Option<People>,
    pub(super) member_count: Option<Field>,
    pub(super) created_at: Option<Field>,
    pub(super) updated_at: Option<Field>,
    pub(super) deleted_at: Option<Field>,
}

impl Fields {
    /// Compiles all fields.
    pub(super) fn new(fields: &plan::Fields) -> Self {
        let field = |field: &Option<plan::Field>| field.as_ref().map(Field::new);
        let people = |each: &Option<plan::Each>| each.as_ref().map(People::new);
        Self {
            id: Field::new(&fields.id),
            name: Field::new(&fields.name),
            description: field(&fields.description),
            email: field(&fields.email),
            status: field(&fields.status),
            organization_id: field(&fields.organization_id),
            external_id: field(&fields.external_id),
            parent_id: field(&fields.parent_id),
            path: field(&fields.path),
            url: field(&fields.url),
            logo_url: field(&fields.logo_url),
            members: people(&fields.members),
            admins: people(&fields.admins),
            guests: people(&fields.guests),
            member_count: field(&fields.member_count),
            created_at: field(&fields.created_at),
            updated_at: field(&fields.updated_at),
            deleted_at: field(&fields.deleted_at),
        }
    }
}
