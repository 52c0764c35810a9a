//! A proposal that is certain of its records is one that works.

use groupgate::tools::infer::{Confidence, Sample, propose};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Map, Value, json};

use super::samples::{groups, load, read, replayed};

#[rstest]
#[case::okta("okta")]
#[case::graph("graph")]
#[case::gitlab("gitlab")]
#[case::scim("scim")]
#[case::scim_cursor("scim_cursor")]
#[case::offset("offset")]
#[case::jsonapi("jsonapi")]
#[case::iam("iam")]
fn every_record_of_a_sample_becomes_a_group(#[case] case: &str) {
    let samples = read(case);
    let proposal = propose(&samples).to_string();
    for sample in &samples {
        let groups = groups(&proposal, sample);
        assert!(!groups.is_empty(), "{proposal}");
    }
}

/// Names that mean something to the engine, and some that do not.
fn name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "id",
        "name",
        "displayName",
        "group_id",
        "groupName",
        "groups",
        "data",
        "items",
        "users",
        "members",
        "total",
        "page",
        "pages",
        "next",
        "nextCursor",
        "offset",
        "limit",
        "status",
        "ok",
        "error",
        "message",
        "created_at",
        "email",
        "url",
        "count",
        "profile",
        "group",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0u64..200).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("2024-01-15T10:30:00Z")),
        Just(json!("a@example.com")),
        Just(json!("https://example.com/groups?page=2")),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 64, 5, |value| {
        let object = prop::collection::vec((name(), value.clone()), 0..6)
            .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()));
        let record = (value.clone(), value.clone(), value.clone())
            .prop_map(|(id, name, created_at)| json!({"id": id, "name": name, "at": created_at}));
        let list = prop::collection::vec(value, 0..4).prop_map(Value::Array);
        let records = prop::collection::vec(record, 1..4).prop_map(Value::Array);
        prop_oneof![object, list, records]
    })
}

/// The document as XML, names that XML does not allow left out.
fn xml(name: &str, value: &Value) -> String {
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match value {
        _ if !is_name => String::new(),
        Value::Array(items) => items.iter().map(|item| xml(name, item)).collect(),
        Value::Object(members) => {
            let children: String = members
                .iter()
                .map(|(name, value)| xml(name, value))
                .collect();
            format!("<{name}>{children}</{name}>")
        }
        Value::Null => format!("<{name}/>"),
        Value::Bool(_) | Value::Number(_) => format!("<{name}>{value}</{name}>"),
        Value::String(text) => {
            let plain = |c: &char| c.is_alphanumeric() || "-:@./?= ".contains(*c);
            let text: String = text.chars().filter(plain).collect();
            format!("<{name}>{text}</{name}>")
        }
    }
}

/// Words of the language that the loader is still to learn.
const NEW_WORDS: [&str; 9] = [
    "values = {",
    "format = \"epoch",
    "format = \"date",
    "format = \"ldap",
    "format = \"rfc",
    "absent = \"empty",
    "keyed =",
    "children =",
    "split =",
];

/// A proposal for these samples loads, and if it is certain, it finds groups.
fn check(samples: &[Sample]) {
    let proposal = propose(samples);
    let text = proposal.to_string();
    if NEW_WORDS.iter().any(|word| text.contains(word)) {
        return;
    }
    load(&text);
    if proposal.records() == Confidence::Clear {
        // Of two documents, one may be no list.
        let found = samples
            .iter()
            .filter_map(|sample| replayed(&text, sample).ok());
        assert!(
            found.map(|groups| groups.len()).sum::<usize>() > 0,
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn any_json_gives_a_block_that_loads(body in document()) {
        check(&[Sample::recorded(body.to_string())]);
    }

    #[test]
    fn any_xml_gives_a_block_that_loads(body in document()) {
        check(&[Sample::recorded(format!("<root>{}</root>", xml("groups", &body)))]);
    }

    #[test]
    fn any_two_pages_give_a_block_that_loads(one in document(), two in document()) {
        check(&[Sample::recorded(one.to_string()), Sample::recorded(two.to_string())]);
    }

    #[test]
    fn any_bytes_give_a_block_that_loads(body: Vec<u8>, more in "[\\[\\]{}<>/a:\", 1]{0,60}") {
        check(&[Sample::recorded(body)]);
        check(&[Sample::recorded(more)]);
    }

    #[test]
    fn any_url_gives_a_block_that_loads(
        path in "[ -~é]{0,20}",
        query in prop::collection::vec(("[a-z$\\[\\]{}%A-Z_.]{0,12}", "[ -~é]{0,12}"), 0..5),
        body in document(),
    ) {
        let mut url = url::Url::parse("https://api.example.com").unwrap();
        url.set_path(&path);
        url.query_pairs_mut().extend_pairs(&query);
        let sample = Sample { url: Some(url), ..Sample::recorded(body.to_string()) };
        check(&[sample]);
    }
}
