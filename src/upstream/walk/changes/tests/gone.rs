//! Groups that are gone when their members are asked for, of a list that walks for changes keep up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::StatusCode;
use proptest::prelude::*;

use super::ledger::{Entry, Ledger, lock};
use super::{BY_LINK, BY_TIME, KeptUp, MEMBERS};

#[tokio::test(start_paused = true)]
async fn the_only_group_that_has_changed_may_be_gone_and_of_several_no_more_than_their_share() {
    let ledger = Ledger::of(1..=50);
    let mut list = KeptUp::new(&ledger, &format!("{BY_TIME}{MEMBERS}"));
    list.walk().await.unwrap();
    ledger.pass(600);
    ledger.change(2, "b");
    *lock(&ledger.hidden) = Some(StatusCode::NOT_FOUND);
    let counts = list.walk().await.unwrap();
    assert_eq!((counts.gone, counts.removed), (1, 1));
    assert_eq!(list.names(), ledger.names_but(2));
    // It is not listed again, and was gone for a moment only.
    ledger.pass(600);
    *lock(&ledger.hidden) = None;
    let counts = list.walk().await.unwrap();
    assert_eq!((counts.gone, counts.changed), (0, Some(1)));
    assert_eq!(list.names(), ledger.names());
    *lock(&ledger.hidden) = Some(StatusCode::NOT_FOUND);
    // Two are few of fifty, but all of those that are asked for.
    ledger.pass(600);
    (3..=4).for_each(|id| ledger.change(id, "c"));
    let error = list.walk().await.unwrap_err();
    assert!(
        error.detail.starts_with("all 2 groups asked for"),
        "{error}"
    );
    assert_eq!(list.names().len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_gone_is_asked_for_again_until_its_deletion_is_told_or_everything_is_asked_for()
 {
    for block in [BY_TIME, BY_LINK] {
        let ledger = Ledger::of(1..=3);
        let mut list = KeptUp::new(&ledger, &format!("{block}{MEMBERS}"));
        // A walk for everything may miss one as well.
        lock(&ledger.missing).insert(2);
        assert_eq!(list.walk().await.unwrap().gone, 1);
        for _ in 0..2 {
            ledger.pass(300);
            ledger.asked();
            let counts = list.walk().await.unwrap();
            // Nothing else is asked for, and it is no share of what was listed.
            assert_eq!((counts.changed, counts.gone), (Some(0), 1));
            assert_eq!(ledger.asked().1, [2]);
            assert_eq!(list.names(), ledger.names_but(2));
        }
        let before = list.past.clone();
        ledger.pass(300);
        ledger.remove(2);
        let counts = list.walk().await.unwrap();
        assert_eq!((counts.removed, counts.gone), (0, 0));
        assert_eq!(list.names(), ledger.names());
        ledger.pass(300);
        ledger.asked();
        list.walk().await.unwrap();
        assert_eq!(ledger.asked().1, [0_u64; 0]);
        // After a restart it is not known which it was.
        list.past = before;
        list.past.marks = None;
        assert_eq!(list.walk().await.unwrap().changed, None);
    }
}

/// What happens between two walks, and in them.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Changes(u64),
    Goes(u64),
    /// Its members are not found, or are again.
    IsMissing(u64, bool),
    TimePasses(i64),
    Walk,
    /// A walk in which no members can be read, or no page after the first.
    WalkFails(bool),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let happening = prop_oneof![
        3 => (1..7_u64).prop_map(Happening::Changes),
        1 => (1..7_u64).prop_map(Happening::Goes),
        3 => (1..7_u64, any::<bool>()).prop_map(|(id, is)| Happening::IsMissing(id, is)),
        2 => prop_oneof![Just(1), Just(90), Just(900)].prop_map(Happening::TimePasses),
        4 => Just(Happening::Walk),
        1 => any::<bool>().prop_map(Happening::WalkFails),
    ];
    prop::collection::vec(happening, 1..32)
}

/// The name and the members of each group of the list.
fn listed(list: &KeptUp) -> BTreeMap<u64, (String, Vec<String>)> {
    let groups = list.groups().into_iter().map(|group| {
        let members = group.members.into_iter().filter_map(|member| member.id);
        let id = group.source_id.parse().unwrap();
        (id, (group.name, members.collect()))
    });
    groups.collect()
}

/// The same of what the upstream has.
fn there(ledger: &Ledger) -> BTreeMap<u64, (String, Vec<String>)> {
    let entries = lock(&ledger.entries);
    let there = entries.iter().filter(|(_, entry)| !entry.is_removed);
    let shown = |entry: &Entry| {
        let members = entry.members.iter().map(u64::to_string);
        (entry.name.clone(), members.collect())
    };
    there.map(|(id, entry)| (*id, shown(entry))).collect()
}

/// Of a list that was just read: it lacks nothing but groups that are gone, counts all of these, and has every other
/// one as it is.
fn check(list: &KeptUp, ledger: &Ledger, gone: u64) -> Result<(), TestCaseError> {
    let (listed, there, missing) = (listed(list), there(ledger), lock(&ledger.missing).clone());
    let ids = |groups: &BTreeMap<u64, _>| groups.keys().copied().collect::<BTreeSet<_>>();
    let lacking: BTreeSet<_> = ids(&there).difference(&ids(&listed)).copied().collect();
    prop_assert!(
        ids(&listed).is_subset(&ids(&there)),
        "{listed:?} of {there:?}"
    );
    prop_assert!(lacking.is_subset(&missing), "{lacking:?} of {missing:?}");
    prop_assert_eq!(lacking.len() as u64, gone);
    for (id, group) in listed.iter().filter(|(id, _)| !missing.contains(id)) {
        prop_assert_eq!(group, &there[id]);
    }
    Ok(())
}

proptest! {
    /// Whatever is gone for a while, and whichever walks fail, a list that is kept up is what the upstream has.
    #[test]
    fn a_list_that_is_kept_up_lacks_no_group_that_is_there(
        happenings in happenings(),
        is_linked: bool,
        reuse in prop_oneof![Just(""), Just("reuse = 'updated_at'")],
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let ledger = Ledger::of(1..=4);
            let block = if is_linked { BY_LINK } else { BY_TIME };
            let members = MEMBERS.replace("reuse = 'updated_at'", reuse);
            let mut list = KeptUp::new(&ledger, &format!("{block}{members}gone = 1.0\n"));
            list.past.ttl = Duration::from_mins(10);
            let counts = list.walk().await.unwrap();
            check(&list, &ledger, counts.gone)?;
            for (number, happening) in happenings.into_iter().enumerate() {
                match happening {
                    Happening::Changes(id) => {
                        ledger.change(id, &format!("changed {number}"));
                        let members = vec![id, 100 + number as u64];
                        lock(&ledger.entries).get_mut(&id).unwrap().members = members;
                    }
                    Happening::Goes(id) => ledger.remove(id),
                    Happening::IsMissing(id, true) => drop(lock(&ledger.missing).insert(id)),
                    Happening::IsMissing(id, false) => drop(lock(&ledger.missing).remove(&id)),
                    Happening::TimePasses(seconds) => ledger.pass(seconds),
                    Happening::Walk => {
                        let counts = list.walk().await.unwrap();
                        check(&list, &ledger, counts.gone)?;
                    }
                    Happening::WalkFails(is_list) => {
                        let with = if is_list { &ledger.broken } else { &ledger.hidden };
                        *lock(with) = Some(StatusCode::NOT_IMPLEMENTED);
                        let before = listed(&list);
                        if let Ok(counts) = list.walk().await {
                            check(&list, &ledger, counts.gone)?;
                        } else {
                            prop_assert_eq!(listed(&list), before);
                        }
                        *lock(with) = None;
                    }
                }
            }
            Ok(())
        })?;
    }
}
