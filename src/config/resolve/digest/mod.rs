//! What a list of groups depends on, as two digests: its shape, and the account it was read with.
//!
//! A snapshot is kept under both, in memory and on disk. Another shape or another account is another
//! key, so a list is never served for settings that would have brought another one. What only says
//! how an upstream is treated (limits, breaker, freshness, how it is reached) is in neither: whoever
//! gives an upstream more time during an outage, and starts again, still finds the list from before.
//!
//! Both are taken over a canonical encoding ([`encoding`]) in which keys at their defaults are left
//! out, so that a release with a new key still finds what an older one wrote. A test holds the
//! digests of the shipped `gateway.toml`; where it fails, every list on disk would be read anew.

mod account;
use account::Secrets;

mod encoding;
mod fields;
mod paging;
mod pushdown;
mod related;
mod request;
mod shape;

#[cfg(test)]
mod tests;

use sha2::{Digest as _, Sha256};

use crate::config::secret::SecretError;
use crate::config::{SecretReader, Upstream};
use crate::plan::{Account, Shape};

/// The shape of an upstream's list.
pub(crate) fn shape_of(upstream: &Upstream) -> Shape {
    let mut hash = Sha256::new_with_prefix(b"groupgate shape 1\n");
    hash.update(shape::of(upstream).to_bytes());
    Shape::new(half(&hash.finalize().into()))
}

/// The account that an upstream is asked with.
pub(crate) fn account_of(
    upstream: &Upstream,
    secrets: &SecretReader<'_>,
) -> Result<Account, SecretError> {
    account(upstream, &Secrets::Hashed(secrets))
}

/// The same as it is written: of secrets only counts where they are.
pub(crate) fn written_account_of(upstream: &Upstream) -> Result<Account, SecretError> {
    account(upstream, &Secrets::Named)
}

fn account(upstream: &Upstream, secrets: &Secrets<'_>) -> Result<Account, SecretError> {
    let encoded = account::of(upstream, secrets)?.to_bytes();
    Ok(Account::new(half(&account::keyed_hash(&encoded))))
}

/// The first half of a hash: 128 bits tell any two apart.
fn half(hash: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|at| hash[at])
}
