//! Members, as a `member` filter finds them: by hashes first, which say where a look is worth it.

use crate::fold::{BEYOND_ASCII, fold, lowercase_of_ascii};
use crate::group::Member;

/// Whom a `member` filter asks for.
#[derive(Debug, Clone)]
pub struct MemberKey {
    id: String,
    email: String,
    pub(super) id_hash: u32,
    pub(super) email_hash: u32,
}

impl MemberKey {
    /// The account with this id or e-mail address.
    pub fn new(member: &str) -> Self {
        let email = fold(member).into_owned();
        Self {
            id_hash: member_hash(member),
            email_hash: email_hash(member),
            id: member.to_owned(),
            email,
        }
    }

    /// Whether it is this member that is asked for.
    pub(super) fn matches(&self, member: &Member) -> bool {
        member.id.as_deref() == Some(&self.id)
            || member
                .email
                .as_deref()
                .is_some_and(|email| fold(email) == self.email)
    }
}

/// What stands for an id or a folded address in a snapshot. Texts that collide cost a look, and no more.
///
/// Snapshots are kept on disk and another release must find their members: the hash may not change without the
/// version of their encoding.
pub(super) fn member_hash(text: &str) -> u32 {
    hash_of_words(text.as_bytes(), |word| word)
}

/// The same for an address before it is folded.
pub(super) fn email_hash(text: &str) -> u32 {
    let mut all = 0;
    // The fold of ASCII, eight letters at a time.
    let hash = hash_of_words(text.as_bytes(), |letters| {
        all |= letters;
        lowercase_of_ascii(letters & !BEYOND_ASCII)
    });
    if all & BEYOND_ASCII == 0 {
        hash
    } else {
        member_hash(&fold(text))
    }
}

/// Words of eight bytes, each multiplied into those before it. The last one overlaps them, where the text is not a
/// multiple of them long.
fn hash_of_words(text: &[u8], mut fold: impl FnMut(u64) -> u64) -> u32 {
    let (words, rest) = text.as_chunks::<8>();
    let mut hash = text.len() as u64;
    for word in words {
        hash = mixed(hash ^ fold(u64::from_le_bytes(*word)));
    }
    if !rest.is_empty() {
        let last = text.last_chunk().map_or_else(
            || (rest.iter().rev()).fold(0, |word, byte| word << 8 | u64::from(*byte)),
            |last| u64::from_le_bytes(*last),
        );
        hash = mixed(hash ^ fold(last));
    }
    (hash ^ hash >> 32) as u32
}

/// Every bit of a word has a part in every bit of this one: the two halves of its product with a large odd number.
const fn mixed(word: u64) -> u64 {
    /// 2^64 divided by the golden ratio.
    const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
    let product = word as u128 * FACTOR;
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::{email_hash, fold, member_hash};

    /// These are on disk.
    #[test]
    fn hashes_are_the_same_in_every_release_of_one_encoding() {
        for (text, hash) in [
            ("", 0x0000_0000),
            ("a", 0xef23_2254),
            ("foobar", 0xa9e1_17a5),
            ("12345678", 0xddaa_e91b),
            ("0e3b3b52-9a0e-4d24-9d5c-2f6f6f0f9d11", 0x8250_0324),
        ] {
            assert_eq!(member_hash(text), hash, "{text}");
        }
    }

    #[test]
    fn hashes_of_numbered_accounts_differ() {
        for id in [
            |number| format!("{number}"),
            |number| format!("user-{number:08}@example.com"),
        ] {
            let hashes: HashSet<_> = (0..100_000)
                .map(|number| member_hash(&id(number)))
                .collect();
            // Of so many that are drawn at random, one or two collide.
            assert!(hashes.len() > 99_980, "{} of 100,000", hashes.len());
        }
    }

    proptest! {
        #[test]
        fn an_address_is_hashed_as_its_fold(address in "[\0-\x7f]{0,20}|\\PC{0,8}") {
            prop_assert_eq!(email_hash(&address), member_hash(&fold(&address)));
        }
    }
}
