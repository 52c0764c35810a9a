//! The query of a URI, written so that nobody who signs or checks it can read it differently.

use http::Uri;
use http::uri::PathAndQuery;

use super::AuthError;

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
