//! One row as a caller sees it: what is hidden from the caller is empty, as in a group that lacks it.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::value::RawValue;

use crate::caller::{HiddenFields, HideableField};
use crate::snapshot::RowRef;

use super::query::FIELDS;

/// The fields to show, in the order of the record; `None` is all of them.
pub type SelectedFields<'a> = Option<&'a [&'static str]>;

/// One row as a caller sees it.
#[derive(Debug, Clone, Copy)]
pub struct SeenRow<'a> {
    row: RowRef<'a>,
    hidden: HiddenFields,
}

/// The JSON of one group, of which fields are read.
#[derive(Debug)]
pub struct SeenJson {
    json: Vec<u8>,
    hidden: HiddenFields,
}

/// The fields of one group, each still JSON text.
#[derive(Debug)]
pub struct Record<'a> {
    fields: BTreeMap<&'a str, &'a RawValue>,
    hidden: HiddenFields,
}

impl<'a> SeenRow<'a> {
    /// The row without these fields.
    pub const fn new(row: RowRef<'a>, hidden: HiddenFields) -> Self {
        Self { row, hidden }
    }

    /// The normalized id.
    pub fn id(self) -> &'a str {
        self.row.id()
    }

    /// How many bytes its JSON has where nothing of it is hidden, and else about as many.
    pub fn bytes(self) -> usize {
        self.row.json_bytes()
    }

    /// How many bytes the list keeps of it.
    pub fn packed_bytes(self) -> usize {
        self.row.packed().len()
    }

    /// Its JSON.
    pub fn json(self) -> Result<Vec<u8>, serde_json::Error> {
        let mut out = Vec::new();
        self.write_json(&mut out, None)?;
        Ok(out)
    }

    /// Writes its JSON, or an object of the wanted fields.
    pub fn write_json(
        self,
        out: &mut Vec<u8>,
        wanted: SelectedFields<'_>,
    ) -> Result<(), serde_json::Error> {
        if wanted.is_none() && self.hidden.is_none() {
            self.row.write_json(out);
        } else {
            self.seen_json().record()?.write_json(out, wanted);
        }
        Ok(())
    }

    /// What its fields are read of.
    pub fn seen_json(self) -> SeenJson {
        SeenJson {
            json: self.row.json(),
            hidden: self.hidden,
        }
    }
}

impl SeenJson {
    /// The fields.
    pub fn record(&self) -> Result<Record<'_>, serde_json::Error> {
        Ok(Record {
            fields: serde_json::from_slice(&self.json)?,
            hidden: self.hidden,
        })
    }
}

impl Record<'_> {
    /// The wanted fields and their JSON, in the order of the record.
    pub fn fields(&self, wanted: SelectedFields<'_>) -> impl Iterator<Item = (&'static str, &str)> {
        let columns = columns(wanted).iter();
        columns.filter_map(|name| Some((*name, self.field(name)?)))
    }

    /// Writes an object of the wanted fields.
    fn write_json(&self, out: &mut Vec<u8>, wanted: SelectedFields<'_>) {
        let mut before = '{';
        for (name, value) in self.fields(wanted) {
            // Writing to memory does not fail.
            let _ = write!(out, "{before}\"{name}\":{value}");
            before = ',';
        }
        out.push(b'}');
    }

    fn field(&self, name: &str) -> Option<&str> {
        if !self.hidden.is_none()
            && let Ok(field) = name.parse()
            && self.hidden.contains(field)
        {
            return Some(empty(field));
        }
        Some(self.fields.get(name)?.get())
    }
}

/// The names of the wanted fields.
pub const fn columns(wanted: SelectedFields<'_>) -> &[&'static str] {
    match wanted {
        Some(wanted) => wanted,
        None => FIELDS,
    }
}

/// The JSON of a field in a group that lacks it.
const fn empty(field: HideableField) -> &'static str {
    match field {
        HideableField::Members | HideableField::Admins | HideableField::Guests => "[]",
        HideableField::Attributes => "{}",
        HideableField::Description
        | HideableField::Email
        | HideableField::Status
        | HideableField::OrganizationId
        | HideableField::ExternalId
        | HideableField::ParentId
        | HideableField::Path
        | HideableField::Url
        | HideableField::LogoUrl
        | HideableField::MemberCount
        | HideableField::CreatedAt
        | HideableField::UpdatedAt => "null",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::group::{Group, Member};
    use crate::snapshot::Snapshot;
    use crate::snapshot::tests::group;

    /// A group with something in every field.
    fn full() -> Group {
        let text = || Some("x".to_owned());
        let person = || Member {
            id: text(),
            email: text(),
        };
        let moment = || "2024-01-01T00:00:00Z".parse().ok();
        Group {
            description: text(),
            email: text(),
            status: text(),
            organization_id: text(),
            external_id: text(),
            parent_id: text(),
            path: text(),
            url: text(),
            logo_url: text(),
            members: vec![person()],
            admins: vec![person()],
            guests: vec![person()],
            member_count: Some(1),
            created_at: moment(),
            updated_at: moment(),
            attributes: json!({"x": 1}).as_object().cloned().unwrap().into(),
            ..group("a", "1", "x")
        }
    }

    #[test]
    fn what_is_hidden_looks_as_in_a_group_that_lacks_it() {
        let lacking = serde_json::to_value(group("a", "1", "x")).unwrap();
        let snapshot = Snapshot::new("a".into(), vec![full()]);
        for field in HiddenFields::ALL.fields() {
            let seen = SeenRow::new(snapshot.row(0), HiddenFields::of(&[field]));
            let seen: serde_json::Value = serde_json::from_slice(&seen.json().unwrap()).unwrap();
            let mut expected = serde_json::to_value(full()).unwrap();
            assert_ne!(seen, expected);
            expected[field.as_str()] = lacking[field.as_str()].clone();
            assert_eq!(seen, expected);
        }
        let nothing = SeenRow::new(snapshot.row(0), HiddenFields::ALL);
        assert_eq!(
            nothing.json().unwrap(),
            serde_json::to_vec(&group("a", "1", "x")).unwrap()
        );
    }
}
