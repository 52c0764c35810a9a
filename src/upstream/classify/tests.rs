//! Rules, then status, then `success`.

use rstest::rstest;

use super::*;
use crate::config::resolve::classify_rules;
use crate::plan::Format;
use crate::problem::{KeyPath, Problems};

/// A classifier of bodies in this format, by these keys of an upstream.
fn classifier(keys: &str, format: BodyFormat) -> Classifier {
    let upstream = format!(
        "base_url = 'https://example.com'\nrequest = {{ path = '/' }}\nrecords = '/'\n\
         fields = {{ id = 'id', name = 'name' }}\n{keys}"
    );
    let upstream = toml::from_str(&upstream).unwrap();
    let mut problems = Problems::default();
    let rules = classify_rules(&upstream, &KeyPath::default(), &mut problems);
    assert_eq!(problems, Problems::default());
    Classifier::new(
        ClassifyRules { format, ..rules },
        Bounds::new(16, bytesize::ByteSize::kib(1)),
        WallClock::fixed("1994-11-06T08:49:00Z".parse().unwrap()),
    )
}

/// Classifies a response whose headers are lines of `name: value`.
fn classify(
    keys: &str,
    status: u16,
    headers: &str,
    body: &str,
) -> Result<ClassifiedResponse, UpstreamError> {
    classify_as(
        BodyFormat::Decoded(Format::Json),
        keys,
        status,
        headers,
        body,
    )
}

fn classify_as(
    format: BodyFormat,
    keys: &str,
    status: u16,
    headers: &str,
    body: &str,
) -> Result<ClassifiedResponse, UpstreamError> {
    let headers = headers
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    classifier(keys, format).classify(status, headers, body.as_bytes())
}

/// The outcome in a word: `page`, `end`, or the kind of error, with `again` if the request is
/// retried, and after how many seconds.
fn outcome(result: Result<ClassifiedResponse, UpstreamError>) -> String {
    match result {
        Ok(answer) if answer.is_past_end => "end".to_owned(),
        Ok(_) => "page".to_owned(),
        Err(error) => {
            let again = if error.is_transient() { ", again" } else { "" };
            let wait = error
                .retry_after
                .map_or_else(String::new, |wait| format!(" after {}", wait.as_secs_f64()));
            format!("{}{again}{wait}", error.kind)
        }
    }
}

#[rstest]
#[case::ok(200, "", "page")]
#[case::created(201, "", "page")]
#[case::unauthorized(401, "", "unauthorized")]
#[case::forbidden(403, "", "unauthorized")]
#[case::too_many(429, "", "rate_limited, again")]
#[case::too_many_with_delay(429, "retry-after: 7", "rate_limited, again after 7")]
#[case::too_many_with_date(
    429,
    "retry-after: Sun, 06 Nov 1994 08:49:37 GMT",
    "rate_limited, again after 37"
)]
#[case::unavailable(503, "retry-after: 7", "http_status, again after 7")]
#[case::server_error(500, "", "http_status, again")]
#[case::not_implemented(501, "", "http_status")]
#[case::bad_request(400, "", "http_status")]
#[case::not_found(404, "", "http_status")]
#[case::redirect(302, "location: https://elsewhere.example/", "http_status")]
#[case::not_modified(304, "", "http_status")]
fn without_rules_the_status_decides(
    #[case] status: u16,
    #[case] headers: &str,
    #[case] expected: &str,
) {
    assert_eq!(outcome(classify("", status, headers, "{}")), expected);
}

#[rstest]
#[case::status_as_number("{ status = 404, means = 'end' }", "end")]
#[case::status_as_text("{ status = '404', means = 'end' }", "end")]
#[case::status_class("{ status = '4xx', means = 'end' }", "end")]
#[case::one_of_several("{ status = [400, '404'], means = 'end' }", "end")]
#[case::another_status("{ status = 400, means = 'end' }", "http_status")]
#[case::header("{ header = { name = 'x-error' }, means = 'failed' }", "http_status")]
#[case::header_says(
    "{ header = { name = 'X-Error', equals = 'none left' }, means = 'end' }",
    "end"
)]
#[case::header_says_otherwise(
    "{ header = { name = 'x-error', equals = 'no' }, means = 'end' }",
    "http_status"
)]
#[case::header_absent("{ header = { name = 'x-fault' }, means = 'end' }", "http_status")]
#[case::content_type(
    "{ content_type = 'text/HTML', means = 'retry' }",
    "http_status, again"
)]
#[case::another_content_type("{ content_type = 'text', means = 'retry' }", "http_status")]
#[case::path("{ path = '/code', means = 'ok' }", "page")]
#[case::path_says("{ path = '/code', equals = [7, 8], means = 'ok' }", "page")]
#[case::path_says_otherwise("{ path = '/code', equals = 9, means = 'ok' }", "http_status")]
#[case::object("{ path = '/errors', means = 'unauthorized' }", "unauthorized")]
#[case::object_is_no_text("{ path = '/errors', equals = '', means = 'ok' }", "http_status")]
#[case::path_is_null("{ path = '/nothing', means = 'ok' }", "http_status")]
#[case::path_is_false("{ path = '/error', means = 'ok' }", "http_status")]
#[case::false_may_be_asked_for("{ path = '/error', equals = false, means = 'ok' }", "page")]
#[case::path_absent("{ path = '/other', means = 'ok' }", "http_status")]
#[case::all_conditions(
    "{ status = 404, path = '/code', equals = 7, content_type = 'text/html', means = 'end' }",
    "end"
)]
#[case::one_does_not_hold(
    "{ status = 404, path = '/code', equals = 8, means = 'end' }",
    "http_status"
)]
#[case::first_rule_wins(
    "{ status = 404, means = 'ok' }, { status = 404, means = 'end' }",
    "page"
)]
fn a_rule_counts_when_all_of_its_conditions_hold(#[case] rules: &str, #[case] expected: &str) {
    let headers = "x-error: none left\ncontent-type: text/html; charset=utf-8";
    let body = r#"{"code": 7, "errors": [{"text": "x"}], "nothing": null, "error": false}"#;
    let result = classify(&format!("answers = [{rules}]"), 404, headers, body);
    assert_eq!(outcome(result), expected);
}

#[rstest]
#[case::an_end("end", "x-last: yes\nx-last: no", "page")]
#[case::an_end_that_is_said_twice("end", "x-last: yes\nx-last: yes", "end")]
#[case::a_failure("failed", "x-last: no\nx-last: yes", "rejected")]
fn a_header_that_contradicts_itself_ends_no_list(
    #[case] means: &str,
    #[case] headers: &str,
    #[case] expected: &str,
) {
    let rule = format!("{{ header = {{ name = 'x-last', equals = 'yes' }}, means = '{means}' }}");
    let result = classify(&format!("answers = [{rule}]"), 200, headers, "{}");
    assert_eq!(outcome(result), expected);
}

#[rstest]
#[case::ok("ok", 500, "page")]
#[case::end("end", 404, "end")]
#[case::retry_in_a_body("retry", 200, "rejected, again")]
#[case::retry_of_a_status("retry", 409, "http_status, again")]
#[case::rate_limited("rate_limited", 400, "rate_limited, again")]
#[case::unauthorized("unauthorized", 500, "unauthorized")]
#[case::unauthorized_in_a_body("unauthorized", 200, "unauthorized")]
#[case::failed_in_a_body("failed", 200, "rejected")]
#[case::failed_for_good("failed", 503, "http_status")]
fn a_meaning_is_what_the_walk_does_next(
    #[case] means: &str,
    #[case] status: u16,
    #[case] expected: &str,
) {
    let keys = format!("answers = [{{ path = '/code', means = '{means}' }}]");
    assert_eq!(
        outcome(classify(&keys, status, "", r#"{"code": 1}"#)),
        expected
    );
}

#[rstest]
#[case::by_default("", "rate_limited, again after 3")]
#[case::reset_as_epoch(
    ", retry_after = { header = 'x-reset', as = 'epoch' }",
    "rate_limited, again after 37"
)]
#[case::in_the_body(", retry_after = '/wait'", "rate_limited, again after 1.5")]
#[case::nowhere(", retry_after = '/nowhere'", "rate_limited, again")]
fn a_rate_limit_says_where_its_delay_stands(#[case] key: &str, #[case] expected: &str) {
    let keys =
        format!("answers = [{{ status = 400, path = '/code', means = 'rate_limited'{key} }}]");
    let result = classify(
        &keys,
        400,
        "retry-after: 3\nx-reset: 784111777",
        r#"{"code": "throttled", "wait": 1.5}"#,
    );
    assert_eq!(outcome(result), expected);
}

#[rstest]
#[case::number(r#"{"status": 200}"#, "page")]
#[case::text(r#"{"status": "200"}"#, "page")]
#[case::another_code(r#"{"status": 500}"#, "rejected")]
#[case::unauthorized(r#"{"status": 401}"#, "unauthorized")]
#[case::rate_limited(r#"{"status": "429"}"#, "rate_limited, again")]
#[case::null(r#"{"status": null}"#, "rejected")]
#[case::absent("{}", "rejected")]
#[case::ruled_before(r#"{"status": 500, "code": "wait"}"#, "rejected, again")]
fn under_200_the_body_decides_after_the_rules(#[case] body: &str, #[case] expected: &str) {
    let keys = "success = { path = '/status', equals = 200 }\n\
                answers = [{ path = '/code', equals = 'wait', means = 'retry' }]";
    assert_eq!(outcome(classify(keys, 200, "", body)), expected);
}

#[rstest]
#[case::cut_off(r#"{"data": ["#, "decode")]
#[case::html("<html>", "decode")]
#[case::too_deep("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "limit_exceeded")]
#[case::too_large(&format!("[{}0]", "[],".repeat(1_000)), "limit_exceeded")]
#[case::in_another_format("<answer><status>500</status></answer>", "rejected")]
fn a_body_that_cannot_be_read_is_not_taken_for_one_that_says_nothing(
    #[case] body: &str,
    #[case] expected: &str,
) {
    let keys = "success = { path = ['/status', '/answer/status'], equals = 200, absent = 'error' }";
    assert_eq!(outcome(classify(keys, 200, "", body)), expected);
}

#[rstest]
#[case::first_path(r#"{"error": "broken"}"#, "status 500: broken")]
#[case::boolean_is_no_text(r#"{"error": true, "message": "broken"}"#, "status 500: broken")]
#[case::object_is_no_text(r#"{"error": {"code": 1}, "message": "broken"}"#, "status 500: broken")]
#[case::number(r#"{"error": 17}"#, "status 500: 17")]
#[case::first_of_a_list(
    r#"{"errors": [{"message": " broken "}, {"message": "b"}]}"#,
    "status 500: broken"
)]
#[case::blank(r#"{"error": "  "}"#, "status 500")]
#[case::none("{}", "status 500")]
#[case::empty_body("", "status 500")]
#[case::html("<html><body>Bad gateway</body></html>", "status 500")]
#[case::text("broken", "status 500")]
#[case::in_another_format("<error>broken</error>", "status 500: broken")]
fn a_failure_says_why_in_the_first_place_that_holds_a_text(
    #[case] body: &str,
    #[case] expected: &str,
) {
    let keys = "message = ['/error', '/message', '/errors/0/message']";
    assert_eq!(classify(keys, 500, "", body).unwrap_err().detail, expected);
}

#[test]
fn a_rule_may_know_better_where_a_failure_says_why() {
    let keys = "message = '/error'\n\
                answers = [{ status = 400, means = 'failed', message = ['/detail'] }]";
    let detail = |body| classify(keys, 400, "", body).unwrap_err().detail;
    assert_eq!(detail(r#"{"error": "e", "detail": "d"}"#), "status 400: d");
    assert_eq!(detail(r#"{"error": "e"}"#), "status 400: e");
}

#[test]
fn a_long_message_is_cut_between_letters() {
    let body = format!(r#"{{"error": "{}"}}"#, "é".repeat(500));
    let detail = classify("message = '/error'", 500, "", &body)
        .unwrap_err()
        .detail;
    assert_eq!(detail, format!("status 500: {}", "é".repeat(100)));
}

#[rstest]
#[case::json_said_to_be_html(
    BodyFormat::Decoded(Format::Json),
    "content-type: text/html",
    "{}",
    "page"
)]
#[case::html_under_200(BodyFormat::Decoded(Format::Json), "", "<html>", "decode")]
#[case::json_where_xml_belongs(BodyFormat::Decoded(Format::Xml), "", "{}", "decode")]
#[case::empty(BodyFormat::Decoded(Format::Json), "", "", "decode")]
#[case::empty_text(BodyFormat::Text, "", "", "page")]
fn under_200_the_body_must_be_what_the_adapter_names(
    #[case] format: BodyFormat,
    #[case] headers: &str,
    #[case] body: &str,
    #[case] expected: &str,
) {
    assert_eq!(
        outcome(classify_as(format, "", 200, headers, body)),
        expected
    );
}

#[test]
fn an_error_under_200_in_another_format_is_seen_by_rules() {
    let keys = "answers = [{ path = '/code', equals = 'busy', means = 'retry' }]";
    let result = classify_as(
        BodyFormat::Decoded(Format::Xml),
        keys,
        200,
        "",
        r#"{"code": "busy"}"#,
    );
    assert_eq!(outcome(result), "rejected, again");
}

#[test]
fn a_page_past_the_end_holds_nothing_whatever_its_body() {
    let keys = "answers = [{ status = 404, means = 'end' }]";
    let answer = classify(keys, 404, "", "<html>not found").unwrap();
    assert!(answer.is_past_end);
    assert!(answer.page.root().is_null());
    assert_eq!(answer.bytes, 15);
}

#[test]
fn a_text_is_taken_as_it_is() {
    let answer = classify_as(BodyFormat::Text, "", 200, "", "\"t0ken\"").unwrap();
    assert_eq!(answer.page.root().text().as_deref(), Some("\"t0ken\""));
}

#[rstest]
#[case::of_groups(
    ExpectedAnswer::Page(None),
    "; if it means an empty list, say so: `answers = [{ status = 204,"
)]
#[case::of_members(
    ExpectedAnswer::Page(Some(RelatedList::Members)),
    "; if it means an empty list of members, say so: `answers = [{ status = 204,"
)]
#[case::of_details(
    ExpectedAnswer::Page(Some(RelatedList::Details)),
    "; `details` are the record of a group"
)]
#[case::of_a_login(ExpectedAnswer::Value, "the body is empty")]
fn an_empty_body_is_told_by_what_was_asked_for(
    #[case] expected: ExpectedAnswer,
    #[case] said: &str,
) {
    let classifier = classifier("", BodyFormat::Decoded(Format::Json)).expecting(expected);
    let answer = classifier.classify(StatusCode::NO_CONTENT, HeaderMap::new(), b"");
    let error = answer.unwrap_err().to_string();
    assert!(error.contains(said), "{error}");
    let is_list = said.contains("list");
    assert_eq!(error.contains("answers"), is_list, "{error}");
}
