//! The examples of the five vendors' pages, against what the shipped gateway.toml says of them.

use std::fs;
use std::path::Path;

use groupgate::tools::infer::{Confidence, Sample, propose_as};
use rstest::rstest;
use toml::{Table, Value};

use super::samples::{groups, load};

fn example(file: &str, url: Option<&str>) -> Sample {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vendor");
    let body = fs::read(folder.join(file)).unwrap();
    Sample {
        url: url.map(|url| url.parse().unwrap()),
        ..Sample::recorded(body)
    }
}

/// What the shipped configuration says of an upstream.
pub(crate) fn shipped(name: &str) -> Table {
    block(include_str!("../../../gateway.toml"), name)
}

pub(crate) fn block(text: &str, name: &str) -> Table {
    let file: Table = text.parse().unwrap();
    let upstreams = &file["upstreams"];
    upstreams[name].as_table().unwrap().clone()
}

/// The paths of a field: one as it is, or a list of them.
fn paths(field: &Value) -> Vec<&str> {
    let one = std::slice::from_ref(field);
    let paths = field.as_array().map_or(one, Vec::as_slice);
    paths.iter().filter_map(Value::as_str).collect()
}

/// Each proposed field is one that ships, and each that ships and is in the sample is proposed.
pub(crate) fn assert_fields(proposed: &Table, shipped: &Table, sample: &Sample) {
    let text = String::from_utf8_lossy(&sample.body);
    let is_in_sample = |name: &str| {
        let name = name.split('/').next().unwrap_or(name);
        text.contains(&format!("\"{name}\"")) || text.contains(&format!("<{name}>"))
    };
    for (key, field) in proposed["fields"].as_table().unwrap() {
        let expected = &shipped["fields"][key];
        if field.is_table() {
            assert_eq!(field, expected, "{key}");
        } else {
            let expected = paths(expected);
            assert!(
                paths(field).iter().all(|path| expected.contains(path)),
                "{key}: {field:?}"
            );
        }
    }
    for (key, field) in shipped["fields"].as_table().unwrap() {
        let named: Vec<_> = match field.get("each").and_then(Value::as_str) {
            Some(each) => vec![each],
            None => paths(field),
        };
        let is_shown = named.into_iter().any(is_in_sample);
        assert!(
            !is_shown || proposed["fields"].get(key).is_some(),
            "{key} is missing"
        );
    }
}

/// What both say of the pages is the same, how many records a page has aside.
pub(crate) fn assert_pages(proposed: &Table, shipped: &Table) {
    let style = |block: &Table| {
        let pages = block.get("pagination").and_then(Value::as_table);
        pages
            .map_or("none", |pages| pages["style"].as_str().unwrap())
            .to_owned()
    };
    assert_eq!(style(proposed), style(shipped));
    for key in ["next", "total", "pages", "first", "absent"] {
        let say = |block: &Table| block.get("pagination")?.get(key).cloned();
        if let (Some(here), Some(there)) = (say(proposed), say(shipped)) {
            assert_eq!(here, there, "{key}");
        }
    }
}

#[rstest]
#[case::collections("collections", "1-collections/list-response.json", None)]
#[case::vinyldns(
    "vinyldns",
    "2-vinyldns/list-response.json",
    Some("https://dns.example.com/groups?startFrom=a&maxItems=100&ignoreAccess=false")
)]
#[case::publisher("publisher", "3-publisher/list-response.xml", None)]
#[case::publisher_paged(
    "publisher",
    "3-publisher/list-response.xml",
    Some(
        "https://pub.example.com/context/api/2/groups?fields=all&sort=%2Bcreated&offset=0&limit=2"
    )
)]
#[case::onlivesite("onlivesite", "4-onlivesite/list-response.json", None)]
#[case::onlivesite_paged(
    "onlivesite",
    "4-onlivesite/list-response.json",
    Some("https://openapi.onlive.site/api/v1/user-groups?page=1&limit=10&search=sales")
)]
fn an_example_becomes_what_is_shipped(
    #[case] name: &str,
    #[case] file: &str,
    #[case] url: Option<&str>,
) {
    let sample = example(file, url);
    let proposal = propose_as(name, std::slice::from_ref(&sample));
    let text = proposal.to_string();
    let proposed = block(&text, name);
    let shipped = shipped(name);

    assert_eq!(proposal.records(), Confidence::Clear, "{text}");
    assert_eq!(proposed["records"], shipped["records"]);
    assert_eq!(
        proposed.get("format").and_then(Value::as_str),
        shipped
            .get("format")
            .and_then(Value::as_str)
            .or(Some("json"))
    );
    assert_fields(&proposed, &shipped, &sample);
    assert_pages(&proposed, &shipped);
    load(&text);
    assert!(!groups(&text, &sample).is_empty());
    let with = if url.is_some() { "with_url" } else { "bare" };
    insta::assert_snapshot!(format!("vendor_{name}_{with}"), text);
}

#[test]
fn the_status_in_the_body_is_what_is_shipped() {
    let sample = example("1-collections/list-response.json", None);
    let text = propose_as("collections", &[sample]).to_string();
    let proposed = block(&text, "collections");
    let shipped = shipped("collections");
    let paths = shipped["success"]["path"].as_array().unwrap();
    assert!(paths.contains(&proposed["success"]["path"]), "{text}");
    assert_eq!(proposed["success"]["equals"], shipped["success"]["equals"]);
    assert_eq!(
        proposed["success"]["message"],
        shipped["success"]["message"]
    );
}

#[test]
fn the_json_variant_differs_from_the_xml_one_in_its_paths_only() {
    let sample = example("3-publisher/list-response.json", None);
    let text = propose_as("publisher", std::slice::from_ref(&sample)).to_string();
    let proposed = block(&text, "publisher");
    assert_eq!(proposed["records"].as_str(), Some("/groups"));
    assert_eq!(proposed["pagination"]["style"].as_str(), Some("offset"));
    assert_eq!(proposed["pagination"]["total"].as_str(), Some("/total"));
    assert_fields(&proposed, &shipped("publisher"), &sample);
    assert_eq!(groups(&text, &sample).len(), 2);
}

#[test]
fn an_example_without_pages_is_taken_for_the_whole_list_but_not_surely() {
    let sample = example("5-tallyfy/list-response.json", None);
    let text = propose_as("tallyfy", std::slice::from_ref(&sample)).to_string();
    let proposed = block(&text, "tallyfy");
    assert_eq!(proposed["records"], shipped("tallyfy")["records"]);
    assert_fields(&proposed, &shipped("tallyfy"), &sample);
    assert_eq!(proposed["pagination"]["style"].as_str(), Some("none"));
    assert!(
        text.contains("# not sure: nothing on the page says"),
        "{text}"
    );
    assert_eq!(groups(&text, &sample).len(), 2);
    insta::assert_snapshot!("vendor_tallyfy_bare", text);
}

#[test]
fn pages_that_only_long_lists_have_are_found_where_one_sample_has_them() {
    let short = example("5-tallyfy/list-response.json", None);
    let mut body: serde_json::Value = serde_json::from_slice(&short.body).unwrap();
    body["meta"]["pagination"] = serde_json::json!({
        "total": 12, "count": 2, "per_page": 2, "current_page": 1, "total_pages": 6,
        "links": { "next": "https://api.tallyfy.com/organizations/o/groups?page=2&per_page=2" },
    });
    // On the last page of a list the links are an empty list.
    body["meta"]["pagination"]["links"] = serde_json::json!([]);
    let long = Sample::recorded(body.to_string());
    let text = propose_as("tallyfy", &[long, short]).to_string();
    let proposed = block(&text, "tallyfy");
    assert_pages(&proposed, &shipped("tallyfy"));
    assert_eq!(proposed["pagination"]["absent"].as_str(), Some("end"));
    load(&text);
}
