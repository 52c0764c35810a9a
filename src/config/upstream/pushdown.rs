//! How an upstream takes filters: what is stated of each.
//!
//! Every key is a statement about the upstream. The keys together decide whether passing a filter on
//! could lose a group that groupgate's own filter would keep. If it could, it is not passed on.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Records, Request};
use crate::plan::Pushable;
use crate::plan::pushdown::{Case, PushedTime, Quote, Texts};

/// How an upstream applies the filters whose placeholders are in its request. Only with `list =
/// "by_query"`.
///
/// A filter is passed on only if this description guarantees that the upstream returns every group
/// that matches. groupgate then applies the filter again, so the upstream may return too many
/// groups, but never too few. Values are escaped for the place where they go, and values that
/// cannot be written safely are not passed on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pushdown {
    /// How the upstream searches. Required for `{search}`.
    pub search: Option<PushedSearch>,
    /// How the upstream finds a group by its id (`{id}`). Passed on when a query asks for one
    /// group.
    pub id: Option<PushedId>,
    /// How the upstream filters by status. Required for `{status}`.
    pub status: Option<PushedStatus>,
    /// How the upstream finds the groups of an organization (`{organization_id}`).
    pub organization_id: Option<PushedText>,
    /// How the upstream finds a group by its id in a third system (`{external_id}`).
    pub external_id: Option<PushedText>,
    /// How the upstream finds the groups of an account. Required for `{member}`.
    pub member: Option<PushedMember>,
    /// How the upstream takes the earliest creation time (`{created_after}`).
    pub created_after: Option<PushedTime>,
    /// How the upstream takes the time before which a group was created (`{created_before}`).
    pub created_before: Option<PushedTime>,
    /// How the upstream takes the earliest time of the last change (`{updated_after}`).
    pub updated_after: Option<PushedTime>,
    /// How the upstream takes the time before which a group was last changed (`{updated_before}`).
    pub updated_before: Option<PushedTime>,
    /// Whether filtered results come in pages like the whole list. If false, the first response is
    /// the whole result, and the placeholders of `pagination` are left out of filtered requests. A
    /// response that says there is more, in any way that `pagination` names, is an error; a total with
    /// `trust = "hint"` does not, for it may count more than the response shows.
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

    /// The request for one group, if it is one of its own.
    pub fn lookup(&self) -> Option<&Request> {
        self.id.as_ref()?.request.as_ref()
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
    /// Which part of a text has to match.
    pub matches: Matches,
    /// Which fields of a group it searches. All that `search` covers are required: `name` and, if
    /// `fields` maps it, `description`. It may search others too. One that searches names alone would miss groups
    /// whose description matches, and what does not come cannot be checked here again.
    #[serde(rename = "in")]
    pub fields: Vec<SearchedField>,
    /// Which letters it treats as equal.
    #[serde(default)]
    pub case: Case,
    /// Which characters the searched texts can contain.
    #[serde(default)]
    pub texts: Texts,
    /// The minimum length in characters. Shorter texts are not passed on.
    #[serde(default)]
    pub min_chars: usize,
    /// How the text is escaped inside a longer one. Required if the placeholder does not stand
    /// alone.
    pub quote: Option<Quote>,
}

/// Which part of a text has to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Matches {
    /// Any part of it, as with `search`.
    Contains,
    /// The beginning. Such a search is never passed on, because it misses matches in the middle.
    Prefix,
    /// Whole words. Such a search is never passed on, because it misses parts of words.
    Words,
}

/// A field that a search covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SearchedField {
    /// The display name.
    Name,
    /// What the group is for.
    Description,
}

/// How an upstream finds an exact value.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushedText {
    /// How the value is escaped inside a longer text. Required if the placeholder does not stand
    /// alone.
    pub quote: Option<Quote>,
}

/// How an upstream finds a group by its id.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushedId {
    /// How the value is escaped inside a longer text. Required if the placeholder does not stand
    /// alone.
    pub quote: Option<Quote>,
    /// A request of its own for one group, such as `{ path = "/groups/{id}" }`. It is sent when a query
    /// asks for one group, and nothing else of the query is passed on. Status 404 means that there is no
    /// such group. Without it, `{id}` is in `request`.
    pub request: Option<Request>,
    /// Where its response holds the group: `/`, the default, is the response itself. Only with `request`.
    /// Without an `only` of its own, that of the list's `records` says what is a group.
    pub records: Option<Records>,
}

impl PushedId {
    /// Where its response holds the group.
    pub fn records(&self) -> Records {
        self.records.clone().unwrap_or_else(Records::root)
    }
}

/// How an upstream filters by status.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushedStatus {
    /// The upstream's word for each status, such as `{ active = "ACTIVE" }`. A status that is not
    /// listed is not passed on.
    pub values: BTreeMap<String, String>,
}

/// How an upstream finds the groups of an account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushedMember {
    /// Which lists of people it searches. All that `fields` maps are required. It may search others
    /// too.
    #[serde(rename = "in")]
    pub lists: Vec<PeopleList>,
    /// How it identifies accounts. This must cover all that `fields` maps.
    pub by: KnownBy,
    /// Which letters it treats as equal in email addresses.
    #[serde(default)]
    pub case: Case,
    /// Which characters email addresses can contain.
    #[serde(default)]
    pub texts: Texts,
    /// How the value is escaped inside a longer text. Required if the placeholder does not stand
    /// alone.
    pub quote: Option<Quote>,
}

/// A list of people in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PeopleList {
    /// The members.
    Members,
    /// The administrators.
    Admins,
    /// Members from outside.
    Guests,
}

/// How an upstream identifies accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum KnownBy {
    /// By id.
    Id,
    /// By email address.
    Email,
    /// By either.
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
