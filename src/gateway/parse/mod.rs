//! From the raw query string of a request to a [`Query`].
//!
//! Here the caller is left behind: its cursor is verified for it and only its sources can be named;
//! the query that comes out says nothing of it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::caller::{Caller, HiddenFields};

use super::attributes::{ATTRIBUTE, AttributeFilter, FilterableAttributes};
use super::cursor::{Carried, Keys};
use super::filter::Filter;
use super::query::{CANONICAL_BYTES, Query, QueryError};
use super::query_string::QueryString;

mod granted;
mod value;

/// What a query string is read with.
#[derive(Debug, Clone, Copy)]
pub struct ParseContext<'a> {
    /// The name of every source, in order. Those that the caller may not see are unknown to it.
    pub sources: &'a [Arc<str>],
    /// What groups can be filtered by besides, in the sources that have it.
    pub attributes: &'a FilterableAttributes,
    /// Whether the answer is streamed, so that `limit=all` is allowed.
    pub streamed: bool,
    /// Who asks.
    pub caller: &'a Caller,
    /// What cursors are verified with.
    pub keys: &'a Keys,
}

impl ParseContext<'_> {
    /// Whether the caller may see all these fields in one of its sources.
    fn can_use(self, fields: HiddenFields) -> bool {
        let sources = self.sources.iter().map(|name| &**name);
        self.caller.visible.can_use(fields, sources)
    }

    fn query_string(self, raw: &str) -> Result<QueryString, QueryError> {
        let attributes = self.attributes.usable(&self.caller.visible);
        let names: Vec<_> = attributes.by_name().into_keys().collect();
        QueryString::parse(raw, |parameter| self.can_use(parameter.looks_at), &names)
    }
}

impl Query {
    /// Parses the raw query string of a request.
    ///
    /// A cursor brings the whole query along; what is sent with it must agree, except `limit`.
    pub fn parse(raw: &str, context: ParseContext<'_>) -> Result<Self, QueryError> {
        let parameters = context.query_string(raw)?;
        let sent = read(&parameters, context)?;
        let length = sent.canonical().len();
        if length > CANONICAL_BYTES {
            return Err(QueryError::TooLong(length));
        }
        let query = match parameters.one("cursor") {
            None => sent,
            Some(token) => resume(token, sent, &parameters, context)?,
        };
        granted::within_grants(query, context)
    }
}

/// The query that `token` continues, as long as what was `sent` with it agrees.
fn resume(
    token: &str,
    sent: Query,
    parameters: &QueryString,
    context: ParseContext<'_>,
) -> Result<Query, QueryError> {
    let cursor = context.keys.verify(token, context.caller)?;
    let limit = match parameters.one("limit") {
        Some(_) => sent.limit,
        None => cursor.limit,
    };
    let begun = match cursor.carried {
        Carried::Whole(canonical) => {
            let begun = recall(&canonical, context)?;
            agree(&sent, &begun, parameters)?;
            begun
        }
        Carried::Digest(digest) if sent.digest() == digest => sent,
        Carried::Digest(_) => {
            let message = "the query was too long to be carried by this `cursor`; send its other \
                           parameters with the cursor, as the `Link` header does";
            return Err(QueryError::parameter("cursor", message));
        }
    };
    Ok(Query {
        limit,
        resume: Some(cursor.resume),
        ..begun
    })
}

/// The query that a cursor carries. It was valid when it was written; what it names may be gone.
fn recall(canonical: &str, context: ParseContext<'_>) -> Result<Query, QueryError> {
    context
        .query_string(canonical)
        .and_then(|parameters| read(&parameters, context))
        .map_err(|error| {
            QueryError::Cursor(format!(
                "this `cursor` continues a query that is no longer valid ({error}); start over \
                 without it"
            ))
        })
}

fn agree(sent: &Query, begun: &Query, parameters: &QueryString) -> Result<(), QueryError> {
    let names = parameters.names().map(Cow::Borrowed);
    let attributes = parameters.attributes();
    let attributes = attributes.map(|(name, _)| Cow::Owned(format!("{ATTRIBUTE}{name}")));
    let differs = |name: &Cow<'_, str>| !sent.values(name).eq(&begun.values(name));
    match names.chain(attributes).find(differs) {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "`{name}` does not match the query that this `cursor` continues; leave it out, or \
                 start over without the cursor"
            );
            Err(QueryError::parameter(&name, message))
        }
    }
}

/// Everything but the cursor.
fn read(parameters: &QueryString, context: ParseContext<'_>) -> Result<Query, QueryError> {
    let text = |name| parameters.one(name).map(str::to_owned);
    let instant = |name| parsed(parameters, name, value::instant);
    Ok(Query {
        filter: Filter {
            search: parsed(parameters, "search", value::search)?,
            names_only: BTreeSet::new(),
            sources: parsed(parameters, "source", |text| {
                value::sources(text, context.sources, &context.caller.visible)
            })?,
            ids: value::ids(parameters)?,
            status: parameters.one("status").map(str::to_lowercase),
            organization_id: text("organization_id"),
            external_id: text("external_id"),
            member: text("member"),
            attributes: attributes(parameters, context),
            created_after: instant("created_after")?,
            created_before: instant("created_before")?,
            updated_after: instant("updated_after")?,
            updated_before: instant("updated_before")?,
            deleted: parsed(parameters, "deleted", value::deleted)?.unwrap_or_default(),
        },
        sort: parsed(parameters, "sort", |text| {
            value::sort(text, |looks_at| context.can_use(looks_at))
        })?
        .unwrap_or_default(),
        fields: parsed(parameters, "fields", |text| {
            value::fields(text, |looks_at| context.can_use(looks_at))
        })?
        .flatten(),
        limit: parsed(parameters, "limit", |text| {
            value::limit(text, context.streamed)
        })?
        .unwrap_or_default(),
        resume: None,
    })
}

/// The values that attributes must have. They are looked for in the sources that the caller may see.
fn attributes(parameters: &QueryString, context: ParseContext<'_>) -> Vec<AttributeFilter> {
    let sent: Vec<_> = parameters.attributes().collect();
    if sent.is_empty() {
        return Vec::new();
    }
    let known = context.attributes.usable(&context.caller.visible);
    let mut places = known.by_name();
    let filters = sent.into_iter().map(|(name, value)| AttributeFilter {
        name: name.to_owned(),
        value: value.to_owned(),
        places: places.remove(name).unwrap_or_default(),
    });
    filters.collect()
}

/// What `parse` makes of the parameter, if it was sent. A refusal names the parameter.
fn parsed<T>(
    parameters: &QueryString,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, QueryError> {
    parameters
        .one(name)
        .map(parse)
        .transpose()
        .map_err(|message| QueryError::parameter(name, format!("`{name}`: {message}")))
}

#[cfg(test)]
mod tests;
