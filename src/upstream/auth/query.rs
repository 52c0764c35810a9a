//! The query of a URI, written so that nobody who signs or checks it can read it differently.

use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

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

/// The URI with a parameter as its last one. A URL that the upstream gave us for the next page may hold it
/// already.
pub(super) fn with_parameter(uri: &Uri, name: &str, value: &str) -> Result<Uri, AuthError> {
    let is_other = |pair: &&str| {
        let present = pair.split('=').next().unwrap_or_default();
        !percent_decode_str(present).eq(name.bytes())
    };
    let others = uri.query().unwrap_or_default().split('&');
    let mut pairs: Vec<_> = others
        .filter(|pair| !pair.is_empty())
        .filter(is_other)
        .collect();
    let own = format!("{}={}", encode(name), encode(value));
    pairs.push(&own);
    replace(uri, &pairs.join("&"))
}
