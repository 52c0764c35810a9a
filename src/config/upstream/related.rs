//! The lists that belong to a list of groups: what it is read once per item of, and what is asked for
//! each group.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Conversion, Field, Pagination, PathOr, Records, Request, Source, Upstream};
use crate::plan::{Part, Path, RelatedList, ReuseMarker, Scalar, Share, Span, UniqueIds};

/// What the list of groups is read once per item of, such as the organizations of an account. Their values
/// stand in `request` and in the requests of `details`, `members`, `admins` and `guests` as `{partition.NAME}`.
///
/// The items come from a list of the upstream, with `request`, `records` and `pagination` of its own, or are
/// written out: `values = { org = ["a", "b"] }`, without `request`. Of a list, an item that comes twice counts
/// once; one that lacks a value ends the walk with an error. No items mean no groups.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partitions {
    /// The request that lists them. Without it, `values` are constants.
    pub request: Option<Request>,
    /// The request for every page after the first, if it differs from `request`.
    pub continuation: Option<Request>,
    /// Where a page holds the list. Required with `request`.
    pub records: Option<Records>,
    /// How to get from one page to the next.
    #[serde(default)]
    pub pagination: Pagination,
    /// The names of their values, and what they are. At least one.
    pub values: BTreeMap<String, PartitionValue>,
    /// What the ids of groups are unique in.
    #[serde(default)]
    pub ids: UniqueIds,
    /// Which share of the partitions may be gone (404 or 410) when their groups are asked for: they are left out,
    /// with all of their groups, and counted. More is an error, and so are all of them.
    #[serde(default = "none")]
    pub gone: Share,
    /// Which share of the partitions may refuse the credentials (401 or 403) that others accept: they are left out,
    /// with all of their groups, and counted. More is an error, and so are all of them. Whether a group is missing
    /// because it is in one of these, the list does not say.
    #[serde(default = "none")]
    pub refused: Share,
}

/// What one value of the partitions is: with `request` a path in a record or a table with conversions, else a
/// list of constants. Several lists of constants have one length: their items belong together in order.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged)]
pub enum PartitionValue {
    /// Where it is in the record of a partition.
    Read(Box<Source>),
    /// One for each partition.
    Constants(Vec<Scalar>),
}

impl<'de> Deserialize<'de> for PartitionValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = PartitionValue;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a path such as `login`, a table, or a list of constants")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                let part = text.parse::<Part>().map_err(E::custom)?;
                Ok(PartitionValue::Read(Box::new(PathOr::Path(part))))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let table = Conversion::deserialize(MapAccessDeserializer::new(map))?;
                Ok(PartitionValue::Read(Box::new(PathOr::Table(table))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut constants = Vec::new();
                while let Some(constant) = items.next_element()? {
                    constants.push(constant);
                }
                if constants.is_empty() {
                    let message = "the list is empty: without a partition there are no groups";
                    return Err(A::Error::custom(message));
                }
                Ok(PartitionValue::Constants(constants))
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

/// One request for each group, whose record is laid over the listed one: its members take the place of those of
/// the same name, before `fields` are read. A path with a leading slash in `fields` starts at that record, too.
/// JSON only, and not together with `records.keyed` or `records.children`.
///
/// `{group.FIELD}` in the request stands for a field of the listed group: `id` (as the upstream writes it),
/// `name`, `email`, `organization_id`, `external_id`, `parent_id`, `path` or `url`. `{record/PATH}` stands for
/// what is at a path in its record, and `{partition.NAME}` for a value of its partition. A group that has no
/// value for one of them ends the walk with an error.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// The request.
    pub request: Request,
    /// Where its response holds the record. Without it, the response is the record.
    pub record: Option<Path>,
    /// What says that the record has not changed since the last walk, so that it is used again. Without it,
    /// every walk asks for all records.
    pub reuse: Option<ReuseMarker>,
    /// How often all of them are asked for although they seem not to have changed. Only with `reuse`.
    #[schemars(default = "default_full")]
    pub full: Option<Span>,
    /// Which share of the groups that a walk asks for may be gone (404 or 410), although they were just listed: they are
    /// left out, and counted. One always may. More is an error.
    #[serde(default = "tenth")]
    pub gone: Share,
}

/// A list of people for each group, such as its members.
///
/// `{group.FIELD}` in the requests stands for a field of the listed group: `id` (as the upstream writes it),
/// `name`, `email`, `organization_id`, `external_id`, `parent_id`, `path` or `url`. `{record/PATH}` stands for
/// what is at a path in its record, and `{partition.NAME}` for a value of its partition. A group that has no
/// value for one of them ends the walk with an error.
///
/// Lists of people whose requests and `pagination` are equal are asked for once: each response brings all of them,
/// where their `records` stand at the same path, or where it is the only page.
///
/// With `fields.group`, one list has the people of all groups, each item with the id of its group. It is read once in
/// each walk, after the groups, or once for each partition if its requests name a value of one. `{group.FIELD}` and
/// `{record/PATH}` have no value in its requests, and `reuse`, `full` and `gone` no meaning. An item that names no
/// group is skipped and counted; one of a group that is not listed is left out, and logged. If no item names a listed
/// group, the walk ends with an error. Not together with `incremental`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberList {
    /// Whether they are asked for. `false` spares the requests, as if the list were not described: a preset
    /// may describe one that costs a request for each group.
    #[serde(default = "super::yes")]
    pub enabled: bool,
    /// The request for the people of one group.
    pub request: Request,
    /// The request for every page after the first, if it differs from `request`.
    pub continuation: Option<Request>,
    /// Where a page holds the list.
    pub records: Records,
    /// How to get from one page to the next.
    #[serde(default)]
    pub pagination: Pagination,
    /// Who an item is. At least one of `id` and `email` is required. An item with neither is skipped and
    /// counted.
    pub fields: MemberFields,
    /// What says that the people have not changed since the last walk, so that they are used again. Without it,
    /// every walk asks for the people of all groups.
    pub reuse: Option<ReuseMarker>,
    /// How often the people of all groups are asked for although they seem not to have changed: many APIs do not
    /// touch a group when its members change. Only with `reuse`.
    #[schemars(default = "default_full")]
    pub full: Option<Span>,
    /// Which share of the groups that a walk asks for may be gone (404 or 410), although they were just listed: they are
    /// left out, and counted. One always may. More is an error.
    #[serde(default = "tenth")]
    pub gone: Share,
}

/// A list of all users, which says the email address of people that groups name by their ids alone: of those in
/// `members`, `admins` and `guests`, whether they stand in the record of a group or come in lists of their own.
///
/// It is read once in each walk, before the people of groups, or once for each partition if its requests name a
/// value of one (`{partition.NAME}`). It alone says which address a person with an id has: one that the group itself
/// says counts only without an id. Who is not in it has none, is counted (`unknown_people` in `/sources`), and
/// logged. Not together with `incremental`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// The request that lists them.
    pub request: Request,
    /// The request for every page after the first, if it differs from `request`.
    pub continuation: Option<Request>,
    /// Where a page holds the list.
    pub records: Records,
    /// How to get from one page to the next.
    #[serde(default)]
    pub pagination: Pagination,
    /// The id, as groups name it, and the email address of a user. Both are required. A record without an id is
    /// skipped, and of two with one id the first counts.
    pub fields: UserFields,
    /// Which share of the people whom groups name by an id may be missing from the list: they are shown without an
    /// address, and counted. One always may. More is an error.
    #[serde(default = "tenth")]
    pub unknown: Share,
}

/// Who an item of a list of people is, and in which group.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberFields {
    /// The account id; `.` is the item itself.
    pub id: Option<Field>,
    /// The email address of the account; `.` is the item itself.
    pub email: Option<Field>,
    /// The id of the group, as the list of groups has it: one list has the people of all groups. Without it, there is
    /// one for each group.
    pub group: Option<Field>,
}

/// Who a user is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserFields {
    /// The account id; `.` is the item itself.
    pub id: Option<Field>,
    /// The email address of the account; `.` is the item itself.
    pub email: Option<Field>,
}

/// How often everything is asked for where a block does not say.
pub(in crate::config) const fn default_full() -> Span {
    Span::seconds(24 * 60 * 60)
}

const fn none() -> Share {
    Share::NONE
}

const fn tenth() -> Share {
    Share::TENTH
}

impl Upstream {
    /// The lists of people that are asked for, for each group, with the keys that they stand at.
    pub fn member_lists(&self) -> impl Iterator<Item = (RelatedList, &MemberList)> {
        let lists = [
            (RelatedList::Members, &self.members),
            (RelatedList::Admins, &self.admins),
            (RelatedList::Guests, &self.guests),
        ];
        let lists = lists.into_iter();
        let described = lists.filter_map(|(role, list)| Some((role, list.as_ref()?)));
        described.filter(|(_, list)| list.enabled)
    }

    /// The requests of the lists that belong to that of groups, with the keys that they stand at.
    pub fn related_requests(&self) -> Vec<(Vec<&'static str>, &Request)> {
        self.related_list_requests()
            .chain(self.related_counts())
            .collect()
    }

    fn related_list_requests(&self) -> impl Iterator<Item = (Vec<&'static str>, &Request)> {
        let partitions = self.partitions.iter().flat_map(|list| {
            let continuation = list.continuation.as_ref();
            [
                ("partitions", "request", list.request.as_ref()),
                ("partitions", "continuation", continuation),
            ]
        });
        let users = self.users.iter().flat_map(|list| {
            let continuation = list.continuation.as_ref();
            [
                ("users", "request", Some(&list.request)),
                ("users", "continuation", continuation),
            ]
        });
        let details = self.details.iter();
        let details = details.map(|details| ("details", "request", Some(&details.request)));
        let people = self.member_lists().flat_map(|(role, list)| {
            let continuation = list.continuation.as_ref();
            [
                (role.into(), "request", Some(&list.request)),
                (role.into(), "continuation", continuation),
            ]
        });
        let all = partitions.chain(users).chain(details).chain(people);
        all.filter_map(|(table, key, request)| Some((vec![table, key], request?)))
    }

    /// Those of them that ask for a total.
    fn related_counts(&self) -> impl Iterator<Item = (Vec<&'static str>, &Request)> {
        let partitions = self.partitions.iter();
        let partitions = partitions.map(|list| ("partitions", &list.pagination));
        let people = self.member_lists();
        let people = people.map(|(role, list)| (role.into(), &list.pagination));
        let users = self.users.iter().map(|list| ("users", &list.pagination));
        partitions
            .chain(users)
            .chain(people)
            .filter_map(|(table, pagination)| {
                let call = pagination.total_call()?;
                let at = vec![table, "pagination", "total", "request"];
                Some((at, &call.request))
            })
    }

    /// An upstream of its own whose list of groups is one of those that belong to that of this one: it shares all
    /// but how the list is asked for.
    pub(in crate::config) fn with_list(
        &self,
        request: &Request,
        continuation: Option<&Request>,
        records: &Records,
        pagination: &Pagination,
    ) -> Self {
        Self {
            request: request.clone(),
            continuation: continuation.cloned(),
            records: records.clone(),
            pagination: pagination.clone(),
            ..self.clone()
        }
    }
}
