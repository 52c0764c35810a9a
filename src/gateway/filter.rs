//! Which groups a query asks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use memchr::memmem::Finder;

use crate::group::Moment;

use super::attributes::{AttributeFilter, AttributeMatcher};
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
    /// The values that attributes have, in order of name.
    pub attributes: Vec<AttributeFilter>,
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
            + self
                .attributes
                .iter()
                .map(AttributeFilter::bytes)
                .sum::<usize>()
    }

    /// Whether it is known without a look at them that all rows of a snapshot pass.
    pub fn picks_all_of(&self, snapshot: &Snapshot) -> bool {
        let admits_all = match self.deleted {
            Deleted::Exclude => !snapshot.has_deleted(),
            Deleted::Include => true,
            Deleted::Only => false,
        };
        admits_all
            && self.ids.is_none()
            && self.search.is_none()
            && self.attributes.is_empty()
            && self.conditions(snapshot.source()) == Conditions::default()
    }

    /// The filter, made ready to look at many rows.
    pub fn matcher(&self) -> Matcher<'_> {
        Matcher {
            filter: self,
            search: self.search.as_deref().map(Finder::new),
            member: self.member.as_deref().map(MemberKey::new),
            attributes: self
                .attributes
                .iter()
                .map(AttributeFilter::matcher)
                .collect(),
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
    attributes: Vec<AttributeMatcher<'a>>,
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
                    row.name_contains(search)
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
            (None, None) if self.filter.picks_all_of(snapshot) => {
                (0..snapshot.len() as u32).collect()
            }
            (None, None) => (0..snapshot.len() as u32).filter(passes).collect(),
        }
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
            && self
                .attributes
                .iter()
                .all(|attribute| attribute.passes(row))
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
mod tests;
