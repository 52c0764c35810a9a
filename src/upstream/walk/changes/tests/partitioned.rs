//! Walks for what has changed in the lists of several partitions.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::ledger::{Ledger, lock};
use super::{BY_TIME, KeptUp};

/// The block of an upstream whose organizations list their groups.
fn by_org(ids: &str) -> String {
    let groups = "path = '/orgs/{partition.org}/groups'";
    let block = BY_TIME.replace("path = '/groups'", groups);
    format!(
        "{block}
        [partitions]
        request = {{ path = '/orgs' }}
        records = '/'
        values = {{ org = 'login' }}
        ids = '{ids}'
        "
    )
}

/// Two organizations, both of which have listed the groups 2 and 3 for a while.
fn two_orgs() -> Arc<Ledger> {
    let ledger = Ledger::of(1..=4);
    ledger.pass(-600);
    for id in 1..=3 {
        ledger.list("a", id);
    }
    for id in 2..=4 {
        ledger.list("b", id);
    }
    ledger.pass(600);
    ledger
}

fn ids(list: &KeptUp) -> BTreeSet<String> {
    list.names().into_keys().collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_deleted_in_one_partition_stays_while_another_one_lists_it() {
    let ledger = two_orgs();
    let mut list = KeptUp::new(&ledger, &by_org("global"));
    list.walk().await.unwrap();
    ledger.pass(600);
    // Nothing of it has changed in the other one, so that no record says that it is there.
    ledger.unlist("a", 2);
    let counts = list.walk().await.unwrap();
    assert_eq!(list.names(), ledger.names_of_orgs());
    assert_eq!(counts.changed, None);
    // The record comes once more because walks overlap.
    ledger.pass(600);
    list.walk().await.unwrap();
    ledger.pass(600);
    // One that the other partition lists as changed is known to be there.
    ledger.unlist("a", 3);
    ledger.change(3, "renamed");
    let counts = list.walk().await.unwrap();
    assert_eq!(list.names(), ledger.names_of_orgs());
    assert_eq!((counts.changed, counts.removed), (Some(1), 0));
    ledger.pass(600);
    ledger.unlist("b", 3);
    list.walk().await.unwrap();
    assert_eq!(list.names(), ledger.names_of_orgs());
    // Its record comes again because walks overlap, and says nothing of the list any more.
    ledger.pass(30);
    let counts = list.walk().await.unwrap();
    assert_eq!((counts.changed, counts.removed), (Some(0), 0));
    assert_eq!(list.names(), ledger.names_of_orgs());
}

#[tokio::test(start_paused = true)]
async fn where_ids_are_unique_within_a_partition_a_group_is_deleted_in_its_own_alone() {
    let ledger = two_orgs();
    let mut list = KeptUp::new(&ledger, &by_org("partition"));
    list.walk().await.unwrap();
    let mut expected = ids(&list);
    assert_eq!(expected.len(), 6);
    ledger.pass(600);
    ledger.unlist("a", 2);
    let counts = list.walk().await.unwrap();
    assert_eq!((counts.changed, counts.removed), (Some(0), 1));
    assert!(expected.remove("a/2"));
    assert_eq!(ids(&list), expected);
}

#[tokio::test(start_paused = true)]
async fn where_partitions_come_or_go_everything_is_asked_for() {
    let ledger = two_orgs();
    let mut list = KeptUp::new(&ledger, &by_org("global"));
    ledger.pass(-600);
    ledger.change(5, "of old");
    ledger.pass(600);
    list.walk().await.unwrap();
    assert_eq!(list.names(), ledger.names_of_orgs());
    // Nothing of its group has changed since the walk before.
    ledger.pass(-600);
    ledger.list("c", 5);
    ledger.pass(1200);
    let counts = list.walk().await.unwrap();
    assert_eq!(
        (counts.changed, list.names()),
        (None, ledger.names_of_orgs())
    );
    ledger.pass(600);
    lock(&ledger.orgs).remove("c");
    let counts = list.walk().await.unwrap();
    assert_eq!(
        (counts.changed, list.names()),
        (None, ledger.names_of_orgs())
    );
    ledger.pass(600);
    assert_eq!(list.walk().await.unwrap().changed, Some(0));
}

/// What happens between two walks.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Changes(u64),
    Goes(u64),
    IsListed(&'static str, u64),
    IsUnlisted(&'static str, u64),
    Walk,
    TimePasses,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let org = || prop_oneof![Just("a"), Just("b"), Just("c")];
    let happening = prop_oneof![
        (1..6_u64).prop_map(Happening::Changes),
        (1..6_u64).prop_map(Happening::Goes),
        (org(), 1..6_u64).prop_map(|(org, id)| Happening::IsListed(org, id)),
        (org(), 1..6_u64).prop_map(|(org, id)| Happening::IsUnlisted(org, id)),
        Just(Happening::Walk),
        Just(Happening::TimePasses),
    ];
    prop::collection::vec(happening, 1..24)
}

proptest! {
    /// A list of several partitions that walks for changes keep up is what a walk for everything brings.
    #[test]
    fn a_list_of_partitions_that_is_kept_up_is_the_list(happenings in happenings()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ledger = two_orgs();
            ledger.change(5, "a");
            let mut list = KeptUp::new(&ledger, &by_org("global"));
            list.walk().await.unwrap();
            for (number, happening) in happenings.into_iter().enumerate() {
                match happening {
                    Happening::Changes(id) => ledger.change(id, &format!("changed {number}")),
                    Happening::Goes(id) => ledger.remove(id),
                    Happening::IsListed(org, id) => ledger.list(org, id),
                    Happening::IsUnlisted(org, id) => ledger.unlist(org, id),
                    Happening::TimePasses => ledger.pass(300),
                    Happening::Walk => {
                        list.walk().await.unwrap();
                        prop_assert_eq!(list.names(), ledger.names_of_orgs());
                    }
                }
            }
            Ok(())
        })?;
    }
}
