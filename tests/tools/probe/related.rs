//! Lists of lists: each partition by itself, and whether `updated_at` moves with members.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use rstest::rstest;
use serde_json::{Value, json};

use super::command::Outcome;
use super::shown::directory;
use crate::support::server::{Server, json as answer, parameter, status};

const REGIONS: &str = r#"
[upstreams.directory]
base_url = ""
request = { path = "/{partition.region}/groups", query = { after = "{cursor}" } }
records = "/groups"
pagination = { style = "cursor", next = "/next" }
fields = { id = "id", name = "id" }
limits = { concurrency = 4, retries = 0 }

[upstreams.directory.partitions]
values = { region = ["eu", "us", "in"] }
"#;

/// Three pages of each region, one group on each.
fn regions(request: &Request<Bytes>) -> Response<String> {
    let region = &request.uri().path()[1..3];
    let page = parameter(request, "after").map_or(1, |after| after.parse().unwrap());
    let next = (page < 3).then(|| (page + 1).to_string());
    answer(&json!({ "groups": [{ "id": format!("{region}-{page}") }], "next": next }))
}

#[tokio::test]
async fn pages_stand_below_their_partition_and_the_first_request_is_its_own() {
    let server = Server::start(regions).await;
    let outcome = directory(REGIONS, &server, &[]).await;
    assert_eq!(
        (outcome.code, outcome.complained.as_str()),
        (0, ""),
        "{}",
        outcome.said
    );
    let said = &outcome.said;
    let marks = said.lines().filter(|line| {
        ["partition `", "page ", "  request ", "  next "]
            .iter()
            .any(|word| line.starts_with(word))
            || line.ends_with("partitions")
    });
    let steps: Vec<_> = marks
        .map(|line| line.replace(server.base_url(), ""))
        .map(|line| {
            line.split([',', ':'])
                .next()
                .unwrap()
                .split(" in ")
                .next()
                .unwrap()
                .trim()
                .to_owned()
        })
        .collect();
    assert_eq!(
        steps,
        [
            "partition `eu`",
            "page 1",
            "request   GET /eu/groups",
            "next      the cursor 2",
            "page 2      200 OK",
            "next      the cursor 3",
            "page 3      200 OK",
            "next      the end",
            "1 of 3 partitions",
            "partition `us`",
            "page 4      200 OK",
            "next      the cursor 2",
            "page 5      200 OK",
            "next      the cursor 3",
            "page 6      200 OK",
            "next      the end",
            "2 of 3 partitions",
            "partition `in`",
            "page 7      200 OK",
            "next      the cursor 2",
            "page 8      200 OK",
            "next      the cursor 3",
            "page 9      200 OK",
            "next      the end",
            "3 of 3 partitions",
        ],
        "{said}"
    );
}

#[tokio::test]
async fn a_page_of_a_later_partition_is_shown_in_full_with_its_own_request() {
    let server = Server::start(regions).await;
    let outcome = directory(REGIONS, &server, &["--page", "5", "--json"]).await;
    let report: Value = serde_json::from_str(&outcome.said).unwrap();
    let detail = &report["detail"];
    assert_eq!(
        (&detail["page"], &detail["groups"][0]["record"]["id"]),
        (&json!(5), &json!("us-2"))
    );
    for (index, page) in report["pages"].as_array().unwrap().iter().enumerate() {
        let region = ["eu", "us", "in"][index / 3];
        assert_eq!(page["partition"], format!("`{region}`"));
        let requests = page["requests"].as_array().unwrap();
        assert_eq!(requests.len(), 1, "{page}");
        assert!(
            requests[0]["url"]
                .as_str()
                .unwrap()
                .contains(&format!("/{region}/groups")),
            "{page}"
        );
    }
}

#[tokio::test]
async fn a_failure_within_a_partition_shows_what_was_read_of_it_and_its_own_request() {
    let server = Server::start(|request| match request.uri().path() {
        "/us/groups" if parameter(request, "after").is_some() => status(404),
        _ => regions(request),
    })
    .await;
    let outcome = directory(REGIONS, &server, &[]).await;
    assert_eq!(outcome.code, 1);
    let told = &outcome.complained;
    assert!(told.contains("the partition `us`"), "{told}");
    assert!(told.contains("/us/groups?after=2"), "{told}");
    assert!(outcome.said.contains("partition `us`"), "{}", outcome.said);
    assert!(!outcome.said.contains("partition `in`"), "{}", outcome.said);
}

const STAFF: &str = r#"
[upstreams.directory]
base_url = ""
request = { path = "/groups" }
records = "/groups"
fields = { id = "id", name = "id" }
limits = { concurrency = 4, retries = 0 }

[upstreams.directory.members]
request = { path = "/groups/{group.id}/members", query = { page = "{page}" } }
records = "/members"
pagination = { style = "page", total = "/total" }
fields = { id = "id", email = "mail" }

[upstreams.directory.admins]
request = { path = "/groups/{group.id}/admins" }
records = "/admins"
fields = { id = "id" }
"#;

/// Three groups with two members and an admin each.
fn staff(request: &Request<Bytes>) -> Response<String> {
    match request.uri().path().split('/').next_back() {
        Some("groups") => answer(&json!({ "groups": [{ "id": 1 }, { "id": 2 }, { "id": 3 }] })),
        Some("admins") => answer(&json!({ "admins": [{ "id": "root" }] })),
        _ if parameter(request, "page").as_deref() != Some("1") => {
            answer(&json!({ "members": [], "total": 2 }))
        }
        _ => {
            let members = json!([{ "id": "ann", "mail": "ann@example.com" }, { "id": "bob" }]);
            answer(&json!({ "members": members, "total": 2 }))
        }
    }
}

#[tokio::test]
async fn people_of_each_list_are_shown() {
    let server = Server::start(staff).await;
    let in_turn = STAFF.replace("concurrency = 4", "concurrency = 1");
    let outcome = directory(&in_turn, &server, &[]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.complained);
    let said = outcome.said.replace(server.base_url(), "");
    let members = "members: GET /groups/1/members?page=1: 2 records: ann ann@example.com, bob\n";
    assert!(said.contains(members), "{said}");
    let admins = "admins: GET /groups/1/admins: 1 record: root\n";
    assert!(said.contains(admins), "{said}");
}

#[rstest]
#[case::a_total_that_is_not_reached(
    "/groups/2/members",
    r#"{"members": [{"id": "ann"}], "total": 9}"#,
    "members",
    None,
    None
)]
#[case::a_list_that_is_elsewhere(
    "/groups/2/members",
    r#"{"people": []}"#,
    "members",
    Some(1),
    Some("whose items have an id or an address where its `fields` say")
)]
#[case::of_the_second_list(
    "/groups/3/admins",
    r#"{"people": []}"#,
    "admins",
    Some(1),
    Some("`/admins` (`admins.records`)")
)]
#[tokio::test]
async fn a_list_of_a_group_that_fails_shows_its_own_last_request(
    #[case] path: &'static str,
    #[case] wrong: &'static str,
    #[case] list: &str,
    #[case] page: Option<u64>,
    #[case] expected: Option<&str>,
) {
    let server = Server::start(move |request| {
        let is_first = parameter(request, "page").is_none_or(|page| page == "1");
        if request.uri().path() == path {
            let empty = r#"{"members": [], "total": 9}"#;
            return Response::new(if is_first { wrong } else { empty }.to_owned());
        }
        staff(request)
    })
    .await;
    let outcome = directory(STAFF, &server, &["--json"]).await;
    assert_eq!(outcome.code, 1, "{}", outcome.said);
    let report: Value = serde_json::from_str(&outcome.said).unwrap();
    let error = &report["error"];
    assert_eq!(error["list"], list, "{error}");
    if let Some(page) = page {
        assert_eq!(error["page"], page, "{error}");
    }
    let requests = error["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 1, "{error}");
    let url = requests[0]["url"].as_str().unwrap();
    assert!(url.contains(path), "{error}");
    match expected {
        Some(expected) => {
            assert!(
                error["expected"].as_str().unwrap().contains(expected),
                "{error}"
            );
        }
        None => assert_eq!(error["expected"], Value::Null),
    }
}

const ON_ONE_PAGE: &str = r#"
[upstreams.directory]
base_url = ""
request = { path = "/groups" }
records = "/groups"
fields = { id = "id", name = "id" }
limits = { concurrency = 4, retries = 0 }

[upstreams.directory.members]
request = { path = "/groups/{group.id}/people" }
records = "/members"
fields = { id = "id" }

[upstreams.directory.admins]
request = { path = "/groups/{group.id}/people" }
records = "/admins"
fields = { id = "id" }
"#;

/// Groups whose members and admins come in one response, that of the second with what is `there`.
async fn people_on_one_page(there: &'static str, arguments: &[&str]) -> Outcome {
    let server = Server::start(move |request| match request.uri().path() {
        "/groups" => answer(&json!({ "groups": [{ "id": 1 }, { "id": 2 }, { "id": 3 }] })),
        "/groups/2/people" => Response::new(there.to_owned()),
        _ => answer(
            &json!({ "members": [{ "id": "ann" }, { "id": "bob" }], "admins": [{ "id": "root" }] }),
        ),
    })
    .await;
    directory(ON_ONE_PAGE, &server, arguments).await
}

#[tokio::test]
async fn a_response_that_brings_two_lists_is_shown_once_with_both() {
    let outcome = people_on_one_page(r#"{"members": [], "admins": []}"#, &[]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.complained);
    let said = &outcome.said;
    let first =
        "/groups/1/people: 2 records: ann, bob; admins of the same response: 1 record: root\n";
    assert_eq!(said.matches(first).count(), 1, "{said}");
    assert!(!said.contains("admins: GET"), "{said}");
}

#[rstest]
#[case::for_the_first(
    r#"{"people": [], "admins": []}"#,
    "members",
    "`/members` (`members.records`)"
)]
#[case::for_the_other(
    r#"{"members": [], "people": []}"#,
    "admins",
    "`/admins` (`admins.records`)"
)]
#[case::of_nobody(
    r#"{"members": [], "admins": [{"uid": 1}]}"#,
    "admins",
    "`/admins` (`admins.records`)"
)]
#[tokio::test]
async fn a_list_that_a_response_does_not_bring_shows_the_request_for_it(
    #[case] there: &'static str,
    #[case] list: &str,
    #[case] expected: &str,
) {
    let outcome = people_on_one_page(there, &["--json"]).await;
    assert_eq!(outcome.code, 1, "{}", outcome.said);
    let report: Value = serde_json::from_str(&outcome.said).unwrap();
    let error = &report["error"];
    assert_eq!(error["list"], list, "{error}");
    let url = error["requests"][0]["url"].as_str().unwrap();
    assert!(url.ends_with("/groups/2/people"), "{error}");
    let told = error["expected"].as_str().unwrap();
    assert!(told.contains(expected), "{error}");
}

#[tokio::test]
async fn a_list_of_users_that_fails_shows_its_own_last_request() {
    let server = Server::start(|request| {
        if request.uri().path() != "/users" {
            return staff(request);
        }
        let is_first = parameter(request, "page").is_none_or(|page| page == "1");
        let page = r#"{"users": [{"id": "ann", "mail": "ann@example.com"}]}"#;
        let body = if is_first { page } else { r#"{"error": 1}"# };
        Response::new(body.to_owned())
    })
    .await;
    let users = r#"
[upstreams.directory.users]
request = { path = "/users", query = { page = "{page}" } }
records = "/users"
pagination = { style = "page", limit = 1 }
fields = { id = "id", email = "mail" }
"#;
    let outcome = directory(&format!("{STAFF}{users}"), &server, &["--json"]).await;
    assert_eq!(outcome.code, 1, "{}", outcome.said);
    let report: Value = serde_json::from_str(&outcome.said).unwrap();
    let error = &report["error"];
    assert_eq!(
        (&error["list"], &error["page"]),
        (&json!("users"), &json!(2)),
        "{error}"
    );
    let url = error["requests"][0]["url"].as_str().unwrap();
    assert!(url.ends_with("/users?page=2"), "{error}");
    let expected = error["expected"].as_str().unwrap();
    assert!(expected.contains("`/users` (`users.records`)"), "{error}");
}

const ALL_LISTS: &str = r#"
[upstreams.directory]
base_url = ""
request = { path = "/{partition.region}/groups", query = { page = "{page}" } }
records = "/groups"
pagination = { style = "page", total = "/total" }
fields = { id = "id", name = "id" }
limits = { concurrency = 4, retries = 0 }

[upstreams.directory.partitions]
request = { path = "/regions" }
records = "/regions"
values = { region = "name" }

[upstreams.directory.details]
request = { path = "/groups/{group.id}" }
record = "/item"

[upstreams.directory.members]
request = { path = "/people" }
records = "/members"
fields = { group = "gid", id = "uid" }

[upstreams.directory.admins]
request = { path = "/people" }
records = "/admins"
fields = { group = "gid", id = "uid" }

[upstreams.directory.users]
request = { path = "/users" }
records = "/users"
fields = { id = "id", email = "mail" }
"#;

#[rstest]
#[case::details_without_a_record("/groups/2", r#"{"item": null}"#, "details", "`details.record`")]
#[case::details_that_are_a_list("/groups/2", "[]", "details", "`details.record`")]
#[case::details_that_are_no_object("/groups/2", r#"{"item": "x"}"#, "details", "`details.record`")]
#[case::a_partition_without_a_name(
    "/regions",
    r#"{"regions": [{"name": "eu"}, {"title": "us"}]}"#,
    "partitions",
    "`partitions.values`"
)]
#[case::users_without_ids(
    "/users",
    r#"{"users": [{"mail": "ann@example.com"}]}"#,
    "users",
    "`users.records`"
)]
#[case::a_list_of_all_groups_that_is_not_brought(
    "/people",
    r#"{"members": [], "people": []}"#,
    "admins",
    "`admins.records`"
)]
#[tokio::test]
async fn a_list_that_is_found_wrong_once_it_was_read_shows_its_own_last_request(
    #[case] path: &'static str,
    #[case] wrong: &'static str,
    #[case] list: &str,
    #[case] expected: &str,
) {
    let server = Server::start(move |request| {
        let page = parameter(request, "page");
        match request.uri().path() {
            own if own == path => Response::new(wrong.to_owned()),
            "/regions" => answer(&json!({ "regions": [{ "name": "eu" }] })),
            "/eu/groups" => answer(&json!({ "groups": [{ "id": page }], "total": 3 })),
            "/people" => answer(&json!({ "members": [{ "gid": 1, "uid": "ann" }], "admins": [] })),
            "/users" => answer(&json!({ "users": [{ "id": "ann" }] })),
            details => answer(&json!({ "item": { "id": details.rsplit('/').next() } })),
        }
    })
    .await;
    let outcome = directory(ALL_LISTS, &server, &["--json"]).await;
    assert_eq!(outcome.code, 1, "{}", outcome.said);
    let report: Value = serde_json::from_str(&outcome.said).unwrap();
    let error = &report["error"];
    let of = (&error["type"], &error["list"], &error["page"]);
    assert_eq!(of, (&json!("mapping"), &json!(list), &json!(1)), "{error}");
    let requests = error["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 1, "{error}");
    assert!(
        requests[0]["url"].as_str().unwrap().ends_with(path),
        "{error}"
    );
    let told = error["expected"].as_str().unwrap();
    assert!(told.contains(expected), "{error}");
    let body = error["body"].as_str().unwrap();
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(read(body), read(wrong), "{error}");
}

const FORGE: &str = r#"
[upstreams.directory]
base_url = ""
request = { path = "/groups" }
records = "/groups"
fields = { id = "id", name = "id", updated_at = "updated_at" }

[upstreams.directory.members]
request = { path = "/groups/{group.id}/members" }
records = "/members"
fields = { id = "id" }
reuse = "updated_at"
"#;

/// How many groups there are, and of how many the members change.
const GROUPS: usize = 6;
const CHANGED: usize = 4;

/// A list of groups of which four have another member later, and of these one has another `updated_at`.
fn forge(request: &Request<Bytes>, is_later: bool, joined: Option<&str>) -> Response<String> {
    let group = |index: usize| {
        let day = if is_later && index == 0 { 9 } else { 1 };
        let at = format!("2026-01-0{day}T10:00:00Z");
        json!({ "id": index, "updated_at": at, "seen": { "members": at } })
    };
    let path = request.uri().path();
    if path == "/groups" {
        return answer(&json!({ "groups": (0..GROUPS).map(group).collect::<Vec<_>>() }));
    }
    let index: usize = path.split('/').nth(2).unwrap().parse().unwrap();
    let mut members = vec![json!({ "id": "ann" }), json!({ "id": "bob" })];
    if is_later {
        // The order says nothing.
        members.reverse();
    }
    if is_later && index < CHANGED {
        members.push(json!({ "id": "eve" }));
    }
    if let Some(joined) = joined.filter(|_| index < 2) {
        members[0]["joined_at"] = joined.into();
    }
    answer(&json!({ "members": members }))
}

#[tokio::test]
async fn the_text_says_with_how_many_groups_it_is_done() {
    let server = Server::start(|request| match request.uri().path() {
        "/groups/4/members" => status(404),
        _ => forge(request, false, None),
    })
    .await;
    let in_turn = "records = \"/groups\"\nlimits = { concurrency = 1 }";
    let block = FORGE.replace("records = \"/groups\"", in_turn);
    let outcome = directory(&block, &server, &[]).await;
    let complete = outcome
        .said
        .lines()
        .filter(|line| line.contains(" complete, "));
    let complete: Vec<_> = complete.map(str::trim).collect();
    // The last one is the total, too.
    let expected: Vec<_> = (1..=GROUPS)
        .chain([GROUPS])
        .map(|done| {
            let gone = if done < 5 { "" } else { ", 1 gone meanwhile" };
            format!("{done} of {GROUPS} groups complete, {done} lists asked for{gone}")
        })
        .collect();
    assert_eq!(complete, expected, "{}", outcome.said);
}

/// What is said of `reuse`, on one line.
fn of_reuse(outcome: &Outcome) -> String {
    assert_eq!(
        (outcome.code, outcome.complained.as_str()),
        (0, ""),
        "{}",
        outcome.said
    );
    let from = outcome
        .said
        .find("\n  reuse ")
        .map_or("", |at| &outcome.said[at..]);
    from.replacen("  reuse ", "", 1)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn of_a_path_that_reuse_goes_by_the_same_is_told() {
    static IS_LATER: AtomicBool = AtomicBool::new(false);
    let joined = Some("2026-01-05T10:00:00Z");
    let server =
        Server::start(move |request| forge(request, IS_LATER.load(Ordering::SeqCst), joined)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marks.json");
    let compare = ["--compare", file.to_str().unwrap()];
    let by_path = FORGE.replace(
        "reuse = \"updated_at\"",
        "reuse = { path = \"seen/members\" }",
    );
    let said = of_reuse(&directory(&by_path, &server, &compare).await);
    let joined = "`seen/members` did not move for 2 of 2 groups when somebody was added: leave `reuse` out, or shorten `full`";
    assert!(said.ends_with(joined), "{said}");
    IS_LATER.store(true, Ordering::SeqCst);
    let said = of_reuse(&directory(&by_path, &server, &compare).await);
    let changed = "`seen/members` did not move for 3 of 4 groups whose members changed since ";
    assert!(said.starts_with(changed), "{said}");
    // What was noted by another mark says nothing.
    let said = of_reuse(&directory(FORGE, &server, &compare).await);
    assert!(said.starts_with("6 groups noted: "), "{said}");
}

#[tokio::test]
async fn a_second_probe_tells_for_how_many_groups_the_field_did_not_move() {
    static IS_LATER: AtomicBool = AtomicBool::new(false);
    let server =
        Server::start(|request| forge(request, IS_LATER.load(Ordering::SeqCst), None)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marks.json");
    let compare = ["--compare", file.to_str().unwrap()];
    let said = of_reuse(&directory(FORGE, &server, &compare).await);
    assert_eq!(
        said,
        "6 groups noted: probe with the same `--compare` once members have changed"
    );
    assert!(!std::fs::read_to_string(&file).unwrap().contains("ann"));
    let said = of_reuse(&directory(FORGE, &server, &compare).await);
    assert!(
        said.starts_with("no group's members have changed since "),
        "{said}"
    );
    IS_LATER.store(true, Ordering::SeqCst);
    let said = of_reuse(&directory(FORGE, &server, &compare).await);
    assert!(
        said.starts_with(
            "`updated_at` did not move for 3 of 4 groups whose members changed since "
        ),
        "{said}"
    );
    assert!(
        said.ends_with(": leave `reuse` out, or shorten `full`"),
        "{said}"
    );
    // Without `reuse` it says what that would do.
    IS_LATER.store(false, Ordering::SeqCst);
    let bare = FORGE.replace("reuse = \"updated_at\"\n", "");
    let said = of_reuse(&directory(&bare, &server, &compare).await);
    assert!(
        said.ends_with(": `reuse = \"updated_at\"` would miss that"),
        "{said}"
    );
}

#[rstest]
#[case::before(
    Some("2025-06-01T10:00:00Z"),
    "in none of 2 groups with dates of members was somebody added after `updated_at`"
)]
#[case::together_with_the_group(
    Some("2026-01-01T10:00:30Z"),
    "in none of 2 groups with dates of members was somebody added after `updated_at`"
)]
#[case::later(
    Some("2026-01-03T10:00:00Z"),
    "`updated_at` did not move for 2 of 2 groups when somebody was added: leave `reuse` out, or shorten `full`"
)]
#[case::without_dates(
    None,
    "whether `updated_at` moves with members is not seen in one walk: probe with `--compare FILE` now, and again once some have changed"
)]
#[tokio::test]
async fn dates_of_members_tell_in_one_walk_whether_the_field_moved(
    #[case] joined: Option<&'static str>,
    #[case] expected: &str,
) {
    let server = Server::start(move |request| forge(request, false, joined)).await;
    assert_eq!(of_reuse(&directory(FORGE, &server, &[]).await), expected);
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused_before_anything_is_asked() {
    let server = Server::start(|request| forge(request, false, None)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.json");
    std::fs::write(
        &file,
        r#"{"upstream": "staff", "at": "2026-01-01T00:00:00Z", "groups": {}}"#,
    )
    .unwrap();
    let compare = ["--compare", file.to_str().unwrap()];
    let outcome = directory(FORGE, &server, &compare).await;
    assert!(
        outcome.complained.contains("is of the upstream `staff`"),
        "{}",
        outcome.complained
    );
    let outcome = directory(REGIONS, &server, &compare).await;
    assert!(
        outcome.complained.contains("there is nothing to compare"),
        "{}",
        outcome.complained
    );
    assert_eq!(server.requests().len(), 0);
}
