use rstest::rstest;

use super::super::page::tests::{json, path, xml};
use super::*;
use crate::page::format::Page;
use crate::plan::AbsentRecords;

fn text(page: &Page, at: &str) -> Option<String> {
    page.find(&path(at))?.text().map(Cow::into_owned)
}

#[rstest]
#[case("/", None)]
#[case("/total", Some("12345678901234567890.50"))]
#[case("/ok", Some("true"))]
#[case("/none", None)]
#[case("/absent", None)]
#[case("/groups", None)]
#[case("/groups/1/id", Some("b"))]
#[case("/groups/01/id", None)]
#[case("/groups/+1/id", None)]
#[case("/groups/-/id", None)]
#[case("/groups/2/id", None)]
#[case("/groups/id", None)]
#[case("/by~1id/0", Some("zero"))]
#[case("/text/x", None)]
#[case("text", Some("t"))]
fn a_pointer_finds_what_rfc_6901_says(#[case] at: &str, #[case] expected: Option<&str>) {
    let page = json(
        r#"{"total": 12345678901234567890.50, "ok": true, "none": null,
            "groups": [{"id": "a"}, {"id": "b"}], "by/id": {"0": "zero"}, "text": "t"}"#,
    );
    assert_eq!(text(&page, at).as_deref(), expected);
}

#[rstest]
#[case("/groups/@total", Some("4"))]
#[case("/groups/total", Some("4"))]
#[case("/groups/group/name", Some("First"))]
#[case("/groups/group/1/name", None)]
#[case("/groups/group/@id", Some("1"))]
#[case("/groups/group", None)]
#[case("/groups/note", Some("mixed "))]
#[case("/groups/empty", Some(""))]
#[case("/groups/nothing", None)]
#[case("/groups/absent", None)]
#[case("/total", None)]
fn an_element_path_takes_the_first_of_repeated_elements(
    #[case] at: &str,
    #[case] expected: Option<&str>,
) {
    let page = xml(
        "<groups total='4'><total>4</total><group id='1'><name>First</name></group>\
         <group id='2'><name>Second</name></group><note>mixed <b/></note><empty/>\
         <nothing nil='true'/></groups>",
    );
    assert_eq!(text(&page, at).as_deref(), expected);
}

#[test]
fn null_is_there_and_absent_is_not() {
    for page in [json(r#"{"r": {"x": null}}"#), xml("<r><x nil='true'/></r>")] {
        assert!(page.find(&path("/r/x")).unwrap().is_null());
        assert!(page.find(&path("/r/y")).is_none());
        assert!(!page.find(&path("/r")).unwrap().is_null());
    }
}

#[test]
fn a_record_finds_from_itself_and_from_the_page() {
    let page = json(r#"{"tenant": "t", "groups": [{"id": 1}, "bare"]}"#);
    let records = page
        .records(&path("/groups"), AbsentRecords::Error)
        .unwrap();
    let found = |record: Node<'_>, at| {
        record
            .find(&path(at))
            .and_then(|node| node.text().map(Cow::into_owned))
    };
    assert_eq!(found(records[0], "id").as_deref(), Some("1"));
    assert_eq!(found(records[0], "/tenant").as_deref(), Some("t"));
    assert_eq!(found(records[0], "tenant"), None);
    assert_eq!(found(records[1], ".").as_deref(), Some("bare"));
}

#[rstest]
#[case::absent("<r/>", None)]
#[case::empty("<r><users/></r>", None)]
#[case::one("<r><users><user>1</user></users></r>", Some(&["1"][..]))]
#[case::two("<r><users><user>1</user><user>2</user></users></r>", Some(&["1", "2"][..]))]
fn repeated_elements_are_a_list_also_inside_a_record(
    #[case] body: &str,
    #[case] expected: Option<&[&str]>,
) {
    let page = xml(body);
    let users = page.find(&path("/r/users/user")).map(|users| {
        users
            .list()
            .into_iter()
            .filter_map(Node::text)
            .collect::<Vec<_>>()
    });
    assert_eq!(
        users.as_deref(),
        expected
            .map(|users| {
                users
                    .iter()
                    .map(|&user| Cow::from(user))
                    .collect::<Vec<_>>()
            })
            .as_deref()
    );
}

#[test]
fn one_scalar_without_a_list_is_a_list_of_one() {
    let page = json(r#"{"admin": "a@example.com", "none": null}"#);
    let listed = |at| page.find(&path(at)).unwrap().list().len();
    assert_eq!((listed("/admin"), listed("/none")), (1, 0));
}
