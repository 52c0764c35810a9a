//! Credentials that are the same in every request: bearer, basic, and keys.

use bytes::Bytes;
use http::Request;

use super::{AuthError, query};
use crate::plan::Fixed;

impl Fixed {
    pub(super) fn sign(&self, request: &mut Request<Bytes>) -> Result<(), AuthError> {
        match self {
            Self::Header { name, value } => {
                request.headers_mut().insert(name, value.clone());
            }
            Self::Query { name, key } => {
                *request.uri_mut() = query::with_parameter(request.uri(), name, key.expose())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::upstream::auth::tests::{get, resolve, signed};

    #[rstest]
    #[case(
        "https://example.com/groups",
        "https://example.com/groups?api%20key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY"
    )]
    #[case(
        "https://example.com/groups?a=b%20c&d",
        "https://example.com/groups?a=b%20c&d&api%20key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY"
    )]
    #[case(
        "https://example.com/groups?%61pi%20key=old&a=b",
        "https://example.com/groups?a=b&api%20key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY"
    )]
    fn a_key_in_the_query_is_encoded_and_there_once(#[case] uri: &str, #[case] expected: &str) {
        let auth =
            resolve("type = 'api_key'\nkey = { env = 'SECRET' }\nquery = 'api key'").unwrap();
        let once = signed(&auth, get(uri));
        assert_eq!(once.uri(), expected);
        assert_eq!(signed(&auth, once).uri(), expected);
    }
}
