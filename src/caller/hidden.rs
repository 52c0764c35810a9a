//! Fields of groups that a caller may not see.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoEnumIterator as _, IntoStaticStr};

/// A field of a group that can be hidden. Those without which no group can be listed cannot: `id`,
/// `source`, `source_id`, `name` and `deleted_at`, which decides whether a group is listed at all.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Deserialize,
    Serialize,
    JsonSchema,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum HideableField {
    /// What the group is for.
    Description,
    /// Its email address.
    Email,
    /// Its status.
    Status,
    /// The organization that it belongs to.
    OrganizationId,
    /// Its id in a third system.
    ExternalId,
    /// Its parent group.
    ParentId,
    /// Its position in a tree.
    Path,
    /// The web page that shows it.
    Url,
    /// Its picture.
    LogoUrl,
    /// Its members.
    Members,
    /// Its administrators.
    Admins,
    /// Its members from outside the organization.
    Guests,
    /// The number of its members.
    MemberCount,
    /// When it was created.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
    /// Everything else that its source says of it.
    Attributes,
}

/// A set of fields that are hidden.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct HiddenFields(u32);

impl HideableField {
    /// The name of the field in a group.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl HiddenFields {
    /// No field.
    pub const NONE: Self = Self(0);

    /// Every field that can be hidden.
    pub const ALL: Self = Self((HideableField::Attributes.bit() << 1) - 1);

    /// These fields.
    pub const fn of(fields: &[HideableField]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < fields.len() {
            set |= fields[at].bit();
            at += 1;
        }
        Self(set)
    }

    /// Whether no field is hidden.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether this field is hidden.
    pub const fn contains(self, field: HideableField) -> bool {
        self.0 & field.bit() != 0
    }

    /// The fields that are hidden.
    pub fn fields(self) -> impl Iterator<Item = HideableField> {
        HideableField::iter().filter(move |&field| self.contains(field))
    }

    /// The fields that are hidden in both: what two grants of the same source hide.
    #[must_use]
    pub const fn in_both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The fields that are hidden in either.
    #[must_use]
    pub const fn in_either(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set as a number. Bits are in the order of [`HideableField`], the first one the lowest.
    pub const fn to_bits(self) -> u32 {
        self.0
    }
}

impl FromIterator<HideableField> for HiddenFields {
    fn from_iter<I: IntoIterator<Item = HideableField>>(fields: I) -> Self {
        let fields = fields.into_iter();
        fields.fold(Self::NONE, |set, field| set.in_either(Self::of(&[field])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_made_of() {
        let set: HiddenFields = [HideableField::Members, HideableField::Email]
            .into_iter()
            .collect();
        let held: Vec<_> = set.fields().collect();
        assert_eq!(held, [HideableField::Email, HideableField::Members]);
        let email: HiddenFields = [HideableField::Email].into_iter().collect();
        assert_eq!(set.in_both(email), email);
        assert_eq!(HiddenFields::NONE.in_either(email), email);
        assert!(HiddenFields::NONE.is_none() && !email.is_none());
        assert_eq!(
            HideableField::iter().collect::<HiddenFields>(),
            HiddenFields::ALL
        );
    }
}
