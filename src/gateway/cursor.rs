//! The token that clients get for the next page: opaque, keyset, authenticated.
//!
//! A token is a version, a payload and a MAC over both and the caller, in base64url. The payload
//! says what is asked for, where the page before ended and which sources were missing so far. Nothing
//! is kept on the server, so every replica with the same keys can continue. The payload is signed, not
//! encrypted: it holds nothing that its caller has not seen. A token works only for the identity that
//! it was made for, and only while that caller sees the same sources.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};

use crate::caller::{Caller, Identity};
use crate::plan::Plan;

use super::canonical::DIGEST_BYTES;
use super::query::{Limit, Query, QueryError, Resume};

/// The version of the payload's encoding. Another encoding gets another number.
const VERSION: u8 = 1;

/// How much of the MAC is kept (RFC 2104, section 5, allows half of it).
const TAG_BYTES: usize = 16;

/// How long a token may be: it must fit into a URL beside whatever else is there.
pub const CURSOR_BYTES: usize = 2047;

const REFUSED: &str = "this `cursor` is not valid: it was not issued to this caller by this \
                       gateway, or what the caller may see or the signing keys have changed since; \
                       start over without it";

/// A verified cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// How many groups the page before could hold.
    pub(super) limit: Limit,
    /// Which query it continues.
    pub(super) carried: Carried,
    /// Where the sequence goes on.
    pub resume: Resume,
}

/// What a cursor knows of the query that it continues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Carried {
    /// Its canonical form: the cursor suffices alone.
    Whole(String),
    /// Enough to recognize it: its parameters must be sent again.
    Digest([u8; DIGEST_BYTES]),
}

/// A token, and all that the next request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// The token.
    pub cursor: String,
    /// The whole query string: the token, and the query's parameters where the token is too small
    /// for them.
    pub query: String,
}

/// The keys that cursors are signed and verified with: the first signs, all verify.
#[derive(Clone)]
pub struct Keys {
    signing: Arc<SecretSlice<u8>>,
    retired: Arc<[SecretSlice<u8>]>,
    /// The one that the process made for itself, if it ever lacked any.
    own: Option<Arc<SecretSlice<u8>>>,
    id: Option<KeyId>,
}

/// What stands for the key that signs: the same in every process that has it, and nothing of it can be
/// read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub(super) [u8; 8]);

/// What stands for a caller's sequence of pages: the same on each of them. Nothing of what is asked for can be read
/// from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceId([u8; 8]);

impl SequenceId {
    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Keys {
    /// These keys; without any, a random one that ends with the process.
    pub fn new(keys: Vec<SecretSlice<u8>>) -> Self {
        Self::with_own(keys, None)
    }

    /// The keys of a plan, in the place of these. Of these, only the one that the process made for
    /// itself still verifies: no plan can name it, and nobody else ever had it.
    #[must_use]
    pub fn succeed(&self, plan: &Plan) -> Self {
        Self::with_own(written(plan), self.own.clone())
    }

    fn with_own(keys: Vec<SecretSlice<u8>>, own: Option<Arc<SecretSlice<u8>>>) -> Self {
        let mut keys = keys.into_iter();
        if let Some(signing) = keys.next() {
            return Self {
                id: Some(KeyId::of(&signing)),
                signing: Arc::new(signing),
                retired: keys.collect(),
                own,
            };
        }
        let own = own.unwrap_or_else(|| {
            tracing::warn!(
                "cursors end with this process and work on no other: `[cursor] keys` is not set"
            );
            Arc::new(rand::random::<[u8; 32]>().to_vec().into())
        });
        Self {
            // It is never retired, and every replica has another.
            id: None,
            signing: Arc::clone(&own),
            retired: Arc::default(),
            own: Some(own),
        }
    }

    /// The token with which `caller` goes on with `query` at `resume`, and how to ask for it.
    pub fn sign(&self, caller: &Caller, query: &Query, resume: Resume) -> Continuation {
        let canonical = query.canonical();
        let mut cursor = Cursor {
            limit: query.limit,
            carried: Carried::Whole(canonical.clone()),
            resume,
        };
        let token = self.token(&cursor, caller);
        if token.len() <= CURSOR_BYTES {
            return Continuation {
                query: format!("cursor={token}"),
                cursor: token,
            };
        }
        cursor.carried = Carried::Digest(query.digest());
        let token = self.token(&cursor, caller);
        Continuation {
            query: format!("{canonical}&cursor={token}"),
            cursor: token,
        }
    }

    /// What stands for the pages of what `caller` asks for with `query`.
    pub fn sequence(&self, caller: &Caller, query: &Query) -> SequenceId {
        let mac = mac(
            &self.signing,
            b"groupgate sequence",
            caller,
            &query.digest(),
        );
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        SequenceId(std::array::from_fn(|at| digest[at]))
    }

    /// What stands for the key that signs, where it can be retired.
    pub const fn id(&self) -> Option<KeyId> {
        self.id
    }

    /// The cursor in `token`, if it was made for `caller`.
    pub fn verify(&self, token: &str, caller: &Caller) -> Result<Cursor, QueryError> {
        self.open(token, caller)
            .ok_or_else(|| QueryError::Cursor(REFUSED.to_owned()))
    }

    fn token(&self, cursor: &Cursor, caller: &Caller) -> String {
        let mut bytes = vec![VERSION];
        // Strings, numbers and lists of them: writing those to memory cannot fail.
        bytes.extend(postcard::to_stdvec(cursor).unwrap_or_default());
        let tag = mac(&self.signing, CURSOR, caller, &bytes)
            .finalize()
            .into_bytes();
        bytes.extend_from_slice(&tag[..TAG_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn open(&self, token: &str, caller: &Caller) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, tag) = bytes.split_last_chunk::<TAG_BYTES>()?;
        let (&version, payload) = signed.split_first()?;
        if version != VERSION {
            return None;
        }
        let made_by = |key: &SecretSlice<u8>| {
            mac(key, CURSOR, caller, signed)
                .verify_truncated_left(tag)
                .is_ok()
        };
        let mut others = self.retired.iter().chain(self.own.as_deref());
        if !made_by(&self.signing) && !others.any(made_by) {
            return None;
        }
        postcard::from_bytes(payload).ok()
    }
}

impl From<&Plan> for Keys {
    /// The keys of a plan.
    fn from(plan: &Plan) -> Self {
        Self::new(written(plan))
    }
}

fn written(plan: &Plan) -> Vec<SecretSlice<u8>> {
    let keys = plan.cursor_keys.iter();
    keys.map(|key| key.expose().as_bytes().to_vec().into())
        .collect()
}

impl KeyId {
    fn of(key: &SecretSlice<u8>) -> Self {
        let mut mac = keyed(key);
        mac.update(b"groupgate key id");
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        Self(std::array::from_fn(|at| digest[at]))
    }
}

fn keyed(key: &SecretSlice<u8>) -> Hmac<Sha256> {
    // SHA-512 brings a key of any length to the block of HMAC-SHA256: no key can be refused.
    Hmac::new(&Sha512::digest(key.expose_secret()))
}

/// What the MAC of a cursor begins with.
const CURSOR: &[u8] = b"groupgate cursor";

/// The MAC of what is `signed` for `caller`, to this `end`.
fn mac(key: &SecretSlice<u8>, end: &[u8], caller: &Caller, signed: &[u8]) -> Hmac<Sha256> {
    let mut mac = keyed(key);
    mac.update(end);
    let identity = match &caller.identity {
        Identity::Anonymous => None,
        Identity::Authenticated(digest) => Some(digest),
    };
    let visible = caller.visible.digest();
    // One byte says which of the two digests follow, so that no other pair is written the same way.
    mac.update(&[u8::from(identity.is_some()) | u8::from(visible.is_some()) << 1]);
    for digest in [identity, visible].into_iter().flatten() {
        mac.update(digest);
    }
    mac.update(signed);
    mac
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Keys")
            .field("retired", &self.retired.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
