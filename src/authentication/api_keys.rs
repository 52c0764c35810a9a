//! Callers with API keys.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::hex::hex;
use crate::plan::{Callers, KeyHash};

use super::known_caller::{CredentialKind, KnownCaller};

/// The hash of a key, as the configuration has it.
pub fn hash_of_key(key: &[u8]) -> KeyHash {
    KeyHash(Sha256::digest(key).into())
}

/// What keys begin with, so that whoever finds one knows what it is.
const PREFIX: &str = "gg_";

/// A new key of 256 random bits.
pub fn new_key() -> String {
    let bits: [u8; 32] = rand::random();
    format!("{PREFIX}{}", hex(&bits))
}

/// The callers with keys, by the first bytes of the hashes. How long it takes to find one tells no more
/// than whether some hash begins like that of a guess: nobody can choose a key by its hash.
#[derive(Debug, Default)]
pub(super) struct KeyTable(HashMap<[u8; 8], Vec<HashedKey>>);

#[derive(Debug)]
struct HashedKey {
    hash: KeyHash,
    caller: Arc<KnownCaller>,
}

impl KeyTable {
    pub(super) fn new(callers: &Callers) -> Self {
        let mut table = Self::default();
        for (name, key) in &callers.keys {
            let caller = KnownCaller::new(CredentialKind::Key, name, &key.grants, callers);
            let caller = Arc::new(caller);
            for &hash in &key.hashes {
                let caller = Arc::clone(&caller);
                let begins_alike = table.0.entry(beginning(&hash)).or_default();
                begins_alike.push(HashedKey { hash, caller });
            }
        }
        table
    }

    /// The caller with this key.
    pub(super) fn find(&self, key: &[u8]) -> Option<Arc<KnownCaller>> {
        let hash = hash_of_key(key);
        let begins_alike = self.0.get(&beginning(&hash))?;
        let mut found = begins_alike.iter();
        let found = found.find(|known| known.hash.0.ct_eq(&hash.0).into());
        found.map(|known| Arc::clone(&known.caller))
    }
}

fn beginning(hash: &KeyHash) -> [u8; 8] {
    hash.0.first_chunk().copied().unwrap_or_default()
}
