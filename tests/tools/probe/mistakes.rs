//! What whoever describes an upstream wrongly is told: each mistake once, with the key to change, and no secret.

use http::Response;
use rstest::rstest;
use serde_json::json;

use super::command::{Outcome, probe};
use super::shown::{SECRET, directory, file, variables};
use crate::support::server::{Server, json as answer};

/// A list of two groups with a link and members each, all of whose keys a test may replace.
const TEAMS: &str = r#"
[upstreams.directory]
base_url = ""
request = { path = "/teams" }
records = "/teams"
pagination = { style = "none" }
auth = { type = "bearer", token = { env = "KEY" } }
fields = { id = "key", name = "title" }
limits = { concurrency = 1, retries = 0 }
"#;

/// Probes an upstream that answers by the path of the request.
async fn probed(block: &str, answers: &'static [(&str, &str)]) -> Outcome {
    let server = Server::start(move |request| {
        let path = request.uri().path();
        let found = answers.iter().find(|(at, _)| path.starts_with(at));
        match found {
            Some((_, "")) => Response::builder().status(204).body(String::new()).unwrap(),
            Some((_, body)) => Response::new((*body).to_owned()),
            None => Response::builder().status(404).body("{}".into()).unwrap(),
        }
    })
    .await;
    let outcome = directory(block, &server, &[]).await;
    for text in [&outcome.said, &outcome.complained] {
        assert!(!text.contains(SECRET), "{text}");
        assert!(!text.contains("s3cr3t-of-the-link"), "{text}");
    }
    outcome
}

/// A text on one line, however it is broken.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const LISTED: (&str, &str) = (
    "/teams",
    r#"{"teams": [{"key": 1, "title": "Sales", "color": "red", "links": {"self": "/1"}}], "total": 1}"#,
);

/// Keys of a list of members.
fn with_members(request: &str, records: &str) -> String {
    format!(
        "{TEAMS}[upstreams.directory.members]\nrequest = {{ path = \"{request}\" }}\nrecords = \"{records}\"\n\
         fields = {{ id = \"uid\" }}\n"
    )
}

#[rstest]
#[case::a_name_that_the_record_does_not_have(
    "/people/{record/slug}",
    "it has no value for `{record/slug}`, which `members.request` needs; beside what `fields` takes, it has `color`, \
     `links`"
)]
#[case::a_path_that_goes_on_in_vain(
    "/people/{record/links/members}",
    "it has no value for `{record/links/members}`, which `members.request` needs; its `links` has `self`"
)]
#[case::a_field_without_a_value(
    "/people/{group.email}",
    "it has no value for `{group.email}`, which `members.request` needs: see `fields.email`"
)]
#[tokio::test]
async fn a_placeholder_without_a_value_is_told_once_and_no_answer_is_blamed(
    #[case] request: &str,
    #[case] expected: &str,
) {
    let outcome = probed(&with_members(request, "/"), &[LISTED]).await;
    let (error, keys) = outcome.complained.split_once('\n').unwrap();
    assert_eq!(
        error,
        format!("error: mapping: the members of the group `1`: {expected}")
    );
    // Nothing but where the key is that the message names.
    let keys: Vec<_> = keys.lines().collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(
        keys[0].starts_with("  keys      `members.request` is at "),
        "{keys:?}"
    );
}

#[rstest]
#[case::of_its_path(
    "/people/{group.id}/all",
    "",
    "is `..`, which cannot be a segment of the path"
)]
#[case::of_a_header(
    "/people",
    ", headers = { x-group = \"{record/about}\" }",
    "has a character that is not allowed in the header `x-group`"
)]
#[tokio::test]
async fn a_value_of_a_record_that_no_request_can_have_is_told_with_its_place(
    #[case] path: &str,
    #[case] others: &str,
    #[case] unfit: &str,
    #[values("details", "members")] list: &str,
) {
    const PAGE: &str = r#"{"teams": [{"key": "..", "title": "Sales", "about": "two\nlines"}]}"#;
    let own = match list {
        "details" => "record = \"/\"",
        _ => "records = \"/\"\nfields = { id = \"uid\" }",
    };
    let block = format!(
        "{TEAMS}[upstreams.directory.{list}]\nrequest = {{ path = \"{path}\"{others} }}\n{own}\n"
    );
    let outcome = probed(&block, &[("/teams", PAGE)]).await;
    let told = flat(&outcome.complained);
    let name = if others.is_empty() {
        "group.id"
    } else {
        "record/about"
    };
    let expected = format!(
        "error: mapping: the {list} of the group `..`: `{{{name}}}` {unfit} of `{list}.request` keys \
         `{list}.request` is at "
    );
    assert!(told.starts_with(&expected), "{told}");
    // No answer is to blame.
    assert_eq!(outcome.complained.lines().count(), 2, "{told}");
}

#[tokio::test]
async fn a_link_elsewhere_is_shown_without_its_values() {
    const PAGE: &str = r#"{"teams": [{"key": 1, "title": "Sales",
        "people": "https://me:pass@elsewhere.example/1?token=s3cr3t-of-the-link&s3cr3t-of-the-link"}],
        "next": "https://elsewhere.example/teams?page=2"}"#;
    let block = with_members("{record/people}", "/");
    let outcome = probed(&block, &[("/teams", PAGE)]).await;
    // The record is shown as it is, and the error is not.
    let elsewhere =
        "has another origin, `https://elsewhere.example`, which `pagination.origins` does not list";
    assert_eq!(
        outcome.complained,
        format!(
            "error: mapping: the members of the group `1`: the link `{{record/people}}` {elsewhere}: \
             `https://elsewhere.example/1?token=…&…`\n"
        )
    );
}

#[tokio::test]
async fn people_who_are_no_users_are_so_many_of_all_that_groups_name() {
    let users = "[upstreams.directory.users]\nrequest = { path = \"/users\" }\nrecords = \"/\"\n\
                 fields = { id = \"id\", email = \"mail\" }\n";
    let block = with_members("/people/{group.id}", "/");
    let answers: &[_] = &[
        LISTED,
        ("/people", r#"[{"uid": 7}, {"uid": 8}, {"uid": 9}]"#),
        ("/users", r#"[{"id": 7, "mail": "ann@example.com"}]"#),
    ];
    let outcome = probed(&format!("{block}{users}"), answers).await;
    assert_eq!(
        outcome.complained.lines().next().unwrap(),
        "error: mapping: 2 of the 3 people whom groups have named, such as `9`, are not among the 1 users, more than \
         0.1 of all (`users.unknown`): `users.fields.id` must be the id that groups name"
    );
    let tolerant = format!("{block}{users}unknown = 0.9\n");
    let outcome = probed(&tolerant, answers).await;
    let said = "2 of 3 people of groups not in the list of users, and without an address (`users.unknown`)";
    assert!(outcome.said.contains(said), "{}", outcome.said);
}

#[rstest]
#[case::people_that_are_elsewhere(
    r#"{"people": [], "members": [{"uid": 7}, {"uid": 8}]}"#,
    "0 records nothing at `/people` (`members.records`), but `/members` is a list of 2 items"
)]
#[case::people_without_what_fields_say(
    r#"{"people": [{"user": 7}, {"user": 8}]}"#,
    "2 records skipped; record 1: it has none of the values that are read of it; it has `user`"
)]
#[tokio::test]
async fn a_list_of_people_that_brings_nobody_says_what_is_there(
    #[case] body: &'static str,
    #[case] expected: &str,
) {
    let server = Server::start(move |request| {
        let body = if request.uri().path() == "/teams" {
            LISTED.1
        } else {
            body
        };
        Response::new(body.to_owned())
    })
    .await;
    let outcome = directory(&with_members("/m/{group.id}", "/people"), &server, &[]).await;
    assert!(flat(&outcome.said).contains(expected), "{}", outcome.said);
}

#[rstest]
#[case::no_name(
    r#"{"teams": [{"key": 1, "title": "Sales"}, {"key": 2, "label": "Ops"}]}"#,
    "records 2 at `/teams`, 1 of them groups \
     skipped record 2: it has no name (`fields.name`); it has `key`, `label`",
    ""
)]
#[case::no_group_at_all(
    r#"{"teams": [{"uid": 1, "title": "Sales"}]}"#,
    "records 1 at `/teams`, none of them a group \
     skipped record 1: it has no id (`fields.id`); it has `uid`, `title`",
    "error: mapping: none of 1 records has an id and a name (`fields`); record 1: it has no id (`fields.id`); it has \
     `uid`, `title`"
)]
#[case::records_elsewhere(
    r#"{"result": {"teams": [{"key": 1, "title": "Sales"}]}}"#,
    "",
    "lists `/result/teams` is a list of 1 item body"
)]
#[case::no_records_here(
    r#"{"teams": [], "items": [{"key": 1, "title": "Sales"}]}"#,
    "records 0 at `/teams` unused `/items` is a list of 1 item, and `records` names `/teams`",
    ""
)]
#[case::a_next_page_that_is_elsewhere(
    r#"{"teams": [{"key": 1, "title": "Sales"}], "paging": {"next_token": "x"}}"#,
    "unused `/paging/next_token` looks like a next page, and nothing reads it (`pagination`)",
    ""
)]
#[tokio::test]
async fn a_page_that_is_read_wrongly_says_what_it_has(
    #[case] body: &'static str,
    #[case] said: &str,
    #[case] complained: &str,
) {
    let server = Server::start(move |_| Response::new(body.to_owned())).await;
    let outcome = directory(TEAMS, &server, &[]).await;
    assert!(flat(&outcome.said).contains(said), "{}", outcome.said);
    assert!(
        flat(&outcome.complained).contains(complained),
        "{}",
        outcome.complained
    );
}

#[tokio::test]
async fn keys_that_a_message_names_are_shown_where_the_file_has_them() {
    let block = with_members("/persons/{group.id}", "/");
    let outcome = probed(&block, &[LISTED]).await;
    let number = block
        .lines()
        .position(|line| line.contains("/persons/"))
        .unwrap()
        + 1;
    let shown = flat(&outcome.complained);
    assert!(
        shown.contains("is `members.request.path` right?"),
        "{shown}"
    );
    assert!(
        shown.contains("keys `members.request.path` is at "),
        "{shown}"
    );
    let place = format!(".toml:{number}:13 request");
    assert!(shown.contains(&place), "{shown}");
}

#[tokio::test]
async fn an_empty_body_says_how_it_may_mean_an_empty_list() {
    const RULE: &str = r#"answers = [{ status = 204, means = "end" }]"#;
    let outcome = probed(TEAMS, &[("/teams", "")]).await;
    let expected = format!(
        "error: decode: expected JSON, but the body is empty; if it means an empty list, say so: `{RULE}`\n"
    );
    assert!(
        outcome.complained.starts_with(&expected),
        "{}",
        outcome.complained
    );
    let outcome = probed(&format!("{TEAMS}{RULE}\n"), &[("/teams", "")]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.complained);
}

#[tokio::test]
async fn a_body_that_cannot_be_decompressed_is_not_said_to_be_missing() {
    let server = Server::start(|_| {
        let garbage = b"\x1f\x8b\x08garbage".to_vec();
        let response = Response::builder().header("content-encoding", "gzip");
        response.body(garbage).unwrap()
    })
    .await;
    let outcome = directory(TEAMS, &server, &[]).await;
    let told = &outcome.complained;
    assert!(
        told.starts_with("error: decode: the body cannot be decompressed"),
        "{told}"
    );
    assert!(
        told.contains("answer    none that could be read\n"),
        "{told}"
    );
}

#[rstest]
#[case::bearer(r#"{ type = "bearer", token = { env = "KEY" } }"#, "Bearer")]
#[case::basic(
    r#"{ type = "basic", username = "svc", password = { env = "KEY" } }"#,
    "Basic"
)]
#[case::signed(
    r#"{ type = "aws_sigv4", region = "eu-west-1", service = "execute-api", access_key = { env = "TENANT" }, secret_key = { env = "KEY" } }"#,
    "AWS4-HMAC-SHA256"
)]
#[tokio::test]
async fn of_credentials_the_scheme_is_shown(#[case] auth: &str, #[case] scheme: &str) {
    let block = TEAMS.replace(r#"{ type = "bearer", token = { env = "KEY" } }"#, auth);
    let outcome = probed(&block, &[LISTED]).await;
    let shown = format!("authorization: {scheme} ***\n");
    assert!(outcome.said.contains(&shown), "{}", outcome.said);
}

#[tokio::test]
async fn https_where_plain_http_is_spoken_is_told_so() {
    let server = Server::start(|_| answer(&json!({ "teams": [] }))).await;
    let config = file(TEAMS, &server.base_url().replace("http://", "https://"));
    let arguments = ["directory", "--config", config.path().to_str().unwrap()];
    let outcome = probe(&arguments, &variables()).await;
    let said = "; what answers there does not speak TLS: is it plain http (`base_url`)?\n";
    assert!(outcome.complained.contains(said), "{}", outcome.complained);
}

#[tokio::test]
async fn of_many_links_the_next_is_shown() {
    let server = Server::start(|request| {
        let mut response = answer(&json!([{ "key": 1, "title": "Sales" }]));
        let host = request.headers()["host"].to_str().unwrap();
        let page = |number: u8, relation: &str| {
            format!(
                "<http://{host}/teams?page={number}&per_page=100&sort=title>; rel=\"{relation}\""
            )
        };
        let links = match request.uri().query() {
            None => [page(1, "first"), page(9, "last"), page(2, "next")].join(", "),
            Some(_) => [page(1, "first"), page(1, "prev")].join(", "),
        };
        response
            .headers_mut()
            .insert("link", links.parse().unwrap());
        response
    })
    .await;
    let block = TEAMS.replace("style = \"none\"", "style = \"link\", on_repeat = \"end\"");
    let block = block.replace("records = \"/teams\"", "records = \"/\"");
    let outcome = directory(&block, &server, &[]).await;
    let base_url = server.base_url();
    let shown =
        format!("link: … <{base_url}/teams?page=2&per_page=100&sort=title>; rel=\"next\" …\n");
    assert!(outcome.said.contains(&shown), "{}", outcome.said);
}
