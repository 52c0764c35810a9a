//! Which filters an upstream may be asked with, and how it takes them.
//!
//! Every key is a statement about the upstream. From it follows whether handing a filter on could
//! lose a group that the same filter would let through here; where it could, it is not handed on.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TimeFormat;
use crate::config::Span;

/// How much of its list an upstream is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// The whole list; every query over it is answered from memory.
    #[default]
    Whole,
    /// What a query needs, where one of its filters can be handed on: put the filter's placeholder
    /// into the request, and say under `pushdown` how the upstream takes it. Other queries need the
    /// whole list, which is asked for when the first of them comes, not at start.
    ByQuery,
}

/// A filter that may be handed on. Its name is its placeholder's, and that of the parameter of
/// `GET /groups`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pushable {
    /// Folded text in name or description.
    Search,
    /// The source's id of one group.
    Id,
    /// The status, lower-cased.
    Status,
    /// The organization's id.
    OrganizationId,
    /// The id in a third system.
    ExternalId,
    /// An account in the group.
    Member,
    /// The earliest moment that the group may have been made.
    CreatedAfter,
    /// The moment before which the group was made.
    CreatedBefore,
    /// The earliest moment that the group may have changed last.
    UpdatedAfter,
    /// The moment before which the group changed last.
    UpdatedBefore,
}

impl Pushable {
    /// Every filter.
    pub const ALL: [Self; 10] = [
        Self::Search,
        Self::Id,
        Self::Status,
        Self::OrganizationId,
        Self::ExternalId,
        Self::Member,
        Self::CreatedAfter,
        Self::CreatedBefore,
        Self::UpdatedAfter,
        Self::UpdatedBefore,
    ];

    /// The name of its placeholder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Id => "id",
            Self::Status => "status",
            Self::OrganizationId => "organization_id",
            Self::ExternalId => "external_id",
            Self::Member => "member",
            Self::CreatedAfter => "created_after",
            Self::CreatedBefore => "created_before",
            Self::UpdatedAfter => "updated_after",
            Self::UpdatedBefore => "updated_before",
        }
    }

    /// The filter whose placeholder has this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filter| filter.as_str() == name)
    }
}

impl fmt::Display for Pushable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How an upstream takes the filters whose placeholders stand in its request (`list = "by_query"`).
///
/// A filter is handed on only where what is said here shows that the upstream's answer cannot lack a
/// group that the filter lets through, and it is applied here again: an upstream may find too much,
/// never too little. What callers send is escaped for where it stands, and a value that cannot be
/// written safely is not handed on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pushdown {
    /// How the upstream searches; needed for `{search}`.
    pub search: Option<PushedSearch>,
    /// How the upstream finds a group by its id (`{id}`). Handed on when one group is asked for.
    pub id: Option<PushedText>,
    /// How the upstream filters by status; needed for `{status}`.
    pub status: Option<PushedStatus>,
    /// How the upstream finds the groups of an organization (`{organization_id}`).
    pub organization_id: Option<PushedText>,
    /// How the upstream finds a group by its id in a third system (`{external_id}`).
    pub external_id: Option<PushedText>,
    /// How the upstream finds the groups of an account; needed for `{member}`.
    pub member: Option<PushedMember>,
    /// How the upstream takes the earliest moment that a group was made (`{created_after}`).
    pub created_after: Option<PushedTime>,
    /// How the upstream takes the moment before which a group was made (`{created_before}`).
    pub created_before: Option<PushedTime>,
    /// How the upstream takes the earliest moment that a group last changed (`{updated_after}`).
    pub updated_after: Option<PushedTime>,
    /// How the upstream takes the moment before which a group last changed (`{updated_before}`).
    pub updated_before: Option<PushedTime>,
    /// Whether an answer to a filter comes in pages, as the whole list does. With `false` the first
    /// answer is all of it, and the placeholders of `pagination` are left out beside a filter.
    pub paged: bool,
}

impl Default for Pushdown {
    fn default() -> Self {
        Self {
            search: None,
            id: None,
            status: None,
            organization_id: None,
            external_id: None,
            member: None,
            created_after: None,
            created_before: None,
            updated_after: None,
            updated_before: None,
            paged: true,
        }
    }
}

impl Pushdown {
    /// The filters that something is said of.
    pub fn described(&self) -> Vec<Pushable> {
        let is_described = |filter: &Pushable| match filter {
            Pushable::Search => self.search.is_some(),
            Pushable::Id => self.id.is_some(),
            Pushable::Status => self.status.is_some(),
            Pushable::OrganizationId => self.organization_id.is_some(),
            Pushable::ExternalId => self.external_id.is_some(),
            Pushable::Member => self.member.is_some(),
            Pushable::CreatedAfter
            | Pushable::CreatedBefore
            | Pushable::UpdatedAfter
            | Pushable::UpdatedBefore => self.time(*filter).is_some(),
        };
        Pushable::ALL.into_iter().filter(is_described).collect()
    }

    /// What is said of a moment.
    pub const fn time(&self, filter: Pushable) -> Option<&PushedTime> {
        match filter {
            Pushable::CreatedAfter => self.created_after.as_ref(),
            Pushable::CreatedBefore => self.created_before.as_ref(),
            Pushable::UpdatedAfter => self.updated_after.as_ref(),
            Pushable::UpdatedBefore => self.updated_before.as_ref(),
            Pushable::Search
            | Pushable::Id
            | Pushable::Status
            | Pushable::OrganizationId
            | Pushable::ExternalId
            | Pushable::Member => None,
        }
    }

    /// How the value of a filter is escaped.
    pub fn quote(&self, filter: Pushable) -> Option<Quote> {
        match filter {
            Pushable::Search => self.search.as_ref().and_then(|search| search.quote),
            Pushable::Id => self.id.as_ref().and_then(|text| text.quote),
            Pushable::OrganizationId => self.organization_id.as_ref().and_then(|text| text.quote),
            Pushable::ExternalId => self.external_id.as_ref().and_then(|text| text.quote),
            Pushable::Member => self.member.as_ref().and_then(|member| member.quote),
            // These are words and figures of the adapter's own.
            Pushable::Status
            | Pushable::CreatedAfter
            | Pushable::CreatedBefore
            | Pushable::UpdatedAfter
            | Pushable::UpdatedBefore => None,
        }
    }
}

/// How an upstream searches.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushedSearch {
    /// What part of a text it looks for.
    pub matches: Matches,
    /// Which of a group's fields it looks into: all that `search` does, which are `name` and, where
    /// `fields` maps it, `description`. It may look into more.
    #[serde(rename = "in")]
    pub fields: Vec<SearchedField>,
    /// Which letters are the same to it.
    #[serde(default)]
    pub case: Case,
    /// What the texts that it looks into are made of.
    #[serde(default)]
    pub texts: Texts,
    /// How many characters it needs at least; shorter texts are not handed on.
    #[serde(default)]
    pub min_chars: usize,
    /// How the text is escaped where it is a part of a longer one.
    pub quote: Option<Quote>,
}

/// What part of a text an upstream looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Matches {
    /// Any part, wherever it begins and ends, as `search` does.
    Contains,
    /// The beginning. It cannot be handed on: it would miss what stands in the middle.
    Prefix,
    /// Whole words. It cannot be handed on: it would miss parts of words.
    Words,
}

/// A field that searches look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SearchedField {
    /// The display name.
    Name,
    /// What the group is for.
    Description,
}

/// Which letters are the same to an upstream that compares texts.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Case {
    /// No two. Texts with letters are then not handed on.
    #[default]
    Exact,
    /// `a` and `A`, to `z` and `Z`. Of other letters nothing is known.
    Ascii,
    /// All that groupgate takes for the same (Unicode NFKC casefold): `ß` and `ss`, `Ｗ` and `w`, `é`
    /// in one character or in two.
    Folded,
}

/// What an upstream's texts are made of.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Texts {
    /// Any characters. `Ｗ` may then stand where `w` is searched for, so a text is handed on only
    /// where `case = "folded"`.
    #[default]
    Any,
    /// ASCII, which is a promise: a group with another character in such a text may be missed.
    Ascii,
}

/// How a text is escaped where it stands in a longer one. Values with control characters are never
/// handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Quote {
    /// Between double quotes, `"` and `\` have a backslash before them: `displayName co "{search}"`
    /// (SCIM, RFC 7644).
    Backslash,
    /// Between single quotes, `'` is doubled: `contains(name,'{search}')` (OData). A value with a
    /// backslash is not handed on.
    Doubled,
    /// As in an LDAP filter, `(cn=*{search}*)` (RFC 4515, section 3).
    Ldap,
    /// Nothing is escaped: only values of letters and digits are handed on. For parameters that have
    /// a syntax of their own.
    Word,
}

/// How an upstream finds what has exactly this value.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushedText {
    /// How the value is escaped where it is a part of a longer text.
    pub quote: Option<Quote>,
}

/// How an upstream filters by status.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushedStatus {
    /// What each status is called there, as `{ active = "ACTIVE" }`: the one word that means it. A
    /// status that is not here is not handed on.
    pub values: BTreeMap<String, String>,
}

/// How an upstream finds the groups of an account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushedMember {
    /// In which lists of people it looks: all that `fields` maps. It may look into more.
    #[serde(rename = "in")]
    pub lists: Vec<PeopleList>,
    /// What it knows accounts by: all that `fields` maps of them.
    pub by: KnownBy,
    /// Which letters are the same to it, in e-mail addresses.
    #[serde(default)]
    pub case: Case,
    /// What e-mail addresses are made of.
    #[serde(default)]
    pub texts: Texts,
    /// How the value is escaped where it is a part of a longer text.
    pub quote: Option<Quote>,
}

/// A list of people in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PeopleList {
    /// Who is in the group.
    Members,
    /// Who runs it.
    Admins,
    /// Who is in it from outside.
    Guests,
}

/// What an upstream knows accounts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum KnownBy {
    /// Their ids.
    Id,
    /// Their e-mail addresses.
    Email,
    /// Either.
    Either,
}

impl KnownBy {
    /// Whether ids are looked at.
    pub const fn takes_id(self) -> bool {
        matches!(self, Self::Id | Self::Either)
    }

    /// Whether e-mail addresses are looked at.
    pub const fn takes_email(self) -> bool {
        matches!(self, Self::Email | Self::Either)
    }
}

/// How an upstream takes a moment. It goes out earlier (`after`) or later (`before`) by one step of
/// `round`, and then to a whole one: so nothing is lost whether the upstream counts the moment itself
/// in or not, and whichever way it rounds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushedTime {
    /// How the moment is written, in UTC.
    pub format: TimeFormat,
    /// The finest difference that the upstream sees: `"24h"` where it counts in days, `"48h"` where
    /// those are the days of another time zone.
    pub round: Span,
}

impl Default for PushedTime {
    fn default() -> Self {
        Self {
            format: TimeFormat::default(),
            round: Span::seconds(1),
        }
    }
}
