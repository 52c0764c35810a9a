//! A request, encoded: literals as they are, secrets as whoever encodes it says.

use std::collections::BTreeMap;

use super::encoding::{CanonicalTable, CanonicalValue, Encode as _};
use crate::config::Secret;
use crate::config::upstream::{Json, Request, Text, Values};

/// Encodes what a request sends. `secret` stands in for each secret.
pub(super) fn encode<E>(
    request: &Request,
    secret: &dyn Fn(&Secret) -> Result<CanonicalValue, E>,
) -> Result<CanonicalTable, E> {
    let Request {
        method,
        path,
        query,
        headers,
        json,
        form,
        body,
        vars,
        // How often it may be sent changes nothing about the answer.
        idempotent: _,
    } = request;
    let text = |text: &Text| self::text(text, secret);
    let values = |values: &Values| -> Result<Vec<CanonicalValue>, E> {
        values.as_slice().iter().map(text).collect()
    };
    let form = form.as_ref().map(|form| each(form, values)).transpose()?;
    let json = json.as_ref().map(|json| self::json(json, secret));
    Ok(CanonicalTable::default()
        .put_changed("method", &method.unwrap_or_default())
        .put("path", path)
        .put("query", &each(query, values)?)
        .put("headers", &each(headers, text)?)
        .put("json", &json.transpose()?)
        .put("form", &form)
        .put("body", &body.as_ref().map(text).transpose()?)
        .put("vars", &each(vars, text)?))
}

/// Encodes the claims of a token that is signed here.
pub(super) fn claims<E>(
    claims: &BTreeMap<String, Json>,
    secret: &dyn Fn(&Secret) -> Result<CanonicalValue, E>,
) -> Result<BTreeMap<String, CanonicalValue>, E> {
    each(claims, |claim| json(claim, secret))
}

/// Encodes texts that may be secrets, by their names.
pub(super) fn texts<E>(
    texts: &BTreeMap<String, Text>,
    secret: &dyn Fn(&Secret) -> Result<CanonicalValue, E>,
) -> Result<BTreeMap<String, CanonicalValue>, E> {
    each(texts, |text| self::text(text, secret))
}

/// Encodes a text that may be a secret.
pub(super) fn text<E>(
    text: &Text,
    secret: &dyn Fn(&Secret) -> Result<CanonicalValue, E>,
) -> Result<CanonicalValue, E> {
    match text {
        Text::Literal(literal) => Ok(CanonicalValue::Text(literal.clone())),
        Text::Secret(named) => secret(named),
    }
}

fn json<E>(
    json: &Json,
    secret: &dyn Fn(&Secret) -> Result<CanonicalValue, E>,
) -> Result<CanonicalValue, E> {
    // A number is told from a text that looks like it, and an object from what tells it.
    let tagged =
        |tag, text: String| CanonicalValue::Table(CanonicalTable::default().put(tag, &text));
    Ok(match json {
        Json::Text(text) => CanonicalValue::Text(text.clone()),
        Json::Integer(number) => tagged("integer", number.to_string()),
        Json::Float(number) => tagged("float", number.to_string()),
        Json::Number(digits) => tagged("float", digits.clone()),
        Json::Bool(bool) => tagged("bool", bool.to_string()),
        Json::Secret(named) => secret(named)?,
        Json::List(items) => {
            let items = items.iter().map(|item| self::json(item, secret));
            CanonicalValue::List(items.collect::<Result<_, E>>()?)
        }
        Json::Object(members) => {
            let members = each(members, |member| self::json(member, secret))?;
            let members = members.encode().unwrap_or(CanonicalValue::List(Vec::new()));
            CanonicalValue::Table(CanonicalTable::default().put("object", &members))
        }
    })
}

fn each<T, V, E>(
    values: &BTreeMap<String, T>,
    encode: impl Fn(&T) -> Result<V, E>,
) -> Result<BTreeMap<String, V>, E> {
    let values = values.iter();
    values
        .map(|(name, value)| Ok((name.clone(), encode(value)?)))
        .collect()
}
