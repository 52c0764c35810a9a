//! The token that clients get for the next page: opaque, keyset, authenticated.
//!
//! A token is a version, a payload and a MAC over both and the caller, in base64url. The payload
//! says what is asked for, where the page before ended and which sources the sequence has missed;
//! nothing is kept on the server, so every replica with the same keys can go on. The payload is
//! signed, not encrypted: it holds nothing that its caller has not seen.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};

use super::canonical::DIGEST_BYTES;
use super::mark::Mark;
use super::missed::Missed;
use super::query::{Limit, Query, QueryError};

/// What the payload's shape is called. Another shape gets another number.
const VERSION: u8 = 1;

/// How much of the MAC is kept (RFC 2104, section 5, allows half of it).
const TAG_BYTES: usize = 16;

/// How long a token may be: it must fit into a URL beside whatever else is there.
pub const CURSOR_BYTES: usize = 2047;

const REFUSED: &str = "the `cursor` was not made by this gateway for this caller, or the keys have \
                       changed since: start over without it";

/// Who a cursor was made for. A cursor works for nobody else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Callers are not authenticated: anybody.
    #[default]
    Anyone,
    /// One authenticated caller, by digest.
    Digest([u8; 32]),
}

/// A verified cursor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    limit: Limit,
    carried: Carried,
    mark: Mark,
    missed: Missed,
}

/// What a cursor knows of the query that it continues.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

impl Cursor {
    /// How many groups the page before could hold.
    pub(super) const fn limit(&self) -> Limit {
        self.limit
    }

    pub(super) const fn carried(&self) -> &Carried {
        &self.carried
    }

    /// Where the page before ended.
    pub const fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Which sources the pages before have missed.
    pub const fn missed(&self) -> &Missed {
        &self.missed
    }
}

/// The keys that cursors are signed and verified with: the first signs, all verify.
#[derive(Clone)]
pub struct Keys {
    signing: Arc<SecretSlice<u8>>,
    retired: Arc<[SecretSlice<u8>]>,
}

impl Keys {
    /// These keys; without any, a random one that ends with the process.
    pub fn new(keys: Vec<SecretSlice<u8>>) -> Self {
        let mut keys = keys.into_iter();
        let signing = keys.next().unwrap_or_else(|| {
            tracing::warn!(
                "cursors end with this process and work on no other: `[cursor] keys` is not set"
            );
            rand::random::<[u8; 32]>().to_vec().into()
        });
        Self {
            signing: Arc::new(signing),
            retired: keys.collect(),
        }
    }

    /// The token for the page of `query` after `mark`, and how to ask for it.
    pub fn sign(&self, query: &Query, mark: Mark, missed: Missed) -> Continuation {
        let canonical = query.canonical();
        let mut cursor = Cursor {
            limit: query.limit,
            carried: Carried::Whole(canonical.clone()),
            mark,
            missed,
        };
        let token = self.token(&cursor, &query.caller);
        if token.len() <= CURSOR_BYTES {
            return Continuation {
                query: format!("cursor={token}"),
                cursor: token,
            };
        }
        cursor.carried = Carried::Digest(query.digest());
        let token = self.token(&cursor, &query.caller);
        Continuation {
            query: format!("{canonical}&cursor={token}"),
            cursor: token,
        }
    }

    /// The cursor in `token`, if we made it for `caller`.
    pub fn verify(&self, token: &str, caller: &Caller) -> Result<Cursor, QueryError> {
        self.open(token, caller)
            .ok_or_else(|| QueryError::Cursor(REFUSED.to_owned()))
    }

    fn token(&self, cursor: &Cursor, caller: &Caller) -> String {
        let mut bytes = vec![VERSION];
        // Strings, numbers and lists of them: writing those to memory cannot fail.
        bytes.extend(postcard::to_stdvec(cursor).unwrap_or_default());
        let tag = mac(&self.signing, caller, &bytes).finalize().into_bytes();
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
            mac(key, caller, signed)
                .verify_truncated_left(tag)
                .is_ok()
        };
        if !made_by(&self.signing) && !self.retired.iter().any(made_by) {
            return None;
        }
        postcard::from_bytes(payload).ok()
    }
}

/// The MAC of what is `signed` for `caller`.
fn mac(key: &SecretSlice<u8>, caller: &Caller, signed: &[u8]) -> Hmac<Sha256> {
    // SHA-512 brings a key of any length to the block of HMAC-SHA256: no key can be refused.
    let mut mac = Hmac::new(&Sha512::digest(key.expose_secret()));
    mac.update(b"groupgate cursor");
    match caller {
        Caller::Anyone => mac.update(&[0]),
        Caller::Digest(digest) => {
            mac.update(&[1]);
            mac.update(digest);
        }
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
