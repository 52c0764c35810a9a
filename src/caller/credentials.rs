//! What upstreams may be asked with on a caller's behalf.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::json::heap_bytes;

/// What an authenticated caller brought, and what was verified of it: for upstreams that are asked on
/// its behalf. Nobody who did not authenticate has any.
///
/// It has no `Debug`, for it is the place for secrets.
#[derive(Clone, Default)]
#[expect(
    missing_debug_implementations,
    reason = "what is shown by nothing can be logged by nobody"
)]
pub struct Credentials {
    verified: Option<Arc<Verified>>,
    /// What of its request is forwarded. Other requests of the same caller have others.
    forwarded: Option<Arc<HeaderMap>>,
}

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
    /// The headers of its request that an upstream forwards: [`Credentials::of`] takes them.
    pub forwarded: HeaderMap,
}

impl Verified {
    /// How much memory it takes.
    pub fn bytes(&self) -> usize {
        let token = self.token.as_ref().map(|token| token.expose_secret().len());
        size_of::<Self>() + self.id.len() + heap_bytes(&self.claims) + token.unwrap_or(0)
    }
}

impl Credentials {
    /// Those of a caller who authenticated.
    pub fn of(mut verified: Verified) -> Self {
        let forwarded = std::mem::take(&mut verified.forwarded);
        Self {
            verified: Some(Arc::new(verified)),
            forwarded: (!forwarded.is_empty()).then(|| Arc::new(forwarded)),
        }
    }

    /// The same with those headers of its request that upstreams forward: `names`, and no others. Nothing
    /// changes for a caller who did not authenticate.
    #[must_use]
    pub fn forwarding<'a>(
        &self,
        names: impl IntoIterator<Item = &'a HeaderName>,
        request: &HeaderMap,
    ) -> Self {
        let Some(verified) = &self.verified else {
            return self.clone();
        };
        let mut forwarded = HeaderMap::new();
        for name in names {
            for value in request.get_all(name) {
                forwarded.append(name, value.clone());
            }
        }
        Self {
            verified: Some(Arc::clone(verified)),
            forwarded: (!forwarded.is_empty()).then(|| Arc::new(forwarded)),
        }
    }

    /// What is known of the caller; `None` if it did not authenticate.
    pub fn verified(&self) -> Option<&Verified> {
        self.verified.as_deref()
    }

    /// The headers of its request that an upstream forwards, if there are any.
    pub fn forwarded(&self) -> Option<&HeaderMap> {
        self.forwarded.as_deref()
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
        let forwarded = forwarding.forwarded().unwrap();
        assert_eq!(forwarded.len(), 1);
        assert_eq!(forwarded[AUTHORIZATION], "Bearer a");
        // What it sent before is no part of another request.
        let silent = forwarding.forwarding(&names, &HeaderMap::new());
        assert!(silent.forwarded().is_none());
        // Nothing of what is known is copied for a request.
        let same = [&known, &forwarding]
            .map(|credentials| std::ptr::from_ref(credentials.verified().unwrap()));
        assert_eq!(same[0], same[1]);
    }
}
