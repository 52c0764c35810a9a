//! The shipped adapters read what the vendors' own pages show.
//!
//! Each example is replayed, byte for byte, under its documented status. What becomes of it stands
//! in the snapshots; that nothing of it is lost is checked without them.

use std::collections::HashMap;

use groupgate::error::{ErrorKind, UpstreamError};
use groupgate::upstream::Adapter;
use groupgate::upstream::FetchedPage;
use groupgate::upstream::pager::{Next, Position, WalkTotals};
use http::{HeaderMap, Response, StatusCode};
use quick_xml::events::Event;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::adapters::{GATEWAY, PUBLISHER_JSON, shipped, walked};
use crate::support::server::{Server, header, status};

/// Where the vendors' examples are.
const VENDOR: &str = "tests/fixtures/vendor";

/// The settings under which the fourth upstream's answer for one group is a page of one.
const ONE_GROUP: [(&str, &str); 1] = [("records", "/")];

/// One answer of a vendor's page.
struct Example {
    file: &'static str,
    upstream: &'static str,
    settings: &'static [(&'static str, &'static str)],
    status: u16,
    /// Where its list of groups stands, if it is a list.
    records: Option<&'static str>,
}

/// Every answer of the vendors' pages. The texts that are no JSON have their meaning beside them.
const EXAMPLES: [Example; 12] = [
    example("1-collections/list-response.json", "collections", 200).listing("/data"),
    example("1-collections/error-403.json", "collections", 403),
    example("1-collections/error-500.json", "collections", 500),
    example("2-vinyldns/list-response.json", "vinyldns", 200).listing("/groups"),
    example("3-publisher/list-response.xml", "publisher", 200),
    example("3-publisher/list-response.json", "publisher", 200)
        .under(&PUBLISHER_JSON)
        .listing("/groups"),
    example("4-onlivesite/list-response.json", "onlivesite", 200).listing("/items"),
    example("4-onlivesite/single-response.json", "onlivesite", 200)
        .under(&ONE_GROUP)
        .listing(""),
    example("4-onlivesite/error-401.json", "onlivesite", 401),
    example("4-onlivesite/error-404.json", "onlivesite", 404),
    example("5-tallyfy/list-response.json", "tallyfy", 200).listing("/data"),
    example("5-tallyfy/error-401.json", "tallyfy", 401),
];

const fn example(file: &'static str, upstream: &'static str, status: u16) -> Example {
    Example {
        file,
        upstream,
        settings: &[],
        status,
        records: None,
    }
}

impl Example {
    const fn listing(self, records: &'static str) -> Self {
        Self {
            records: Some(records),
            ..self
        }
    }

    const fn under(self, settings: &'static [(&'static str, &'static str)]) -> Self {
        Self { settings, ..self }
    }

    fn body(&self) -> Vec<u8> {
        fixture(self.file)
    }

    fn replay(&self) -> Result<FetchedPage, UpstreamError> {
        let adapter = shipped(self.upstream, self.settings);
        replay(&adapter, self.status, &self.body())
    }
}

fn fixture(file: &str) -> Vec<u8> {
    std::fs::read(format!("{VENDOR}/{file}")).expect("the fixture is there")
}

fn replay(adapter: &Adapter, status: u16, body: &[u8]) -> Result<FetchedPage, UpstreamError> {
    let status = StatusCode::from_u16(status).unwrap();
    adapter.replay(status, HeaderMap::new(), body)
}

/// The groups as clients see them, or the error as logs do.
fn shown(outcome: Result<FetchedPage, UpstreamError>) -> String {
    match outcome {
        Ok(turn) => serde_json::to_string_pretty(&groups(&turn)).unwrap(),
        Err(error) => error.to_string(),
    }
}

fn groups(turn: &FetchedPage) -> Vec<Value> {
    let groups = turn.outcomes().into_iter();
    groups
        .map(|outcome| serde_json::to_value(outcome.unwrap()).unwrap())
        .collect()
}

fn ids(turn: &FetchedPage) -> Vec<String> {
    let text = |group: &Value| group["source_id"].as_str().unwrap().to_owned();
    groups(turn).iter().map(text).collect()
}

#[test]
fn every_example_becomes_groups_or_the_error_that_it_means() {
    for example in EXAMPLES {
        let name = example.file.replace(['/', '.'], "_");
        insta::assert_snapshot!(name, shown(example.replay()), example.file);
    }
}

#[test]
fn the_settings_for_json_are_those_that_the_configuration_tells() {
    for told in [
        r#"#   format = "json""#,
        r#"#   records = "/groups""#,
        r#"#   pagination = { style = "offset", limit = 200, total = "/total", trust = "hint", on_repeat = "end" }"#,
        r#"#   members = { each = "users", id = "." }"#,
    ] {
        assert!(GATEWAY.contains(told), "{told}");
    }
}

#[test]
fn every_answer_of_the_vendors_pages_is_an_example_here() {
    let folders = std::fs::read_dir(VENDOR).unwrap();
    let mut answers: Vec<_> = folders
        .filter_map(|folder| std::fs::read_dir(folder.unwrap().path()).ok())
        .flatten()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind != "txt"))
        .map(|path| path.strip_prefix(VENDOR).unwrap().display().to_string())
        .filter(|file| !file.contains("request") && !file.contains("login"))
        .collect();
    let mut examples: Vec<_> = EXAMPLES.iter().map(|example| example.file).collect();
    answers.sort();
    examples.sort_unstable();
    assert_eq!(answers, examples);
}

/// How often each text, number and truth value stands anywhere in `value`. A status is lower-cased
/// and a time is written anew, so case does not count.
fn count_values(value: &Value, counts: &mut HashMap<String, usize>) {
    let scalar = match value {
        Value::Null => return,
        Value::Array(items) => return items.iter().for_each(|item| count_values(item, counts)),
        Value::Object(members) => {
            return members
                .values()
                .for_each(|value| count_values(value, counts));
        }
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    *counts.entry(scalar.to_lowercase()).or_default() += 1;
}

fn assert_keeps(group: &Value, sent: &HashMap<String, usize>, file: &str) {
    let mut kept = HashMap::new();
    count_values(group, &mut kept);
    for (value, times) in sent {
        let found = kept.get(value).copied().unwrap_or_default();
        assert!(found >= *times, "{file}: `{value}` is lost in {group:#}");
    }
}

#[test]
fn no_value_of_an_example_is_lost() {
    for example in EXAMPLES {
        let Some(records) = example.records else {
            continue;
        };
        let body: Value = serde_json::from_slice(&example.body()).unwrap();
        let container = body.pointer(records).unwrap();
        let records = match container.as_array() {
            Some(records) => records.as_slice(),
            None => std::slice::from_ref(container),
        };
        let groups = groups(&example.replay().unwrap());
        assert_eq!(groups.len(), records.len(), "{}", example.file);
        for (group, record) in groups.iter().zip(records) {
            let mut sent = HashMap::new();
            count_values(record, &mut sent);
            assert!(!sent.is_empty());
            assert_keeps(group, &sent, example.file);
        }
    }
}

#[test]
fn no_text_of_the_xml_example_is_lost() {
    let file = "3-publisher/list-response.xml";
    let records = texts_of_elements(&String::from_utf8(fixture(file)).unwrap(), "group");
    let turn = replay(&shipped("publisher", &[]), 200, &fixture(file)).unwrap();
    let groups = groups(&turn);
    assert_eq!((groups.len(), records.len()), (2, 2));
    for (group, texts) in groups.iter().zip(&records) {
        assert_eq!(texts.values().sum::<usize>(), 3);
        assert_keeps(group, texts, file);
    }
}

/// The texts in each element of this name, and how often each is there.
fn texts_of_elements(document: &str, name: &str) -> Vec<HashMap<String, usize>> {
    let mut reader = quick_xml::Reader::from_str(document);
    let mut elements = Vec::new();
    let mut open = None;
    loop {
        let event = reader.read_event().unwrap();
        if let Event::Eof = event {
            return elements;
        }
        if let Event::Start(tag) = &event
            && tag.name().as_ref() == name
        {
            open = Some(HashMap::new());
        }
        if let Event::End(tag) = &event
            && tag.name().as_ref() == name
        {
            elements.extend(open.take());
        }
        if let (Event::Text(text), Some(texts)) = (&event, &mut open) {
            let text = text.xml10_content().trim().to_lowercase();
            if !text.is_empty() {
                *texts.entry(text).or_default() += 1;
            }
        }
    }
}

#[test]
fn an_error_in_a_body_counts_under_a_success_too() {
    let collections = shipped("collections", &[]);
    let said = |file| {
        replay(&collections, 200, &fixture(file))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        said("1-collections/error-403.json"),
        "unauthorized: the body says `403`: UNAUTHORIZED"
    );
    assert_eq!(
        said("1-collections/error-500.json"),
        "rejected: the body says `500`: SERVER_FAULT"
    );
    let onlivesite = shipped("onlivesite", &[]);
    let said = |file| {
        replay(&onlivesite, 200, &fixture(file))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        said("4-onlivesite/error-401.json"),
        "unauthorized: the body says `401`: Invalid or missing authorization credentials"
    );
    assert_eq!(
        said("4-onlivesite/error-404.json"),
        "rejected: the body says `404`: User group not found"
    );
}

#[rstest]
#[case::in_one_spelling(json!({ "statusCode": 200, "data": [] }), Ok(0))]
#[case::in_the_other(json!({ "status": 200, "data": [] }), Ok(0))]
#[case::as_text(json!({ "statusCode": "200", "data": [] }), Ok(0))]
#[case::null_in_the_first(json!({ "statusCode": null, "status": 500, "data": [] }), Err(ErrorKind::Rejected))]
#[case::nowhere(json!({ "data": [{ "group_id": "a", "group_name": "A" }] }), Ok(1))]
#[case::nowhere_and_no_list(json!({ "message": "OKAY" }), Err(ErrorKind::Mapping))]
fn a_status_in_the_body_is_found_in_either_spelling_and_may_be_missing(
    #[case] body: Value,
    #[case] outcome: Result<u64, ErrorKind>,
) {
    let turn = replay(
        &shipped("collections", &[]),
        200,
        body.to_string().as_bytes(),
    );
    let outcome_of_turn = turn.map(|turn| turn.records()).map_err(|error| error.kind);
    assert_eq!(outcome_of_turn, outcome);
}

#[rstest]
#[case::empty_list(r#"{"statusCode": 200, "data": []}"#, Ok(0))]
#[case::empty_object(r#"{"statusCode": 200, "data": {}}"#, Ok(0))]
#[case::null(r#"{"statusCode": 200, "data": null}"#, Ok(0))]
#[case::missing(
    r#"{"statusCode": 200, "message": "OKAY"}"#,
    Err("mapping: `/data` is missing: `/` has `statusCode`, `message`")
)]
#[case::text(
    r#"{"statusCode": 200, "data": "none"}"#,
    Err("mapping: expected a list at `/data`, which is a string")
)]
fn a_list_that_is_empty_is_a_list_and_one_that_is_missing_is_an_error(
    #[case] body: &str,
    #[case] outcome: Result<u64, &str>,
) {
    let turn = replay(&shipped("collections", &[]), 200, body.as_bytes());
    let records = turn
        .map(|turn| turn.records())
        .map_err(|error| error.to_string());
    assert_eq!(records, outcome.map_err(str::to_owned));
}

/// What the second upstream answers instead of a list, always as plain text.
#[rstest]
#[case(
    400,
    "maxItems was 0, maxItems must be between 0 exclusive and 100 inclusive"
)]
#[case(401, "Authentication Failed: Request signature could not be validated")]
#[case(403, "Authentication Failed: Account with username locked is locked")]
#[case(500, "There was an internal server error.")]
fn a_plain_text_error_is_told_by_its_status(#[case] status: u16, #[case] body: &str) {
    let error = replay(&shipped("vinyldns", &[]), status, body.as_bytes()).unwrap_err();
    let kind = match status {
        401 | 403 => ErrorKind::Unauthorized,
        _ => ErrorKind::HttpStatus,
    };
    assert_eq!(error.kind, kind);
    assert_eq!(error.status.unwrap(), status);
    // The text may quote anything; only a declared message is taken over.
    assert_eq!(error.detail, format!("status {status}"));
}

#[rstest]
#[case::none("", &[])]
#[case::one("<group><id>3</id><name>A</name></group>", &["3"])]
#[case::two(
    "<group><id>3</id><name>A</name></group>\n<group><id>4</id><name>B</name></group>",
    &["3", "4"]
)]
fn an_xml_list_is_a_list_for_none_one_and_two(#[case] elements: &str, #[case] expected: &[&str]) {
    let body = format!("<groups><total>9</total><currentpage>0</currentpage>{elements}</groups>");
    let turn = replay(&shipped("publisher", &[]), 200, body.as_bytes()).unwrap();
    assert_eq!(ids(&turn), expected);
}

#[test]
fn an_xml_document_that_is_no_list_is_an_error() {
    let publisher = shipped("publisher", &[]);
    let said = |body: &str| {
        replay(&publisher, 200, body.as_bytes())
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(
        [
            "<error><message>Sorry</message></error>",
            "<groups>Sorry</groups>",
            "<!doctype html><html><body>Sign in</body></html>",
            r#"{"total": 0, "groups": []}"#,
            "",
        ]
        .map(said)
        .join("\n")
    );
}

fn next(adapter: &Adapter, turn: &FetchedPage) -> Next {
    let paging = adapter.paging();
    paging
        .next(
            &turn.position,
            WalkTotals::first(turn.records(), None),
            turn.into(),
        )
        .unwrap()
}

#[test]
fn a_list_without_a_word_about_pages_is_one_page() {
    let tallyfy = shipped("tallyfy", &[]);
    let turn = replay(&tallyfy, 200, &fixture("5-tallyfy/list-response.json")).unwrap();
    assert_eq!(turn.records(), 2);
    assert_eq!(next(&tallyfy, &turn), Next::End);
}

#[rstest]
#[case::object(json!({ "next": "https://go.tallyfy.com/api/groups?page=2" }))]
#[case::list(json!([]))]
#[case::null(Value::Null)]
fn the_type_of_the_links_does_not_matter(#[case] links: Value) {
    let tallyfy = shipped("tallyfy", &[]);
    let after = |total_pages: u64| {
        let pagination = json!({ "total_pages": total_pages, "links": links });
        let group = json!({ "id": "a", "name": "A" });
        let body = json!({ "data": [group], "meta": { "pagination": pagination } });
        let turn = replay(&tallyfy, 200, body.to_string().as_bytes()).unwrap();
        next(&tallyfy, &turn)
    };
    assert_eq!(after(1), Next::End);
    let rest = vec![Position::Page(2), Position::Page(3)];
    assert_eq!(after(3), Next::Rest(rest));
}

#[test]
fn the_fifth_upstreams_errors_are_told_by_their_status() {
    let tallyfy = shipped("tallyfy", &[]);
    let kind = |status, body: Value| {
        replay(&tallyfy, status, body.to_string().as_bytes())
            .unwrap_err()
            .kind
    };
    let message = json!({ "error": true, "message": "Too Many Attempts.", "code": 429 });
    assert_eq!(kind(429, message.clone()), ErrorKind::RateLimited);
    let fields = json!({ "error": true, "errors": { "page": ["The page must be an integer."] } });
    assert_eq!(kind(422, fields), ErrorKind::HttpStatus);
    // Under a success they lack the list.
    assert_eq!(kind(200, message), ErrorKind::Mapping);
}

/// The vendor's page for the login answers `statusCode`, its other page `status`.
#[rstest]
#[case::in_one_spelling("\"statusCode\"")]
#[case::in_the_other("\"status\"")]
#[tokio::test]
async fn the_first_upstream_is_asked_and_answers_as_its_pages_say(#[case] spelling: &'static str) {
    let server = Server::start(move |request| {
        if request.uri().path() == "/generate-client-auth-token" {
            let answer = String::from_utf8(fixture("1-collections/login-response.json")).unwrap();
            return Response::new(answer.replace("\"statusCode\"", spelling));
        }
        let token = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...";
        let known = header(request, "authorization") == Some(token);
        if !known || request.uri().path() != "/fetch-groups" {
            return status(403);
        }
        Response::new(String::from_utf8(fixture("1-collections/list-response.json")).unwrap())
    })
    .await;
    let adapter = shipped("collections", &[("base_url", server.base_url())]);
    assert_eq!(walked(&adapter).await.groups.len(), 2);

    let [login, list] = server.requests().try_into().unwrap();
    let shape = |body: &[u8]| keys(&serde_json::from_slice(body).unwrap());
    let documented = fixture("1-collections/login-request.json");
    assert_eq!(shape(login.body()), shape(&documented));
    assert_eq!(header(&login, "content-type"), Some("application/json"));
    assert_eq!(header(&login, "authorization"), None);
    let documented = fixture("1-collections/list-request.json");
    assert_eq!(list.body().as_ref(), documented.trim_ascii());
    assert_eq!(header(&list, "content-type"), Some("application/json"));
    assert_eq!(header(&list, "domain"), Some("my-domain"));
}

/// The paths to all values, in order of their names.
fn keys(value: &Value) -> Vec<String> {
    let Value::Object(members) = value else {
        return vec![String::new()];
    };
    let mut keys: Vec<_> = members
        .iter()
        .flat_map(|(name, value)| {
            keys(value)
                .into_iter()
                .map(move |key| format!("/{name}{key}"))
        })
        .collect();
    keys.sort();
    keys
}
