//! Members, as a `member` filter finds them: by hashes first, which say where a look is worth it.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::fold::fold;
use crate::group::Member;

/// Whom a `member` filter asks for.
#[derive(Debug, Clone)]
pub struct MemberKey {
    id: String,
    email: String,
    pub(super) id_hash: u64,
    pub(super) email_hash: u64,
}

impl MemberKey {
    /// The account with this id or e-mail address.
    pub fn new(member: &str) -> Self {
        let email = fold(member).into_owned();
        Self {
            id_hash: member_hash(member),
            email_hash: member_hash(&email),
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

/// What stands for an id or a folded address in a snapshot.
pub(super) fn member_hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}
