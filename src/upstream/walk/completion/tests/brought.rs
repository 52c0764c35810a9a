//! Lists of one group that the same requests bring.

use super::*;
use crate::plan;

/// Who runs the groups of which they are members.
const ADMINS: [u64; 4] = [0, 10, 30, 71];

/// With these keys for members, and for admins from the same responses.
fn with_admins(members: &str, admins: &str) -> String {
    format!(
        "{}
        [admins]
        request = {{ path = '/groups/{{group.id}}/members' }}
        records = {{ at = '/', only = {{ path = 'id', equals = ['0', '10', '30', '71'] }} }}
        pagination = {{ style = 'link' }}
        fields = {{ id = 'id' }}
        {admins}
        ",
        with_members(members)
    )
}

/// The admins of groups are those of their members who are any.
fn assert_people(groups: &[Group], forge: &Forge) {
    assert_eq!(members_of(groups), forge.members());
    for group in groups {
        let is_admin = |id: &&str| ADMINS.iter().any(|admin| *id == admin.to_string());
        let members = group.members.iter().filter_map(|one| one.id.as_deref());
        let admins = group.admins.iter().filter_map(|one| one.id.as_deref());
        let expected: Vec<_> = members.filter(is_admin).collect();
        assert_eq!(admins.collect::<Vec<_>>(), expected, "{}", group.source_id);
    }
}

#[rstest]
#[case::of_one_page(100, 20)]
#[case::of_several_pages(2, 20 + 9 + 5)]
#[tokio::test(start_paused = true)]
async fn equal_requests_of_a_group_are_sent_once(#[case] page: usize, #[case] requests: usize) {
    let forge = Forge::of(some_groups(20), page);
    let mut walker = Walker::of(&forge, &with_admins("", ""));
    let (groups, progress) = walker.walk().await.unwrap();
    assert_people(&groups, &forge);
    assert_eq!(
        groups
            .iter()
            .filter(|group| !group.admins.is_empty())
            .count(),
        3
    );
    assert_eq!((progress.asked, progress.reused), (40, 0));
    assert_eq!(forge.requests(), requests + 1);
}

#[rstest]
#[case::another_parameter("members' }", "members', query = { role = 'admin' } }")]
#[case::another_header("members' }", "members', headers = { x-role = 'admin' } }")]
#[case::other_pages("style = 'link'", "style = 'link', limit = 9")]
#[case::positions_that_count_other_records("at = '/',", "at = '/', keyed = true,")]
#[tokio::test(start_paused = true)]
async fn requests_that_differ_are_sent_each(#[case] from: &str, #[case] to: &str) {
    let block = with_admins("", "");
    let admins = block.find("[admins]").unwrap();
    let block = block[..admins].to_owned() + &block[admins..].replacen(from, to, 1);
    let adapter = adapter(&block);
    let own: Vec<_> = adapter
        .related()
        .people
        .iter()
        .map(plan::MemberList::has_own_request)
        .collect();
    assert_eq!(own, [true, true]);
}

#[rstest]
#[case::by_what_the_body_says("'/more'", [true, false])]
// Which record is the last differs.
#[case::by_what_the_last_record_says("{ last_record = 'more' }", [true, true])]
#[tokio::test(start_paused = true)]
async fn lists_at_different_paths_share_a_response_that_says_of_itself_that_it_is_whole(
    #[case] more: &str,
    #[case] own_requests: [bool; 2],
) {
    let members = with_members("").replace("pagination = { style = 'link' }", "");
    let (groups, members) = members.split_at(members.find("[members]").unwrap());
    let members = members.replace("records = '/'", "records = '/members'");
    let pagination = format!("pagination = {{ style = 'none', more = {more} }}");
    let block = format!(
        "{groups}
        {members}
        {pagination}
        [admins]
        request = {{ path = '/groups/{{group.id}}/members' }}
        records = '/admins'
        {pagination}
        fields = {{ id = 'id' }}
        "
    );
    let adapter = adapter(&block);
    let own = adapter.related().people.iter();
    let own = own.map(plan::MemberList::has_own_request);
    assert_eq!(own.collect::<Vec<_>>(), own_requests);
}

#[rstest]
#[case::both_by_their_entity_tag("reuse = 'etag'", "reuse = 'etag'", 40, 30, 20)]
// What is sent anyhow brings both.
#[case::one_by_its_entity_tag("reuse = 'etag'", "", 40, 0, 20)]
#[case::both_by_a_field("reuse = 'updated_at'", "reuse = 'updated_at'", 2, 38, 1)]
#[case::one_by_a_field("", "reuse = 'updated_at'", 21, 19, 20)]
#[case::each_by_something_else("reuse = 'etag'", "reuse = 'updated_at'", 21, 34, 20)]
#[tokio::test(start_paused = true)]
async fn what_is_used_again_is_decided_for_each_list(
    #[case] members: &str,
    #[case] admins: &str,
    #[case] asked: u64,
    #[case] reused: u64,
    #[case] requests: usize,
) {
    // Of five groups the entity tag does not count: as many members as there are at most may be a full page.
    let forge = Forge::of(some_groups(20), 100);
    let mut walker = Walker::of(&forge, &with_admins(members, admins));
    walker.walk().await.unwrap();
    forge.requests();
    forge.change(3, |group| {
        group.updated += 1;
        group.members.push(71);
    });
    let (groups, progress) = walker.walk().await.unwrap();
    assert_people(&groups, &forge);
    assert_eq!((progress.asked, progress.reused), (asked, reused));
    assert_eq!(forge.requests(), 1 + requests);
}

#[tokio::test(start_paused = true)]
async fn a_request_for_two_lists_that_fails_fails_the_walk_for_the_first_of_them() {
    let forge = Forge::of(some_groups(20), 100);
    let mut walker = Walker::of(&forge, &with_admins("", "gone = 0"));
    forge.break_at(Some(4), StatusCode::GONE);
    let (groups, progress) = walker.walk().await.unwrap();
    assert_eq!((groups.len(), progress.gone), (19, 1));
    forge.break_at(Some(4), StatusCode::BAD_GATEWAY);
    let error = walker.walk().await.unwrap_err();
    assert!(
        error.detail.starts_with("the members of the group `4`: "),
        "{error}"
    );
}

#[rstest]
#[case::that_is_elsewhere("{ at = '/people' }", "id", "`/people`")]
#[case::of_something_else("'/'", "uid", "none of 3 records has an id or an email address")]
#[tokio::test(start_paused = true)]
async fn a_list_that_the_response_for_another_does_not_bring_fails_the_walk_by_its_own_name(
    #[case] records: &str,
    #[case] id: &str,
    #[case] expected: &str,
) {
    let forge = Forge::of(
        [(
            7,
            ForgeGroup {
                updated: 1,
                members: vec![1, 2, 3],
            },
        )],
        100,
    );
    let members = with_members("").replace("pagination = { style = 'link' }", "");
    let block = format!(
        "{members}
        [guests]
        request = {{ path = '/groups/{{group.id}}/members' }}
        records = {records}
        fields = {{ id = '{id}' }}
        "
    );
    let error = Walker::of(&forge, &block).walk().await.unwrap_err();
    assert!(
        error.detail.starts_with("the guests of the group `7`: "),
        "{error}"
    );
    assert!(error.detail.contains(expected), "{error}");
    assert_eq!(forge.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn people_that_come_twice_are_counted_in_each_list() {
    let forge = Forge::of(some_groups(4), 100);
    *lock(&forge.early) = vec![json!({"id": 71}), json!({"name": "x"}), json!({"id": 71})];
    let mut walker = Walker::of(&forge, &with_admins("", ""));
    walker.walk().await.unwrap();
    let counts = walker.counts;
    // Of what has no id it is not known whether it is an admin.
    let counted = (
        counts.unread_people,
        counts.unmarked_people,
        counts.repeated_people,
    );
    assert_eq!(counted, (4, 4, 8));
}
