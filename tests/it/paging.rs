//! Page after page: what following `next_cursor` to the end brings, whatever happens meanwhile.

mod by_hand;

use std::cmp::Ordering;
use std::collections::HashSet;

use groupgate::tools::demo::InjectedFault;
use http::StatusCode;
use rstest::rstest;
use serde_json::Value;

use crate::support::client::{each, groups_of, source};
use crate::support::deployment::{Deployment, SOURCES, Setup};
use by_hand::{Group, by_name, none_last, plain};

/// A key that cursors are signed with, where replicas share one.
const KEY: &str = "a key of at least thirty-two bytes";

/// Walks that a test asks for happen at once.
fn setup(groups: usize) -> Setup {
    Setup::new(groups).set("CACHE__MIN_REFRESH", "1ms")
}

fn shown(groups: &[Value]) -> Vec<Group> {
    groups.iter().map(Group::shown).collect()
}

#[tokio::test]
async fn five_at_a_time_brings_what_walking_each_upstream_by_hand_brings() {
    let gateway = setup(70).ready().await;
    let mut expected = by_hand::all(gateway.emulations()).await;
    assert_eq!(expected.len(), 5 * 70);
    expected.sort_by(by_name);
    let (groups, last) = gateway.follow("limit=5&deleted=include").await;
    assert_eq!(shown(&groups), expected);
    assert_eq!(last["total"], 5 * 70);
    assert_eq!(last["complete"], true);
}

#[tokio::test]
async fn groups_marked_deleted_are_left_out_unless_asked_for() {
    let gateway = setup(40).ready().await;
    let mut expected = by_hand::all(gateway.emulations()).await;
    let all = expected.len();
    expected.retain(|group| group.deleted_at.is_none());
    assert!(expected.len() < all, "none of the groups is deleted");
    expected.sort_by(by_name);
    let (groups, _) = gateway.follow("limit=50").await;
    assert_eq!(shown(&groups), expected);
}

#[rstest]
#[tokio::test]
async fn every_sort_pages_in_its_own_order(
    #[values(
        "-name",
        "created_at",
        "-created_at",
        "updated_at",
        "-updated_at",
        "-id",
        "-source,%2Bname"
    )]
    sort: &str,
) {
    let gateway = setup(30).ready().await;
    let mut expected = by_hand::all(gateway.emulations()).await;
    let compare = order(sort);
    expected.sort_by(|left, right| compare(left, right).then_with(|| by_name(left, right)));
    let query = format!("sort={sort}&limit=7&deleted=include");
    let (groups, _) = gateway.follow(&query).await;
    assert_eq!(shown(&groups), expected);
}

/// What a sort compares. What breaks its ties is ascending, whichever way it goes.
fn order(sort: &str) -> fn(&Group, &Group) -> Ordering {
    match sort {
        "-name" => |left, right| (plain(right), &right.name).cmp(&(plain(left), &left.name)),
        "created_at" => |left, right| none_last(left.created_at, right.created_at, Ord::cmp),
        "-created_at" => |left, right| none_last(left.created_at, right.created_at, descending),
        "updated_at" => |left, right| none_last(left.updated_at, right.updated_at, Ord::cmp),
        "-updated_at" => |left, right| none_last(left.updated_at, right.updated_at, descending),
        "-id" => |left, right| right.id.cmp(&left.id),
        "-source,%2Bname" => |left, right| right.source.cmp(&left.source),
        _ => panic!("{sort} is not described here"),
    }
}

fn descending<T: Ord>(left: &T, right: &T) -> Ordering {
    right.cmp(left)
}

#[tokio::test]
async fn the_links_of_each_page_lead_through_the_same_groups() {
    let gateway = setup(12).ready().await;
    let (expected, _) = gateway.follow("limit=5&sort=-created_at").await;
    let mut groups = Vec::new();
    let mut query = "?limit=5&sort=-created_at".to_owned();
    let mut firsts = HashSet::new();
    loop {
        let reply = gateway.get(&format!("/groups{query}")).await;
        groups.extend(groups_of(&reply.json()).iter().cloned());
        let link = reply.header("link");
        firsts.insert(target(link, "first").expect("every page links to the first"));
        match target(link, "next") {
            Some(next) => query = next,
            None => break,
        }
    }
    assert_eq!(groups, expected);
    assert_eq!(firsts.len(), 1, "{firsts:?}");
    for first in firsts {
        let page = gateway.page(&format!("/groups{first}")).await;
        assert_eq!(groups_of(&page), &expected[..5]);
    }
}

/// The target of one relation in a `Link` header (RFC 8288). It is a query, so that it holds
/// wherever the gateway is mounted.
fn target(link: &str, relation: &str) -> Option<String> {
    let relation = format!("rel=\"{relation}\"");
    let link = link.split(", ").find(|link| link.ends_with(&relation))?;
    let target = link.strip_prefix('<')?.split('>').next()?;
    assert!(target.starts_with('?'), "{target}");
    Some(target.to_owned())
}

#[tokio::test]
async fn replicas_that_share_a_key_continue_each_others_sequences() {
    let setup = setup(20)
        .declare("[cursor]\nkeys = [{ env = \"CURSOR_KEY\" }]\n")
        .variable("CURSOR_KEY", KEY);
    let one = setup.ready().await;
    let other = one.replica().await;
    other.ready().await;
    let (expected, _) = one.follow("limit=9&search=s").await;
    let mut groups = Vec::new();
    let mut path = "/groups?limit=9&search=s".to_owned();
    for replica in [&one, &other].into_iter().cycle() {
        let page = replica.page(&path).await;
        groups.extend(groups_of(&page).iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/groups?cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(groups, expected);
}

#[tokio::test]
async fn a_cursor_of_a_gateway_with_another_key_says_start_over() {
    let one = setup(5).ready().await;
    let other = one.replica().await;
    let page = one.page("/groups?limit=2").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let reply = other.get(&format!("/groups?cursor={cursor}")).await;
    let problem = reply.problem(400, "start-over");
    assert_eq!(problem["parameter"], "cursor");
}

#[rstest]
#[case::grow(35)]
#[case::shrink(15)]
#[tokio::test]
async fn groups_that_did_not_change_come_once_while_others_come_and_go(#[case] changed: usize) {
    let gateway = setup(25).ready().await;
    let (before, _) = gateway.follow("limit=100").await;
    let first = gateway.page("/groups?limit=20").await;
    for emulation in gateway.emulations() {
        emulation.set_groups(changed);
        assert_eq!(
            gateway.refresh(emulation.name()).await.status,
            StatusCode::OK
        );
    }
    let (after, _) = gateway.follow("limit=100").await;
    let stayed: HashSet<_> = after.iter().map(|group| group["id"].clone()).collect();
    let cursor = first["next_cursor"].as_str().unwrap();
    let (rest, _) = gateway.follow(&format!("cursor={cursor}")).await;
    let sequence = [groups_of(&first), &rest].concat();

    let ids: HashSet<_> = each(&sequence, "id").into_iter().collect();
    assert_eq!(ids.len(), sequence.len(), "a group came twice");
    for group in before.iter().filter(|group| stayed.contains(&group["id"])) {
        assert!(sequence.contains(group), "skipped: {}", group["id"]);
    }
    let mut ordered = shown(&sequence);
    ordered.sort_by(by_name);
    assert_eq!(shown(&sequence), ordered);
}

#[tokio::test]
async fn a_source_that_fails_between_two_pages_still_serves_what_was_read() {
    let gateway = setup(12).ready().await;
    let (expected, _) = gateway.follow("limit=100").await;
    let first = gateway.page("/groups?limit=10").await;
    fail(&gateway, "publisher", InjectedFault::Refuse).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let (rest, last) = gateway.follow(&format!("cursor={cursor}")).await;
    assert_eq!([groups_of(&first), &rest].concat(), expected);
    assert_eq!(last["complete"], true);
    assert_eq!(source(&last, "publisher")["error"]["type"], "connect");
}

#[tokio::test]
async fn a_source_that_was_missing_on_one_page_is_named_to_the_end_although_it_healed() {
    let gateway = setup(12).ready().await;
    let (expected, _) = gateway.follow("limit=100").await;
    let first = gateway.page("/groups?limit=10").await;
    assert_eq!(first["complete"], true);

    // Refused credentials leave nothing to serve: what we may not see, we do not show.
    fail(&gateway, "tallyfy", InjectedFault::Unauthorized).await;
    let second = gateway.page(&after(&first)).await;
    assert_eq!(second["complete"], false);
    assert_eq!(source(&second, "tallyfy")["state"], "failed");
    assert_eq!(source(&second, "tallyfy")["error"]["type"], "unauthorized");
    assert!(!each(groups_of(&second), "source").contains(&"tallyfy"));

    gateway.emulation("tallyfy").set_fault(None);
    assert_eq!(gateway.refresh("tallyfy").await.status, StatusCode::OK);
    let cursor = second["next_cursor"].as_str().unwrap();
    let (rest, last) = gateway.follow(&format!("cursor={cursor}")).await;
    assert_eq!(last["complete"], false);
    assert_eq!(source(&last, "tallyfy")["state"], "fresh");
    assert_eq!(source(&last, "tallyfy")["error"]["type"], "unauthorized");

    let sequence = [groups_of(&first), groups_of(&second), &rest].concat();
    for group in expected.iter().filter(|group| group["source"] != "tallyfy") {
        assert_eq!(sequence.iter().filter(|other| *other == group).count(), 1);
    }
    let (again, last) = gateway.follow("limit=10").await;
    assert_eq!(again, expected);
    assert_eq!(last["complete"], true);
}

/// Has an upstream fail from now on, and its next walk with it.
async fn fail(gateway: &Deployment, upstream: &str, fault: InjectedFault) {
    gateway.emulation(upstream).set_fault(Some(fault));
    gateway.refresh(upstream).await;
}

/// The path of the page after this one.
fn after(page: &Value) -> String {
    let cursor = page["next_cursor"].as_str().expect("there is another page");
    format!("/groups?cursor={cursor}")
}

#[tokio::test]
async fn the_groups_of_each_source_alone_make_up_the_union() {
    let gateway = setup(15).ready().await;
    let (union, _) = gateway.follow("limit=11").await;
    let mut parts = Vec::new();
    for name in SOURCES {
        let (part, last) = gateway.follow(&format!("limit=4&source={name}")).await;
        assert_eq!(last["sources"].as_array().unwrap().len(), 1);
        assert!(part.iter().all(|group| group["source"] == name));
        parts.extend(shown(&part));
    }
    parts.sort_by(by_name);
    assert_eq!(shown(&union), parts);
}
