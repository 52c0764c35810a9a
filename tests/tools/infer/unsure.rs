//! Where the samples do not tell, the proposal says so, and still loads.

use groupgate::tools::infer::{Confidence, Sample, propose};
use http::StatusCode;
use rstest::rstest;

use super::samples::load;

#[rstest]
#[case::scalars(r#"{"groups": ["admins", "users"]}"#, "plain values")]
#[case::no_list(
    r#"{"id": "1", "name": "Admins", "members": 4}"#,
    "the page is taken for one group"
)]
#[case::empty(r#"{"groups": [], "total": 0}"#, "empty in the samples")]
#[case::empty_root("[]", "empty in the samples")]
#[case::two_lists(
    r#"{"teams": [{"id": 1, "name": "a"}], "groups": [{"id": 2, "name": "b"}]}"#,
    "another list fits as well"
)]
#[case::no_id(r#"{"groups": [{"name": "a"}, {"name": "b"}]}"#, "not both")]
#[case::neither(
    r#"{"rows": [{"x": {}}, {"x": {}}]}"#,
    "without anything that looks like"
)]
#[case::users(
    r#"{"users": [{"id": 1, "name": "a"}]}"#,
    "its name suggests something else"
)]
#[case::scalar("7", "no list")]
#[case::nobody("{}", "add a page with groups")]
#[case::html(
    "<!DOCTYPE html><html><body>Sign in</body></html>",
    "looks like an HTML page"
)]
#[case::nothing("", "is empty")]
#[case::cut(r#"{"groups": [{"id": 1"#, "neither valid JSON nor valid XML")]
#[case::empty_xml("<groups/>", "no list")]
fn what_cannot_be_told_is_said(#[case] body: &'static str, #[case] said: &str) {
    let proposal = propose(&[Sample::recorded(body)]);
    let text = proposal.to_string();
    let flat = text.replace("\n# ", " ");
    assert_eq!(proposal.records(), Confidence::NotSure, "{text}");
    assert!(flat.contains(said), "{text}");
    load(&text);
}

#[test]
fn the_other_of_two_lists_is_named() {
    let body = r#"{"teams": [{"id": 1, "name": "a"}], "groups": [{"id": 2, "name": "b"}]}"#;
    let text = propose(&[Sample::recorded(body)]).to_string();
    assert!(text.contains("It could also be `/groups`"), "{text}");
}

#[test]
fn a_name_stands_in_for_an_id_with_a_warning() {
    let text = propose(&[Sample::recorded(r#"[{"name": "a"}, {"name": "b"}]"#)]).to_string();
    let flat = text.replace("\n# ", " ");
    assert!(
        flat.contains("a renamed group becomes another one"),
        "{text}"
    );
    assert!(text.contains("\nid = \"name\"\n"), "{text}");
    load(&text);
}

#[test]
fn an_error_is_no_sample() {
    let sample = Sample {
        status: StatusCode::UNAUTHORIZED,
        ..Sample::recorded(r#"{"error": "invalid_client"}"#)
    };
    let text = propose(&[sample]).to_string();
    assert!(text.contains("its status is 401"), "{text}");
    load(&text);
}

#[test]
fn a_page_given_twice_is_told() {
    let page = Sample::recorded(r#"[{"id": 1, "name": "a"}]"#);
    let text = propose(&[page.clone(), page]).to_string();
    assert!(text.contains("Two samples are the same page"), "{text}");
}

#[test]
fn two_formats_are_not_mixed() {
    let json = Sample::recorded(r#"[{"id": 1, "name": "a"}]"#);
    let xml = Sample::recorded("<groups><group><id>1</id></group></groups>");
    let text = propose(&[json, xml]).to_string();
    assert!(
        text.contains("Sample 2 was not used: its format differs"),
        "{text}"
    );
    load(&text);
}

#[test]
fn a_full_page_without_a_way_on_is_suspected_of_a_cap() {
    let groups: Vec<_> = (0..100)
        .map(|id| serde_json::json!({"id": id, "name": format!("g{id}")}))
        .collect();
    let body = serde_json::Value::from(groups).to_string();
    let text = propose(&[Sample::recorded(body)])
        .to_string()
        .replace("\n# ", " ");
    assert!(
        text.contains("100 is a round number, so the list may be cut there"),
        "{text}"
    );
}

#[test]
fn secrets_of_the_request_are_never_shown() {
    let secret = "hunter2hunter2";
    let url = format!("https://svc:{secret}@api.example.com/groups?access_token={secret}&q=1");
    let mut sample = Sample::recorded(r#"[{"id": 1, "name": "a"}]"#);
    sample.url = Some(url.parse().unwrap());
    for name in ["authorization", "x-api-key", "x-auth-token", "cookie"] {
        sample
            .sent
            .insert(name, format!("Bearer {secret}").parse().unwrap());
    }
    sample.sent.insert("x-tenant", "acme".parse().unwrap());
    let text = propose(&[sample]).to_string();
    assert!(!text.contains(secret), "{text}");
    assert!(text.contains("x-tenant = \"acme\""), "{text}");
    assert!(
        text.contains("access_token = { env = \"EXAMPLE_ACCESS_TOKEN\" }"),
        "{text}"
    );
    assert!(
        text.contains("auth = { type = \"bearer\", token = { env = \"EXAMPLE_TOKEN\" } }"),
        "{text}"
    );
    load(&text);
}

#[rstest]
#[case("https://api.tallyfy.com/groups", "tallyfy")]
#[case("https://openapi.onlive.site/groups", "onlive")]
#[case("https://my-idp.example.com/groups", "example")]
#[case("http://localhost:8080/groups", "upstream")]
#[case("http://127.0.0.1:8080/groups", "upstream")]
#[case("http://bücher.example/groups", "xn__bcher_kva")]
fn a_block_is_called_after_the_host(#[case] url: &str, #[case] name: &str) {
    let mut sample = Sample::recorded("[]");
    sample.url = Some(url.parse().unwrap());
    assert_eq!(propose(&[sample]).name(), name);
}

#[test]
fn a_flag_beside_a_next_url_counts_unless_the_url_runs_out() {
    let page = |more: bool, next: &str| {
        let body = format!(
            r#"{{"groups": [{{"id": {}, "name": "a"}}], "meta": {{"has_more": {more}}}, "links": {{"next": {next}}}}}"#,
            next.len()
        );
        Sample::recorded(body)
    };
    let first = page(true, r#""https://example.com/groups?after=x""#);
    let always = page(false, r#""https://example.com/groups?after=xyz""#);
    for samples in [vec![first.clone()], vec![first.clone(), always]] {
        let text = propose(&samples).to_string();
        assert!(text.contains("\nmore = \"/meta/has_more\"\n"), "{text}");
        load(&text);
    }
    let text = propose(&[first, page(false, "null")]).to_string();
    assert!(!text.contains("\nmore = "), "{text}");
}

#[test]
fn a_page_as_long_as_was_asked_for_is_not_taken_for_the_whole_list() {
    let body = r#"[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]"#;
    let asked = |url: &str| Sample {
        url: Some(url.parse().unwrap()),
        ..Sample::recorded(body)
    };
    let text = propose(&[asked("https://example.com/groups?n=2")]).to_string();
    assert!(
        text.replace("\n# ", " ")
            .contains("`n` requested 2 records"),
        "{text}"
    );
    assert!(text.contains("\ncap = 2\n"), "{text}");
    load(&text);
    let text = propose(&[asked("https://example.com/groups?n=3")]).to_string();
    assert!(!text.contains("cap"), "{text}");
}

#[test]
fn what_repeats_the_name_is_no_description() {
    let text = |second: &str| {
        let body = format!(
            r#"[{{"id": 1, "name": "a", "summary": "a"}}, {{"id": 2, "name": "b", "summary": "{second}"}}]"#
        );
        propose(&[Sample::recorded(body)]).to_string()
    };
    assert!(!text("b").contains("\ndescription = "), "{}", text("b"));
    assert!(text("the b team").contains("\ndescription = \"summary\"\n"));
}

#[rstest]
#[case("Precedence")]
#[case("SortOrder")]
#[case("Rank")]
#[case("MemberTotal")]
#[case("CreatedById")]
fn a_number_that_differs_by_chance_is_no_id(#[case] member: &str) {
    let body = format!(
        r#"{{"Groups": [{{"GroupName": "a", "{member}": 1}}, {{"GroupName": "b", "{member}": 2}}]}}"#
    );
    let text = propose(&[Sample::recorded(body)]).to_string();
    assert!(text.contains("\nid = \"GroupName\"\n"), "{text}");
    load(&text);
}

#[test]
fn a_list_at_any_depth_is_found() {
    for depth in [1, 7, 20, 60] {
        let mut body = r#"{"groups": [{"id": 1, "name": "a"}], "nextPageToken": "x"}"#.to_owned();
        for _ in 0..depth {
            body = format!(r#"{{"level": {body}}}"#);
        }
        let text = propose(&[Sample::recorded(body)]).to_string();
        assert!(text.contains("/level/groups\""), "{text}");
        assert!(text.contains("/level/nextPageToken\""), "{text}");
        load(&text);
    }
}
