//! Each fault of the catalogue does on the wire what it says.

use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use groupgate::tools::demo::{Emulations, InjectedFault, names};
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::fmt::rfc2822::DateTimeParser;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::client::{address, ask, healthy, list, publisher, request, start, variable, with};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much blank is behind a body that is far too large.
const GIBIBYTE: usize = 1 << 30;

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
    let emulations = with(InjectedFault::HangConnect).await;
    let connecting = TcpStream::connect(address(publisher(&emulations)));
    let waited = timeout(Duration::from_millis(200), connecting).await;
    assert!(waited.is_err(), "{waited:?}");
    assert_eq!(healthy(&emulations, "").await.status, StatusCode::OK);
    assert_eq!(publisher(&emulations).stats().requests, 1);
}

#[tokio::test]
async fn a_connection_is_closed_in_the_middle_of_the_body() {
    let emulations = with(InjectedFault::Truncate).await;
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
    let emulations = with(InjectedFault::Reset).await;
    let mut stream = connection(&emulations).await;
    let end = stream.read_to_end(&mut Vec::new()).await;
    let error = end.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
}

#[tokio::test]
async fn a_burst_ends_by_itself() {
    let emulations = with(InjectedFault::Burst {
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
    let emulations = with(InjectedFault::UnauthorizedAfter(2)).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(list(&emulations, "").await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 401, 401]);
}

#[tokio::test]
async fn too_many_requests_say_how_long_or_until_when() {
    let emulations = with(InjectedFault::TooMany(Duration::from_secs(2))).await;
    let reply = list(&emulations, "").await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reply.headers["retry-after"], "2");
    assert_eq!(reply.json()["message"], "Too Many Requests");

    let wait = Duration::from_hours(1);
    publisher(&emulations).set_fault(Some(InjectedFault::TooManyUntil(wait)));
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
    let emulations = with(InjectedFault::Redirect).await;
    let reply = list(&emulations, "?limit=3").await;
    assert_eq!(reply.status, StatusCode::FOUND);
    let port = address(publisher(&emulations)).port();
    let location = format!("http://localhost:{port}/context/api/2/groups?limit=3");
    assert_eq!(reply.headers["location"], location);
    assert_eq!(publisher(&emulations).stats().foreign_host, 0);
    let token = variable(&emulations, "PUBLISHER_TOKEN");
    let followed = http::Request::get(location).header("authorization", format!("Bearer {token}"));
    assert_eq!(ask(followed).await.status, StatusCode::OK);
    assert_eq!(publisher(&emulations).stats().foreign_host, 1);
}

#[tokio::test]
async fn ten_thousand_header_fields_come_before_the_body() {
    let emulations = with(InjectedFault::Headers).await;
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
    let emulations = with(InjectedFault::Drip {
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

    emulation.set_fault(Some(InjectedFault::Cut));
    let cut = list(&emulations, "").await;
    assert_eq!(cut.status, StatusCode::OK);
    assert_eq!(cut.body, whole.body[..whole.body.len() / 2]);

    emulation.set_fault(Some(InjectedFault::MediaType));
    let image = list(&emulations, "").await;
    assert_eq!(image.headers["content-type"], "image/png");
    assert_eq!(image.body, whole.body);

    emulation.set_fault(Some(InjectedFault::InvalidUtf8));
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
    let emulations = with(InjectedFault::Huge).await;
    let whole = healthy(&emulations, "").await.body;
    publisher(&emulations).set_fault(Some(InjectedFault::Huge));
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
    let emulations = with(InjectedFault::GzipBomb).await;
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
    let emulations = with(InjectedFault::DeepJson).await;
    let text = list(&emulations, "").await.text().to_owned();
    assert_eq!(text, "[".repeat(10_000) + &"]".repeat(10_000));

    publisher(&emulations).set_fault(Some(InjectedFault::DeepXml));
    let reply = list(&emulations, "").await;
    assert_eq!(reply.headers["content-type"], "application/xml");
    let nested = "<group>".repeat(10_000) + &"</group>".repeat(10_000);
    assert_eq!(reply.text(), format!("<groups>{nested}</groups>"));

    publisher(&emulations).set_fault(Some(InjectedFault::EntityBomb));
    let text = list(&emulations, "").await.text().to_owned();
    assert!(text.len() < 2000, "{}", text.len());
    assert!(text.contains("<!ENTITY e9 \"&e8;&e8;"), "{text}");
    assert!(text.contains("<name>&e9;</name>"), "{text}");
}

#[rstest]
#[case::that_hangs(InjectedFault::HangConnect)]
#[case::that_drips(InjectedFault::Drip { bytes: 1, every: Duration::from_hours(1) })]
#[case::that_twists(InjectedFault::Endless)]
#[tokio::test]
async fn an_emulation_is_well_again_when_its_fault_goes(#[case] fault: InjectedFault) {
    let emulations = start(3).await;
    let whole = list(&emulations, "").await.body;
    publisher(&emulations).set_fault(Some(fault));
    publisher(&emulations).set_fault(None);
    let again = timeout(PATIENCE, list(&emulations, "")).await.unwrap();
    assert_eq!(again.body, whole);
}

#[test]
fn every_fault_can_happen_somewhere() {
    for fault in InjectedFault::all() {
        assert!(
            names().any(|name| fault.applies_to(name).is_ok()),
            "{fault}"
        );
    }
}
