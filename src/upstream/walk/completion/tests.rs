//! Walks of lists of lists over an upstream that answers from memory.

mod brought;
mod forge;
mod linked;
mod memberships;
mod repeated;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::error::{ErrorKind, UpstreamError};
use crate::group::Group;
use crate::observe::{CompletionProgress, Observers, Timeline};
use crate::snapshot::{Counts, Snapshot};
use crate::telemetry::testing::capturing;
use crate::upstream::Adapter;
use crate::upstream::walk::tests::adapter;
use crate::upstream::walk::{GroupMarks, KnownGroups, PastWalks, Walked, walk_again};

use forge::{Forge, ForgeGroup, lock};

const GROUPS: &str = "
    base_url = 'http://forge.example'
    request = { path = '/orgs/1/groups' }
    records = '/'
    pagination = { style = 'link' }
    fields = { id = 'id', name = 'id', updated_at = 'updated_at' }
    limits = { retries = 0, walk = '1h' }
    ttl = '1h'
";

fn with_members(keys: &str) -> String {
    format!(
        "{GROUPS}
        [members]
        request = {{ path = '/groups/{{group.id}}/members' }}
        records = '/'
        pagination = {{ style = 'link' }}
        fields = {{ id = 'id' }}
        {keys}
        "
    )
}

/// An upstream that is walked again and again, as the catalog does it.
struct Walker {
    adapter: Arc<Adapter>,
    past: PastWalks,
    /// What the last walk counted.
    counts: Counts,
}

impl Walker {
    fn of(forge: &Arc<Forge>, block: &str) -> Self {
        let adapter = Arc::new(adapter(block).with_room(1 << 30));
        adapter.set_replay(Arc::clone(forge) as _);
        let past = PastWalks {
            ttl: Duration::from_hours(1),
            now: "2026-11-21T12:00:00Z".parse().unwrap(),
            ..PastWalks::default()
        };
        Self {
            adapter,
            past,
            counts: Counts::default(),
        }
    }

    async fn walk(&mut self) -> Result<(Vec<Group>, CompletionProgress), UpstreamError> {
        let timeline = Arc::new(Timeline::default());
        let observers = Observers::from(Arc::clone(&timeline));
        let walked: Walked = walk_again(&self.adapter, &observers, &self.past).await?;
        let groups = walked.groups.to_groups();
        let snapshot = Snapshot::of(Arc::clone(self.adapter.name()), walked.groups);
        self.past.snapshot = Some(Arc::new(snapshot));
        self.past.marks = walked.marks.map(Arc::new);
        self.counts = walked.counts;
        Ok((groups, timeline.completion().unwrap_or_default()))
    }
}

/// The members of groups, by the ids of these.
fn members_of(groups: &[Group]) -> BTreeMap<String, Vec<String>> {
    let members = |group: &Group| {
        let members = group.members.iter();
        members.filter_map(|member| member.id.clone()).collect()
    };
    let groups = groups.iter();
    groups
        .map(|group| (group.source_id.clone(), members(group)))
        .collect()
}

fn some_groups(count: u64) -> impl Iterator<Item = (u64, ForgeGroup)> {
    (0..count).map(|id| {
        let members = (0..id % 4).map(|member| id * 10 + member).collect();
        (
            id,
            ForgeGroup {
                updated: 1,
                members,
            },
        )
    })
}

#[tokio::test(start_paused = true)]
async fn a_walk_after_a_hundredth_of_the_groups_changed_asks_for_no_more_than_these() {
    let forge = Forge::of(some_groups(10_000), 1000);
    let mut walker = Walker::of(&forge, &with_members("reuse = 'updated_at'"));
    let (groups, progress) = walker.walk().await.unwrap();
    assert_eq!(members_of(&groups), forge.members());
    assert_eq!((progress.asked, progress.reused), (10_000, 0));
    let first = forge.requests();
    assert_eq!(first, 10 + 10_000);
    for is_restarted in [false, true] {
        if is_restarted {
            // Another process goes by what is on disk.
            let marks = walker.past.marks.take().unwrap();
            let bytes = marks.to_bytes(Timestamp::UNIX_EPOCH);
            let marks = GroupMarks::from_bytes(&bytes, Timestamp::UNIX_EPOCH);
            walker.past.marks = marks.map(Arc::new);
        }
        for id in (0..10_000).step_by(100) {
            forge.change(id, |group| {
                group.updated += 1;
                group.members.push(group.updated);
            });
        }
        // Its members take three pages.
        forge.change(100, |group| group.members = (0..2_500).collect());
        let (groups, progress) = walker.walk().await.unwrap();
        assert_eq!(members_of(&groups), forge.members());
        assert_eq!((progress.asked, progress.reused), (100, 9_900));
        let second = forge.requests();
        assert_eq!(second, 10 + 100 + 2);
        assert!(second * 50 <= first, "{second} requests after {first}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_says_once_a_minute_how_far_a_long_walk_is() {
    let forge = Forge::of(some_groups(150), 200);
    let paced = with_members("").replace("retries = 0", "retries = 0, rate = '1/s'");
    let log = capturing("info");
    let said = tracing::dispatcher::set_default(&log.dispatch);
    Walker::of(&forge, &paced).walk().await.unwrap();
    drop(said);
    log.end();
    let lines = log.log.text();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = lines.filter(|line| line["message"] == "walk under way");
    let told: Vec<_> = told
        .map(|line| [line["done"].clone(), line["of"].clone()])
        .collect();
    assert_eq!(told, [[json!(60), json!(150)], [json!(120), json!(150)]]);
}

#[tokio::test(start_paused = true)]
async fn every_walk_uses_again_what_has_not_changed_until_everything_is_due() {
    let forge = Forge::of(some_groups(20), 100);
    let keys = "reuse = 'updated_at'\nfull = '3h'";
    let mut walker = Walker::of(&forge, &with_members(keys));
    let mut asked = Vec::new();
    for _ in 0..7 {
        asked.push(walker.walk().await.unwrap().1.asked);
        tokio::time::advance(Duration::from_hours(1)).await;
    }
    assert_eq!(asked, [20, 0, 0, 20, 0, 0, 20]);
}

#[tokio::test(start_paused = true)]
async fn members_are_used_again_while_what_stands_at_a_path_of_the_record_is_the_same() {
    let forge = Forge::of(some_groups(20), 100);
    let keys = "reuse = { path = 'seen/members' }\nfull = '2h'";
    let mut walker = Walker::of(&forge, &with_members(keys));
    walker.walk().await.unwrap();
    // It is no time that moves: the members of a group, as it was before or as it was not.
    forge.change(3, |group| group.members.push(99));
    forge.change(5, |group| group.updated += 1);
    let (groups, progress) = walker.walk().await.unwrap();
    assert_eq!(members_of(&groups), forge.members());
    // Those without members have no such value.
    assert_eq!((progress.asked, progress.reused), (6, 14));
    // Another path is another mark, whatever stands there.
    walker.adapter = Walker::of(&forge, &with_members("reuse = { path = 'seen/people' }")).adapter;
    let (_, progress) = walker.walk().await.unwrap();
    assert_eq!((progress.asked, progress.reused), (20, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_walk_corrects_what_no_mark_told_and_counts_it() {
    let forge = Forge::of(some_groups(20), 100);
    let keys = "reuse = 'updated_at'\nfull = '2h'";
    let mut walker = Walker::of(&forge, &with_members(keys));
    walker.walk().await.unwrap();
    forge.change(3, |group| group.members.push(99));
    let (groups, progress) = walker.walk().await.unwrap();
    assert_ne!(members_of(&groups), forge.members());
    assert_eq!((progress.asked, progress.differing), (0, 0));
    tokio::time::advance(Duration::from_hours(2)).await;
    let (groups, progress) = walker.walk().await.unwrap();
    assert_eq!(members_of(&groups), forge.members());
    assert_eq!((progress.asked, progress.differing), (20, 1));
    assert_eq!(walker.counts.differing, 1);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_entity_tag_spares_a_list_that_came_in_one_response() {
    let mut groups: BTreeMap<_, _> = some_groups(20).collect();
    groups.insert(
        20,
        ForgeGroup {
            updated: 1,
            members: (0..150).collect(),
        },
    );
    let forge = Forge::of(groups, 100);
    let mut walker = Walker::of(&forge, &with_members("reuse = 'etag'"));
    walker.walk().await.unwrap();
    forge.change(3, |group| group.members.push(99));
    // On the second page, which the tag of the first says nothing of.
    forge.change(20, |group| group.members.push(999));
    let (groups, progress) = walker.walk().await.unwrap();
    assert_eq!(members_of(&groups), forge.members());
    assert_eq!((progress.asked, progress.reused), (21, 19));
}

/// Groups with so many members each.
fn sized_groups(sizes: &[u64]) -> impl Iterator<Item = (u64, ForgeGroup)> {
    let groups = (0..).zip(sizes).map(|(id, size)| {
        let group = ForgeGroup {
            updated: 1,
            members: (0..*size).collect(),
        };
        (id, group)
    });
    groups.collect::<Vec<_>>().into_iter()
}

#[tokio::test(start_paused = true)]
async fn a_page_that_may_have_been_full_is_asked_for_again_whatever_its_entity_tag_says() {
    for pagination in ["style = 'link'", "style = 'link', limit = 1000"] {
        let forge = Forge::of(sized_groups(&[3, 2, 1]), 3);
        *lock(&forge.is_terse) = true;
        let members = with_members("reuse = 'etag'");
        let members = members.replace(
            "records = '/'\n        pagination = { style = 'link' }",
            &format!("records = '/'\n        pagination = {{ {pagination} }}"),
        );
        assert_eq!(members.contains("1000"), pagination.contains("1000"));
        let mut walker = Walker::of(&forge, &members);
        walker.walk().await.unwrap();
        // On a second page, which only a header names that no 304 has.
        forge.change(0, |group| group.members.push(99));
        let (groups, progress) = walker.walk().await.unwrap();
        assert_eq!(members_of(&groups), forge.members());
        assert_eq!((progress.asked, progress.reused), (3, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_304_that_names_another_page_says_that_the_list_has_changed() {
    let forge = Forge::of(sized_groups(&[4, 3, 1]), 4);
    let mut walker = Walker::of(&forge, &with_members("reuse = 'etag'"));
    walker.walk().await.unwrap();
    *lock(&forge.page) = 3;
    forge.change(1, |group| group.members.push(99));
    let (groups, progress) = walker.walk().await.unwrap();
    assert_eq!(members_of(&groups), forge.members());
    assert_eq!((progress.asked, progress.reused), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_full_walk_counts_what_changed_under_its_entity_tag() {
    let forge = Forge::of(sized_groups(&[4, 2, 1]), 100);
    *lock(&forge.is_stuck) = true;
    let mut walker = Walker::of(&forge, &with_members("reuse = 'etag'\nfull = '2h'"));
    walker.walk().await.unwrap();
    forge.change(1, |group| group.members.push(99));
    let (groups, progress) = walker.walk().await.unwrap();
    assert_ne!(members_of(&groups), forge.members());
    assert_eq!((progress.reused, progress.differing), (2, 0));
    tokio::time::advance(Duration::from_hours(2)).await;
    let (groups, progress) = walker.walk().await.unwrap();
    assert_eq!(members_of(&groups), forge.members());
    assert_eq!((progress.asked, progress.differing), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_walk_read_within_the_ttl_is_kept_for_the_next_one() {
    let forge = Forge::of(some_groups(100), 100);
    let mut walker = Walker::of(&forge, &with_members(""));
    forge.break_at(Some(95), StatusCode::INTERNAL_SERVER_ERROR);
    let error = walker.walk().await.unwrap_err();
    assert!(
        error.detail.starts_with("the members of the group `95`: "),
        "{error}"
    );
    assert!(forge.asked() >= 95);
    forge.break_at(None, StatusCode::OK);
    // It is listed otherwise than it was, so that nothing of it is kept.
    forge.change(7, |group| {
        group.updated += 1;
        group.members.push(99);
    });
    let (groups, progress) = walker.walk().await.unwrap();
    assert_eq!(members_of(&groups), forge.members());
    assert!(progress.kept >= 90, "{progress:?}");
    assert_eq!(forge.asked() as u64, 100 - progress.kept);
    // After a walk that succeeded nothing is kept.
    let (_, progress) = walker.walk().await.unwrap();
    assert_eq!((progress.kept, progress.asked), (0, 100));
}

#[tokio::test(start_paused = true)]
async fn a_list_with_groups_that_a_failed_walk_read_says_since_when_they_are_known() {
    let forge = Forge::of(some_groups(50), 100);
    let mut walker = Walker::of(&forge, &with_members(""));
    forge.break_at(Some(49), StatusCode::INTERNAL_SERVER_ERROR);
    walker.walk().await.unwrap_err();
    forge.break_at(None, StatusCode::OK);
    tokio::time::advance(Duration::from_mins(10)).await;
    let begun = Instant::now();
    let observers = Observers::default();
    let again = walk_again(&walker.adapter, &observers, &walker.past).await;
    let oldest = again.unwrap().oldest.unwrap();
    assert!(begun.duration_since(oldest) >= Duration::from_mins(10));
    walker.past.known = KnownGroups::default();
    let again = walk_again(&walker.adapter, &observers, &walker.past).await;
    assert!(again.unwrap().oldest.unwrap() >= begun);
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_walk_read_serves_for_the_ttl_only() {
    let forge = Forge::of(some_groups(50), 100);
    let mut walker = Walker::of(&forge, &with_members(""));
    forge.break_at(Some(49), StatusCode::INTERNAL_SERVER_ERROR);
    walker.walk().await.unwrap_err();
    forge.break_at(None, StatusCode::OK);
    tokio::time::advance(Duration::from_hours(1)).await;
    let (_, progress) = walker.walk().await.unwrap();
    assert_eq!((progress.kept, progress.asked), (0, 50));
}

#[tokio::test(start_paused = true)]
async fn groups_that_are_gone_are_left_out_up_to_the_share_that_may_be() {
    let forge = Forge::of(some_groups(20), 100);
    let mut walker = Walker::of(&forge, &with_members(""));
    forge.break_at(Some(3), StatusCode::GONE);
    let (groups, progress) = walker.walk().await.unwrap();
    assert_eq!((groups.len(), progress.gone, progress.done), (19, 1, 20));
    assert!(groups.iter().all(|group| group.source_id != "3"));
}

#[rstest]
#[case::a_few(
    20,
    "all 3 groups asked for so far answered 404: is `members.request.path` right?: the members of the group `2`: "
)]
#[case::two(2, "all 2 groups asked for so far answered 404: ")]
#[case::one(
    1,
    "the only group that was listed answered 404: is `members.request.path` right?: the members of "
)]
#[tokio::test(start_paused = true)]
async fn where_no_group_is_found_the_request_is_what_is_wrong(
    #[case] groups: u64,
    #[case] expected: &str,
) {
    let forge = Forge::of(some_groups(groups), 100);
    let members = with_members("");
    let block = members.replace("/groups/{group.id}/members", "/group/{group.id}/members");
    let error = Walker::of(&forge, &block).walk().await.unwrap_err();
    assert!(error.detail.starts_with(expected), "{error}");
}

/// What a walk warns of.
async fn warnings(groups: u64, block: &str) -> (String, CompletionProgress) {
    let forge = Forge::of(some_groups(groups), 100);
    let capturing = capturing("warn");
    let guard = tracing::dispatcher::set_default(&capturing.dispatch);
    let (_, progress) = Walker::of(&forge, block).walk().await.unwrap();
    drop(guard);
    capturing.end();
    (capturing.log.text(), progress)
}

#[rstest]
#[case::by_a_value_that_nobody_has(
    "records = '/'\n        pagination",
    "records = { at = '/', only = { path = 'id', equals = 'x' } }\n        pagination",
    r#""message":"records.only left out everybody","source":"club","list":"members","left_out":12"#
)]
#[case::by_a_path_without_values(
    "fields = { id = 'id' }",
    "fields = { id = 'id', email = 'mail' }",
    r#""message":"nobody has a value for a field of people","source":"club","list":"members","field":"email","people":12"#
)]
#[tokio::test(start_paused = true)]
async fn what_empties_all_lists_of_people_is_warned_of_once(
    #[case] right: &str,
    #[case] wrong: &str,
    #[case] expected: &str,
) {
    let members = with_members("");
    let (log, _) = warnings(8, &members).await;
    assert_eq!(log, "");
    let at = members.rfind(right).unwrap();
    let block = format!("{}{wrong}{}", &members[..at], &members[at + right.len()..]);
    let (log, _) = warnings(8, &block).await;
    assert!(log.contains(expected), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
}

#[tokio::test(start_paused = true)]
async fn groups_with_another_number_of_members_than_their_record_says_are_counted() {
    let members = with_members("");
    let fields = "updated_at = 'updated_at' }";
    let counted = "updated_at = 'updated_at', member_count = 'id' }";
    let block = members.replace(fields, counted);
    let (log, progress) = warnings(4, &block).await;
    assert_eq!((log.as_str(), progress.miscounted), ("", 0));
    // The groups 4 and 5 have as many members as 0 and 1.
    let (log, progress) = warnings(6, &block).await;
    assert_eq!(progress.miscounted, 2);
    let expected = "groups have another number of members than their records say";
    assert!(log.contains(expected), "{log}");
    assert!(log.contains(r#""miscounted":2"#), "{log}");
}

#[rstest]
#[case::a_path_that_is_there("reuse = { path = 'seen/members' }", "")]
#[case::a_path_of_no_record(
    "reuse = { path = 'seen/nobody' }",
    "no group has what reuse goes by, so nothing is used again"
)]
#[tokio::test(start_paused = true)]
async fn reuse_by_what_no_group_has_is_warned_of(#[case] reuse: &str, #[case] expected: &str) {
    let (log, _) = warnings(4, &with_members(reuse)).await;
    assert_eq!(log.is_empty(), expected.is_empty(), "{log}");
    assert!(log.contains(expected), "{log}");
}

#[tokio::test(start_paused = true)]
async fn the_share_that_may_be_gone_is_one_of_those_that_are_asked_for() {
    let forge = Forge::of(some_groups(100), 100);
    let mut walker = Walker::of(&forge, &with_members("reuse = 'updated_at'"));
    walker.walk().await.unwrap();
    // Of a hundred groups, ten are asked for.
    (0..10).for_each(|id| forge.change(id, |group| group.updated += 1));
    *lock(&forge.gone) = vec![3, 8];
    let error = walker.walk().await.unwrap_err();
    let expected =
        "2 of 10 groups asked for are gone that were just listed, more than 0.1 (`members.gone`): ";
    assert!(error.detail.starts_with(expected), "{error}");
    // One always may be.
    *lock(&forge.gone) = vec![8];
    let (groups, progress) = walker.walk().await.unwrap();
    assert_eq!((groups.len(), progress.gone), (99, 1));
}

#[tokio::test(start_paused = true)]
async fn people_that_are_nobody_and_those_that_come_twice_are_counted() {
    let forge = Forge::of(some_groups(4), 100);
    *lock(&forge.early) = vec![json!({"id": 7}), json!({"name": "x"}), json!({"id": 7})];
    let members = with_members("");
    let records = members.rfind("records = '/'").unwrap();
    let mut only = members.clone();
    only.replace_range(
        records..records + "records = '/'".len(),
        "records = { at = '/', only = { path = 'name', equals = 'x' } }",
    );
    let counts = async |block: &str| {
        let walker = Walker::of(&forge, block);
        let observers = Observers::default();
        let list = walk_again(&walker.adapter, &observers, &walker.past).await;
        let counts = list.unwrap().counts;
        (
            counts.unread_people,
            counts.unmarked_people,
            counts.repeated_people,
        )
    };
    assert_eq!(counts(&members).await, (4, 0, 4));
    // Only what has a name is looked at.
    lock(&forge.early).push(json!({"id": 9, "name": "x"}));
    let unmarked = 4 * 2 + forge.members().values().map(Vec::len).sum::<usize>() as u64;
    assert_eq!(counts(&only).await, (4, unmarked, 0));
}

#[tokio::test(start_paused = true)]
async fn groups_of_a_failed_walk_that_find_no_room_are_told() {
    let forge = Forge::of(some_groups(20), 100);
    let mut walker = Walker::of(&forge, &with_members(""));
    // An eighth of it is room for some of them.
    walker.adapter = Arc::new(walker.adapter.with_room(24_000));
    forge.break_at(Some(19), StatusCode::INTERNAL_SERVER_ERROR);
    let capturing = capturing("warn");
    let guard = tracing::dispatcher::set_default(&capturing.dispatch);
    walker.walk().await.unwrap_err();
    drop(guard);
    capturing.end();
    let log = capturing.log.text();
    let expected = "not all groups that a failed walk had read could be kept for the next one";
    assert!(log.contains(expected), "{log}");
    forge.break_at(None, StatusCode::OK);
    let (_, progress) = walker.walk().await.unwrap();
    assert!((1..19).contains(&progress.kept), "{progress:?}");
    assert_eq!(progress.kept + progress.asked, 20);
}

const PARTITIONED: &str = "
    base_url = 'http://forge.example'
    request = { path = '/orgs/{partition.org}/groups' }
    records = '/'
    pagination = { style = 'link' }
    fields = { id = 'id', name = 'id', updated_at = 'updated_at' }
    limits = { retries = 0 }
    [partitions]
    request = { path = '/orgs' }
    records = '/'
    pagination = { style = 'link' }
    values = { org = 'login' }
    [members]
    request = { path = '/groups/{group.id}/members' }
    records = '/'
    pagination = { style = 'link' }
    fields = { id = 'id' }
    reuse = 'updated_at'
";

/// Organizations with groups whose ids are unique among all.
fn forge() -> impl Strategy<Value = BTreeMap<u64, BTreeMap<u64, ForgeGroup>>> {
    let members = prop::collection::btree_set(0..50_u64, 0..7);
    let group = (0..3_u64, members).prop_map(|(updated, members)| ForgeGroup {
        updated,
        members: members.into_iter().collect(),
    });
    let groups = prop::collection::btree_map(0..40_u64, (0..4_u64, group), 0..12);
    groups.prop_map(|groups| {
        let mut orgs: BTreeMap<u64, BTreeMap<_, _>> = BTreeMap::new();
        for (id, (org, group)) in groups {
            orgs.entry(org).or_default().insert(id, group);
        }
        orgs
    })
}

/// What becomes of an upstream between two walks: a group gets these members, and it fails at another.
type Change = (u64, Vec<u64>, Option<(u64, bool)>);

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let failure = prop::option::of((0..40_u64, any::<bool>()));
    let members = prop::collection::vec(0..50_u64, 0..7).prop_map(|mut members| {
        members.sort_unstable();
        members.dedup();
        members
    });
    prop::collection::vec((0..40_u64, members, failure), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_walk_brings_all_members_of_all_groups_of_all_partitions_or_an_error(
        orgs in forge(),
        page in 1..5_usize,
        changes in changes(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let forge = Forge::of_orgs(orgs, page);
            let mut walker = Walker::of(&forge, PARTITIONED);
            for (id, members, failure) in changes {
                if let Some(group) = lock(&forge.orgs).values_mut().find_map(|groups| groups.get_mut(&id)) {
                    group.updated += 10;
                    group.members = members;
                }
                let broken = failure.map(|(group, _)| group);
                let is_gone = failure.is_some_and(|(_, is_gone)| is_gone);
                let status = if is_gone { StatusCode::NOT_FOUND } else { StatusCode::BAD_GATEWAY };
                forge.break_at(broken, status);
                let mut expected = forge.members();
                let fails = broken.is_some_and(|group| expected.contains_key(&group.to_string()));
                match walker.walk().await {
                    Ok((groups, progress)) => {
                        if progress.gone > 0 {
                            prop_assert!(is_gone && fails);
                            expected.remove(&broken.unwrap().to_string());
                        }
                        prop_assert_eq!(members_of(&groups), expected);
                    }
                    Err(error) => {
                        prop_assert!(fails, "{}", error);
                        prop_assert_eq!(error.kind, ErrorKind::HttpStatus);
                    }
                }
            }
            Ok(())
        })?;
    }
}
