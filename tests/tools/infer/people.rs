//! People behind a request for each group: how their lists end, and who has which address.

use std::fs;

use bytes::Bytes;
use http::{Request, Response};
use rstest::rstest;
use serde_json::{Value, json};

use super::round_trip::walked_groups;
use crate::support::command::{Outcome, groupgate, run};
use crate::support::server::{Server, json as answer, parameter, status};

/// Three groups with nobody, two and seven members, who are ids; and nine users, who have addresses. Lists of members
/// are like those of HAL, which leave out what is empty; pages of users are counted.
fn directory(request: &Request<Bytes>) -> Response<String> {
    let number = |name: &str| parameter(request, name).map_or(0, |text| text.parse().unwrap());
    let path = request.uri().path();
    let size = match path {
        "/groups" => {
            let groups = [10, 12, 17].map(group);
            return answer(&json!({ "total": 3, "groups": groups }));
        }
        "/users" => {
            let users: Vec<_> = (0..9).map(user).skip(number("skip")).take(4).collect();
            return answer(&json!({ "totalCount": 9, "results": users }));
        }
        "/groups/17" => {
            let mut group = group(17);
            group["members"] = (0..7).map(id).collect();
            return answer(&group);
        }
        "/groups/10/members" => 0,
        "/groups/12/members" => 2,
        "/groups/17/members" => 7,
        _ => return status(404),
    };
    let page = number("page");
    let people: Vec<_> = (0..size)
        .map(|user| json!({ "ref": { "id": id(user) } }))
        .collect();
    let people: Vec<_> = people.into_iter().skip(page * 4).take(4).collect();
    let mut body = json!({ "page": { "totalElements": size } });
    if !people.is_empty() {
        body["_embedded"] = json!({ "members": people });
    }
    if (page + 1) * 4 < size {
        let next = format!("{path}?page={}", page + 1);
        body["_links"] = json!({ "next": { "href": next } });
    }
    answer(&body)
}

fn group(id: u32) -> Value {
    json!({ "id": id, "name": format!("Group {id}") })
}

fn id(user: usize) -> String {
    format!("5f-{user}")
}

fn user(user: usize) -> Value {
    json!({ "number": user, "_id": id(user), "id": format!("other-{user}"), "email": format!("u{user}@example.com") })
}

/// Runs `infer` on the groups of the server, with these options.
async fn infer(server: &Server, options: &[&str]) -> Outcome {
    let base = server.base_url();
    let url = format!("{base}/groups");
    let mut arguments = vec!["infer", "--name", "api", "--url", &url];
    let given: Vec<_> = options
        .iter()
        .map(|option| {
            if option.starts_with('/') {
                format!("{base}{option}")
            } else {
                (*option).to_owned()
            }
        })
        .collect();
    arguments.extend(given.iter().map(String::as_str));
    run(groupgate(&arguments, [("PATH", "/")])).await
}

const NOT_SEEN: &str = "Not seen of `members`:";

#[rstest]
#[case::one_page(&["/groups/12/members"], "Likely: the list of `members` of one group was walked", "a list without anybody, nor a second page")]
#[case::two_pages(&["/groups/17/members"], "Likely: the list of `members` of one group was walked", "a list without anybody. To be sure")]
#[case::nobody_and_one_page(&["/groups/10/members", "/groups/12/members"], "Likely: the list of `members` of one group was walked", "a second page. To be sure")]
#[case::all(&["/groups/10/members", "/groups/17/members"], "Certain: the list of `members` of one group was walked", "")]
#[tokio::test]
async fn members_are_certain_once_an_empty_list_and_a_second_page_were_seen(
    #[case] members: &[&str],
    #[case] said: &str,
    #[case] unseen: &str,
) {
    let server = Server::start(directory).await;
    let outcome = infer(&server, &[&["--members"], members].concat()).await;
    let block = &outcome.stdout;
    assert_eq!(outcome.code, 0, "{block}\n{}", outcome.stderr);
    let flat = block.replace("\n# ", " ");
    assert!(flat.contains(said), "{flat}");
    assert_eq!(flat.contains(NOT_SEEN), !unseen.is_empty(), "{flat}");
    assert!(flat.contains(unseen), "{flat}");
    if unseen.is_empty() {
        assert!(block.contains("absent = \"empty_with_parent\""), "{block}");
        let sizes = walked_groups(block).await;
        let sizes: Vec<_> = sizes.iter().map(|group| group.members.len()).collect();
        assert_eq!(sizes, [0, 2, 7], "{block}");
    }
}

#[tokio::test]
async fn users_say_the_addresses_of_the_ids_that_members_are() {
    let server = Server::start(directory).await;
    let members = ["--members", "/groups/17/members", "/groups/10/members"];
    let users = ["--users", "/users?skip=0"];
    let outcome = infer(&server, &[&members[..], &users].concat()).await;
    let block = &outcome.stdout;
    assert_eq!(outcome.code, 0, "{block}\n{}", outcome.stderr);
    let flat = block.replace("\n# ", " ");
    assert!(
        flat.contains("Certain: the list of `users` was walked"),
        "{flat}"
    );
    assert!(
        flat.contains("4 of 4 people whom the samples of groups name by an id have it here"),
        "{flat}"
    );
    assert!(block.contains("id = \"_id\"\n"), "{block}");
    let groups = walked_groups(block).await;
    let addresses: Vec<_> = groups[2]
        .members
        .iter()
        .map(|member| member.email.clone().unwrap())
        .collect();
    let expected: Vec<_> = (0..7).map(|user| format!("u{user}@example.com")).collect();
    assert_eq!(addresses, expected, "{block}");
}

#[tokio::test]
async fn users_say_the_addresses_of_the_ids_that_details_name() {
    let server = Server::start(directory).await;
    let options = ["--details", "/groups/17", "--users", "/users?skip=0"];
    let outcome = infer(&server, &options).await;
    let block = &outcome.stdout;
    assert_eq!(outcome.code, 0, "{block}\n{}", outcome.stderr);
    let flat = block.replace("\n# ", " ");
    let found = "4 of 7 people whom the samples of groups name by an id have it here";
    assert!(flat.contains(found), "{flat}");
    assert!(block.contains("id = \"_id\"\n"), "{block}");
}

/// What is meant as a URL is none of the files, whose names are shown, and its key is not shown.
#[rstest]
#[case::in_capitals(&["--members"], "HTTPS://x.example/groups/17/members?key=hunter2", "--members")]
#[case::of_another_scheme(&["--members"], "ftp://x.example/members?key=hunter2", "takes an absolute URL")]
#[case::a_second_list(&["--members", "/groups/17/members"], "HTTP://x.example/m?key=hunter2", "is at another origin")]
#[case::of_users(&["--members", "/groups/17/members", "--users"], "Https:x.example?key=hunter2", "--users")]
#[tokio::test]
async fn a_url_in_the_place_of_a_file_is_one_however_its_scheme_is_written(
    #[case] options: &[&str],
    #[case] url: &str,
    #[case] said: &str,
) {
    let server = Server::start(directory).await;
    let outcome = infer(&server, &[options, &[url]].concat()).await;
    let shown = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.code, 1, "{shown}");
    assert!(shown.contains(said), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let arguments = ["infer", "--sample", url];
    let outcome = run(groupgate(&arguments, [("PATH", "/")])).await;
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    let error = &outcome.stderr;
    assert!(error.contains("a URL stands where a file"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[rstest]
#[case::nobody_is_named(&["--users", "/users"], "no sample names any")]
#[case::without_addresses(&["--members", "/groups/17/members", "--users", "/groups"], "the sample of --users has no e-mail address")]
#[case::several_lists(&["--members", "/groups/17/members", "--users", "/users", "/groups"], "--users takes one URL")]
#[case::another_list_elsewhere(&["--members", "/groups/17/members", "/groups"], "another sample of --members has no list at `/_embedded/members`")]
#[tokio::test]
async fn samples_of_people_that_do_not_fit_are_refused(
    #[case] options: &[&str],
    #[case] said: &str,
) {
    let server = Server::start(directory).await;
    let outcome = infer(&server, options).await;
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
}

#[tokio::test]
async fn recorded_samples_of_people_say_what_they_do_not_show() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, body: Value| {
        let file = folder.path().join(name);
        fs::write(&file, body.to_string()).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let groups = write("groups", json!([group(10), group(17)]));
    let members = write("members", json!([{ "id": "other-3" }, { "id": "other-4" }]));
    let users = write("users", json!([user(3)]));
    let members_url = "https://x.example/groups/17/members";
    let arguments = [
        "infer",
        "--sample",
        &groups,
        "--members",
        members_url,
        &members,
        "--users",
        "https://x.example/users",
        &users,
    ];
    let outcome = run(groupgate(&arguments, [("PATH", "/")])).await;
    let block = &outcome.stdout;
    assert_eq!(outcome.code, 0, "{block}\n{}", outcome.stderr);
    let flat = block.replace("\n# ", " ");
    assert!(
        flat.contains("Not seen of `members`: a list without anybody, nor a second page"),
        "{flat}"
    );
    assert!(
        flat.contains("1 of 2 people whom the samples of groups name"),
        "{flat}"
    );
    assert!(block.contains("id = \"id\"\n"), "{block}");
}
