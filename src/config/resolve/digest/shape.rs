//! What shapes a list, encoded.
//!
//! Every struct is taken apart by all its fields, so that a new key does not compile until it was
//! decided whether it shapes lists.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::encoding::{CanonicalTable, CanonicalValue, Encode};
use super::request;
use crate::config::upstream::{Request, Text};
use crate::config::{Secret, Upstream};
use crate::plan::{HeaderCondition, Records, Rule, Success};

/// Encodes the shape of an upstream's list.
pub(super) fn of(upstream: &Upstream) -> CanonicalValue {
    let Upstream {
        base_url,
        request,
        continuation,
        headers,
        pushdown,
        format,
        strip_prefix,
        embedded,
        records,
        success,
        answers,
        pagination,
        fields,
        extra,
        partitions,
        details,
        members,
        admins,
        guests,
        users,
        incremental,
        // Already part of the block, key by key.
        preset: _,
        // What a key of the catalog says itself, or the account.
        list: _,
        auth: _,
        account: _,
        scopes: _,
        // What is asked of the list.
        filterable: _,
        // Only read where there is no list.
        message: _,
        // How it is treated.
        connection: _,
        limits: _,
        breaker: _,
        hedge: _,
        conditional: _,
        trace_context: _,
        required: _,
        ttl: _,
        stale_while_revalidate: _,
        stale_if_error: _,
        min_refresh: _,
        refresh: _,
        shrink_guard: _,
    } = upstream;
    let shape = CanonicalTable::default()
        .put("base_url", base_url)
        .put("request", request)
        .put("continuation", continuation)
        .put("headers", &common_headers(headers))
        .put("pushdown", pushdown)
        .put_changed("format", format)
        .put("strip_prefix", strip_prefix)
        .put("embedded", embedded)
        .put("records", &Records::from(records.clone()))
        .put("success", success)
        .put("answers", answers)
        .put("pagination", pagination)
        .put("fields", fields)
        .put_changed("extra", extra)
        .put("partitions", partitions)
        .put("details", details)
        .put("members", members)
        .put("admins", admins)
        .put("guests", guests)
        .put("users", users)
        // How changes are asked for shapes no list.
        .put(
            "deleted",
            &incremental.as_ref().and_then(|rule| rule.deleted.clone()),
        );
    CanonicalValue::Table(shape)
}

/// Which secret stands somewhere is the account's matter.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the account reads secrets, which may fail"
)]
fn secret(_: &Secret) -> Result<CanonicalValue, Infallible> {
    Ok(CanonicalValue::List(Vec::new()))
}

fn common_headers(headers: &BTreeMap<String, Text>) -> BTreeMap<String, CanonicalValue> {
    let Ok(headers) = request::texts(headers, &secret);
    headers
}

impl Encode for Request {
    fn encode(&self) -> Option<CanonicalValue> {
        let Ok(request) = request::encode(self, &secret);
        request.encode()
    }
}

impl Encode for Records {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            at,
            absent,
            keyed,
            children,
            only,
        } = self;
        CanonicalTable::default()
            .put("at", at)
            .put_changed("absent", absent)
            .put("keyed", keyed)
            .put("children", children)
            .put("only", only)
            .encode()
    }
}

impl Encode for Success {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            path,
            equals,
            absent,
            message: _,
        } = self;
        CanonicalTable::default()
            .put("path", path)
            .put("equals", equals)
            .put_changed("absent", absent)
            .encode()
    }
}

impl Encode for Rule {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            status,
            header,
            path,
            equals,
            content_type,
            means,
            retry_after: _,
            message: _,
        } = self;
        CanonicalTable::default()
            .put("status", status)
            .put("header", header)
            .put("path", path)
            .put("equals", equals)
            .put("content_type", content_type)
            .put("means", means)
            .encode()
    }
}

impl Encode for HeaderCondition {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self { name, equals } = self;
        let table = CanonicalTable::default().put("name", name);
        table.put("equals", equals).encode()
    }
}
