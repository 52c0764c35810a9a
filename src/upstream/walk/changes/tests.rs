//! Walks for what has changed, over an upstream that answers from memory.

mod gone;
mod ledger;
mod partitioned;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::group::Group;
use crate::observe::Observers;
use crate::snapshot::Counts;
use crate::upstream::walk::tests::adapter;
use crate::upstream::walk::{KnownGroups, walk_again};

use ledger::{Ledger, START, lock};

const BY_TIME: &str = "
    request = { path = '/groups', query = { since = '{since}', from = '{cursor}' } }
    pagination = { style = 'cursor', next = '/next' }
    incremental = { since = 'gt {updated_after}', updated_after = { format = 'epoch' }, full = '1h', overlap = '1m', deleted = { path = 'removed', present = true } }
";

const BY_LINK: &str = "
    request = { path = '/groups' }
    pagination = { style = 'next_url', next = '/nextLink' }
    incremental = { since = { link = '/deltaLink' }, full = '1h', deleted = { path = 'removed', present = true } }
";

const RECORDS: &str = "records = { at = '/groups', only = { path = 'kind', not = 'private' } }";

const MEMBERS: &str = "
    [members]
    request = { path = '/groups/{group.id}/members' }
    records = '/'
    fields = { id = 'id' }
    reuse = 'updated_at'
";

/// A list that walks keep up, as the catalog does.
struct KeptUp {
    ledger: Arc<Ledger>,
    adapter: Arc<Adapter>,
    past: PastWalks,
}

impl KeptUp {
    fn new(ledger: &Arc<Ledger>, block: &str) -> Self {
        let block = format!(
            "
            base_url = 'http://club.example'
            {RECORDS}
            limits = {{ retries = 0 }}
            fields = {{ id = 'id', name = 'name', updated_at = 'updated_at', guests = {{ each = 'guests', id = 'id' }} }}
            {block}
            "
        );
        let adapter = adapter(&block).with_room(1 << 24);
        adapter.set_replay(Arc::clone(ledger) as _);
        Self {
            ledger: Arc::clone(ledger),
            adapter: Arc::new(adapter),
            past: PastWalks {
                known: KnownGroups::default(),
                ..PastWalks::default()
            },
        }
    }

    async fn walk(&mut self) -> Result<Counts, UpstreamError> {
        let now = self.ledger.now();
        self.past.now = now;
        let walked = walk_again(&self.adapter, &Observers::default(), &self.past).await?;
        let Walked {
            groups,
            counts,
            is_of_changes,
            keeps_list,
            remembered,
            partitions,
            marks,
            ..
        } = walked;
        self.past.marks = marks.map(Arc::new);
        self.past.gone = counts.gone;
        if !keeps_list {
            let snapshot = Snapshot::of(Arc::clone(self.adapter.name()), groups);
            self.past.snapshot = Some(Arc::new(snapshot));
        }
        let full_at = self.past.times.as_ref().map(|times| times.full_at);
        self.past.times = Some(PastTimes {
            as_of: now,
            full_at: full_at.filter(|_| is_of_changes).unwrap_or(now),
            link: remembered.since_link,
            partitions,
        });
        Ok(counts)
    }

    fn groups(&self) -> Vec<Group> {
        let list = self.past.snapshot.as_ref().unwrap();
        list.rows().map(|row| row.group().unwrap()).collect()
    }

    fn names(&self) -> BTreeMap<String, String> {
        let groups = self.groups().into_iter();
        groups.map(|group| (group.source_id, group.name)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_changed_is_laid_over_the_list_and_the_rest_stays() {
    for block in [BY_TIME, BY_LINK] {
        let ledger = Ledger::of(1..=5);
        let mut list = KeptUp::new(&ledger, block);
        assert_eq!(list.walk().await.unwrap().changed, None);
        assert_eq!(ledger.asked().0.len(), 3);
        ledger.pass(600);
        ledger.change(2, "renamed");
        ledger.change(6, "new");
        ledger.remove(3);
        let counts = list.walk().await.unwrap();
        assert_eq!((counts.changed, counts.removed), (Some(2), 1), "{block}");
        assert_eq!(list.names(), ledger.names());
        let since = if block == BY_TIME {
            format!("since=gt%20{}", START - 61)
        } else {
            format!("token={START}")
        };
        let asked = ledger.asked().0;
        assert!(
            asked.iter().all(|query| query.contains(&since)),
            "{asked:?}"
        );
        assert_eq!(asked.len(), 2);
        // When nothing more has changed, the list stays.
        ledger.pass(600);
        list.walk().await.unwrap();
        ledger.pass(600);
        let before = list.past.snapshot.clone().unwrap();
        let counts = list.walk().await.unwrap();
        assert_eq!((counts.changed, counts.removed), (Some(0), 0), "{block}");
        assert!(Arc::ptr_eq(&before, list.past.snapshot.as_ref().unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_twice_because_walks_overlap_is_one_group_and_a_deleted_one_stays_deleted() {
    let ledger = Ledger::of(1..=3);
    let mut list = KeptUp::new(&ledger, BY_TIME);
    list.walk().await.unwrap();
    ledger.pass(600);
    ledger.change(2, "renamed");
    ledger.remove(1);
    list.walk().await.unwrap();
    let hash = list.past.snapshot.as_ref().unwrap().hash();
    ledger.pass(30);
    let counts = list.walk().await.unwrap();
    assert_eq!((counts.changed, counts.removed), (Some(1), 0));
    assert_eq!(list.past.snapshot.as_ref().unwrap().hash(), hash);
    assert_eq!(list.names(), ledger.names());
}

#[tokio::test(start_paused = true)]
async fn a_walk_for_changes_that_fails_leaves_the_list_and_the_next_one_asks_from_the_same_time() {
    let ledger = Ledger::of(1..=3);
    let mut list = KeptUp::new(&ledger, BY_TIME);
    list.walk().await.unwrap();
    ledger.pass(600);
    (1..=3).for_each(|id| ledger.change(id, "renamed"));
    *lock(&ledger.broken) = Some(StatusCode::NOT_IMPLEMENTED);
    let before = list.names();
    list.walk().await.unwrap_err();
    assert_eq!(list.names(), before);
    *lock(&ledger.broken) = None;
    ledger.pass(600);
    ledger.asked();
    list.walk().await.unwrap();
    assert_eq!(list.names(), ledger.names());
    assert!(ledger.asked().0[0].contains(&format!("gt%20{}", START - 61)));
}

#[tokio::test(start_paused = true)]
async fn a_walk_for_everything_corrects_the_list_and_counts_what_it_found() {
    let ledger = Ledger::of(1..=4);
    let mut list = KeptUp::new(&ledger, BY_TIME);
    list.walk().await.unwrap();
    ledger.pass(1800);
    // One is deleted without a trace, one changes without saying so, and one changes as it should.
    lock(&ledger.entries).remove(&1);
    lock(&ledger.entries).get_mut(&2).unwrap().name = "silent".to_owned();
    ledger.change(3, "told");
    let counts = list.walk().await.unwrap();
    assert_eq!((counts.changed, counts.differing), (Some(1), 0));
    assert_ne!(list.names(), ledger.names());
    ledger.pass(1800);
    ledger.change(4, "told later");
    let counts = list.walk().await.unwrap();
    assert_eq!((counts.changed, counts.differing), (None, 2));
    assert_eq!(list.names(), ledger.names());
    // It has been corrected, and what it found is of the past.
    ledger.pass(60);
    assert_eq!(list.walk().await.unwrap().differing, 0);
}

#[tokio::test(start_paused = true)]
async fn only_the_members_of_changed_groups_are_asked_for() {
    let ledger = Ledger::of(1..=5);
    let mut list = KeptUp::new(&ledger, &format!("{BY_TIME}{MEMBERS}"));
    list.walk().await.unwrap();
    assert_eq!(ledger.asked().1.len(), 5);
    ledger.pass(600);
    ledger.change(4, "renamed");
    lock(&ledger.entries).get_mut(&4).unwrap().members = vec![9];
    ledger.remove(5);
    list.walk().await.unwrap();
    assert_eq!(ledger.asked().1, [4]);
    // It comes again because walks overlap. What changed in the second in which it was read would not show.
    lock(&ledger.entries).get_mut(&4).unwrap().members = vec![9, 10];
    ledger.pass(90);
    ledger.overlap(90);
    list.walk().await.unwrap();
    assert_eq!(ledger.asked().1, [4]);
    // It has not changed since.
    ledger.overlap(180);
    list.walk().await.unwrap();
    assert_eq!(ledger.asked().1, [0_u64; 0]);
    let members = list.groups().into_iter().map(|group| {
        let members = group.members.into_iter().filter_map(|member| member.id);
        (group.source_id, members.collect::<Vec<_>>())
    });
    let members: BTreeMap<_, _> = members.collect();
    assert_eq!(members["4"], ["9", "10"]);
    assert_eq!(members["1"], ["1", "2"]);
    assert_eq!(members.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_of_groups_that_are_not_in_the_list_any_more() {
    let ledger = Ledger::of(1..=5);
    let members = MEMBERS.replace("updated_at", "etag");
    let mut list = KeptUp::new(&ledger, &format!("{BY_TIME}{members}"));
    list.walk().await.unwrap();
    let known = |list: &KeptUp| list.past.marks.as_ref().unwrap().len();
    assert_eq!(known(&list), 5);
    ledger.pass(600);
    ledger.remove(1);
    ledger.remove(2);
    ledger.change(6, "new");
    list.walk().await.unwrap();
    assert_eq!((known(&list), list.names().len()), (4, 4));
    // What is known of the others stays while nothing changes.
    for _ in 0..2 {
        ledger.pass(600);
        list.walk().await.unwrap();
    }
    assert_eq!(known(&list), 4);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_refused_leads_to_a_walk_for_everything() {
    let ledger = Ledger::of(1..=3);
    let mut list = KeptUp::new(&ledger, BY_LINK);
    list.walk().await.unwrap();
    lock(&ledger.entries).remove(&1);
    *lock(&ledger.expired) = Some(StatusCode::GONE);
    ledger.pass(60);
    let counts = list.walk().await.unwrap();
    assert_eq!(counts.changed, None);
    assert_eq!(list.names(), ledger.names());
    // Any other failure is one.
    *lock(&ledger.expired) = Some(StatusCode::NOT_IMPLEMENTED);
    assert!(list.walk().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn of_two_changes_of_one_group_the_later_one_holds() {
    for block in [BY_TIME, BY_LINK] {
        let ledger = Ledger::of(1..=2);
        let mut list = KeptUp::new(&ledger, block);
        list.walk().await.unwrap();
        ledger.pass(600);
        ledger.change(2, "later");
        *lock(&ledger.early) = Some(json!({"id": 2, "name": "earlier"}));
        let counts = list.walk().await.unwrap();
        assert_eq!((counts.changed, counts.repeated), (Some(1), 1));
        assert_eq!(list.names(), ledger.names());
    }
}

#[tokio::test(start_paused = true)]
async fn a_walk_for_everything_has_a_group_of_which_one_record_says_that_it_is_there() {
    let gone =
        json!({"id": 2, "name": "a", "removed": {"reason": "deleted"}, "guests": [{"id": 7}]});
    for is_first in [true, false] {
        let ledger = Ledger::of(1..=3);
        let with = if is_first {
            &ledger.first
        } else {
            &ledger.last
        };
        *lock(with) = vec![gone.clone(), gone.clone()];
        let mut list = KeptUp::new(&ledger, BY_TIME);
        let counts = list.walk().await.unwrap();
        assert_eq!(counts.repeated, 2);
        assert_eq!(list.names(), ledger.names());
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_makes_everything_due() {
    for block in [BY_TIME, BY_LINK] {
        let ledger = Ledger::of(1..=3);
        let mut list = KeptUp::new(&ledger, block);
        list.walk().await.unwrap();
        ledger.pass(-1800);
        ledger.change(2, "b");
        let counts = list.walk().await.unwrap();
        assert_eq!(counts.changed, None);
        assert_eq!(list.names(), ledger.names());
        // From then on, changes come again.
        ledger.pass(60);
        ledger.change(3, "c");
        assert!(list.walk().await.unwrap().changed.is_some());
        assert_eq!(list.names(), ledger.names());
        // Only the last walk was in what is the future now.
        ledger.pass(600);
        list.walk().await.unwrap();
        ledger.pass(-300);
        ledger.change(1, "d");
        assert_eq!(list.walk().await.unwrap().changed, None);
        assert_eq!(list.names(), ledger.names());
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_belongs_to_the_list_no_more_is_taken_out_of_it() {
    for block in [BY_TIME, BY_LINK] {
        let ledger = Ledger::of(1..=3);
        let mut list = KeptUp::new(&ledger, block);
        list.walk().await.unwrap();
        ledger.pass(600);
        ledger.change(2, "b");
        lock(&ledger.entries).get_mut(&2).unwrap().kind = "private";
        // One that was never listed takes nothing out.
        ledger.change(9, "c");
        lock(&ledger.entries).get_mut(&9).unwrap().kind = "private";
        let counts = list.walk().await.unwrap();
        assert_eq!(
            (counts.changed, counts.removed, counts.left_out),
            (Some(0), 1, 2)
        );
        assert_eq!(list.names().into_keys().collect::<Vec<_>>(), ["1", "3"]);
        ledger.asked();
        ledger.pass(600);
        ledger.change(2, "b");
        list.walk().await.unwrap();
        assert_eq!(list.names(), ledger.names_but(9));
    }
}

#[tokio::test(start_paused = true)]
async fn records_that_are_no_groups_by_themselves_lead_to_a_walk_for_everything() {
    for record in [json!({"id": 2}), json!({"name": "a part"})] {
        let ledger = Ledger::of(1..=3);
        let mut list = KeptUp::new(&ledger, BY_LINK);
        list.walk().await.unwrap();
        ledger.pass(600);
        lock(&ledger.entries).get_mut(&2).unwrap().name = "b".to_owned();
        *lock(&ledger.early) = Some(record);
        let counts = list.walk().await.unwrap();
        assert_eq!((counts.changed, counts.skipped), (None, 0));
        assert_eq!(list.names(), ledger.names());
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_link_itself_leads_to_a_walk_for_everything_if_it_is_refused() {
    let ledger = Ledger::of(1..=3);
    let mut list = KeptUp::new(&ledger, &format!("{BY_LINK}{MEMBERS}"));
    list.walk().await.unwrap();
    ledger.asked();
    ledger.pass(600);
    ledger.change(2, "b");
    *lock(&ledger.hidden) = Some(StatusCode::UNPROCESSABLE_ENTITY);
    let error = list.walk().await.unwrap_err();
    assert!(
        error.detail.starts_with("the members of the group `2`"),
        "{error}"
    );
    let asked = ledger.asked().0;
    assert!(
        asked.iter().all(|query| query.contains("token=")),
        "{asked:?}"
    );
}

/// What happens to a group between two walks.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Changes(u64),
    Goes(u64),
    Walk,
    TimePasses,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let happening = prop_oneof![
        (1..8_u64).prop_map(Happening::Changes),
        (1..8_u64).prop_map(Happening::Goes),
        Just(Happening::Walk),
        Just(Happening::TimePasses),
    ];
    prop::collection::vec(happening, 1..24)
}

proptest! {
    /// A list that walks for changes keep up is what a walk for everything brings, after each of them.
    #[test]
    fn a_list_that_is_kept_up_is_the_list(happenings in happenings(), is_linked: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ledger = Ledger::of(1..=4);
            let block = if is_linked { BY_LINK } else { BY_TIME };
            let mut list = KeptUp::new(&ledger, block);
            list.walk().await.unwrap();
            for (number, happening) in happenings.into_iter().enumerate() {
                match happening {
                    Happening::Changes(id) => ledger.change(id, &format!("changed {number}")),
                    Happening::Goes(id) => ledger.remove(id),
                    Happening::TimePasses => ledger.pass(300),
                    Happening::Walk => {
                        let counts = list.walk().await.unwrap();
                        prop_assert_eq!(list.names(), ledger.names());
                        prop_assert!(counts.differing == 0 || counts.changed.is_none());
                    }
                }
            }
            Ok(())
        })?;
    }
}
