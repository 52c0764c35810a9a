//! Faults of what a list says of itself, and of how it is written.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use groupgate::tools::demo::{CursorType, GzipForm, InjectedFault, MisreportedTotal, XmlEncoding};
use http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::{
    Reply, address, ask, healthy, list, pick, publisher, request, start, variable, with,
};

const PAGE: &str = "?fields=all&limit=10&offset=10";

async fn odd(fault: InjectedFault) -> Reply {
    list(&with(fault).await, PAGE).await
}

#[rstest]
#[case(MisreportedTotal::Zero, json!(0))]
#[case(MisreportedTotal::Page, json!(10))]
#[case(MisreportedTotal::Less, json!(18))]
#[case(MisreportedTotal::Object, json!({ "value": 25 }))]
#[tokio::test]
async fn a_total_is_wrong_in_the_way_that_was_asked_for(
    #[case] total: MisreportedTotal,
    #[case] said: Value,
) {
    let page = odd(InjectedFault::Total(total)).await.json();
    assert_eq!(page["total"], said);
    assert_eq!(page["groups"].as_array().unwrap().len(), 10);
}

#[rstest]
#[case(MisreportedTotal::Zero, 0, 0)]
#[case(MisreportedTotal::Page, 10, 1)]
#[case(MisreportedTotal::Less, 18, 2)]
#[tokio::test]
async fn the_number_of_pages_tells_the_same_lie_as_the_total(
    #[case] lie: MisreportedTotal,
    #[case] total: u64,
    #[case] pages: u64,
) {
    let emulations = start(25).await;
    let tallyfy = pick(&emulations, "tallyfy");
    tallyfy.set_fault(Some(InjectedFault::Total(lie)));
    let organization = variable(&emulations, "TALLYFY_ORG");
    let token = variable(&emulations, "TALLYFY_TOKEN");
    let path = format!("/organizations/{organization}/groups?page=1&per_page=10");
    let request = super::client::get(tallyfy, &path)
        .header("authorization", format!("Bearer {token}"))
        .header("x-tallyfy-client", "APIClient");
    let said = &ask(request).await.json()["meta"]["pagination"];
    assert_eq!(said["total"], total);
    assert_eq!(said["total_pages"], pages);
}

#[tokio::test]
async fn a_page_is_partial_content_and_says_of_how_much() {
    let reply = odd(InjectedFault::PartialContent).await;
    assert_eq!(reply.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(reply.headers["content-range"], "items 10-19/25");
}

#[rstest]
#[case("vinyldns", true)]
#[case("publisher", false)]
fn a_cursor_of_another_type_needs_a_list_with_cursors(#[case] name: &str, #[case] applies: bool) {
    let fault = InjectedFault::CursorType(CursorType::List);
    assert_eq!(fault.applies_to(name).is_ok(), applies);
}

#[rstest]
#[case(GzipForm::UpperCase, "GZIP")]
#[case(GzipForm::XGzip, "x-gzip")]
#[case(GzipForm::Members, "gzip")]
#[tokio::test]
async fn a_body_is_compressed_in_a_form_that_is_seldom_seen(
    #[case] form: GzipForm,
    #[case] name: &str,
) {
    let emulations = with(InjectedFault::Gzip(form)).await;
    let packed = list(&emulations, PAGE).await;
    assert_eq!(packed.headers["content-encoding"], name);
    let mut text = String::new();
    let mut members = MultiGzDecoder::new(&packed.body[..]);
    members.read_to_string(&mut text).unwrap();
    assert_eq!(text, healthy(&emulations, PAGE).await.text());
}

#[tokio::test]
async fn xml_comes_in_an_encoding_that_it_declares() {
    let emulations = with(InjectedFault::XmlEncoding(XmlEncoding::Utf16)).await;
    let in_xml = || request(&emulations, PAGE).header("accept", "application/xml");
    let wide = ask(in_xml()).await;
    assert_eq!(wide.body[..4], [0xff, 0xfe, b'<', 0]);

    let narrow = InjectedFault::XmlEncoding(XmlEncoding::Latin1);
    publisher(&emulations).set_fault(Some(narrow));
    let narrow = ask(in_xml()).await;
    let declared = b"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><groups>";
    assert!(narrow.body.starts_with(declared));
}

#[tokio::test]
async fn a_text_holds_half_a_surrogate_pair() {
    let reply = odd(InjectedFault::LoneSurrogate).await;
    assert_eq!(reply.text().matches("\"\\ud83c\"").count(), 1);
}

#[tokio::test]
async fn a_connection_is_closed_as_soon_as_it_is_used_again() {
    let emulations = with(InjectedFault::CloseOnReuse).await;
    let mut stream = TcpStream::connect(address(publisher(&emulations)))
        .await
        .unwrap();
    let asked = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(asked).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 404");
    stream.write_all(asked).await.unwrap();
    let mut rest = Vec::new();
    // An end or a reset, and no second answer.
    let _ended = stream.read_to_end(&mut rest).await;
    assert!(!String::from_utf8_lossy(&rest).contains("HTTP/1.1"));
}

#[tokio::test]
async fn what_a_slow_upstream_delays_comes_as_soon_as_it_is_slow_no_more() {
    let emulations = with(InjectedFault::Slow(Duration::from_hours(1))).await;
    let heal = async {
        while publisher(&emulations).stats().max_in_flight == 0 {
            tokio::task::yield_now().await;
        }
        publisher(&emulations).set_fault(None);
    };
    let (reply, ()) = tokio::join!(list(&emulations, PAGE), heal);
    assert_eq!(reply.status, StatusCode::OK);
}
