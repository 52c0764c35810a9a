//! The third upstream: offsets, two formats, sorting and fields.

use groupgate::tools::demo::{Emulations, Options};
use http::StatusCode;
use quick_xml::Reader;
use quick_xml::events::Event;
use rstest::rstest;
use serde_json::Value;

use super::client::{Reply, ask, get, pick, start, start_with, variable};
use super::shape::{assert_same_shape, fixture, json_fixture};

const NAME: &str = "publisher";

async fn list_as(emulations: &Emulations, query: &str, accept: &str) -> Reply {
    let token = variable(emulations, "PUBLISHER_TOKEN");
    let request = get(pick(emulations, NAME), &format!("/api/2/groups{query}"))
        .header("accept", accept)
        .header("authorization", format!("Bearer {token}"));
    ask(request).await
}

async fn list(emulations: &Emulations, query: &str) -> Value {
    let reply = list_as(emulations, query, "application/json").await;
    assert_eq!(reply.status, StatusCode::OK);
    reply.json()
}

fn groups(page: &Value) -> &[Value] {
    page["groups"].as_array().unwrap()
}

fn column<'a>(page: &'a Value, key: &str) -> Vec<&'a str> {
    groups(page)
        .iter()
        .filter_map(|group| group[key].as_str())
        .collect()
}

/// The paths of all elements in a document, and the texts of those that hold text only.
fn elements(document: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(document);
    let mut open: Vec<String> = Vec::new();
    let mut found: Vec<(String, String)> = Vec::new();
    loop {
        match reader.read_event().expect("the document is well-formed") {
            Event::Eof => return found,
            Event::Start(start) => {
                open.push(start.name().as_ref().to_owned());
                found.push((open.join("/"), String::new()));
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) => found.last_mut().unwrap().1 += &text,
            Event::GeneralRef(reference) => {
                let entity = format!("&{};", &*reference);
                found.last_mut().unwrap().1 += &quick_xml::escape::unescape(&entity).unwrap();
            }
            event @ (Event::Empty(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)) => panic!("no {event:?} belongs in an answer"),
        }
    }
}

fn paths(document: &str) -> Vec<String> {
    elements(document)
        .into_iter()
        .map(|(path, _)| path)
        .collect()
}

#[tokio::test]
async fn answers_have_the_shape_of_the_vendors_example_in_json() {
    let emulations = start(200).await;
    let page = list(&emulations, "?sort=%2Bcreated").await;
    assert_same_shape(&json_fixture("3-publisher/list-response.json"), &page, &[]);
    assert_eq!(page["total"], 200);
    assert_eq!(page["currentpage"], 0);
}

#[tokio::test]
async fn answers_have_the_shape_of_the_vendors_example_in_xml() {
    let emulations = start(2).await;
    let page = list_as(&emulations, "", "application/xml").await;
    assert_eq!(
        page.headers["content-type"],
        "application/xml; charset=utf-8"
    );
    assert_eq!(
        paths(page.text()),
        paths(&fixture("3-publisher/list-response.xml"))
    );
}

#[rstest]
#[case("*/*", "application/json")]
#[case(
    "application/json, application/xml;q=0.9, */*;q=0.5",
    "application/json"
)]
#[case("application/json;q=0.5, application/xml", "application/xml")]
#[tokio::test]
async fn the_format_that_is_preferred_is_answered(#[case] accept: &str, #[case] expected: &str) {
    let emulations = start(1).await;
    let reply = list_as(&emulations, "", accept).await;
    let media_type = reply.headers["content-type"].to_str().unwrap();
    assert!(media_type.starts_with(expected), "{media_type}");
}

#[tokio::test]
async fn both_formats_say_the_same() {
    let emulations = start(200).await;
    let query = "?fields=all&sort=-name&limit=50&offset=100";
    let page = list(&emulations, query).await;
    let document = list_as(&emulations, query, "application/xml").await;
    let elements = elements(document.text());
    let texts = |path: &str| -> Vec<&str> {
        elements
            .iter()
            .filter(|(found, _)| found == path)
            .map(|(_, text)| text.as_str())
            .collect()
    };
    assert_eq!(texts("groups/total"), ["200"]);
    assert_eq!(texts("groups/currentpage"), ["2"]);
    for key in ["name", "link", "description", "created", "updated"] {
        assert_eq!(texts(&format!("groups/group/{key}")), column(&page, key));
    }
    let users: Vec<String> = groups(&page)
        .iter()
        .flat_map(|group| group["users"].as_array().unwrap())
        .map(Value::to_string)
        .collect();
    assert_eq!(texts("groups/group/users/user"), users);
}

#[tokio::test]
async fn fields_choose_what_a_group_shows() {
    let emulations = start(1).await;
    let keys = async |query: &str| -> Vec<String> {
        let page = list(&emulations, query).await;
        groups(&page)[0]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(keys("").await, ["id", "name", "link"]);
    assert_eq!(keys("?fields=id,name").await, ["id", "name"]);
    let all = keys("?fields=all").await;
    for key in ["id", "name", "link", "description", "users", "created"] {
        assert!(all.iter().any(|shown| shown == key), "{key}");
    }
}

#[rstest]
#[tokio::test]
async fn following_the_offset_yields_every_group_once(
    #[values(0, 1, 7, 100, 200)] total: usize,
    #[values(7, 50, 200)] limit: usize,
) {
    let emulations = start(total).await;
    let mut ids: Vec<String> = Vec::new();
    loop {
        let offset = ids.len();
        let page = list(&emulations, &format!("?offset={offset}&limit={limit}")).await;
        assert_eq!(page["total"], total);
        assert_eq!(page["currentpage"], offset / limit);
        if groups(&page).is_empty() {
            break;
        }
        assert!(groups(&page).iter().all(|group| group["id"].is_u64()));
        ids.extend(groups(&page).iter().map(|group| group["id"].to_string()));
    }
    assert_eq!(ids.len(), total);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), total);
    assert_eq!(pick(&emulations, NAME).stats().walks, 1);
}

#[tokio::test]
async fn a_page_has_two_hundred_groups_unless_less_is_granted() {
    let emulations = start(300).await;
    assert_eq!(groups(&list(&emulations, "").await).len(), 200);
    assert_eq!(groups(&list(&emulations, "?limit=250").await).len(), 250);

    let emulations = start_with(Options {
        publisher_page: Some(30),
        ..Options::default()
    })
    .await;
    assert_eq!(groups(&list(&emulations, "?limit=250").await).len(), 30);
}

#[tokio::test]
async fn groups_are_sorted_by_several_fields() {
    let emulations = start(200).await;
    let page = list(&emulations, "?fields=all&sort=-name,%2Bcreated").await;
    let keys: Vec<(&str, &str)> = column(&page, "name")
        .into_iter()
        .zip(column(&page, "created"))
        .collect();
    assert!(
        keys.is_sorted_by(|one, other| one.0 > other.0 || (one.0 == other.0 && one.1 < other.1))
    );
    // As the vendor's own example writes it: a plus that is not percent-encoded arrives as a space.
    let oldest = list(&emulations, "?fields=all&sort=+created").await;
    assert!(column(&oldest, "created").is_sorted());
    let newest = list(&emulations, "?fields=all&sort=-created").await;
    assert!(column(&newest, "created").is_sorted_by(|one, other| one > other));
}

#[rstest]
#[case("?sort=*created")]
#[case("?sort=-size")]
#[case("?limit=many")]
#[case("?limit=0")]
#[case("?offset=-1")]
#[case("?createdDate=yesterday")]
#[tokio::test]
async fn a_parameter_that_makes_no_sense_is_refused(#[case] query: &str) {
    let emulations = start(1).await;
    for accept in ["application/json", "application/xml"] {
        let reply = list_as(&emulations, query, accept).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(reply.text().contains("is no "), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_range_of_days_holds_both_ends() {
    let emulations = start(200).await;
    for name in ["createdDate", "createdDateTime"] {
        let query = format!("?fields=all&{name}=20150103,20150105");
        let page = list(&emulations, &query).await;
        assert_eq!(page["total"], 3);
        let days: Vec<&str> = column(&page, "created")
            .iter()
            .map(|time| &time[..10])
            .collect();
        assert_eq!(days, ["2015-01-03", "2015-01-04", "2015-01-05"]);
    }
    let recent = list(&emulations, "?modifiedDate=lastyear").await;
    assert_eq!(recent["total"], 0);
}

#[tokio::test]
async fn a_search_looks_at_all_fields() {
    let emulations = start(200).await;
    let named = list(&emulations, "?search=ENGINEERING").await;
    assert_eq!(column(&named, "name"), ["Engineering"]);
    let described = list(&emulations, "?search=sales+inquiries").await;
    assert_eq!(column(&described, "name"), ["Sales Team"]);
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let emulations = start(1).await;
    let request = || get(pick(&emulations, NAME), "/api/2/groups");
    assert_eq!(ask(request()).await.status, StatusCode::UNAUTHORIZED);
    let wrong = request().header("authorization", "Bearer wrong");
    assert_eq!(ask(wrong).await.status, StatusCode::UNAUTHORIZED);
}
