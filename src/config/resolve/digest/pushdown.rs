//! How filters are handed on, encoded.

use super::encoding::{CanonicalTable, CanonicalValue, Encode};
use crate::config::upstream::pushdown::{
    Pushdown, PushedId, PushedMember, PushedSearch, PushedStatus, PushedText,
};
use crate::plan;
use crate::plan::pushdown::PushedTime;

impl Encode for Pushdown {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            search,
            id,
            status,
            organization_id,
            external_id,
            member,
            created_after,
            created_before,
            updated_after,
            updated_before,
            paged,
        } = self;
        let table = CanonicalTable::default()
            .put("search", search)
            .put("id", id)
            .put("status", status)
            .put("organization_id", organization_id)
            .put("external_id", external_id)
            .put("member", member)
            .put("created_after", created_after)
            .put("created_before", created_before)
            .put("updated_after", updated_after)
            .put("updated_before", updated_before)
            .put("unpaged", &!paged);
        if table == CanonicalTable::default() {
            return None;
        }
        table.encode()
    }
}

impl Encode for PushedSearch {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            matches,
            fields,
            case,
            texts,
            min_chars,
            quote,
        } = self;
        CanonicalTable::default()
            .put("matches", matches)
            .put("in", fields)
            .put_changed("case", case)
            .put_changed("texts", texts)
            .put_changed("min_chars", min_chars)
            .put("quote", quote)
            .encode()
    }
}

impl Encode for PushedId {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            quote,
            request,
            records,
        } = self;
        let records = records.clone().map(plan::Records::from);
        CanonicalTable::default()
            .put("quote", quote)
            .put("request", request)
            .put("records", &records)
            .encode()
    }
}

impl Encode for PushedText {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self { quote } = self;
        CanonicalTable::default().put("quote", quote).encode()
    }
}

impl Encode for PushedStatus {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self { values } = self;
        CanonicalTable::default().put("values", values).encode()
    }
}

impl Encode for PushedMember {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            lists,
            by,
            case,
            texts,
            quote,
        } = self;
        CanonicalTable::default()
            .put("in", lists)
            .put("by", by)
            .put_changed("case", case)
            .put_changed("texts", texts)
            .put("quote", quote)
            .encode()
    }
}

impl Encode for PushedTime {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            format,
            round,
            open,
        } = self;
        let usual = Self::default();
        CanonicalTable::default()
            .put_unless(&usual.format, "format", format)
            .put_unless(&usual.round, "round", round)
            .put("open", open)
            .encode()
    }
}
