//! Lists that belong to that of groups: a second sample becomes a table, and what is printed walks whole.

use std::fs;

use bytes::Bytes;
use groupgate::group::Group;
use groupgate::tools::infer::{Sample, propose_as};
use http::{Request, Response};
use rstest::rstest;
use serde_json::{Value, json};

use super::round_trip::walked_groups;
use super::samples::load;
use crate::support::command::{Outcome, groupgate, run};
use crate::support::server::{Server, header, json as answer, parameter, status};

/// How many groups there are, and how many are on a page.
const GROUPS: usize = 12;
const PAGE: usize = 5;

/// How many members a group has, two of them on a page.
const fn size(group: usize) -> usize {
    group % 5
}

fn group(index: usize) -> Value {
    json!({ "id": 100 + index, "slug": format!("team-{index}"), "name": format!("Team {index}"), "member_count": size(index) })
}

/// Some items, and where the next ones are: a cursor that is the number of the first.
fn page(request: &Request<Bytes>, all: Vec<Value>, size: usize) -> Response<String> {
    let start = parameter(request, "cursor").map_or(0, |after| after[1..].parse().unwrap());
    let next = (start + size < all.len()).then(|| format!("c{}", start + size));
    let items: Vec<_> = all.into_iter().skip(start).take(size).collect();
    answer(&json!({ "items": items, "next_cursor": next }))
}

fn members(request: &Request<Bytes>, index: usize) -> Response<String> {
    let user = |user| {
        let id = format!("u-{index}-{user}");
        json!({ "role": "x", "user": { "id": id, "email": format!("{id}@example.com") } })
    };
    page(request, (0..size(index)).map(user).collect(), 2)
}

/// The number of a group that has this id or this slug.
fn number(text: &str) -> Option<usize> {
    let number = match text.strip_prefix("team-") {
        Some(slug) => slug.parse().ok()?,
        None => text.parse::<usize>().ok()?.checked_sub(100)?,
    };
    (number < GROUPS).then_some(number)
}

/// Groups, the members of each behind its id, its slug or a parameter, and its details; teams of organizations.
fn forge(request: &Request<Bytes>) -> Response<String> {
    if header(request, "authorization") != Some("Bearer hunter2") {
        return status(401);
    }
    let all = || (0..GROUPS).map(group).collect();
    let segments: Vec<_> = request.uri().path().split('/').skip(1).collect();
    match segments.as_slice() {
        ["api", "groups"] => page(request, all(), PAGE),
        ["api", "ids"] => answer(&(0..GROUPS).map(|index| json!(100 + index)).collect()),
        ["api", "groups", id] => number(id).map_or_else(
            || status(404),
            |index| {
                let mut record = group(index);
                record["description"] = format!("About {index}").into();
                answer(&json!({ "group": record, "can_edit": false }))
            },
        ),
        ["api", "groups" | "teams", id, "members"] => {
            number(id).map_or_else(|| status(404), |index| members(request, index))
        }
        ["api", "people"] => {
            let index = parameter(request, "group").and_then(|id| number(&id));
            index.map_or_else(|| status(404), |index| members(request, index))
        }
        ["api", "orgs"] => {
            answer(&json!([{ "login": "even", "id": 1 }, { "login": "odd", "id": 2 }]))
        }
        ["api", "orgs", org, "teams"] => {
            let is_own = |index: &usize| index.is_multiple_of(2) == (*org == "even");
            page(
                request,
                (0..GROUPS).filter(is_own).map(group).collect(),
                PAGE,
            )
        }
        ["api", "orgs", "even" | "odd", "teams", slug, "members"] => {
            number(slug).map_or_else(|| status(404), |index| members(request, index))
        }
        _ => status(404),
    }
}

/// Runs `infer` with these options, whose URLs are those of the server.
async fn infer(server: &Server, options: &[(&str, &str)]) -> Outcome {
    let mut arguments = vec!["infer".to_owned(), "--name".to_owned(), "api".to_owned()];
    for (option, value) in options {
        arguments.push((*option).to_owned());
        let parts = value.split(' ').map(|part| {
            if part.starts_with("/api") {
                format!("{}{part}", server.base_url())
            } else {
                part.to_owned()
            }
        });
        if *option == "--header" {
            arguments.push((*value).to_owned());
        } else {
            arguments.extend(parts);
        }
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    run(groupgate(&arguments, [("PATH", "/")])).await
}

const TOKEN: (&str, &str) = ("--header", "Authorization: Bearer hunter2");

/// The groups that a walk by the block brings, in the order of their ids.
async fn walked(block: &str) -> Vec<Group> {
    let mut groups = walked_groups(block).await;
    groups.sort_by(|some, other| some.source_id.cmp(&other.source_id));
    groups
}

/// All groups, with all of their members.
fn assert_whole(groups: &[Group], block: &str) {
    let ids: Vec<_> = groups.iter().map(|group| group.source_id.clone()).collect();
    let expected: Vec<_> = (0..GROUPS).map(|index| (100 + index).to_string()).collect();
    assert_eq!(ids, expected, "{block}");
    for (index, group) in groups.iter().enumerate() {
        let people: Vec<_> = group
            .members
            .iter()
            .map(|member| member.id.clone().unwrap())
            .collect();
        let expected: Vec<_> = (0..size(index))
            .map(|user| format!("u-{index}-{user}"))
            .collect();
        assert_eq!(people, expected, "{block}");
        let email = group
            .members
            .first()
            .and_then(|member| member.email.clone());
        assert_eq!(
            email,
            (size(index) > 0).then(|| format!("u-{index}-0@example.com"))
        );
    }
}

#[rstest]
#[case::by_id("/api/groups?limit=5", &[("--members", "/api/groups/104/members?limit=2")], "/api/groups/{group.id}/members")]
#[case::by_slug("/api/groups?limit=5", &[("--members", "/api/teams/team-3/members?limit=2")], "/api/teams/{record/slug}/members")]
#[case::in_the_query("/api/groups?limit=5", &[("--members", "/api/people?group=103&limit=2")], "group = \"{group.id}\"")]
#[case::of_a_group_on_another_page("/api/groups?limit=5", &[("--members", "/api/groups/108/members?limit=2")], "/api/groups/{group.id}/members")]
#[case::under_organizations(
    "/api/orgs/even/teams?limit=5",
    &[("--partitions", "/api/orgs"), ("--members", "/api/orgs/even/teams/team-4/members?limit=2")],
    "/api/orgs/{partition.org}/teams/{record/slug}/members"
)]
#[tokio::test]
async fn members_of_one_group_become_a_table_that_reads_those_of_all(
    #[case] list: &str,
    #[case] related: &[(&str, &str)],
    #[case] expected: &str,
) {
    let server = Server::start(forge).await;
    let options = [&[("--url", list), TOKEN], related].concat();
    let outcome = infer(&server, &options).await;
    let block = &outcome.stdout;
    assert_eq!(outcome.code, 0, "{block}\n{}", outcome.stderr);
    assert!(!block.contains("hunter2"), "{block}");
    assert!(block.contains(expected), "{block}");
    let flat = block.replace("\n# ", " ");
    assert!(
        flat.contains("ikely: the list of `members` of one group was walked"),
        "{flat}"
    );
    // Members are asked for of the one group alone.
    assert!(server.requests().len() <= 16, "{:?}", server.asked());
    assert_whole(&walked(block).await, block);
}

#[tokio::test]
async fn details_are_laid_over_a_list_of_ids_and_fields_are_read_of_both() {
    let server = Server::start(forge).await;
    let options = [
        ("--url", "/api/ids"),
        TOKEN,
        ("--details", "/api/groups/104"),
        ("--members", "/api/groups/104/members?limit=2"),
    ];
    let outcome = infer(&server, &options).await;
    let block = &outcome.stdout;
    assert_eq!(outcome.code, 0, "{block}\n{}", outcome.stderr);
    assert!(block.contains("record = \"/group\""), "{block}");
    let groups = walked(block).await;
    assert_whole(&groups, block);
    let described = groups
        .iter()
        .map(|group| group.description.clone().unwrap());
    let expected: Vec<_> = (0..GROUPS).map(|index| format!("About {index}")).collect();
    assert_eq!(described.collect::<Vec<_>>(), expected);
}

/// Saves answers of the server as files.
fn saved(paths: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (index, path) in paths.iter().enumerate() {
        let request = Request::get(format!("http://forge.example{path}"))
            .header("authorization", "Bearer hunter2")
            .body(Bytes::new())
            .unwrap();
        fs::write(
            folder.path().join(format!("{index}.json")),
            forge(&request).into_body(),
        )
        .unwrap();
    }
    folder
}

#[tokio::test]
async fn saved_pages_say_as_much_without_any_request() {
    let server = Server::start(forge).await;
    let folder = saved(&["/api/groups", "/api/groups/104/members"]);
    let file = |index: usize| {
        folder
            .path()
            .join(format!("{index}.json"))
            .to_str()
            .unwrap()
            .to_owned()
    };
    let members = format!("/api/groups/104/members?limit=2 {}", file(1));
    let outcome = infer(&server, &[("--sample", &file(0)), ("--members", &members)]).await;
    let block = &outcome.stdout;
    assert_eq!(outcome.code, 0, "{block}\n{}", outcome.stderr);
    assert_eq!(server.requests().len(), 0);
    assert!(block.contains("path = \"/api/groups\""), "{block}");
    let with_token = block.replacen("# auth = ", "auth = ", 1);
    assert_whole(&walked(&with_token).await, block);
}

#[rstest]
#[case::no_list("/api/groups/104", "there is no list in the sample of --members")]
#[case::no_group(
    "/api/orgs",
    "no part of the URL of --members is a value of a group in the sample"
)]
#[case::no_url("members.json", "--members takes an absolute URL")]
#[case::elsewhere(
    "http://127.0.0.1:1/groups/104/members",
    "--members is at another origin than --url"
)]
#[tokio::test]
async fn a_second_sample_that_shows_nothing_is_refused(
    #[case] members: &str,
    #[case] expected: &str,
) {
    let server = Server::start(forge).await;
    let options = [
        ("--url", "/api/groups?limit=5"),
        TOKEN,
        ("--members", members),
    ];
    let outcome = infer(&server, &options).await;
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
}

/// The block with the tables that it suggests.
fn with_suggestions(block: &str) -> String {
    let is_of_block = |line: &str| {
        line.starts_with("[upstreams.") || line.contains(" = {") || line.ends_with(" = \"/\"")
    };
    let mut is_within = false;
    let lines = block.lines().map(|line| {
        let bare = line.strip_prefix("# ").unwrap_or_default();
        is_within = bare.starts_with("[upstreams.") || (is_within && is_of_block(bare));
        if is_within { bare } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

const BY_ID: &str = "request = { path = \"/api/groups/{group.id}/members\" }";
const USUAL: &str = "request = { path = \"/groups/{group.id}/members\" }";

#[rstest]
#[case::a_link(None, json!([{ "id": 8, "name": "a", "members_url": "https://x.example/api/groups/8/members{/member}" }, { "id": 9, "name": "b", "members_url": "https://x.example/api/groups/9/members{/member}" }]), "members", BY_ID)]
#[case::a_link_in_hal(Some("https://x.example/api/groups"), json!([{ "id": 8, "name": "a", "_links": { "members": { "href": "/api/groups/8/members" } } }]), "members", BY_ID)]
#[case::a_link_that_says_nothing(None, json!([{ "id": 8, "name": "a", "membersUrl": "https://x.example/q/f00" }, { "id": 9, "name": "b", "membersUrl": "https://x.example/q/ba9" }]), "members", USUAL)]
#[case::a_link_that_is_taken_as_it_is(Some("https://x.example/api/groups"), json!([{ "id": 8, "name": "a", "membersUrl": "https://x.example/q/f00" }, { "id": 9, "name": "b", "membersUrl": "/q/ba9" }]), "members", "request = { path = \"{record/membersUrl}\" }")]
#[case::a_link_to_another_host(Some("https://x.example/groups"), json!([{ "id": 8, "name": "a", "membersUrl": "https://y.example/q/f00" }]), "members", USUAL)]
#[case::a_count(Some("https://x.example/api/groups"), json!([{ "id": 8, "name": "a", "memberCount": 3 }]), "members", BY_ID)]
#[case::ids_alone(Some("https://x.example/api/groups?n=9"), json!([8, 9]), "details", "request = { path = \"/api/groups/{group.id}\" }")]
#[case::a_link_and_no_more(Some("https://x.example/api/groups"), json!([{ "id": 8, "name": "a", "self": "https://x.example/api/groups/8" }]), "details", "request = { path = \"/api/groups/{group.id}\" }")]
#[case::an_organization_in_the_url(Some("https://x.example/api/orgs/acme/teams"), json!([{ "id": 8, "name": "a" }]), "partitions", "request = { path = \"/api/orgs\" }")]
fn a_field_that_speaks_for_a_list_comes_with_its_table_as_a_comment(
    #[case] url: Option<&str>,
    #[case] records: Value,
    #[case] list: &str,
    #[case] request: &str,
) {
    let sample = Sample {
        url: url.map(|url| url.parse().unwrap()),
        ..Sample::recorded(records.to_string())
    };
    let block = propose_as("api", &[sample]).to_string();
    assert!(
        block.contains(&format!("# [upstreams.api.{list}]\n# {request}\n")),
        "{block}"
    );
    assert!(load(&block).plan.upstreams[0].related.is_empty(), "{block}");
    let mut taken = with_suggestions(&block);
    if list == "partitions" {
        let path = "\"/api/orgs/{partition.org}/teams\"";
        assert!(block.replace("\n# ", " ").contains(path), "{block}");
        taken = taken.replace("\"/api/orgs/acme/teams\"", path);
    }
    assert!(
        !load(&taken).plan.upstreams[0].related.is_empty(),
        "{taken}"
    );
}

#[rstest]
#[case::listed(json!([{ "id": 8, "name": "a", "member_count": 1, "members": [{ "id": 1 }], "members_url": "/groups/8/members" }]))]
#[case::of_somebody_else(json!([{ "id": 8, "name": "a", "about": "x", "user_url": "https://x.example/people/7" }]))]
fn where_nothing_is_missing_no_table_is_suggested(#[case] records: Value) {
    let block = propose_as("api", &[Sample::recorded(records.to_string())]).to_string();
    assert!(!block.contains("# [upstreams."), "{block}");
}
