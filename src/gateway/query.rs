//! What is asked for: filters, order, page. Parsed once, in one canonical form.
//!
//! A query says nothing of who asks, so everything made from it can be shared by all who see the same
//! sources. [`Query::parse`] is the only way in (`parse/mod.rs`); two spellings of one question become
//! equal values. Parameter names and their documentation stand in [`PARAMETERS`] alone.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::caller::{HiddenFields, HideableField};

use super::filter::Filter;
use super::keyset::SeekKey;
use super::missing_sources::MissingSources;
use super::order::Sort;

/// How many groups a page holds when the caller does not say.
pub const DEFAULT_LIMIT: usize = 100;

/// How many groups a page holds at most.
pub const LARGEST_LIMIT: usize = 1000;

/// How many fields a sort may name.
pub const SORT_FIELDS: usize = 3;

/// How long a query may be in its canonical spelling: with a cursor beside it, it must still fit
/// into the address of the next page. Folding and percent-encoding may make it longer than it came.
pub const CANONICAL_BYTES: usize = 6000;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query {
    /// Which groups match.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
    /// Which fields to return, in the order of the record; `None` is all of them. Always holds
    /// `id` and `source`.
    pub fields: Option<Vec<&'static str>>,
    /// How many groups a page holds.
    pub limit: Limit,
    /// Where the page begins; `None` is the start.
    pub resume: Option<Resume>,
}

/// Where a sequence of pages goes on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resume {
    /// Where the page before ended.
    pub after: SeekKey,
    /// Which sources the pages before have missed.
    pub missing: MissingSources,
}

impl Query {
    /// How much memory the query takes besides its own value.
    pub fn bytes(&self) -> usize {
        let fields = self.fields.as_deref().map_or(0, size_of_val);
        let resume = self.resume.as_ref().map_or(0, Resume::bytes);
        self.filter.bytes() + fields + resume
    }
}

impl Resume {
    fn bytes(&self) -> usize {
        self.after.bytes() + self.missing.bytes()
    }
}

/// How many groups a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Limit {
    /// So many at most.
    Page(usize),
    /// Every one that matches: a streamed answer.
    All,
}

impl Default for Limit {
    fn default() -> Self {
        Self::Page(DEFAULT_LIMIT)
    }
}

/// One query parameter, as the parser takes it and OpenAPI shows it.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What a caller must see of a group to filter by it.
    pub looks_at: HiddenFields,
    /// What it means, for people.
    pub description: &'static str,
    /// Whether it may be given more than once.
    pub repeatable: bool,
    /// Its JSON Schema, as JSON text.
    pub schema: &'static str,
    /// An example value that is right everywhere, where there is one. That of `source` is of the
    /// sources `directory` and `wiki`.
    pub example: Option<&'static str>,
}

const TEXT: &str = r#"{"type":"string","minLength":1}"#;

const MOMENT: &str =
    r#"{"anyOf":[{"type":"string","format":"date-time"},{"type":"string","format":"date"}]}"#;

/// Every parameter of `GET /groups`.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "search",
        looks_at: HiddenFields::NONE,
        description: "Only groups whose name or description contains this text, ignoring case and \
                      Unicode composition.",
        repeatable: false,
        schema: TEXT,
        example: Some("sales"),
    },
    Parameter {
        name: "source",
        looks_at: HiddenFields::NONE,
        description: "Only groups of these sources, separated by commas; `/sources` names them.",
        repeatable: false,
        schema: r#"{"type":"string","pattern":"^[a-z0-9_-]+(,[a-z0-9_-]+)*$"}"#,
        example: Some("directory,wiki"),
    },
    Parameter {
        name: "id",
        looks_at: HiddenFields::NONE,
        description: "Only the group with this normalized id. May be repeated; it is never split \
                      at commas.",
        repeatable: true,
        schema: r#"{"type":"string","pattern":":"}"#,
        example: Some("directory:1001"),
    },
    Parameter {
        name: "status",
        looks_at: HiddenFields::of(&[HideableField::Status]),
        description: "Only groups with this status, ignoring case.",
        repeatable: false,
        schema: TEXT,
        example: Some("active"),
    },
    Parameter {
        name: "organization_id",
        looks_at: HiddenFields::of(&[HideableField::OrganizationId]),
        description: "Only groups of the organization with exactly this id.",
        repeatable: false,
        schema: TEXT,
        example: Some("org-7"),
    },
    Parameter {
        name: "external_id",
        looks_at: HiddenFields::of(&[HideableField::ExternalId]),
        description: "Only groups with exactly this id in an external system.",
        repeatable: false,
        schema: TEXT,
        example: Some("ext-42"),
    },
    Parameter {
        name: "member",
        looks_at: HiddenFields::of(&[
            HideableField::Members,
            HideableField::Admins,
            HideableField::Guests,
        ]),
        description: "Only groups that list this account among members, admins or guests: its \
                      exact id, or its e-mail address ignoring case.",
        repeatable: false,
        schema: TEXT,
        example: Some("ann@example.com"),
    },
    Parameter {
        name: "created_after",
        looks_at: HiddenFields::of(&[HideableField::CreatedAt]),
        description: "Only groups created at or after this time: an RFC 3339 timestamp, or a date, \
                      which means midnight UTC.",
        repeatable: false,
        schema: MOMENT,
        example: Some("2024-01-01"),
    },
    Parameter {
        name: "created_before",
        looks_at: HiddenFields::of(&[HideableField::CreatedAt]),
        description: "Only groups created before this time.",
        repeatable: false,
        schema: MOMENT,
        example: Some("2024-07-01T00:00:00Z"),
    },
    Parameter {
        name: "updated_after",
        looks_at: HiddenFields::of(&[HideableField::UpdatedAt]),
        description: "Only groups last changed at or after this time.",
        repeatable: false,
        schema: MOMENT,
        example: Some("2024-01-01"),
    },
    Parameter {
        name: "updated_before",
        looks_at: HiddenFields::of(&[HideableField::UpdatedAt]),
        description: "Only groups last changed before this time.",
        repeatable: false,
        schema: MOMENT,
        example: Some("2024-07-01T00:00:00+02:00"),
    },
    Parameter {
        name: "deleted",
        looks_at: HiddenFields::NONE,
        description: "How to treat groups that their source marks deleted.",
        repeatable: false,
        schema: r#"{"type":"string","enum":["exclude","include","only"],"default":"exclude"}"#,
        example: Some("include"),
    },
    Parameter {
        name: "sort",
        looks_at: HiddenFields::NONE,
        description: "Up to three of `name`, `created_at`, `updated_at`, `source` and `id`, \
                      separated by commas; `-` before a field means descending. Groups without a \
                      value come last in either direction. Each field may be named once. Of a \
                      name, 384 bytes count: names that agree so far are in order of source and id.",
        repeatable: false,
        schema: r#"{"type":"string","default":"name","pattern":"^[-+ ]?(name|created_at|updated_at|source|id)(,[-+ ]?(name|created_at|updated_at|source|id)){0,2}$"}"#,
        example: Some("-updated_at,name"),
    },
    Parameter {
        name: "fields",
        looks_at: HiddenFields::NONE,
        description: "Only these fields of each group, separated by commas; `id` and `source` are \
                      always included.",
        repeatable: false,
        schema: TEXT,
        example: Some("name,member_count"),
    },
    Parameter {
        name: "limit",
        looks_at: HiddenFields::NONE,
        description: "How many groups a page holds; larger values are cut to 1000. `all` is \
                      available only in the streamed formats, NDJSON and CSV.",
        repeatable: false,
        schema: r#"{"default":100,"anyOf":[{"type":"integer","minimum":1},{"type":"string","const":"all"}]}"#,
        example: Some("50"),
    },
    Parameter {
        name: "cursor",
        looks_at: HiddenFields::NONE,
        description: "The `next_cursor` of the previous page. It is enough on its own; parameters \
                      sent with it must match the query that it continues, except `limit`.",
        repeatable: false,
        schema: r#"{"type":"string","pattern":"^[A-Za-z0-9_-]+$","maxLength":2047}"#,
        example: None,
    },
];

/// Every field of a group, in the order of the record.
pub const FIELDS: &[&str] = &[
    "id",
    "source",
    "source_id",
    "name",
    "description",
    "email",
    "status",
    "organization_id",
    "external_id",
    "parent_id",
    "path",
    "url",
    "logo_url",
    "members",
    "admins",
    "guests",
    "member_count",
    "created_at",
    "updated_at",
    "deleted_at",
    "attributes",
];

/// The fields that are returned whatever is asked for.
pub const FIXED_FIELDS: &[&str] = &["id", "source"];

/// Why a query cannot be answered. Always the caller's fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryError {
    /// A parameter is unknown, malformed, or given too often.
    #[error("{message}")]
    Parameter {
        /// The parameter's name, as it was sent.
        name: String,
        /// What is wrong with it, and what is allowed.
        message: String,
    },
    /// The query is too long to be continued on a next page.
    #[error(
        "the query is {0} bytes long after case folding and percent-encoding; the limit is \
         {CANONICAL_BYTES}"
    )]
    TooLong(usize),
    /// The cursor is forged, outdated, or another's: start over without it.
    #[error("{0}")]
    Cursor(String),
}

impl QueryError {
    /// Something is wrong with the parameter `name`.
    pub(super) fn parameter(name: &str, message: impl Into<String>) -> Self {
        Self::Parameter {
            name: name.to_owned(),
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::IntoEnumIterator;

    use super::*;
    use crate::gateway::cursor::CURSOR_BYTES;
    use crate::snapshot::tests::group;

    #[test]
    fn every_field_can_be_hidden_but_those_without_which_no_group_is_listed() {
        let hideable: Vec<_> = HideableField::iter().map(HideableField::as_str).collect();
        let always = ["id", "source", "source_id", "name", "deleted_at"];
        let all: Vec<_> = FIELDS
            .iter()
            .copied()
            .filter(|name| !always.contains(name))
            .collect();
        let mut sorted = (hideable, all);
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1);
    }

    #[test]
    fn the_fields_are_those_of_a_group_in_the_order_of_the_record() {
        let group = serde_json::to_value(group("a", "1", "x")).unwrap();
        let keys: Vec<_> = group.as_object().unwrap().keys().collect();
        assert_eq!(keys, FIELDS);
    }

    #[test]
    fn every_parameter_is_named_once_and_has_a_schema_that_is_json() {
        let names: BTreeSet<_> = PARAMETERS.iter().map(|parameter| parameter.name).collect();
        assert_eq!(names.len(), PARAMETERS.len());
        let cursor = PARAMETERS.iter().find(|one| one.name == "cursor").unwrap();
        let longest = format!("\"maxLength\":{CURSOR_BYTES}}}");
        assert!(cursor.schema.ends_with(&longest), "{longest}");
        for parameter in PARAMETERS {
            let schema: serde_json::Value = serde_json::from_str(parameter.schema).unwrap();
            assert!(schema.is_object(), "{}", parameter.name);
        }
    }
}
