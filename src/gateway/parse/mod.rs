//! From the raw query string of a request to a [`Query`].

use crate::fold::fold;

use super::cursor::Carried;
use super::filter::Filter;
use super::form::Form;
use super::query::{CANONICAL_BYTES, Query, QueryError, Vocabulary};

mod value;

impl Query {
    /// Parses the raw query string of a request.
    ///
    /// A cursor brings the whole query along; what is sent with it must agree, except `limit`.
    pub fn parse(raw: &str, vocabulary: Vocabulary<'_>) -> Result<Self, QueryError> {
        let form = Form::parse(raw)?;
        let sent = read(&form, vocabulary)?;
        let length = sent.canonical().len();
        if length > CANONICAL_BYTES {
            return Err(QueryError::TooLong(length));
        }
        match form.one("cursor") {
            None => Ok(sent),
            Some(token) => resume(token, sent, &form, vocabulary),
        }
    }
}

/// The query that `token` continues, as long as what was `sent` with it agrees.
fn resume(
    token: &str,
    sent: Query,
    form: &Form,
    vocabulary: Vocabulary<'_>,
) -> Result<Query, QueryError> {
    let cursor = vocabulary.keys.verify(token, vocabulary.holder)?;
    let limit = match form.one("limit") {
        Some(_) => sent.limit,
        None => cursor.limit(),
    };
    let begun = match cursor.carried() {
        Carried::Whole(canonical) => {
            let begun = recall(canonical, vocabulary)?;
            agree(&sent, &begun, form)?;
            begun
        }
        Carried::Digest(digest) if sent.digest() == *digest => sent,
        Carried::Digest(_) => {
            let message = "this `cursor` is too small for its query: send the query's other \
                           parameters with it, as the `Link` header does";
            return Err(QueryError::parameter("cursor", message));
        }
    };
    Ok(Query {
        limit,
        cursor: Some(cursor),
        ..begun
    })
}

/// The query that a cursor carries. It was sound when it was written; what it names may be gone.
fn recall(canonical: &str, vocabulary: Vocabulary<'_>) -> Result<Query, QueryError> {
    Form::parse(canonical)
        .and_then(|form| read(&form, vocabulary))
        .map_err(|error| {
            QueryError::Cursor(format!(
                "the `cursor` continues a query that can no longer be answered: {error}"
            ))
        })
}

fn agree(sent: &Query, begun: &Query, form: &Form) -> Result<(), QueryError> {
    let differs = |name: &&str| !sent.values(name).eq(&begun.values(name));
    match form.names().find(differs) {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "`{name}` is not what the `cursor` was made for: leave it out, or start over \
                 without the cursor"
            );
            Err(QueryError::parameter(name, message))
        }
    }
}

/// Everything but the cursor.
fn read(form: &Form, vocabulary: Vocabulary<'_>) -> Result<Query, QueryError> {
    let text = |name| form.one(name).map(str::to_owned);
    let instant = |name| parsed(form, name, value::instant);
    Ok(Query {
        filter: Filter {
            search: form.one("search").map(|text| fold(text).into_owned()),
            sources: parsed(form, "source", |text| {
                value::sources(text, vocabulary.sources)
            })?,
            ids: value::ids(form)?,
            status: form.one("status").map(str::to_lowercase),
            organization_id: text("organization_id"),
            external_id: text("external_id"),
            member: text("member"),
            created_after: instant("created_after")?,
            created_before: instant("created_before")?,
            updated_after: instant("updated_after")?,
            updated_before: instant("updated_before")?,
            deleted: parsed(form, "deleted", value::deleted)?.unwrap_or_default(),
        },
        sort: parsed(form, "sort", value::sort)?.unwrap_or_default(),
        fields: parsed(form, "fields", value::fields)?.flatten(),
        limit: parsed(form, "limit", |text| {
            value::limit(text, vocabulary.streamed)
        })?
        .unwrap_or_default(),
        cursor: None,
        holder: vocabulary.holder.clone(),
    })
}

/// What `parse` makes of the parameter, if it was sent. A refusal names the parameter.
fn parsed<T>(
    form: &Form,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, QueryError> {
    form.one(name)
        .map(parse)
        .transpose()
        .map_err(|message| QueryError::parameter(name, format!("`{name}`: {message}")))
}

#[cfg(test)]
mod tests;
