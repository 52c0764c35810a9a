//! Who may ask, and what each caller may see.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Certificates, ClaimPointer, Jwt, Rate};
use crate::caller::HideableField;

/// In the `sources` of a grant, every source.
pub const EVERY_SOURCE: &str = "*";

/// Who may ask, and what each caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callers {
    /// Whether a request without credentials is refused.
    pub required: bool,
    /// The grants of requests without credentials, where those are answered.
    pub anonymous: Vec<String>,
    /// The callers with API keys, by name.
    pub keys: BTreeMap<String, CallerKey>,
    /// Which tokens tell who asks, if any.
    pub jwt: Option<Jwt>,
    /// Which client certificates tell who asks, if any.
    pub certificates: Option<Certificates>,
    /// The grants, by name.
    pub grants: BTreeMap<String, CallerGrant>,
}

/// A caller with an API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerKey {
    /// The hashes of the keys that it may use: several while one takes the place of another.
    pub hashes: Vec<KeyHash>,
    /// What it is granted.
    pub grants: Vec<String>,
}

/// What callers with this grant may see. Of several grants, a caller sees the sources of all. A field
/// of a source is hidden only if every grant that gives the source hides it, and requests are limited
/// only if every grant has a rate: then the highest counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallerGrant {
    /// The names of upstreams; `"*"` is every upstream, also one that is added later. For a caller, a
    /// source that none of its grants names does not exist.
    #[schemars(length(min = 1))]
    pub sources: Vec<String>,
    /// Fields of groups that are always empty for the caller. It cannot filter, sort or search by
    /// them either.
    #[serde(default)]
    pub hide: Vec<HideableField>,
    /// Which callers with a token have this grant. Callers with keys or certificates name theirs.
    #[serde(default)]
    pub when: Option<ClaimCondition>,
    /// How many requests each caller with this grant may make, beside what `[rate_limit]` allows its
    /// address. After a pause, it may make as many at once as the rate allows in two seconds.
    #[serde(default)]
    pub rate: Option<Rate>,
}

/// A condition on what a token says of its caller.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimCondition {
    /// Where the claim is, such as `/groups`.
    pub claim: ClaimPointer,
    /// The claim must be one of these texts, or a list that has one of them. The text of
    /// `/scope` and `/scp` is a list whose words are separated by spaces.
    #[schemars(length(min = 1))]
    pub any: Vec<String>,
}

/// The SHA-256 of an API key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// Reads 64 hexadecimal digits.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let digits = digits.as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Debug for KeyHash {
    /// A key that is easy to guess can be found from its hash.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyHash([REDACTED])")
    }
}

impl Callers {
    /// Whether there is any way for a caller to say who it is.
    pub fn has_credentials(&self) -> bool {
        !self.keys.is_empty() || self.jwt.is_some() || self.certificates.is_some()
    }

    /// The grants of these names, as far as there are such.
    pub fn granted<'a>(
        &'a self,
        names: &'a [String],
    ) -> impl Iterator<Item = &'a CallerGrant> + Clone {
        names.iter().filter_map(|name| self.grants.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_64_digits_in_either_case() {
        let digits = "00ff".repeat(16);
        let hash = KeyHash::from_hex(&digits);
        assert_eq!(hash, KeyHash::from_hex(&digits.to_uppercase()));
        assert_eq!(
            hash.map(|hash| hash.0[..4].to_vec()),
            Some(vec![0, 255, 0, 255])
        );
        for wrong in [
            "",
            "00",
            &digits[1..],
            &digits.replace('f', "g"),
            "+0".repeat(32).as_str(),
        ] {
            assert_eq!(KeyHash::from_hex(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{hash:?}"), "Some(KeyHash([REDACTED]))");
    }
}
