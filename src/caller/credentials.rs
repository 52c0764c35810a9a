//! What upstreams may be asked with on a caller's behalf.

use std::sync::Arc;

use http::HeaderMap;
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

    /// What is known of the caller; `None` if it did not authenticate.
    pub fn verified(&self) -> Option<&Verified> {
        self.0.as_deref()
    }
}
