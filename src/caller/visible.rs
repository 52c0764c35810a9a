//! What of the sources a caller may see.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::hidden::HiddenFields;

/// The first bytes of what [`VisibleSources::digest`] hashes. Another encoding gets another number.
const VISIBLE_ENCODING: &[u8] = b"groupgate visible sources 2\0";

/// Which sources a caller may see, and which of their fields. A source that it may not see does not
/// exist for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum VisibleSources {
    /// Every source with all fields, sources added later included.
    #[default]
    All,
    /// What its grants say.
    Granted(GrantedSources),
}

/// What grants say about sources, shared by its clones.
#[derive(Debug, Clone)]
pub struct GrantedSources(Arc<Granted>);

#[derive(Debug)]
struct Granted {
    named: BTreeMap<Box<str>, HiddenFields>,
    others: Option<HiddenFields>,
    digest: [u8; 32],
}

impl VisibleSources {
    /// These sources with all fields, and no others.
    pub fn only<Name: Into<Box<str>>>(names: impl IntoIterator<Item = Name>) -> Self {
        let whole = |name: Name| (name.into(), HiddenFields::NONE);
        Self::granted(names.into_iter().map(whole).collect(), None)
    }

    /// What is hidden of each source that is named, and of all `others`, if they may be seen.
    pub fn granted(named: BTreeMap<Box<str>, HiddenFields>, others: Option<HiddenFields>) -> Self {
        let mut digest = Sha256::new_with_prefix(VISIBLE_ENCODING);
        match others {
            None => digest.update([0]),
            Some(hidden) => {
                digest.update([1]);
                digest.update(hidden.to_bits().to_be_bytes());
            }
        }
        for (name, hidden) in &named {
            digest.update((name.len() as u64).to_be_bytes());
            digest.update(name.as_bytes());
            digest.update(hidden.to_bits().to_be_bytes());
        }
        let digest = digest.finalize().into();
        Self::Granted(GrantedSources(Arc::new(Granted {
            named,
            others,
            digest,
        })))
    }

    /// How much memory it takes, beside its own place.
    pub fn bytes(&self) -> usize {
        let Self::Granted(GrantedSources(granted)) = self else {
            return 0;
        };
        let names = granted.named.keys();
        let names = names.map(|name| size_of::<(Box<str>, HiddenFields)>() + name.len());
        size_of::<Granted>() + names.sum::<usize>()
    }

    /// Whether `source` exists for the caller.
    pub fn allows(&self, source: &str) -> bool {
        self.hidden_of(source).is_some()
    }

    /// What the caller may not see of `source`; `None` where the source does not exist for it.
    pub fn hidden_of(&self, source: &str) -> Option<HiddenFields> {
        match self {
            Self::All => Some(HiddenFields::NONE),
            Self::Granted(granted) => {
                let named = granted.0.named.get(source).copied();
                named.or(granted.0.others)
            }
        }
    }

    /// Whether the caller may see all these `fields` in one of the `sources` that exist for it, or none exists for
    /// it: what it can use nowhere is not shown to it.
    pub fn can_use<'a>(
        &self,
        fields: HiddenFields,
        sources: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        if *self == Self::All {
            return true;
        }
        let mut hidden = sources.into_iter().filter_map(|name| self.hidden_of(name));
        let may_see = |hidden: HiddenFields| hidden.in_both(fields).is_none();
        hidden.next().is_none_or(may_see) || hidden.any(may_see)
    }

    /// What stands for it: the same in every process and every release, and different for everything
    /// else that a caller may see. `None` of all sources with all fields.
    pub fn digest(&self) -> Option<&[u8; 32]> {
        match self {
            Self::All => None,
            Self::Granted(granted) => Some(&granted.0.digest),
        }
    }
}

impl PartialEq for GrantedSources {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for GrantedSources {}

impl Hash for GrantedSources {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::super::hidden::HideableField;
    use super::*;

    fn hidden(fields: &[HideableField]) -> HiddenFields {
        fields.iter().copied().collect()
    }

    #[test]
    fn a_caller_sees_what_is_in_its_set_and_nothing_else() {
        let some = VisibleSources::only(["a", "b"]);
        assert!(some.allows("a") && some.allows("b") && !some.allows("c"));
        assert!(VisibleSources::All.allows("c"));
        assert!(!VisibleSources::only::<&str>([]).allows("a"));
    }

    #[test]
    fn a_named_source_has_its_own_hidden_fields_and_others_have_theirs() {
        let members = hidden(&[HideableField::Members]);
        let seen =
            VisibleSources::granted([("a".into(), members)].into(), Some(HiddenFields::NONE));
        assert_eq!(seen.hidden_of("a"), Some(members));
        assert_eq!(seen.hidden_of("b"), Some(HiddenFields::NONE));
        assert_eq!(VisibleSources::only(["a"]).hidden_of("b"), None);
    }

    #[test]
    fn each_name_takes_memory() {
        let [one, more] = [&["a"][..], &["a", "long-name"]]
            .map(|names| VisibleSources::only(names.iter().copied()).bytes());
        assert!(more >= one + "long-name".len() && VisibleSources::All.bytes() == 0);
    }

    #[test]
    fn a_field_can_be_used_that_is_shown_somewhere() {
        let members = hidden(&[HideableField::Members]);
        let named = [("a".into(), members), ("b".into(), HiddenFields::NONE)].into();
        let seen = VisibleSources::granted(named, None);
        assert!(seen.can_use(members, ["a", "b", "c"]));
        assert!(!seen.can_use(members, ["a", "c"]));
        assert!(seen.can_use(hidden(&[HideableField::Email]), ["a"]));
        assert!(seen.can_use(members, ["c"]) && VisibleSources::All.can_use(members, ["a"]));
    }

    #[test]
    fn equal_sets_are_equal_in_whatever_order_they_were_named() {
        let set = VisibleSources::only(["a", "b"]);
        assert_eq!(set, VisibleSources::only(["b", "a", "b"]));
        for other in [&["ab"][..], &["a"], &["a", "b", "c"], &[]] {
            assert_ne!(set, VisibleSources::only(other.iter().copied()));
        }
        assert_ne!(set, VisibleSources::All);
    }

    #[test]
    fn what_is_hidden_is_part_of_what_is_seen() {
        let all = |fields| VisibleSources::granted(BTreeMap::new(), Some(hidden(fields)));
        let one = |fields| VisibleSources::granted([("a".into(), hidden(fields))].into(), None);
        let members = &[HideableField::Members][..];
        let guests = &[HideableField::Guests][..];
        let different = [
            all(&[]),
            all(members),
            all(guests),
            one(&[]),
            one(members),
            one(guests),
        ];
        for (index, one) in different.iter().enumerate() {
            for other in &different[..index] {
                assert_ne!(one, other);
            }
        }
    }

    #[test]
    fn the_digest_of_a_set_is_the_same_in_every_release() {
        let digest = VisibleSources::only(["directory", "wiki"]);
        let digest = digest.digest().map(|digest| crate::hex::hex(digest));
        assert_eq!(
            digest.as_deref(),
            Some("badde08d541b83d604b79e3cb4b6b6c8f00aba1bad41782c4929f79c05266fe8")
        );
        assert_eq!(VisibleSources::All.digest(), None);
    }
}
