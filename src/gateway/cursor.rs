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
pub enum Holder {
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

    /// How much memory the cursor takes besides its own value.
    pub(super) fn bytes(&self) -> usize {
        let carried = match &self.carried {
            Carried::Whole(canonical) => canonical.len(),
            Carried::Digest(_) => 0,
        };
        carried + self.mark.bytes() + self.missed.bytes()
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
        let token = self.token(&cursor, &query.holder);
        if token.len() <= CURSOR_BYTES {
            return Continuation {
                query: format!("cursor={token}"),
                cursor: token,
            };
        }
        cursor.carried = Carried::Digest(query.digest());
        let token = self.token(&cursor, &query.holder);
        Continuation {
            query: format!("{canonical}&cursor={token}"),
            cursor: token,
        }
    }

    /// The cursor in `token`, if we made it for `caller`.
    pub fn verify(&self, token: &str, holder: &Holder) -> Result<Cursor, QueryError> {
        self.open(token, holder)
            .ok_or_else(|| QueryError::Cursor(REFUSED.to_owned()))
    }

    fn token(&self, cursor: &Cursor, holder: &Holder) -> String {
        let mut bytes = vec![VERSION];
        // Strings, numbers and lists of them: writing those to memory cannot fail.
        bytes.extend(postcard::to_stdvec(cursor).unwrap_or_default());
        let tag = mac(&self.signing, holder, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn open(&self, token: &str, holder: &Holder) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, tag) = bytes.split_last_chunk::<TAG_BYTES>()?;
        let (&version, payload) = signed.split_first()?;
        if version != VERSION {
            return None;
        }
        let made_by =
            |key: &SecretSlice<u8>| mac(key, holder, signed).verify_truncated_left(tag).is_ok();
        if !made_by(&self.signing) && !self.retired.iter().any(made_by) {
            return None;
        }
        postcard::from_bytes(payload).ok()
    }
}

/// The MAC of what is `signed` for `holder`.
fn mac(key: &SecretSlice<u8>, holder: &Holder, signed: &[u8]) -> Hmac<Sha256> {
    // SHA-512 brings a key of any length to the block of HMAC-SHA256: no key can be refused.
    let mut mac = Hmac::new(&Sha512::digest(key.expose_secret()));
    mac.update(b"groupgate cursor");
    match holder {
        Holder::Anyone => mac.update(&[0]),
        Holder::Digest(digest) => {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::gateway::missed::NAMED;
    use crate::gateway::query::Vocabulary;
    use crate::snapshot::Snapshot;
    use crate::snapshot::tests::group;
    use crate::snapshot::{NAME_KEY_BYTES, SOURCE_ID_BYTES};

    fn keys(seeds: &[u8]) -> Keys {
        Keys::new(seeds.iter().map(|seed| vec![*seed; 32].into()).collect())
    }

    fn parse(raw: &str, holder: &Holder, keys: &Keys) -> Result<Query, QueryError> {
        let vocabulary = Vocabulary {
            sources: &["a", "b"],
            streamed: false,
            holder,
            keys,
        };
        Query::parse(raw, vocabulary)
    }

    fn query(raw: &str) -> Query {
        parse(raw, &Holder::Anyone, &keys(&[1])).unwrap()
    }

    fn mark() -> Mark {
        Snapshot::new("a".into(), vec![group("a", "1", "Ärzte")])
            .row(0)
            .into()
    }

    fn sign(query: &Query, keys: &Keys) -> Continuation {
        keys.sign(query, mark(), Missed::default())
    }

    fn refused<T: fmt::Debug>(result: Result<T, QueryError>) -> bool {
        matches!(result, Err(QueryError::Cursor(_)))
    }

    #[test]
    fn a_cursor_alone_brings_the_whole_query_along() {
        let begun = query("search=x&sort=-name&fields=name&source=a&limit=7");
        let next = sign(&begun, &keys(&[1]));
        assert_eq!(next.query, format!("cursor={}", next.cursor));
        let continued = query(&next.query);
        assert_eq!(continued.cursor.as_ref().map(Cursor::mark), Some(&mark()));
        assert_eq!(
            Query {
                cursor: None,
                ..continued
            },
            begun
        );
    }

    #[test]
    fn parameters_sent_with_a_cursor_must_agree_except_limit() {
        let next = sign(&query("search=sales&sort=-name"), &keys(&[1])).query;
        for agreeing in [
            "search=SALES",
            "sort=-name&search=sales",
            "limit=3",
            "deleted=exclude",
        ] {
            assert!(query(&format!("{next}&{agreeing}")).cursor.is_some());
        }
        assert_eq!(query(&format!("{next}&limit=3")).limit, Limit::Page(3));
        let refusals = ["search=sale", "sort=name", "status=x", "fields=name"]
            .map(|differing| {
                let raw = format!("{next}&{differing}");
                let refusal = parse(&raw, &Holder::Anyone, &keys(&[1])).unwrap_err();
                format!("{differing}: {refusal}")
            })
            .join("\n");
        insta::assert_snapshot!(refusals);
    }

    #[test]
    fn a_query_too_long_for_a_cursor_is_sent_again_beside_it() {
        let long = format!("search={}&limit=7", "x".repeat(2 * CURSOR_BYTES));
        let next = sign(&query(&long), &keys(&[1]));
        assert!(next.cursor.len() < 200);
        let continued = query(&next.query);
        assert_eq!(continued.limit, Limit::Page(7));
        assert!(continued.cursor.is_some());
        let alone = parse(
            &format!("cursor={}", next.cursor),
            &Holder::Anyone,
            &keys(&[1]),
        );
        insta::assert_snapshot!(alone.unwrap_err());
    }

    #[test]
    fn a_cursor_stays_below_two_kilobytes_in_the_worst_case() {
        let source = "s".repeat(64);
        let mut worst = group(
            &source,
            &"i".repeat(SOURCE_ID_BYTES),
            &"\u{fdfa}".repeat(400),
        );
        worst.created_at = Some("-009999-01-02T01:59:59.123456789Z".parse().unwrap());
        worst.updated_at = worst.created_at;
        let snapshot = Snapshot::new(source.into(), vec![worst]);
        assert_eq!(snapshot.row(0).name().len(), NAME_KEY_BYTES);
        let mut missed = Missed::default();
        for number in 0..2 * NAMED {
            missed.note(&number.to_string(), ErrorKind::CircuitOpen);
        }
        for search in [1, 100, 900] {
            let query = query(&format!("limit=1000&search={}", "é".repeat(search)));
            let next = keys(&[1]).sign(&query, snapshot.row(0).into(), missed.clone());
            assert!(next.cursor.len() <= CURSOR_BYTES, "{}", next.cursor.len());
        }
    }

    #[test]
    fn a_cursor_is_url_safe() {
        let token = sign(&query(""), &keys(&[1])).cursor;
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        assert!(token.bytes().all(safe), "{token}");
    }

    #[test]
    fn the_first_key_signs_and_every_key_verifies() {
        let token = sign(&query(""), &keys(&[1, 2])).cursor;
        for verifying in [keys(&[1]), keys(&[3, 1]), keys(&[2, 3, 1])] {
            assert!(verifying.verify(&token, &Holder::Anyone).is_ok());
        }
        assert!(refused(keys(&[2, 3]).verify(&token, &Holder::Anyone)));
    }

    #[test]
    fn without_keys_every_process_has_its_own() {
        let (ours, theirs) = (keys(&[]), keys(&[]));
        let token = sign(&query(""), &ours).cursor;
        assert!(ours.verify(&token, &Holder::Anyone).is_ok());
        assert!(refused(theirs.verify(&token, &Holder::Anyone)));
    }

    #[test]
    fn a_cursor_works_for_nobody_but_its_caller() {
        let holders = [
            Holder::Anyone,
            Holder::Digest([0; 32]),
            Holder::Digest([1; 32]),
        ];
        let keys = keys(&[1]);
        for holder in &holders {
            let begun = parse("", holder, &keys).unwrap();
            let token = sign(&begun, &keys).cursor;
            for other in &holders {
                assert_eq!(keys.verify(&token, other).is_ok(), holder == other);
            }
        }
    }

    #[test]
    fn a_cursor_of_another_version_is_refused_although_its_mac_is_right() {
        let keys = keys(&[1]);
        let mut bytes = vec![VERSION + 1];
        let tag = mac(&keys.signing, &Holder::Anyone, &bytes).finalize();
        bytes.extend_from_slice(&tag.into_bytes()[..TAG_BYTES]);
        let token = URL_SAFE_NO_PAD.encode(bytes);
        assert!(refused(keys.verify(&token, &Holder::Anyone)));
    }

    #[test]
    fn a_cursor_whose_source_is_gone_says_to_start_over() {
        let keys = keys(&[1]);
        let token = sign(&query("source=b"), &keys).query;
        let vocabulary = Vocabulary {
            sources: &["a"],
            streamed: false,
            holder: &Holder::Anyone,
            keys: &keys,
        };
        assert!(refused(Query::parse(&token, vocabulary)));
    }

    #[test]
    fn keys_are_never_shown() {
        assert_eq!(format!("{:?}", keys(&[42, 43])), "Keys { retired: 1, .. }");
    }

    proptest! {
        #[test]
        fn a_cursor_with_any_byte_changed_or_cut_is_refused(
            place in any::<prop::sample::Index>(),
            letter in "[A-Za-z0-9_-]",
        ) {
            let keys = keys(&[1]);
            let token = sign(&query("search=x"), &keys).cursor;
            let place = place.index(token.len());
            let cut = &token[..place];
            prop_assert!(refused(keys.verify(cut, &Holder::Anyone)));
            let changed = format!("{cut}{letter}{}", &token[place + 1..]);
            prop_assume!(changed != token);
            prop_assert!(refused(keys.verify(&changed, &Holder::Anyone)));
        }

        #[test]
        fn garbage_is_no_cursor(garbage in "\\PC*") {
            prop_assert!(refused(keys(&[1]).verify(&garbage, &Holder::Anyone)));
        }
    }
}
