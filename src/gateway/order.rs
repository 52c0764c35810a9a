//! The one total order: what comes before what, for rows and for cursors alike.
//!
//! After the fields of the sort come folded name, raw name, source and id, always ascending. No two
//! groups are equal under it, so a page can be cut anywhere, and it never depends on which upstream
//! was faster.

use std::cmp::Ordering;

use crate::caller::{HiddenFields, HideableField};
use crate::group::Moment;

use crate::snapshot::RowRef;

/// By which fields groups are sorted, the first counting most.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sort(Vec<SortKey>);

/// One field of a sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// What is compared.
    pub field: SortField,
    /// Which way.
    pub direction: Direction,
}

/// What groups can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortField {
    /// The folded name, then the name as it is.
    Name,
    /// When the group was made.
    CreatedAt,
    /// When the group last changed.
    UpdatedAt,
    /// The source's name.
    Source,
    /// The normalized id.
    Id,
}

/// Which way a field is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The smallest first.
    Ascending,
    /// The largest first.
    Descending,
}

/// What has a place in the order: a row, or the seek key that a cursor holds.
pub trait Ranked {
    /// The fold of [`Ranked::name`].
    fn folded_name(&self) -> &str;
    /// The name, as long as it takes part in the order.
    fn name(&self) -> &str;
    /// The source's name.
    fn source(&self) -> &str;
    /// The normalized id.
    fn id(&self) -> &str;
    /// When the group was made.
    fn created_at(&self) -> Option<Moment>;
    /// When the group last changed.
    fn updated_at(&self) -> Option<Moment>;
}

impl Sort {
    /// A sort by these fields.
    pub fn new(keys: Vec<SortKey>) -> Self {
        Self(keys)
    }

    /// The fields, the first counting most.
    pub fn keys(&self) -> &[SortKey] {
        &self.0
    }

    /// Which of the two comes first. Equal only for what has the same id.
    pub fn compare(&self, left: &impl Ranked, right: &impl Ranked) -> Ordering {
        self.0
            .iter()
            .map(|key| key.compare(left, right))
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| {
                by_name(left, right)
                    .then_with(|| left.source().cmp(right.source()))
                    .then_with(|| left.id().cmp(right.id()))
            })
    }
}

impl Default for Sort {
    fn default() -> Self {
        Self(vec![SortKey {
            field: SortField::Name,
            direction: Direction::Ascending,
        }])
    }
}

impl SortKey {
    pub(super) fn compare(self, left: &impl Ranked, right: &impl Ranked) -> Ordering {
        let direction = self.direction;
        match self.field {
            SortField::Name => direction.turn(by_name(left, right)),
            SortField::CreatedAt => by_instant(left.created_at(), right.created_at(), direction),
            SortField::UpdatedAt => by_instant(left.updated_at(), right.updated_at(), direction),
            SortField::Source => direction.turn(left.source().cmp(right.source())),
            SortField::Id => direction.turn(left.id().cmp(right.id())),
        }
    }
}

impl SortField {
    /// Every field.
    pub const ALL: [Self; 5] = [
        Self::Name,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::Source,
        Self::Id,
    ];

    /// What a caller must see of a group to sort by it.
    pub const fn looks_at(self) -> HiddenFields {
        match self {
            Self::CreatedAt => HiddenFields::of(&[HideableField::CreatedAt]),
            Self::UpdatedAt => HiddenFields::of(&[HideableField::UpdatedAt]),
            Self::Name | Self::Source | Self::Id => HiddenFields::NONE,
        }
    }

    /// The word for it in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Source => "source",
            Self::Id => "id",
        }
    }
}

impl Direction {
    const fn turn(self, ordering: Ordering) -> Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

fn by_name(left: &impl Ranked, right: &impl Ranked) -> Ordering {
    left.folded_name()
        .cmp(right.folded_name())
        .then_with(|| left.name().cmp(right.name()))
}

/// A direction turns instants around, never their absence: groups that lack the field come last
/// either way.
fn by_instant(left: Option<Moment>, right: Option<Moment>, direction: Direction) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => direction.turn(left.cmp(&right)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

impl Ranked for RowRef<'_> {
    fn folded_name(&self) -> &str {
        RowRef::folded_name(*self)
    }

    fn name(&self) -> &str {
        RowRef::name(*self)
    }

    fn source(&self) -> &str {
        RowRef::source(*self)
    }

    fn id(&self) -> &str {
        RowRef::id(*self)
    }

    fn created_at(&self) -> Option<Moment> {
        RowRef::created_at(*self)
    }

    fn updated_at(&self) -> Option<Moment> {
        RowRef::updated_at(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Group;
    use crate::snapshot::Snapshot;
    use crate::snapshot::tests::group;

    fn sort(field: SortField, direction: Direction) -> Sort {
        Sort::new(vec![SortKey { field, direction }])
    }

    fn compare(sort: &Sort, left: Group, right: Group) -> Ordering {
        let left = Snapshot::new(left.source.as_str().into(), vec![left]);
        let right = Snapshot::new(right.source.as_str().into(), vec![right]);
        sort.compare(&left.row(0), &right.row(0))
    }

    fn made(id: &str, at: Option<&str>) -> Group {
        let mut group = group("a", id, "x");
        group.created_at = at.map(|at| at.parse().unwrap());
        group
    }

    #[test]
    fn groups_that_lack_the_sort_field_come_last_either_way() {
        for direction in [Direction::Ascending, Direction::Descending] {
            let sort = sort(SortField::CreatedAt, direction);
            let dated = made("2", Some("2024-01-01T00:00:00Z"));
            assert_eq!(
                compare(&sort, dated.clone(), made("1", None)),
                Ordering::Less
            );
            assert_eq!(compare(&sort, made("1", None), dated), Ordering::Greater);
        }
    }

    #[test]
    fn timestamps_sort_as_instants_whatever_their_offset() {
        let sort = sort(SortField::CreatedAt, Direction::Ascending);
        let early = made("2", Some("2024-01-01T01:00:00+02:00"));
        let late = made("1", Some("2024-01-01T00:00:00Z"));
        assert_eq!(compare(&sort, early, late), Ordering::Less);
    }

    #[test]
    fn names_sort_folded_before_they_sort_raw() {
        let sort = Sort::default();
        let names = ["apple", "Banana", "banana", "cherry"];
        for (left, right) in names.iter().zip(&names[1..]) {
            let (left, right) = (group("b", "2", left), group("a", "1", right));
            assert_eq!(compare(&sort, left, right), Ordering::Less);
        }
    }

    #[test]
    fn ties_are_broken_in_ascending_order_also_under_a_descending_sort() {
        let sort = sort(SortField::Name, Direction::Descending);
        let names = compare(&sort, group("a", "1", "y"), group("a", "2", "x"));
        assert_eq!(names, Ordering::Less);
        let ties = compare(&sort, group("a", "1", "x"), group("a", "2", "x"));
        assert_eq!(ties, Ordering::Less);
    }

    #[test]
    fn equal_names_stand_in_the_order_of_their_sources_not_of_their_ids() {
        // As text, `a-b:1` comes before `a:1`.
        let ordering = compare(
            &Sort::default(),
            group("a", "1", "x"),
            group("a-b", "1", "x"),
        );
        assert_eq!(ordering, Ordering::Less);
    }
}
