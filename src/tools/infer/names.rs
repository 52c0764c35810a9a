//! Names of members, independent of their style.
//!
//! `group_name`, `groupName`, `GroupName` and `group-name` are one name: letters and digits, in
//! lower case. So a vocabulary lists each word once.

use super::words::WordList;

/// A name without its style: letters and digits, in lower case.
pub(super) fn plain(name: &str) -> String {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The plain name of a parameter. A member of a JSON body is named by its path, of which the last
/// part counts.
pub(super) fn plain_parameter(name: &str) -> String {
    plain(name.rsplit('/').next().unwrap_or(name))
}

/// One of what a plain name lists.
pub(super) fn singular(plain: &str) -> String {
    if let Some(stem) = plain.strip_suffix("ies") {
        return format!("{stem}y");
    }
    plain.strip_suffix('s').unwrap_or(plain).to_owned()
}

/// Words for a group.
pub(super) const GROUPS: WordList = WordList(
    "group usergroup team collection role unit orgunit circle squad department community \
     distributionlist principal",
);

/// Words for a list of anything.
const LISTS: WordList = WordList(
    "data items item results result records value values entries entry list content contents \
     resources rows elements hits member",
);

/// Words for lists that stand beside groups and hold something else.
const OTHERS: WordList = WordList(
    "user member person people account link error warning included schema permission facet sort \
     tag column header filter message notification application",
);

/// What the name of a list says about what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameHint {
    /// Something that is no group.
    Others,
    /// Nothing.
    Unknown,
    /// That it is a list.
    Anything,
    /// What is looked for: groups, unless it is said.
    Sought,
}

impl NameHint {
    pub(super) fn of(name: &str) -> Self {
        let plain = plain(name);
        let one = singular(&plain);
        if GROUPS.iter().any(|word| one.ends_with(word)) {
            return Self::Sought;
        }
        if LISTS.contains(&plain) {
            return Self::Anything;
        }
        if OTHERS.contains(&one) || OTHERS.contains(&plain) {
            return Self::Others;
        }
        Self::Unknown
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn styles_of_writing_are_one_name() {
        for name in [
            "group_name",
            "groupName",
            "GroupName",
            "group-name",
            "@groupName",
        ] {
            assert_eq!(plain(name), "groupname");
        }
    }

    #[rstest]
    #[case("userGroups", NameHint::Sought)]
    #[case("Team", NameHint::Sought)]
    #[case("data", NameHint::Anything)]
    #[case("Resources", NameHint::Anything)]
    #[case("users", NameHint::Others)]
    #[case("people", NameHint::Others)]
    #[case("things", NameHint::Unknown)]
    fn a_lists_name_says_what_is_in_it(#[case] name: &str, #[case] expected: NameHint) {
        assert_eq!(NameHint::of(name), expected);
    }
}
