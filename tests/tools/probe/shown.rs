//! What a walk looks like, when it goes well and when it does not.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::command::{Outcome, probe, steady};
use crate::support::server::{Server, json as answer, parameter, status};

pub(crate) const SECRET: &str = "hunter2-hunter2";

/// Cursor pages; secrets stand in a header, in the query, in the path and in the body.
const DIRECTORY: &str = r#"
[upstreams.directory]
base_url = ""
records = "/teams"
pagination = { style = "cursor", next = "/next", limit = 2 }
auth = { type = "api_key", key = { env = "KEY" }, query = "api_key" }
limits = { retries = 1 }

[upstreams.directory.request]
method = "POST"
idempotent = true
path = "/{tenant}/teams"
vars = { tenant = { env = "TENANT" } }
headers = { x-tenant = { env = "TENANT" }, x-view = "full" }
query = { size = "{limit}" }
json = { after = "{cursor}", tenant = { env = "TENANT" } }

[upstreams.directory.fields]
id = "key"
name = "title"
members = { each = "people", id = "." }
"#;

/// A configuration for an upstream at this base URL.
pub(crate) fn file(toml: &str, base_url: &str) -> NamedTempFile {
    let toml = toml.replace("base_url = \"\"", &format!("base_url = \"{base_url}\""));
    let file = NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), toml).unwrap();
    file
}

pub(crate) fn variables() -> Vec<(String, String)> {
    [("KEY", SECRET), ("TENANT", "acme-and-sons")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// Probes an upstream `directory` that is described so.
pub(crate) async fn directory(toml: &str, server: &Server, arguments: &[&str]) -> Outcome {
    let config = file(toml, server.base_url());
    let config = config.path().to_str().unwrap();
    let arguments = [&["directory", "--config", config], arguments].concat();
    probe(&arguments, &variables()).await
}

/// Which page a request of the directory is about.
fn number(request: &Request<Bytes>) -> usize {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    body["after"]
        .as_str()
        .map_or(1, |after| after[1..].parse().unwrap())
}

/// Three pages. What is echoed of a secret must not show.
fn pages(request: &Request<Bytes>) -> Response<String> {
    let page = number(request);
    let next = (page < 3).then(|| format!("p{}", page + 1));
    let teams = match page {
        1 => json!([
            { "key": 1, "title": "Sales", "color": "red", "people": ["ada", "bob"], "owner": "acme-and-sons" },
            { "title": "nobody's" },
        ]),
        2 => json!([{ "key": 2, "title": "Ops", "color": { "web": "#00f" }, "people": [] }]),
        _ => json!([{ "key": 3, "title": "Engineering, and everything that has to do with it" }]),
    };
    answer(&json!({ "teams": teams, "next": next }))
}

#[tokio::test]
async fn what_an_upstream_shows_of_the_request_holds_no_credentials_and_moves_no_cursor() {
    let server = Server::start(|request| {
        let sent = request.headers()["authorization"].to_str().unwrap();
        let page = format!("<pre>authorization: {sent}\n\u{1b}[2J\u{9b}31mred</pre>");
        Response::builder().status(500).body(page).unwrap()
    })
    .await;
    let toml = DIRECTORY.replace(
        r#"{ type = "api_key", key = { env = "KEY" }, query = "api_key" }"#,
        r#"{ type = "basic", username = { env = "TENANT" }, password = { env = "KEY" } }"#,
    );
    let outcome = directory(&toml, &server, &[]).await;
    let told = outcome.complained;
    assert!(told.contains("authorization: Basic ***\n"), "{told}");
    assert!(told.contains("\u{fffd}[2J\u{fffd}31mred"), "{told}");
}

#[tokio::test]
async fn one_page_is_shown_in_full_and_the_others_in_a_line() {
    let server = Server::start(pages).await;
    let outcome = directory(DIRECTORY, &server, &[]).await;
    assert_eq!(outcome.complained, "");
    assert_eq!(outcome.code, 0);
    insta::assert_snapshot!(steady(&outcome.said, server.base_url()));
    for secret in [SECRET, "acme-and-sons"] {
        assert!(!outcome.said.contains(secret), "{}", outcome.said);
    }
    for line in outcome
        .said
        .lines()
        .filter(|line| !line.contains("http://"))
    {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[tokio::test]
async fn the_page_to_show_in_full_may_be_another() {
    let server = Server::start(pages).await;
    let outcome = directory(DIRECTORY, &server, &["--page", "2"]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.complained);
    assert!(
        outcome.said.contains("page 2, the cursor p2\n"),
        "{}",
        outcome.said
    );
    assert!(
        outcome.said.contains("\"title\": \"Ops\""),
        "{}",
        outcome.said
    );
    assert!(
        !outcome.said.contains("\"title\": \"Sales\""),
        "{}",
        outcome.said
    );
}

#[tokio::test]
async fn a_page_that_the_walk_does_not_have_is_a_failure() {
    let server = Server::start(pages).await;
    for arguments in [&["--page", "4"][..], &["--page", "4", "--raw"]] {
        let outcome = directory(DIRECTORY, &server, arguments).await;
        assert_eq!(outcome.code, 1);
        let expected = "error: there is no page 4: the walk had 3\n";
        assert_eq!(outcome.complained, expected);
    }
}

#[tokio::test]
async fn raw_prints_the_body_of_one_page_as_it_came_and_goes_no_further() {
    let server = Server::start(pages).await;
    let outcome = directory(DIRECTORY, &server, &["--raw", "--page", "2"]).await;
    assert_eq!((outcome.code, outcome.complained.as_str()), (0, ""));
    let expected =
        r##"{"teams":[{"key":2,"title":"Ops","color":{"web":"#00f"},"people":[]}],"next":"p3"}"##;
    assert_eq!(outcome.said, expected);
    let asked = server
        .requests()
        .iter()
        .filter(|request| number(request) <= 2)
        .count();
    assert_eq!(asked, 2);
}

#[tokio::test]
async fn raw_prints_a_body_that_is_no_page_too() {
    let server = Server::start(|_| Response::new("<html>Sign in</html>".to_owned())).await;
    let outcome = directory(DIRECTORY, &server, &["--raw"]).await;
    assert_eq!(outcome.code, 1);
    assert_eq!(outcome.said, "<html>Sign in</html>");
    assert!(
        outcome
            .complained
            .starts_with("error: decode: expected JSON"),
        "{}",
        outcome.complained
    );
}

#[tokio::test]
async fn json_is_one_object_of_the_shape_that_the_help_tells() {
    let server = Server::start(pages).await;
    let outcome = directory(DIRECTORY, &server, &["--json"]).await;
    assert_eq!((outcome.code, outcome.complained.as_str()), (0, ""));
    assert!(!outcome.said.contains(SECRET) && !outcome.said.contains("acme-and-sons"));
    let mut story: Value = serde_json::from_str(&steady(&outcome.said, server.base_url())).unwrap();
    // Of the pages the first tells the shape.
    story["pages"].as_array_mut().unwrap().truncate(1);
    for measured in ["/pages/0/requests/0/answer", "/summary"] {
        story.pointer_mut(measured).unwrap()["milliseconds"] = json!("‹time›");
    }
    let headers = story.pointer_mut("/pages/0/requests/0/answer/headers");
    headers.unwrap().as_object_mut().unwrap().remove("date");
    insta::assert_snapshot!(serde_json::to_string_pretty(&story).unwrap());
}

#[tokio::test]
async fn a_failure_says_where_it_happened_after_which_tries_and_what_came_instead() {
    let server = Server::start(|request| {
        if number(request) < 2 {
            return pages(request);
        }
        let mut response = answer(&json!({ "error": format!("{SECRET} is down"), "id": 7 }));
        *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        response
    })
    .await;
    let outcome = directory(DIRECTORY, &server, &[]).await;
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.said.contains("page 1, the start"),
        "{}",
        outcome.said
    );
    let complained = steady(&outcome.complained, server.base_url());
    insta::assert_snapshot!(complained);
    assert!(!outcome.complained.contains(SECRET));
}

#[tokio::test]
async fn where_nobody_answers_the_request_is_shown_all_the_same() {
    // A port that was free a moment ago.
    let nobody = Server::start(pages).await.base_url().to_owned();
    let config = file(DIRECTORY, &nobody);
    let arguments = ["directory", "--config", config.path().to_str().unwrap()];
    let outcome = probe(&arguments, &variables()).await;
    assert_eq!(outcome.code, 1);
    for said in [
        "error: connect: ",
        "on page 1",
        &format!("POST {nobody}/***/teams?size=2&api_key=***"),
        "answer    none",
    ] {
        assert!(
            outcome.complained.contains(said),
            "{said}: {}",
            outcome.complained
        );
    }
}

#[tokio::test]
async fn what_the_pager_stumbles_on_is_shown_with_the_page_that_says_so() {
    let server =
        Server::start(|_| answer(&json!({ "teams": [{ "key": 1, "title": "a" }], "next": "p1" })))
            .await;
    let outcome = directory(DIRECTORY, &server, &[]).await;
    assert_eq!(outcome.code, 1);
    let complained = &outcome.complained;
    assert!(
        complained.starts_with("error: pagination: a position was repeated"),
        "{complained}"
    );
    assert!(
        complained.contains("on page 2\n") && complained.contains("\"next\":\"p1\""),
        "{complained}"
    );
}

#[tokio::test]
async fn a_list_that_changes_is_told_to_be_read_again() {
    let toml = r#"
        [upstreams.directory]
        base_url = ""
        request = { path = "/teams", query = { page = "{page}" } }
        records = "/teams"
        pagination = { style = "page", total = "/total" }
        fields = { id = "key", name = "title" }
    "#;
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let page: usize = parameter(request, "page").unwrap().parse().unwrap();
        // It says 3 once, and has 2 from then on.
        let total = if asked.fetch_add(1, Ordering::Relaxed) == 0 {
            3
        } else {
            2
        };
        let teams: Vec<_> = (page..=page.min(total))
            .map(|key| json!({ "key": key, "title": "a" }))
            .collect();
        answer(&json!({ "teams": teams, "total": total }))
    })
    .await;
    let outcome = directory(toml, &server, &[]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.complained);
    for said in [
        "the list changed while it was read; reading it again",
        "2 pages, fetched concurrently, from page 2 on, because `/total` says 3 records",
        "page 2, because `/total` says 2 records",
        "2 groups on 2 pages",
        "2 of 2 announced records received",
        "restarted: pagination: the announced total changed during the walk",
    ] {
        // However it is broken into lines.
        let whole = outcome
            .said
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(whole.contains(said), "{said}: {}", outcome.said);
    }
}

#[tokio::test]
async fn an_end_by_a_repeat_is_told() {
    let toml = DIRECTORY.replace("limit = 2 }", "limit = 2, on_repeat = \"end\" }");
    let server =
        Server::start(|_| answer(&json!({ "teams": [{ "key": 1, "title": "a" }], "next": "p1" })))
            .await;
    let outcome = directory(&toml, &server, &[]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.complained);
    let said = "ended by `repeat`: a page or a position was repeated";
    assert!(outcome.said.contains(said), "{}", outcome.said);
}

#[tokio::test]
async fn of_a_login_that_brings_no_token_only_the_shape_of_the_answer_shows() {
    let toml = r#"
        [upstreams.directory]
        base_url = ""
        request = { path = "/teams" }
        records = "/teams"
        fields = { id = "key", name = "title" }
        [upstreams.directory.auth]
        type = "token_exchange"
        request = { method = "POST", path = "/login", json = { key = { env = "KEY" } } }
        token = "/token"
    "#;
    let server = Server::start(|request| {
        if request.uri().path() != "/login" {
            return status(401);
        }
        answer(&json!({ "data": { "token": "t0ken-of-the-upstream" } }))
    })
    .await;
    let outcome = directory(toml, &server, &[]).await;
    assert_eq!(outcome.code, 1);
    for said in [
        "login     POST ",
        r#""token":"(a text of 21 bytes)""#,
        "a token where `auth` says",
    ] {
        assert!(
            outcome.complained.contains(said),
            "{said}: {}",
            outcome.complained
        );
    }
    assert!(!outcome.complained.contains("t0ken-of-the-upstream"));
    assert!(!outcome.complained.contains(SECRET));
}

#[tokio::test]
async fn what_was_signed_is_shown_where_the_adapter_says_what_that_is() {
    let toml = r#"
        [upstreams.directory]
        base_url = ""
        request = { path = "/teams" }
        records = "/teams"
        fields = { id = "key", name = "title" }
        auth = { type = "hmac", key_id = { env = "TENANT" }, secret = { env = "KEY" }, string_to_sign = "{method}\n{path}\n{key_id}", header = "{signature}" }
    "#;
    let server = Server::start(|_| answer(&json!({ "teams": [] }))).await;
    let outcome = directory(toml, &server, &[]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.complained);
    let signed =
        "            signed is\n              GET\n              /teams\n              ***\n";
    assert!(outcome.said.contains(signed), "{}", outcome.said);
    assert!(
        outcome.said.contains("authorization: ***"),
        "{}",
        outcome.said
    );
}

/// A login whose expiry is said to be at `/until`, and what its response has there.
async fn probe_login(until: Value, is_listed: bool, arguments: &[&str]) -> Outcome {
    let server = Server::start(move |request| match request.uri().path() {
        "/login" => answer(&json!({ "token": SECRET, "until": until })),
        _ if is_listed => answer(&json!({ "teams": [{ "key": 1, "title": "Sales" }] })),
        _ => status(500),
    })
    .await;
    let toml = "[upstreams.directory]\nbase_url = \"\"\nrequest = { path = '/teams' }\n\
                records = '/teams'\nlimits = { retries = 0 }\n\
                fields = { id = 'key', name = 'title' }\n\
                auth = { type = 'token_exchange', request = { path = '/login' }, token = '/token', \
                expires = '/until' }";
    directory(toml, &server, arguments).await
}

#[tokio::test]
async fn an_expiry_that_is_missing_or_cannot_be_read_is_told_with_the_reason() {
    const FORMS: &str = "a duration such as `3600s`";
    for (until, said, forms) in [
        (Value::Null, "`/until` is null", ""),
        (
            json!("21/11/2026 10:30"),
            "`/until` is `21/11/2026 10:30`: expected",
            FORMS,
        ),
        (json!({ "at": 7 }), "`/until` has `at`: expected", FORMS),
    ] {
        for (is_listed, arguments) in [
            (true, &[][..]),
            (true, &["--page", "1", "--json"]),
            (false, &[]),
        ] {
            let shown = probe_login(until.clone(), is_listed, arguments).await;
            let text = shown.said + &shown.complained;
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(said) && text.contains(forms), "{text}");
            assert!(!text.contains(SECRET), "{text}");
        }
    }
    let known = probe_login(json!(3600), true, &[]).await;
    assert!(!known.said.contains("expiry"), "{}", known.said);
}

#[tokio::test]
async fn where_no_record_is_a_group_what_the_records_have_is_shown() {
    let teams = json!([{ "key": 1, "label": "Sales" }, { "key": 2, "label": "Ops" }]);
    let server = Server::start(move |_| answer(&json!({ "teams": teams }))).await;
    let shown = directory(DIRECTORY, &server, &[]).await;
    assert_eq!(shown.code, 1);
    for said in [
        "skipped   record 1: it has no name",
        "unmapped  no record is a group; what the records have:",
        "label  in 2 of 2: \"Sales\"",
    ] {
        assert!(shown.said.contains(said), "{}", shown.said);
    }
}
