//! What is written where.

use http::header::{ACCEPT, CONTENT_TYPE};
use rstest::rstest;
use serde_json::Value;

use super::*;
use crate::config::resolve::{block::Block, request};
use crate::config::{Environment, SecretReader};
use crate::group::ReadText;
use crate::problem::{KeyPath, Problems};
use crate::upstream::auth::LoginValues;
use crate::upstream::outer_values::OuterValues;
use crate::upstream::pushdown::Pushed;

fn template(request: &str) -> Request {
    let request = toml::from_str(request).unwrap();
    let environment = Environment::from_iter([("ORG", "a/b c"), ("KEY", "k\u{e9}y")]);
    let mut problems = Problems::default();
    let secrets = SecretReader::new(&environment);
    let template = request::resolve(
        &"https://u.example/base/".parse().unwrap(),
        &request,
        (&Vec::new(), "application/json"),
        &mut Block::new(KeyPath::new(["request"]), &secrets, &mut problems),
    );
    assert_eq!(problems, Problems::default());
    template.unwrap()
}

fn render(template: &Request, position: &Position) -> http::Request<Bytes> {
    let variables = Variables {
        position,
        limit: Some(100),
        pushed: &Pushed::NONE,
        caller: None,
        login: &LoginValues::NONE,
        outer: None,
    };
    template.render(&variables).unwrap()
}

#[test]
fn a_parameter_without_a_value_is_left_out() {
    let template = template("path = '/g'\nquery = { from = '{cursor}', max = '{limit}' }");
    let first = render(&template, &Position::Start);
    assert_eq!(first.uri(), "https://u.example/base/g?max=100");
    let second = render(&template, &Position::Cursor("a+b/=&é".to_owned()));
    assert_eq!(
        second.uri(),
        "https://u.example/base/g?from=a%2Bb%2F%3D%26%C3%A9&max=100"
    );
}

#[test]
fn a_path_with_values_is_shown_without_them() {
    let shown = |request: &str, position: &Position| {
        let request = render(&template(request), position);
        request
            .extensions()
            .get::<ShownPath>()
            .map(|path| path.0.to_string())
    };
    let org = "path = '/o r/{org}/g-{cursor}'\nvars = { org = { env = 'ORG' } }";
    let cursor = Position::Cursor("secret".to_owned());
    let expected = "/base/o%20r/REDACTED/REDACTED";
    assert_eq!(shown(org, &cursor).as_deref(), Some(expected));
    let next = Position::Url("https://u.example/base/o%20r/a/g-2".parse().unwrap());
    let expected = "/base/o%20r/REDACTED";
    assert_eq!(shown(org, &next).as_deref(), Some(expected));
    assert_eq!(shown("path = '/g'", &cursor), None);
}

#[test]
fn a_path_value_is_one_segment() {
    let org = template("path = '/o/{org}/g'\nvars = { org = { env = 'ORG' } }");
    assert_eq!(
        render(&org, &Position::Start).uri().path(),
        "/base/o/a%2Fb%20c/g"
    );
    let cursor = template("path = '/g/{cursor}'");
    let climbing = Position::Cursor("..".to_owned());
    let variables = Variables {
        position: &climbing,
        limit: None,
        pushed: &Pushed::NONE,
        caller: None,
        login: &LoginValues::NONE,
        outer: None,
    };
    assert!(matches!(
        cursor.render(&variables),
        Err(TemplateError::DotSegment(_))
    ));
}

#[rstest]
#[case::in_the_path(
    "path = '/o/{record/x}'",
    "..",
    "is `..`, which cannot be a segment of the path"
)]
#[case::in_its_path_without_a_text(
    "path = '/o/{record/x}'",
    "",
    "is ``, which cannot be a segment of the path"
)]
#[case::in_a_header(
    "path = '/o'\nheaders = { x-of = 'a {record/x}' }",
    "b\nc",
    "has a character that is not allowed in the header `x-of`"
)]
fn what_an_upstream_returned_and_no_request_can_have_is_told_by_its_placeholder(
    #[case] request: &str,
    #[case] value: &str,
    #[case] unfit: &str,
) {
    let error = returned(request, value).unwrap_err();
    assert_eq!(error.to_string(), format!("`{{record/x}}` {unfit}"));
}

#[rstest]
#[case::in_the_path("path = '/o/{record/x}'")]
#[case::in_the_query("path = '/o'\nquery = { of = '{record/x}' }")]
fn what_an_upstream_returned_and_no_url_can_hold_is_told_by_its_placeholder(#[case] request: &str) {
    let error = returned(request, &"x".repeat(1 << 16)).unwrap_err();
    assert_eq!(error.to_string(), "`{record/x}` is too long for the URL");
    assert!(returned(request, &"x".repeat(1 << 10)).is_ok());
}

/// The request where the record around it has this value.
fn returned(request: &str, value: &str) -> Result<http::Request<Bytes>, TemplateError> {
    let name = OuterValue::named("record/x").unwrap();
    let outer = OuterValues::of_partition([(name, ReadText::text(value))], None);
    let (pushed, login) = (Pushed::NONE, LoginValues::NONE);
    template(request).render(&Variables {
        outer: Some(&outer),
        ..Variables::unpaged(&pushed, None, &login)
    })
}

#[test]
fn a_json_string_that_is_one_placeholder_takes_its_type() {
    let template = template(
        "path = '/g'\nmethod = 'POST'\njson = { page = '{page}', size = '{limit}', text = 'page {page}', cursor = '{cursor}', deep = { list = ['{{x}}', 1, true] } }",
    );
    let request = render(&template, &Position::Page(3));
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "page": 3, "size": 100, "text": "page 3", "deep": {"list": ["{x}", 1, true]},
        })
    );
    assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
}

#[test]
fn an_empty_body_is_sent_as_it_is_written() {
    let template = template("path = '/g'\nmethod = 'POST'\njson = {}");
    assert_eq!(render(&template, &Position::Start).body(), "{}");
}

#[test]
fn a_line_break_never_reaches_a_header() {
    let template = template("path = '/g'\nheaders = { x-cursor = '{cursor}' }");
    let forged = Position::Cursor("a\r\nx-admin: 1".to_owned());
    let variables = Variables {
        position: &forged,
        limit: None,
        pushed: &Pushed::NONE,
        caller: None,
        login: &LoginValues::NONE,
        outer: None,
    };
    assert!(matches!(
        template.render(&variables),
        Err(TemplateError::Header(_))
    ));
    assert!(
        !render(&template, &Position::Start)
            .headers()
            .contains_key("x-cursor")
    );
}

#[test]
fn headers_that_hold_secrets_are_marked() {
    let template = template("path = '/g'\nheaders = { x-key = { env = 'KEY' }, x-plain = 'p' }");
    let request = render(&template, &Position::Start);
    assert!(request.headers()["x-key"].is_sensitive());
    assert!(!request.headers()["x-plain"].is_sensitive());
    assert_eq!(request.headers()[ACCEPT], "application/json");
}

#[test]
fn a_url_of_the_upstream_is_asked_as_it_is() {
    let template = template("path = '/g'\nquery = { max = '{limit}' }");
    let url = "https://u.example/next?token=a%2Bb".parse().unwrap();
    assert_eq!(
        render(&template, &Position::Url(url)).uri(),
        "https://u.example/next?token=a%2Bb"
    );
}

#[rstest]
#[case::get("path = '/g'", "GET", "", "")]
#[case::get_with_a_body(
    "path = '/g'\nmethod = 'GET'\njson = { all = true }",
    "GET",
    r#"{"all":true}"#,
    "application/json"
)]
#[case::post_json(
    "path = '/g'\nmethod = 'POST'\njson = { size = '{limit}' }",
    "POST",
    r#"{"size":100}"#,
    "application/json"
)]
#[case::post_json_list(
    "path = '/g'\nmethod = 'POST'\njson = ['{limit}', 'all']",
    "POST",
    r#"[100,"all"]"#,
    "application/json"
)]
#[case::post_form(
    "path = '/g'\nmethod = 'POST'\nform = { Action = 'ListGroups', Marker = '{cursor}', MaxItems = '{limit}' }",
    "POST",
    "Action=ListGroups&MaxItems=100",
    "application/x-www-form-urlencoded"
)]
#[case::post_form_with_repeated_names(
    "path = '/g'\nmethod = 'POST'\nform = { expand = ['members', 'owner'], q = 'a b&c' }",
    "POST",
    "expand=members&expand=owner&q=a%20b%26c",
    "application/x-www-form-urlencoded"
)]
#[case::post_nothing("path = '/g'\nmethod = 'POST'", "POST", "", "")]
#[case::post_empty(
    "path = '/g'\nmethod = 'POST'\nbody = ''",
    "POST",
    "",
    "application/json"
)]
#[case::post_empty_object(
    "path = '/g'\nmethod = 'POST'\njson = {}",
    "POST",
    "{}",
    "application/json"
)]
#[case::post_null(
    "path = '/g'\nmethod = 'POST'\nbody = 'null'",
    "POST",
    "null",
    "application/json"
)]
#[case::post_text(
    "path = '/g'\nmethod = 'POST'\nbody = '<list max=\"{limit}\"/>'\nheaders = { content-type = 'text/xml' }",
    "POST",
    r#"<list max="100"/>"#,
    "text/xml"
)]
fn a_request_is_sent_with_its_method_and_its_body(
    #[case] request: &str,
    #[case] method: &str,
    #[case] body: &str,
    #[case] content_type: &str,
) {
    let request = render(&template(request), &Position::Start);
    assert_eq!(request.method(), method);
    assert_eq!(request.body(), body);
    let said = request.headers().get(CONTENT_TYPE);
    assert_eq!(
        said.map_or("", |value| value.to_str().unwrap()),
        content_type
    );
}

#[rstest]
#[case::repeated(
    "{ expand = ['members', 'owner'], n = 1 }",
    "expand=members&expand=owner&n=1"
)]
#[case::brackets("{ 'page[size]' = '{limit}' }", "page%5Bsize%5D=100")]
#[case::dollar(
    "{ '$top' = '{limit}', '$skiptoken' = '{cursor}' }",
    "%24skiptoken=c%2B%2F&%24top=100"
)]
#[case::plus("{ sort = '+created' }", "sort=%2Bcreated")]
#[case::types("{ deep = false, ratio = 0.5 }", "deep=false&ratio=0.5")]
#[case::empty("{ filter = '' }", "filter=")]
#[case::a_secret("{ key = { env = 'KEY' } }", "key=k%C3%A9y")]
#[case::a_list_with_a_secret("{ key = ['a', { env = 'KEY' }] }", "key=a&key=k%C3%A9y")]
fn a_query_can_be_read_in_one_way_whatever_its_names(#[case] query: &str, #[case] expected: &str) {
    let template = template(&format!("path = '/g'\nquery = {query}"));
    let request = render(&template, &Position::Cursor("c+/".to_owned()));
    assert_eq!(request.uri().query(), Some(expected));
    let read: Vec<_> = url::form_urlencoded::parse(expected.as_bytes()).collect();
    assert_eq!(read.len(), expected.split('&').count());
}

#[rstest]
#[case::query(
    "query = { c = '{cursor}' }",
    "https://u.example/base/g?c=%2A%26",
    "",
    None
)]
#[case::path(
    "path = '/g/{cursor}/list'",
    "https://u.example/base/g/%2A%26/list",
    "",
    None
)]
#[case::header(
    "headers = { x-c = '{cursor}' }",
    "https://u.example/base/g",
    "",
    Some("*&")
)]
#[case::form(
    "method = 'POST'\nform = { c = '{cursor}' }",
    "https://u.example/base/g",
    "c=%2A%26",
    None
)]
#[case::json(
    "method = 'POST'\njson = { c = '{cursor}' }",
    "https://u.example/base/g",
    r#"{"c":"*&"}"#,
    None
)]
#[case::body(
    "method = 'POST'\nbody = 'c={cursor}'\nheaders = { content-type = 'application/x-www-form-urlencoded' }",
    "https://u.example/base/g",
    "c=%2A%26",
    None
)]
fn a_cursor_may_stand_anywhere_and_is_escaped_for_where_it_stands(
    #[case] request: &str,
    #[case] uri: &str,
    #[case] body: &str,
    #[case] header: Option<&str>,
) {
    let path = if request.starts_with("path") {
        ""
    } else {
        "path = '/g'\n"
    };
    let template = template(&format!("{path}{request}"));
    let request = render(&template, &Position::Cursor("*&".to_owned()));
    assert_eq!(request.uri(), uri);
    assert_eq!(request.body(), body);
    assert_eq!(
        request
            .headers()
            .get("x-c")
            .map(|value| value.to_str().unwrap()),
        header
    );
}

#[test]
fn the_first_cursor_may_be_an_empty_one_that_is_sent() {
    let template = template("path = '/g'\nquery = { from = '{cursor}' }");
    let first = render(&template, &Position::Cursor(String::new()));
    assert_eq!(first.uri().query(), Some("from="));
}

#[test]
fn a_segment_whose_placeholder_has_no_value_is_left_out() {
    let path = |path: &str, position: &Position| {
        let template = template(&format!("path = '{path}'"));
        render(&template, position).uri().path().to_owned()
    };
    let cursor = Position::Cursor("a/b".to_owned());
    assert_eq!(path("/g/{cursor}", &Position::Start), "/base/g");
    assert_eq!(path("/g/{cursor}", &cursor), "/base/g/a%2Fb");
    assert_eq!(path("/g/to-{cursor}/x/", &Position::Start), "/base/g/x/");
    assert_eq!(path("/g/to-{cursor}/x/", &cursor), "/base/g/to-a%2Fb/x/");
    assert_eq!(path("/", &Position::Start), "/base/");
}

/// The body of a request whose cursor is `position`.
fn body(request: &str, position: &Position) -> String {
    let template = template(&format!("path = '/g'\nmethod = 'POST'\n{request}"));
    String::from_utf8(render(&template, position).body().to_vec()).unwrap()
}

#[test]
fn a_number_as_cursor_keeps_its_type_where_it_is_the_whole_json_string() {
    let number = Position::NumberCursor("12345678901234567890123".to_owned());
    let text = Position::Cursor("12345678901234567890123".to_owned());
    let request = "json = { after = '{cursor}', list = ['{cursor}'], text = 'c{cursor}' }";
    assert_eq!(
        body(request, &number),
        r#"{"after":12345678901234567890123,"list":[12345678901234567890123],"text":"c12345678901234567890123"}"#
    );
    assert_eq!(
        body(request, &text),
        r#"{"after":"12345678901234567890123","list":["12345678901234567890123"],"text":"c12345678901234567890123"}"#
    );
    assert_eq!(
        body(
            "form = { c = '{cursor}' }",
            &Position::NumberCursor("1.50".to_owned())
        ),
        "c=1.50"
    );
    let exponent = Position::NumberCursor("1E-3".to_owned());
    assert_eq!(
        body("json = { after = '{cursor}' }", &exponent),
        r#"{"after":1E-3}"#
    );
}

#[rstest]
#[case::an_object("json = { pk = { id = '{cursor}' }, all = true }", r#"{"all":true}"#)]
#[case::a_list("json = { pk = ['{cursor}'], all = true }", r#"{"all":true}"#)]
#[case::deep(
    "json = { a = { b = [{ c = '{cursor}' }, { c = '{cursor}' }] } }",
    "{}"
)]
#[case::only_a_part(
    "json = { pk = { id = '{cursor}', by = 'name' } }",
    r#"{"pk":{"by":"name"}}"#
)]
#[case::as_it_is_written(
    "json = { pk = {}, list = [], id = '{cursor}' }",
    r#"{"list":[],"pk":{}}"#
)]
#[case::the_whole_list("json = ['{cursor}']", "[]")]
fn a_cursor_that_is_left_out_leaves_nothing_empty_behind(
    #[case] request: &str,
    #[case] expected: &str,
) {
    assert_eq!(body(request, &Position::Start), expected);
}

const JSON: &str = "";
const XML: &str = "headers = { content-type = 'application/soap+xml; charset=utf-8' }";
const FORM: &str = "headers = { Content-Type = 'application/x-www-form-urlencoded' }";
const QUERY: &str = "headers = { content-type = 'application/vnd.club-query' }";
const PLAIN: &str = "headers = { content-type = 'text/plain' }";

#[rstest]
#[case::in_a_string_of_json(JSON, r#"{{"c":"{cursor}"}}"#, r#"{"c":"a\"\\<&\n"}"#)]
#[case::behind_an_escape_of_json(JSON, r#"{{"q":"\"{cursor}\""}}"#, r#"{"q":"\"a\"\\<&\n\""}"#)]
#[case::a_value_of_json(JSON, r#"{{"c":{cursor}}}"#, r#"{"c":"a\"\\<&\n"}"#)]
#[case::text_of_xml(XML, "<c>{cursor}</c>", r"<c>a&quot;\&lt;&amp;&#10;</c>")]
#[case::an_attribute_of_xml(XML, "<c d=\"{cursor}\"/>", r#"<c d="a&quot;\&lt;&amp;&#10;"/>"#)]
#[case::xml_by_its_start(JSON, "<c>{cursor}</c>", r"<c>a&quot;\&lt;&amp;&#10;</c>")]
#[case::a_form(FORM, "x=1&c={cursor}", "x=1&c=a%22%5C%3C%26%0A")]
#[case::plain_text(PLAIN, "c: {cursor}", "c: a\"\\<&\n")]
#[case::text_that_does_not_say_what_it_is(JSON, "c: {cursor}", "c: a\"\\<&\n")]
#[case::a_type_that_nobody_knows(QUERY, "c={cursor}", "c=a\"\\<&\n")]
fn a_cursor_in_a_body_that_is_written_out_is_escaped_for_where_it_stands(
    #[case] headers: &str,
    #[case] written: &str,
    #[case] expected: &str,
) {
    let cursor = Position::Cursor("a\"\\<&\n".to_owned());
    let request = format!("body = '''{written}'''\n{headers}");
    assert_eq!(body(&request, &cursor), expected);
}

#[rstest]
#[case::a_number("17", r#"{"c":17}"#)]
#[case::a_structure(r#"{"pk":1}"#, r#"{"c":{"pk":1}}"#)]
#[case::more_than_a_value(r"1},{", r#"{"c":"1},{"}"#)]
#[case::a_text("abc", r#"{"c":"abc"}"#)]
fn a_cursor_that_is_a_value_of_json_may_stand_for_one(
    #[case] cursor: &str,
    #[case] expected: &str,
) {
    let position = Position::Cursor(cursor.to_owned());
    assert_eq!(body(r#"body = '{{"c":{cursor}}}'"#, &position), expected);
}

#[test]
fn character_data_of_xml_stays_character_data() {
    let position = Position::Cursor("a]]>&".to_owned());
    let written = "body = '<c><![CDATA[{cursor}]]></c><d>{cursor}</d>'";
    assert_eq!(
        body(written, &position),
        "<c><![CDATA[a]]]]><![CDATA[>&]]></c><d>a]]&gt;&amp;</d>"
    );
}
