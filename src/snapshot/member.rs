//! Members, as a `member` filter finds them: by hashes first, which say where a look is worth it.

use crate::fold::fold;
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

/// What stands for an id or a folded address in a snapshot: FNV-1a of 64 bits, folded to 32, for snapshots are
/// kept on disk and another release must find their members. Texts that collide cost a look, and no more.
pub(super) fn member_hash(text: &str) -> u32 {
    hash_of(text.bytes())
}

/// The same for an address before it is folded.
pub(super) fn email_hash(text: &str) -> u32 {
    if text.is_ascii() {
        // The fold, letter by letter.
        hash_of(text.bytes().map(|byte| byte.to_ascii_lowercase()))
    } else {
        member_hash(&fold(text))
    }
}

fn hash_of(bytes: impl Iterator<Item = u8>) -> u32 {
    let hash = fnv_1a(bytes);
    (hash ^ hash >> 32) as u32
}

fn fnv_1a(bytes: impl Iterator<Item = u8>) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.fold(BASIS, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{email_hash, fnv_1a, fold, member_hash};

    #[test]
    fn hashes_are_those_of_the_published_algorithm() {
        assert_eq!(fnv_1a("".bytes()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a("a".bytes()), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv_1a("foobar".bytes()), 0x8594_4171_f739_67e8);
        assert_eq!(member_hash("foobar"), 0x8594_4171 ^ 0xf739_67e8);
    }

    proptest! {
        #[test]
        fn an_address_is_hashed_as_its_fold(address in "[ -~]{0,20}|\\PC{0,8}") {
            prop_assert_eq!(email_hash(&address), member_hash(&fold(&address)));
        }
    }
}
