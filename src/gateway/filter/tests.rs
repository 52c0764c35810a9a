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
                "[abAB ß]{0,6}|x{380,390}[abZ\0]{0,3}|x{383}a\u{301}\u{323}",
                prop::option::of("[abABZ ß\0]{0,9}"),
                "[ab:]{0,4}",
                prop::option::of("[ab]{0,2}"),
                prop::option::weighted(0.2, Just(Moment::MAX)),
            ),
            1..40,
        ),
        search in prop::option::of("[abs]{1,3}|[ab:]{1,2}|x{1,2}a|[abz]?\0[abz]?"),
        names_only: bool,
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
            let description = description.filter(|_| !names_only);
            let mut texts = std::iter::once(name).chain(description);
            let is_found = search.as_ref().is_none_or(|search| {
                texts.any(|text| fold(&text).contains(search))
            });
            (is_found && deleted.admits(deleted_at.is_some())).then_some(index as u32)
        });
        let expected: Vec<_> = expected.collect();
        let names_only = names_only.then(|| Arc::clone(snapshot.source()));
        let names_only = names_only.into_iter().collect();
        let mut filter = Filter { search, names_only, deleted, ..Filter::default() };
        let all: Vec<_> = (0..snapshot.len() as u32).collect();
        prop_assert_eq!(&filter.matcher().pick(&snapshot), &expected);
        prop_assert!(!filter.picks_all_of(&snapshot) || expected == all);
        filter.ids = Some(snapshot.rows().map(|row| row.id().to_owned()).collect());
        prop_assert_eq!(&filter.matcher().pick(&snapshot), &expected);
        prop_assert!(!filter.picks_all_of(&snapshot));
    }
}
