//! The lists that belong to a list of groups, encoded. When they are asked for again changes nothing about what
//! they are.

use super::encoding::{CanonicalTable, CanonicalValue, Encode};
use crate::config::upstream::{
    Details, Field, MemberFields, MemberList, Pagination, PartitionValue, Partitions,
    Records as WrittenRecords, Request, UserFields, Users,
};
use crate::plan::{Records, UniqueIds};

impl Encode for Partitions {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            request,
            continuation,
            records,
            pagination,
            values,
            ids,
            gone: _,
            refused: _,
        } = self;
        let table = CanonicalTable::default()
            .put("request", request)
            .put("continuation", continuation)
            .put("records", &records.clone().map(Records::from))
            .put("pagination", pagination)
            .put("values", values);
        let is_partition = *ids == UniqueIds::Partition;
        table.put("unique_in_partition", &is_partition).encode()
    }
}

impl Encode for PartitionValue {
    fn encode(&self) -> Option<CanonicalValue> {
        match self {
            Self::Read(source) => source.encode(),
            Self::Constants(constants) => constants.encode(),
        }
    }
}

impl Encode for Users {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            request,
            continuation,
            records,
            pagination,
            fields,
            // How many may be missing shapes no list.
            unknown: _,
        } = self;
        let requests = (request, continuation);
        let UserFields { id, email } = fields;
        people(requests, records, pagination, (id, email, &None))
    }
}

impl Encode for Details {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            request,
            record,
            reuse: _,
            full: _,
            gone: _,
        } = self;
        let table = CanonicalTable::default().put("request", request);
        table.put("record", record).encode()
    }
}

impl Encode for MemberList {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            enabled,
            request,
            continuation,
            records,
            pagination,
            fields,
            reuse: _,
            full: _,
            gone: _,
        } = self;
        if !enabled {
            return None;
        }
        let requests = (request, continuation);
        let MemberFields { id, email, group } = fields;
        people(requests, records, pagination, (id, email, group))
    }
}

/// A list of people, whatever it is for.
fn people(
    (request, continuation): (&Request, &Option<Request>),
    records: &WrittenRecords,
    pagination: &Pagination,
    (id, email, group): (&Option<Field>, &Option<Field>, &Option<Field>),
) -> Option<CanonicalValue> {
    CanonicalTable::default()
        .put("request", request)
        .put("continuation", continuation)
        .put("records", &Records::from(records.clone()))
        .put("pagination", pagination)
        .put("id", id)
        .put("email", email)
        .put("group", group)
        .encode()
}
