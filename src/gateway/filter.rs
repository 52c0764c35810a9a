//! Which groups a query asks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use memchr::memmem::Finder;

use crate::group::Moment;

use crate::snapshot::{MemberKey, RowRef, Snapshot};
use crate::upstream::pushdown::Conditions;

/// Which groups a query asks for: those that pass every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Folded text that the name or description contains.
    pub search: Option<String>,
    /// The sources of which only names are searched, for their descriptions are hidden from the caller. The query
    /// does not say so, and who sees the same sources shares all that comes of it.
    pub names_only: BTreeSet<Arc<str>>,
    /// The sources to ask; `None` is all that the caller may see.
    pub sources: Option<BTreeSet<String>>,
    /// The normalized ids to look up.
    pub ids: Option<BTreeSet<String>>,
    /// The status, lower-cased.
    pub status: Option<String>,
    /// The organization's id.
    pub organization_id: Option<String>,
    /// The id in a third system.
    pub external_id: Option<String>,
    /// The id or e-mail address of an account in the group.
    pub member: Option<String>,
    /// The earliest moment that the group may have been made.
    pub created_after: Option<Moment>,
    /// The moment before which the group was made.
    pub created_before: Option<Moment>,
    /// The earliest moment that the group may have changed last.
    pub updated_after: Option<Moment>,
    /// The moment before which the group changed last.
    pub updated_before: Option<Moment>,
    /// What becomes of deleted groups.
    pub deleted: Deleted,
}

/// What becomes of groups that their source marks deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Deleted {
    /// They do not match.
    #[default]
    Exclude,
    /// They match like any other.
    Include,
    /// Nothing else matches.
    Only,
}

impl Deleted {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Exclude, Self::Include, Self::Only];

    /// The word for it in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exclude => "exclude",
            Self::Include => "include",
            Self::Only => "only",
        }
    }

    #[inline]
    const fn admits(self, deleted: bool) -> bool {
        match self {
            Self::Exclude => !deleted,
            Self::Include => true,
            Self::Only => deleted,
        }
    }
}

impl Filter {
    /// Whether groups of `source` can match at all: what need not be asked is not.
    pub fn admits_source(&self, source: &str) -> bool {
        self.sources
            .as_ref()
            .is_none_or(|sources| sources.contains(source))
            && self
                .ids
                .as_ref()
                .is_none_or(|ids| ids.iter().any(|id| source_of(id) == source))
    }

    /// What the filter demands of the groups of `source`, as far as an upstream could know.
    pub fn conditions(&self, source: &str) -> Conditions<'_> {
        let ids = self.ids.iter().flatten();
        let mut ids = ids.filter(|id| source_of(id) == source);
        let id = match (ids.next(), ids.next()) {
            (Some(id), None) => source_id_of(id),
            _ => None,
        };
        Conditions {
            // An upstream would search descriptions, too.
            search: self
                .search
                .as_deref()
                .filter(|_| !self.names_only.contains(source)),
            id,
            status: self.status.as_deref(),
            organization_id: self.organization_id.as_deref(),
            external_id: self.external_id.as_deref(),
            member: self.member.as_deref(),
            created_after: self.created_after,
            created_before: self.created_before,
            updated_after: self.updated_after,
            updated_before: self.updated_before,
        }
    }

    /// How much memory the filter takes besides its own value.
    pub fn bytes(&self) -> usize {
        let texts = [
            &self.search,
            &self.status,
            &self.organization_id,
            &self.external_id,
            &self.member,
        ];
        let texts = texts.into_iter().flatten().map(String::len);
        let names = self.names_only.len() * size_of::<Arc<str>>();
        let sets = [&self.sources, &self.ids];
        let words = sets.into_iter().flatten().flatten();
        texts
            .chain(words.map(|word| size_of::<String>() + word.len()))
            .sum::<usize>()
            + names
    }

    /// The filter, made ready to look at many rows.
    pub fn matcher(&self) -> Matcher<'_> {
        Matcher {
            filter: self,
            search: self.search.as_deref().map(Finder::new),
            member: self.member.as_deref().map(MemberKey::new),
        }
    }
}

/// The source of a normalized id: what stands before its first colon.
pub fn source_of(id: &str) -> &str {
    id.split_once(':').map_or(id, |(source, _)| source)
}

/// The source's own id in a normalized one: what stands after its first colon.
pub fn source_id_of(id: &str) -> Option<&str> {
    id.split_once(':').map(|(_, id)| id)
}

/// A filter, made ready to look at many rows.
#[derive(Debug)]
pub struct Matcher<'a> {
    filter: &'a Filter,
    search: Option<Finder<'a>>,
    member: Option<MemberKey>,
}

impl Matcher<'_> {
    /// The rows of a snapshot that pass every condition, in default order.
    ///
    /// `sources` is not looked at: it decides which snapshots are there.
    pub fn pick(&self, snapshot: &Snapshot) -> Vec<u32> {
        let passes = |row: &u32| self.passes(snapshot.row(*row as usize));
        let names_only = self.filter.names_only.contains(snapshot.source());
        let contains = |row: &u32| {
            let row = snapshot.row(*row as usize);
            self.search.as_ref().is_none_or(|search| {
                if names_only {
                    search.find(row.folded_name().as_bytes()).is_some()
                } else {
                    row.contains(search)
                }
            })
        };
        match (&self.filter.ids, &self.search) {
            // A lookup by id need not scan.
            (Some(ids), _) => {
                let found = ids.iter().filter_map(|id| snapshot.find(id));
                let found = found.map(|row| row as u32).filter(passes);
                let mut rows: Vec<_> = found.filter(contains).collect();
                rows.sort_unstable();
                rows
            }
            (None, Some(_)) if names_only => {
                // What is hidden must not even cost time.
                let rows = (0..snapshot.len() as u32).filter(passes);
                rows.filter(contains).collect()
            }
            (None, Some(search)) => {
                let found = snapshot.search(search).map(|row| row as u32);
                found.filter(passes).collect()
            }
            (None, None) if self.passes_all_of(snapshot) => (0..snapshot.len() as u32).collect(),
            (None, None) => (0..snapshot.len() as u32).filter(passes).collect(),
        }
    }

    /// Whether it is known without a look at them that all rows of a snapshot pass.
    fn passes_all_of(&self, snapshot: &Snapshot) -> bool {
        let admits_all = match self.filter.deleted {
            Deleted::Exclude => !snapshot.has_deleted(),
            Deleted::Include => true,
            Deleted::Only => false,
        };
        admits_all && self.filter.conditions(snapshot.source()) == Conditions::default()
    }

    /// Whether the row passes every condition but the ids and the search. What costs little is looked at
    /// first.
    fn passes(&self, row: RowRef<'_>) -> bool {
        let filter = self.filter;
        filter.deleted.admits(row.is_deleted())
            && equals(filter.status.as_ref(), row.status())
            && equals(filter.organization_id.as_ref(), row.organization_id())
            && equals(filter.external_id.as_ref(), row.external_id())
            && within(
                filter.created_after,
                filter.created_before,
                row.created_at(),
            )
            && within(
                filter.updated_after,
                filter.updated_before,
                row.updated_at(),
            )
            && self
                .member
                .as_ref()
                .is_none_or(|member| row.has_member(member))
    }
}

#[inline]
fn equals(wanted: Option<&String>, value: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| value == Some(wanted))
}

/// Whether `value` lies from `after` inclusive to `before` exclusive. A group that does not say
/// when lies in no bounded range.
#[inline]
fn within(after: Option<Moment>, before: Option<Moment>, value: Option<Moment>) -> bool {
    after.is_none_or(|after| value.is_some_and(|value| value >= after))
        && before.is_none_or(|before| value.is_some_and(|value| value < before))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fold::fold;
    use crate::group::{Group, Member};
    use crate::snapshot::tests::group;

    fn matches(filter: &Filter, group: &Group) -> bool {
        let snapshot = Snapshot::new(group.source.as_str().into(), vec![group.clone()]);
        !filter.matcher().pick(&snapshot).is_empty()
    }

    fn moment(text: &str) -> Moment {
        text.parse().unwrap()
    }

    #[test]
    fn a_filter_without_conditions_matches_every_group_that_is_not_deleted() {
        let mut group = group("a", "1", "x");
        assert!(matches(&Filter::default(), &group));
        group.deleted_at = Some(moment("2024-01-01T00:00:00Z"));
        assert!(!matches(&Filter::default(), &group));
    }

    #[test]
    fn deleted_groups_are_excluded_included_or_alone() {
        let live = group("a", "1", "x");
        let mut gone = group("a", "2", "x");
        gone.deleted_at = Some(moment("2024-01-01T00:00:00Z"));
        let admitted = Deleted::ALL.map(|deleted| {
            let filter = Filter {
                deleted,
                ..Filter::default()
            };
            (matches(&filter, &live), matches(&filter, &gone))
        });
        assert_eq!(admitted, [(true, false), (true, true), (false, true)]);
    }

    #[test]
    fn after_is_inclusive_and_before_exclusive() {
        let mut group = group("a", "1", "x");
        group.created_at = Some(moment("2024-01-01T00:00:00Z"));
        let filter = |after: &str, before: &str| Filter {
            created_after: Some(moment(after)),
            created_before: Some(moment(before)),
            ..Filter::default()
        };
        assert!(matches(
            &filter("2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z"),
            &group
        ));
        assert!(!matches(
            &filter("2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
            &group
        ));
    }

    #[test]
    fn a_group_without_the_date_lies_in_no_range() {
        let filter = Filter {
            updated_before: Some(moment("2099-01-01T00:00:00Z")),
            ..Filter::default()
        };
        assert!(!matches(&filter, &group("a", "1", "x")));
    }

    #[test]
    fn a_member_is_found_by_id_or_folded_email() {
        let mut group = group("a", "1", "x");
        group.admins = vec![Member {
            id: Some("U-1".to_owned()),
            email: Some("Ann@Example.com".to_owned()),
        }];
        let member = |member: &str| Filter {
            member: Some(member.to_owned()),
            ..Filter::default()
        };
        assert!(matches(&member("U-1"), &group));
        assert!(!matches(&member("u-1"), &group));
        assert!(matches(&member("ANN@example.COM"), &group));
    }

    #[test]
    fn an_upstream_is_told_of_an_id_only_where_it_is_the_only_one_of_that_source() {
        let filter = Filter {
            ids: Some(["a:1".to_owned(), "b:1:2".to_owned(), "a:2".to_owned()].into()),
            ..Filter::default()
        };
        let id = |source| filter.conditions(source).id;
        assert_eq!([id("a"), id("b"), id("c")], [None, Some("1:2"), None]);
    }

    #[test]
    fn only_sources_of_the_asked_ids_are_asked() {
        let filter = Filter {
            ids: Some(["b:1:2".to_owned()].into()),
            ..Filter::default()
        };
        assert!(filter.admits_source("b"));
        assert!(!filter.admits_source("a"));
        assert!(!filter.admits_source("b:1"));
    }

    proptest! {
        #[test]
        fn a_search_finds_what_stands_in_the_fold_of_a_name_or_a_description(
            texts in prop::collection::vec(
                (
                    "[abAB ß]{0,6}|x{380,390}[ab]{0,3}",
                    prop::option::of("[abAB ß\0]{0,9}"),
                    "[ab:]{0,4}",
                    prop::option::of("[ab]{0,2}"),
                    prop::option::weighted(0.2, Just(Moment::MAX)),
                ),
                1..40,
            ),
            search in prop::option::of("[abs]{1,3}|[ab:]{1,2}|x{1,2}a"),
            deleted in prop::sample::select(Deleted::ALL.to_vec()),
        ) {
            let groups = texts.into_iter().enumerate();
            let groups = groups.map(|(number, (name, description, id, more, deleted_at))| Group {
                description,
                status: more.clone(),
                external_id: more,
                deleted_at,
                ..group("a", &format!("{id}{number}"), &name)
            });
            let snapshot = Snapshot::new("a".into(), groups.collect());
            let expected = snapshot.rows().enumerate().filter_map(|(index, row)| {
                let Group { name, description, deleted_at, .. } = row.group().unwrap();
                let mut texts = std::iter::once(name).chain(description);
                let is_found = search.as_ref().is_none_or(|search| {
                    texts.any(|text| fold(&text).contains(search))
                });
                (is_found && deleted.admits(deleted_at.is_some())).then_some(index as u32)
            });
            let expected: Vec<_> = expected.collect();
            let mut filter = Filter { search, deleted, ..Filter::default() };
            prop_assert_eq!(&filter.matcher().pick(&snapshot), &expected);
            filter.ids = Some(snapshot.rows().map(|row| row.id().to_owned()).collect());
            prop_assert_eq!(&filter.matcher().pick(&snapshot), &expected);
        }
    }
}
