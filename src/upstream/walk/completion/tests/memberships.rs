//! Walks of groups whose people stand in one list of all.

use std::collections::BTreeMap;

use http::StatusCode;
use proptest::prelude::*;

use crate::group::Group;

use super::forge::{Forge, ForgeGroup};
use super::{GROUPS, Walker, members_of, some_groups};

const MEMBERSHIPS: &str = "
    [members]
    request = { path = '/memberships' }
    records = '/'
    pagination = { style = 'link' }
    fields = { group = 'group', id = 'id' }
";

const GUESTS: &str = "
    [guests]
    request = { path = '/groups/{group.id}/members' }
    records = '/'
    pagination = { style = 'link' }
    fields = { id = 'id' }
";

const ORGS: &str = "
    base_url = 'http://forge.example'
    request = { path = '/orgs/{partition.org}/groups' }
    records = '/'
    pagination = { style = 'link' }
    fields = { id = 'id', name = 'id' }
    [partitions]
    request = { path = '/orgs' }
    records = '/'
    pagination = { style = 'link' }
    values = { org = 'login' }
    [members]
    request = { path = '/orgs/{partition.org}/memberships' }
    records = '/'
    pagination = { style = 'link' }
    fields = { group = 'group', id = 'id' }
";

#[tokio::test(start_paused = true)]
async fn a_thousand_groups_cost_the_pages_of_their_list_and_of_their_memberships() {
    let forge = Forge::of(some_groups(1000), 100);
    let mut walker = Walker::of(&forge, &format!("{GROUPS}{MEMBERSHIPS}"));
    let (groups, _) = walker.walk().await.unwrap();
    assert_eq!(members_of(&groups), forge.members());
    let memberships = forge.members().values().map(Vec::len).sum::<usize>();
    assert_eq!(memberships, 1500);
    assert_eq!(forge.requests(), 10 + 15);
}

#[tokio::test(start_paused = true)]
async fn groups_that_a_failed_walk_had_completed_have_the_people_of_today() {
    let forge = Forge::of(some_groups(20), 100);
    let mut walker = Walker::of(&forge, &format!("{GROUPS}{MEMBERSHIPS}{GUESTS}"));
    forge.break_at(Some(19), StatusCode::INTERNAL_SERVER_ERROR);
    walker.walk().await.unwrap_err();
    forge.break_at(None, StatusCode::OK);
    forge.change(2, |group| group.members = vec![77, 78]);
    let (groups, progress) = walker.walk().await.unwrap();
    assert!(progress.kept > 10, "{progress:?}");
    assert_eq!(members_of(&groups), forge.members());
    // A list of its own is as old as what the failed walk had read.
    let group: &Group = groups.iter().find(|group| group.source_id == "2").unwrap();
    let guests = group.guests.iter().map(|guest| guest.id.as_deref());
    assert_eq!(guests.collect::<Vec<_>>(), [Some("20"), Some("21")]);
}

#[tokio::test(start_paused = true)]
async fn groups_whose_records_say_no_number_have_as_many_members_as_came_today() {
    let forge = Forge::of(some_groups(20), 100);
    let fields = "updated_at = 'updated_at' }";
    let groups = GROUPS.replace(fields, "updated_at = 'updated_at', member_count = 'size' }");
    // Records have the number elsewhere, and would not be the same with another one.
    let block = format!("extra = 'drop'\n{groups}{MEMBERSHIPS}{GUESTS}");
    let mut walker = Walker::of(&forge, &block);
    forge.break_at(Some(19), StatusCode::INTERNAL_SERVER_ERROR);
    walker.walk().await.unwrap_err();
    forge.break_at(None, StatusCode::OK);
    forge.change(2, |group| group.members = vec![77, 78, 79]);
    let (groups, progress) = walker.walk().await.unwrap();
    assert!(progress.kept > 10, "{progress:?}");
    assert_eq!(progress.miscounted, 0);
    for group in &groups {
        assert_eq!(
            group.member_count,
            Some(group.members.len() as u64),
            "{}",
            group.id
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_membership_is_lost_whatever_pages_and_organizations_there_are(
        orgs in prop::collection::btree_map(0..4_u64, prop::collection::vec(0..7_usize, 0..9), 1..4),
        page in 1..6_usize,
        is_apart in proptest::bool::ANY,
    ) {
        // Ids that are unique in their organization are the same in all of them.
        let group = |org: u64, id: usize, members: usize| {
            let first = (org * 100 + id as u64) * 10;
            let id = if is_apart { id as u64 } else { first / 10 };
            let members = (0..members as u64).map(|member| first + member).collect();
            (id, ForgeGroup { updated: 1, members })
        };
        let orgs = orgs.into_iter().map(|(org, groups)| {
            let groups = groups.into_iter().enumerate();
            let groups = groups.map(|(id, members)| group(org, id, members));
            (org, groups.collect::<BTreeMap<_, _>>())
        });
        let orgs: BTreeMap<_, BTreeMap<_, _>> = orgs.collect();
        let expected = orgs.iter().flat_map(|(org, groups)| {
            groups.iter().map(move |(id, group)| {
                let id = if is_apart { format!("{org}/{id}") } else { id.to_string() };
                (id, group.members.iter().map(u64::to_string).collect::<Vec<_>>())
            })
        });
        let expected: BTreeMap<_, _> = expected.collect();
        let ids = if is_apart { "ids = 'partition'\n[members]" } else { "[members]" };
        let block = ORGS.replacen("[members]", ids, 1);
        let forge = Forge::of_orgs(orgs, page);
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
        let walked = runtime.block_on(async { Walker::of(&forge, &block).walk().await });
        let (groups, _) = walked.unwrap();
        prop_assert_eq!(members_of(&groups), expected);
    }
}
