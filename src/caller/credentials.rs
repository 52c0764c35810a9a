//! What upstreams may be asked with on a caller's behalf.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use secrecy::SecretString;
use serde_json::Value;

/// What an authenticated caller brought, and what was verified of it: for upstreams that are asked on
/// its behalf. Nobody who did not authenticate has any.
///
/// It has no `Debug`, for it is the place for secrets.
#[derive(Clone, Default)]
#[expect(
    missing_debug_implementations,
    reason = "what is shown by nothing can be logged by nobody"
)]
pub struct Credentials(Option<Arc<Verified>>);

/// What is known of a caller who authenticated.
#[expect(
    missing_debug_implementations,
    reason = "what is shown by nothing can be logged by nobody"
)]
pub struct Verified {
    /// Who it is, as `{caller.id}` says it: the name of its key, the claim or the name in its
    /// certificate.
    pub id: String,
    /// What its token claims, verified; `null` of a caller without one.
    pub claims: Value,
    /// The token that it authenticated with.
    pub token: Option<SecretString>,
    /// The headers of its request that an upstream forwards.
    pub forwarded: HeaderMap,
}

impl Credentials {
    /// Those of a caller who authenticated.
    pub fn of(verified: Verified) -> Self {
        Self(Some(Arc::new(verified)))
    }

    /// The same with those headers of its request that upstreams forward: `names`, and no others. Nothing
    /// changes for a caller who did not authenticate.
    #[must_use]
    pub fn forwarding(&self, names: &[HeaderName], request: &HeaderMap) -> Self {
        let Some(verified) = self.verified() else {
            return self.clone();
        };
        let mut forwarded = HeaderMap::new();
        for name in names {
            for value in request.get_all(name) {
                forwarded.append(name, value.clone());
            }
        }
        if forwarded.is_empty() && verified.forwarded.is_empty() {
            return self.clone();
        }
        Self::of(Verified {
            id: verified.id.clone(),
            claims: verified.claims.clone(),
            token: verified.token.clone(),
            forwarded,
        })
    }

    /// What is known of the caller; `None` if it did not authenticate.
    pub fn verified(&self) -> Option<&Verified> {
        self.0.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::{AUTHORIZATION, COOKIE};

    use super::*;

    #[test]
    fn only_named_headers_of_a_caller_who_authenticated_are_forwarded() {
        let mut request = HeaderMap::new();
        request.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        request.insert(COOKIE, HeaderValue::from_static("b=c"));
        let names = [AUTHORIZATION];
        let nobody = Credentials::default().forwarding(&names, &request);
        assert!(nobody.verified().is_none());
        let known = Credentials::of(Verified {
            id: "alice".to_owned(),
            claims: Value::Null,
            token: None,
            forwarded: HeaderMap::new(),
        });
        let forwarding = known.forwarding(&names, &request);
        let forwarded = &forwarding.verified().unwrap().forwarded;
        assert_eq!(forwarded.len(), 1);
        assert_eq!(forwarded[AUTHORIZATION], "Bearer a");
        // What it sent before is no part of another request.
        let silent = forwarding.forwarding(&names, &HeaderMap::new());
        assert!(silent.verified().unwrap().forwarded.is_empty());
    }
}
