//! What an upstream is asked with on behalf of each caller.

use std::fmt;

use http::HeaderName;

/// What `{caller…}` in a request stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallerValue {
    /// Who the caller is (`{caller.id}`).
    Id,
    /// A claim of its token, at a JSON Pointer (`{caller.claims/tenant/id}`).
    Claim(Box<str>),
}

/// What an upstream is asked with on behalf of each caller. Callers with the same values share a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnBehalf {
    /// The values of the caller in its requests, sorted.
    pub values: Vec<CallerValue>,
    /// Those of them that stand within a longer text.
    pub in_texts: Vec<CallerValue>,
    /// Those of them that stand in a header.
    pub in_headers: Vec<CallerValue>,
    /// The headers of the caller's request that are forwarded to it.
    pub headers: ForwardedNames,
    /// Whether the caller's token is exchanged for one of its own.
    pub exchanges_token: bool,
    /// Whether its login depends on the caller.
    pub has_own_login: bool,
    /// How many lists of callers are kept at most.
    pub scopes: u32,
}

impl OnBehalf {
    /// Whether only a caller with a token has what it is asked with.
    pub fn needs_token(&self) -> bool {
        let is_claim = |value: &CallerValue| matches!(value, CallerValue::Claim(_));
        self.exchanges_token || self.values.iter().any(is_claim)
    }
}

/// The headers of a caller's request that are forwarded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForwardedNames {
    /// Those without which nothing is asked.
    pub required: Vec<HeaderName>,
    /// Those that are forwarded where the caller sent them.
    pub optional: Vec<HeaderName>,
}

impl ForwardedNames {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &HeaderName> {
        self.required.iter().chain(&self.optional)
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.required.is_empty() && self.optional.is_empty()
    }
}

/// Where the name of a claim begins.
const CLAIMS: &str = "caller.claims/";

impl CallerValue {
    /// The value that a placeholder of this name stands for.
    pub fn named(name: &str) -> Option<Self> {
        if name == "caller.id" {
            return Some(Self::Id);
        }
        Self::is_claim(name).then(|| Self::Claim(name[CLAIMS.len() - 1..].into()))
    }

    /// Whether a placeholder names a claim by a JSON Pointer (RFC 6901).
    pub(super) fn is_claim(name: &str) -> bool {
        let escapes_well = |rest: &str| {
            let mut escapes = rest.split('~').skip(1);
            escapes.all(|escape| escape.starts_with(['0', '1']))
        };
        name.strip_prefix(CLAIMS)
            .is_some_and(|rest| !rest.contains(char::is_control) && escapes_well(rest))
    }
}

impl fmt::Display for CallerValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id => formatter.write_str("caller.id"),
            Self::Claim(pointer) => write!(formatter, "caller.claims{pointer}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::id("caller.id", true)]
    #[case::claim("caller.claims/tenant", true)]
    #[case::nested("caller.claims/realm_access/0/Name", true)]
    #[case::escaped("caller.claims/https:~1~1id.example~1tenant", true)]
    #[case::badly_escaped("caller.claims/a~2", false)]
    #[case::escaped_to_nothing("caller.claims/a~", false)]
    #[case::all_claims("caller.claims", false)]
    #[case::another("caller.email", false)]
    #[case::no_caller("id", false)]
    fn a_placeholder_names_the_id_or_a_claim(#[case] name: &str, #[case] is_known: bool) {
        let value = CallerValue::named(name);
        assert_eq!(value.is_some(), is_known);
        assert!(value.is_none_or(|value| value.to_string() == name));
    }
}
