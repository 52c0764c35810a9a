//! Each fault of the catalogue does on the wire what it says.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use flate2::read::GzDecoder;
use groupgate::tools::demo::{CATALOGUE, Emulation, Emulations, Fault, names};
use http::StatusCode;
use http::request::Builder;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::fmt::rfc2822::DateTimeParser;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::client::{Reply, ask, get, pick, start, variable};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much blank is behind a body that is far too large.
const GIBIBYTE: usize = 1 << 30;

/// The emulations, `publisher` with this fault.
async fn with(fault: Fault) -> Emulations {
    let emulations = start(25).await;
    publisher(&emulations).set_fault(Some(fault));
    emulations
}

fn publisher(emulations: &Emulations) -> &Emulation {
    pick(emulations, "publisher")
}

fn request(emulations: &Emulations, query: &str) -> Builder {
    let token = variable(emulations, "PUBLISHER_TOKEN");
    get(publisher(emulations), &format!("/api/2/groups{query}"))
        .header("authorization", format!("Bearer {token}"))
}

async fn list(emulations: &Emulations, query: &str) -> Reply {
    ask(request(emulations, query)).await
}

/// The list as it is without a fault.
async fn healthy(emulations: &Emulations, query: &str) -> Reply {
    let emulation = publisher(emulations);
    emulation.set_fault(None);
    list(emulations, query).await
}

fn address(emulation: &Emulation) -> SocketAddr {
    let base_url = emulation.base_url();
    let authority = base_url.split('/').nth(2).unwrap();
    authority.parse().unwrap()
}

/// Sends a list request on a bare connection.
async fn connection(emulations: &Emulations) -> TcpStream {
    let token = variable(emulations, "PUBLISHER_TOKEN");
    let mut stream = TcpStream::connect(address(publisher(emulations)))
        .await
        .unwrap();
    let head = format!(
        "GET /context/api/2/groups HTTP/1.1\r\nhost: publisher\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_port_that_hangs_takes_no_connection_until_it_heals() {
    let emulations = with(Fault::HangConnect).await;
    let connecting = TcpStream::connect(address(publisher(&emulations)));
    let waited = timeout(Duration::from_millis(200), connecting).await;
    assert!(waited.is_err(), "{waited:?}");
    assert_eq!(healthy(&emulations, "").await.status, StatusCode::OK);
    assert_eq!(publisher(&emulations).stats().requests, 1);
}

#[tokio::test]
async fn a_connection_is_closed_in_the_middle_of_the_body() {
    let emulations = with(Fault::Truncate).await;
    let mut text = String::new();
    let mut stream = connection(&emulations).await;
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let whole = healthy(&emulations, "").await.body;
    let length = format!("content-length: {}", whole.len());
    assert!(head.contains(&length), "{head}");
    assert_eq!(body.as_bytes(), &whole[..whole.len() / 2]);
}

#[tokio::test]
async fn a_connection_is_reset_in_the_middle_of_the_body() {
    let emulations = with(Fault::Reset).await;
    let mut stream = connection(&emulations).await;
    let end = stream.read_to_end(&mut Vec::new()).await;
    let error = end.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
}

#[tokio::test]
async fn a_burst_ends_by_itself() {
    let emulations = with(Fault::Burst {
        status: 503,
        failures: 2,
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(list(&emulations, "").await.status.as_u16());
    }
    assert_eq!(statuses, [503, 503, 200, 200]);
}

#[tokio::test]
async fn credentials_are_refused_after_some_requests_and_for_good() {
    let emulations = with(Fault::UnauthorizedAfter(2)).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(list(&emulations, "").await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 401, 401]);
}

#[tokio::test]
async fn too_many_requests_say_how_long_or_until_when() {
    let emulations = with(Fault::TooMany(Duration::from_secs(2))).await;
    let reply = list(&emulations, "").await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reply.headers["retry-after"], "2");
    assert_eq!(reply.json()["message"], "Too Many Requests");

    let wait = Duration::from_hours(1);
    publisher(&emulations).set_fault(Some(Fault::TooManyUntil(wait)));
    let reply = list(&emulations, "").await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    let until = reply.headers["retry-after"].to_str().unwrap();
    let until = DateTimeParser::new().parse_timestamp(until).unwrap();
    let date = reply.headers["date"].to_str().unwrap();
    let date = DateTimeParser::new().parse_timestamp(date).unwrap();
    let wait = until.duration_since(date).as_secs();
    assert!((3600..3610).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_redirect_leads_to_the_same_path_on_another_host_and_who_follows_is_counted() {
    let emulations = with(Fault::Redirect).await;
    let reply = list(&emulations, "?limit=3").await;
    assert_eq!(reply.status, StatusCode::FOUND);
    let port = address(publisher(&emulations)).port();
    let location = format!("http://localhost:{port}/context/api/2/groups?limit=3");
    assert_eq!(reply.headers["location"], location);
    assert_eq!(publisher(&emulations).stats().elsewhere, 0);
    let token = variable(&emulations, "PUBLISHER_TOKEN");
    let followed = http::Request::get(location).header("authorization", format!("Bearer {token}"));
    assert_eq!(ask(followed).await.status, StatusCode::OK);
    assert_eq!(publisher(&emulations).stats().elsewhere, 1);
}

#[tokio::test]
async fn ten_thousand_header_fields_come_before_the_body() {
    let emulations = with(Fault::Headers).await;
    let mut stream = connection(&emulations).await;
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    let text = String::from_utf8(read).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(head.matches("\r\nx-filler-").count(), 10_000);
    assert_eq!(body, healthy(&emulations, "").await.text());
}

#[tokio::test]
async fn a_body_drips_and_comes_whole_in_the_end() {
    let emulations = with(Fault::Drip {
        bytes: 1000,
        every: Duration::from_millis(20),
    })
    .await;
    let begin = Instant::now();
    let reply = list(&emulations, "").await;
    let taken = begin.elapsed();
    let drops = reply.body.len().div_ceil(1000) as u32;
    assert!(drops > 1);
    assert!(
        taken >= (drops - 1) * Duration::from_millis(20),
        "{taken:?}"
    );
    assert_eq!(reply.body, healthy(&emulations, "").await.body);
}

#[tokio::test]
async fn bytes_are_missing_mislabelled_or_wrong() {
    let emulations = start(25).await;
    let whole = list(&emulations, "").await;
    let emulation = publisher(&emulations);

    emulation.set_fault(Some(Fault::Cut));
    let cut = list(&emulations, "").await;
    assert_eq!(cut.status, StatusCode::OK);
    assert_eq!(cut.body, whole.body[..whole.body.len() / 2]);

    emulation.set_fault(Some(Fault::MediaType));
    let image = list(&emulations, "").await;
    assert_eq!(image.headers["content-type"], "image/png");
    assert_eq!(image.body, whole.body);

    emulation.set_fault(Some(Fault::InvalidUtf8));
    let bad = list(&emulations, "").await;
    assert!(std::str::from_utf8(&bad.body).is_err());
    let differ = bad
        .body
        .iter()
        .zip(&whole.body)
        .filter(|(bad, good)| bad != good);
    assert_eq!(differ.count(), 1);
}

#[tokio::test]
async fn a_huge_body_is_the_right_one_with_a_gigabyte_of_blanks_behind_it() {
    let emulations = with(Fault::Huge).await;
    let whole = healthy(&emulations, "").await.body;
    publisher(&emulations).set_fault(Some(Fault::Huge));
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let request = request(&emulations, "").body(Full::default()).unwrap();
    let response = client.request(request).await.unwrap();
    assert!(!response.headers().contains_key("content-length"));
    let mut body = response.into_body();
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        let bytes = frame.unwrap().into_data().unwrap();
        for (place, byte) in bytes.iter().enumerate().step_by(1000) {
            let expected = whole.get(read + place).copied().unwrap_or(b' ');
            assert_eq!(*byte, expected);
        }
        read += bytes.len();
    }
    assert_eq!(read, whole.len() + GIBIBYTE);
}

#[tokio::test]
async fn a_gzip_bomb_is_small_on_the_wire_and_begins_with_the_right_body() {
    let emulations = with(Fault::GzipBomb).await;
    let bomb = list(&emulations, "").await;
    assert_eq!(bomb.headers["content-encoding"], "gzip");
    assert!(bomb.body.len() < GIBIBYTE / 500, "{}", bomb.body.len());
    // The last four bytes of a gzip file say how long it is unpacked (RFC 1952, section 2.3.1).
    let length = u32::from_le_bytes(bomb.body.last_chunk().copied().unwrap());
    let whole = healthy(&emulations, "").await.body;
    assert_eq!(length as usize, whole.len() + GIBIBYTE);
    let mut unpacked = vec![0; whole.len() + 10];
    GzDecoder::new(&bomb.body[..])
        .read_exact(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked.trim_ascii_end(), whole);
}

#[tokio::test]
async fn documents_are_deep_or_grow_when_they_are_read() {
    let emulations = with(Fault::DeepJson).await;
    let text = list(&emulations, "").await.text().to_owned();
    assert_eq!(text, "[".repeat(10_000) + &"]".repeat(10_000));

    publisher(&emulations).set_fault(Some(Fault::DeepXml));
    let reply = list(&emulations, "").await;
    assert_eq!(reply.headers["content-type"], "application/xml");
    let nested = "<group>".repeat(10_000) + &"</group>".repeat(10_000);
    assert_eq!(reply.text(), format!("<groups>{nested}</groups>"));

    publisher(&emulations).set_fault(Some(Fault::EntityBomb));
    let text = list(&emulations, "").await.text().to_owned();
    assert!(text.len() < 2000, "{}", text.len());
    assert!(text.contains("<!ENTITY e9 \"&e8;&e8;"), "{text}");
    assert!(text.contains("<name>&e9;</name>"), "{text}");
}

async fn page(emulations: &Emulations, query: &str) -> Value {
    list(emulations, query).await.json()
}

fn ids(page: &Value) -> Vec<&Value> {
    let groups = page["groups"].as_array().unwrap();
    groups.iter().map(|group| &group["id"]).collect()
}

#[tokio::test]
async fn ids_are_doubled_or_missing_and_types_are_others() {
    let emulations = with(Fault::DuplicateIds).await;
    let doubled = page(&emulations, "?fields=all&limit=10").await;
    assert_eq!(ids(&doubled)[..3], [&json!(1), &json!(1), &json!(3)]);

    publisher(&emulations).set_fault(Some(Fault::MissingIds));
    let missing = page(&emulations, "?fields=all&limit=10").await;
    let without = |place: &usize| missing["groups"][place].get("id").is_none();
    let places: Vec<usize> = (0..10).filter(without).collect();
    assert_eq!(places, [0, 3, 6, 9]);

    publisher(&emulations).set_fault(Some(Fault::WrongTypes));
    let wrong = page(&emulations, "?fields=all&limit=10").await;
    assert_eq!(wrong["groups"][0]["id"], json!([[1]]));
    assert_eq!(wrong["groups"][0]["users"], "none");
}

#[tokio::test]
async fn a_wrong_list_comes_in_the_format_that_was_asked_for() {
    let emulations = with(Fault::DuplicateIds).await;
    let reply = ask(request(&emulations, "").header("accept", "application/xml")).await;
    let media_type = reply.headers["content-type"].to_str().unwrap();
    assert!(media_type.starts_with("application/xml"), "{media_type}");
    let text = reply.text();
    assert!(text.starts_with("<groups><total>25</total>"), "{text}");
    assert_eq!(text.matches("<id>1</id>").count(), 2, "{text}");
}

#[tokio::test]
async fn a_wrong_list_still_needs_the_right_credential() {
    let emulations = with(Fault::Endless).await;
    let reply = ask(get(publisher(&emulations), "/api/2/groups")).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_total_contradicts_what_comes() {
    let emulations = with(Fault::WrongTotal).await;
    let page = page(&emulations, "?limit=100").await;
    assert_eq!(page["total"], 32);
    assert_eq!(ids(&page).len(), 25);
}

#[tokio::test]
async fn every_page_is_the_first_one_again() {
    let emulations = with(Fault::RepeatPage).await;
    let first = page(&emulations, "?limit=10").await;
    let second = page(&emulations, "?limit=10&offset=10").await;
    assert_eq!(first, second);
    assert_eq!(ids(&first).len(), 10);
}

#[tokio::test]
async fn there_is_always_one_more_page_of_new_groups() {
    let emulations = with(Fault::Endless).await;
    let mut seen = Vec::new();
    for offset in (0..300).step_by(10) {
        let page = page(&emulations, &format!("?limit=10&offset={offset}")).await;
        assert_eq!(page["total"], offset + 20);
        seen.extend(ids(&page).into_iter().map(ToString::to_string));
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((all, seen.len()), (300, 300));
}

#[tokio::test]
async fn the_link_to_the_next_page_leads_to_another_host() {
    let emulations = start(25).await;
    let tallyfy = pick(&emulations, "tallyfy");
    tallyfy.set_fault(Some(Fault::NextElsewhere));
    let token = variable(&emulations, "TALLYFY_TOKEN");
    let organization = variable(&emulations, "TALLYFY_ORG");
    let request = get(tallyfy, &format!("/organizations/{organization}/groups"))
        .header("authorization", format!("Bearer {token}"))
        .header("x-tallyfy-client", "APIClient");
    let page = ask(request).await.json();
    let next = page["meta"]["pagination"]["links"]["next"]
        .as_str()
        .unwrap();
    let port = address(tallyfy).port();
    let elsewhere = format!("http://localhost:{port}/organizations/{organization}/groups?page=2");
    assert_eq!(next, elsewhere);
}

#[rstest]
#[case::that_hangs(Fault::HangConnect)]
#[case::that_drips(Fault::Drip { bytes: 1, every: Duration::from_hours(1) })]
#[case::that_twists(Fault::Endless)]
#[tokio::test]
async fn an_emulation_is_well_again_when_its_fault_goes(#[case] fault: Fault) {
    let emulations = start(3).await;
    let whole = list(&emulations, "").await.body;
    publisher(&emulations).set_fault(Some(fault));
    publisher(&emulations).set_fault(None);
    let again = timeout(PATIENCE, list(&emulations, "")).await.unwrap();
    assert_eq!(again.body, whole);
}

#[tokio::test]
async fn a_fault_that_cannot_happen_changes_nothing() {
    let emulations = with(Fault::RepeatCursor).await;
    let told = page(&emulations, "").await;
    assert_eq!(told, healthy(&emulations, "").await.json());
}

#[test]
fn every_fault_can_happen_somewhere() {
    for (fault, _) in CATALOGUE {
        assert!(
            names().any(|name| fault.applies_to(name).is_ok()),
            "{fault}"
        );
    }
}
