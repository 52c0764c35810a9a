//! The query of a URI, written so that nobody who signs or checks it can read it differently.

use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::AuthError;
use crate::percent::encode;

/// The same URI with another query.
pub(super) fn replace(uri: &Uri, query: &str) -> Result<Uri, AuthError> {
    let path_and_query = match query {
        "" => uri.path().to_owned(),
        query => format!("{}?{query}", uri.path()),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query =
        Some(PathAndQuery::try_from(path_and_query).map_err(|_| AuthError::Uri)?);
    Uri::from_parts(parts).map_err(|_| AuthError::Uri)
}

/// The same query, with everything but unreserved characters percent-encoded, so that `+` and `*` can be read in
/// one way.
pub(super) fn strict(uri: &Uri) -> Result<Uri, AuthError> {
    let pairs: Vec<_> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .map(|(name, value)| format!("{}={}", encode(&name), encode(&value)))
        .collect();
    replace(uri, &pairs.join("&"))
}

/// The URI with a parameter as its last one. A URL that the upstream gave us for the next page may hold it
/// already.
pub(super) fn with_parameter(uri: &Uri, name: &str, value: &str) -> Result<Uri, AuthError> {
    let own = format!("{}={}", encode(name), encode(value));
    let mut pairs = others(uri, &[name]);
    pairs.push(&own);
    replace(uri, &pairs.join("&"))
}

/// The URI without the parameters of these names.
pub(super) fn without(uri: &Uri, names: &[&str]) -> Result<Uri, AuthError> {
    replace(uri, &others(uri, names).join("&"))
}

/// The parameters of other names, as they are written.
fn others<'u>(uri: &'u Uri, names: &[&str]) -> Vec<&'u str> {
    let is_other = |pair: &&str| {
        let present = pair.split('=').next().unwrap_or_default();
        let is_named = |name: &&str| percent_decode_str(present).eq(name.bytes());
        !pair.is_empty() && !names.iter().any(is_named)
    };
    let pairs = uri.query().unwrap_or_default().split('&');
    pairs.filter(is_other).collect()
}
