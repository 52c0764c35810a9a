//! Which filters can be passed on to an upstream, and how it applies them.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Mapping, Paging, TimeFormat};
use crate::plan::Span;

/// How much of its list an upstream is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// The whole list. All queries are answered from memory.
    #[default]
    Whole,
    /// Only what a query needs, if one of its filters can be passed on. Put the placeholder of the
    /// filter into the request, and describe under `pushdown` how the upstream applies it. Other
    /// queries need the whole list, which is fetched when the first of them arrives, not at
    /// startup.
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

    /// Whether it is an end of a range of times.
    pub const fn is_time(self) -> bool {
        matches!(
            self,
            Self::CreatedAfter | Self::CreatedBefore | Self::UpdatedAfter | Self::UpdatedBefore
        )
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

/// How an upstream that is asked by query applies each filter in its request, in the order of
/// [`Pushable::ALL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushdownRules(pub Vec<PushdownRule>);

/// How an upstream applies one filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushdownRule {
    /// It finds any part of a text.
    Search {
        /// Which texts it treats as equal.
        comparison: Comparison,
        /// The minimum length in characters.
        min_chars: usize,
        /// How the text is escaped.
        quote: Option<Quote>,
    },
    /// It finds a group by its id.
    Id(Option<Quote>),
    /// It finds a group by its id, by a request of its own. Nothing else is passed on then.
    Lookup(Option<Quote>),
    /// It has a word of its own for each of these statuses.
    Status(BTreeMap<String, String>),
    /// It finds the groups of an organization.
    OrganizationId(Option<Quote>),
    /// It finds a group by its id in a third system.
    ExternalId(Option<Quote>),
    /// It finds the groups of an account.
    Member {
        /// Which email addresses it treats as equal, if groups contain any.
        emails: Option<Comparison>,
        /// How the value is escaped.
        quote: Option<Quote>,
    },
    /// It takes the earliest creation time.
    CreatedAfter(PushedTime),
    /// It takes the time before which a group was created.
    CreatedBefore(PushedTime),
    /// It takes the earliest time of the last change.
    UpdatedAfter(PushedTime),
    /// It takes the time before which a group was last changed.
    UpdatedBefore(PushedTime),
}

impl PushdownRule {
    /// What is sent in place of a time that a query does not have, where it has the other end of the range,
    /// and which filter that is.
    pub fn open(&self) -> Option<(&str, Pushable)> {
        let (time, other) = match self {
            Self::CreatedAfter(time) => (time, Pushable::CreatedBefore),
            Self::CreatedBefore(time) => (time, Pushable::CreatedAfter),
            Self::UpdatedAfter(time) => (time, Pushable::UpdatedBefore),
            Self::UpdatedBefore(time) => (time, Pushable::UpdatedAfter),
            Self::Search { .. }
            | Self::Id(_)
            | Self::Lookup(_)
            | Self::Status(_)
            | Self::OrganizationId(_)
            | Self::ExternalId(_)
            | Self::Member { .. } => return None,
        };
        Some((time.open.as_deref()?, other))
    }

    /// The filter that it is about.
    pub const fn filter(&self) -> Pushable {
        match self {
            Self::Search { .. } => Pushable::Search,
            Self::Id(_) | Self::Lookup(_) => Pushable::Id,
            Self::Status(_) => Pushable::Status,
            Self::OrganizationId(_) => Pushable::OrganizationId,
            Self::ExternalId(_) => Pushable::ExternalId,
            Self::Member { .. } => Pushable::Member,
            Self::CreatedAfter(_) => Pushable::CreatedAfter,
            Self::CreatedBefore(_) => Pushable::CreatedBefore,
            Self::UpdatedAfter(_) => Pushable::UpdatedAfter,
            Self::UpdatedBefore(_) => Pushable::UpdatedBefore,
        }
    }
}

/// How one group is asked for by a request of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// Its response is one page.
    pub paging: Paging,
    /// How that becomes a group.
    pub mapping: Mapping,
}

/// Which texts an upstream treats as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// Which letters are equal.
    pub case: Case,
    /// Which characters the texts can contain.
    pub texts: Texts,
}

/// Which letters an upstream treats as equal when it compares texts.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Case {
    /// Only identical ones. Texts with letters are then not passed on.
    #[default]
    Exact,
    /// `a` and `A` through `z` and `Z`. Other letters may differ.
    Ascii,
    /// All that groupgate treats as equal (Unicode NFKC case folding): `ß` and `ss`, `Ｗ` and `w`,
    /// `é` as one character or two.
    Folded,
}

/// Which characters the texts of an upstream can contain.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Texts {
    /// Any character. Since `Ｗ` may then match `w`, a text is passed on only with `case =
    /// "folded"`.
    #[default]
    Any,
    /// Only ASCII. This is a promise: groups with other characters in these texts may be missed.
    Ascii,
}

/// How a text is escaped inside a longer one. Values with control characters are never passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Quote {
    /// In double quotes, with a backslash before `"` and `\`: `displayName co "{search}"` (SCIM,
    /// RFC 7644).
    Backslash,
    /// In single quotes, with `'` doubled: `contains(name,'{search}')` (OData). Values with a
    /// backslash are not passed on.
    Doubled,
    /// As in LDAP filters: `(cn=*{search}*)` (RFC 4515, section 3).
    Ldap,
    /// Not escaped. Only values made of letters and digits are passed on. For parameters with a
    /// syntax of their own.
    Word,
}

/// How an upstream takes a time. The time is sent one step of `round` earlier (`after`) or later
/// (`before`), then rounded to a whole step. So no group is lost, whether or not the upstream
/// includes the time itself and whichever way it rounds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushedTime {
    /// The format of the time, in UTC.
    pub format: TimeFormat,
    /// The resolution of the upstream: `"24h"` if it compares dates, `"48h"` if those are dates in
    /// another time zone.
    pub round: Span,
    /// What is sent in place of the time where a query has only the other end of the range, such as `"*"`.
    /// Required of both ends if they are in one parameter: `created = "{created_after}..{created_before}"`.
    pub open: Option<String>,
}

impl Default for PushedTime {
    fn default() -> Self {
        Self {
            format: TimeFormat::default(),
            round: Span::seconds(1),
            open: None,
        }
    }
}
