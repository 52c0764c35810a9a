//! Which records are found, and in which order.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::super::outcome::Skip;
use super::*;
use crate::error::{ErrorKind, UpstreamError};
use crate::page::mapping::tests::{Batch, batch, groups};

fn ids(batch: &Batch) -> Vec<&str> {
    groups(batch)
        .map(|group| group.source_id.as_str())
        .collect()
}

#[rstest]
#[case::root_array("'/'", "id = 'id', name = 'id'", json!([{"id": "a"}, {"id": "b"}]), &["a", "b"])]
#[case::path("'/data/groups'", "id = 'id', name = 'id'", json!({"data": {"groups": [{"id": "a"}]}}), &["a"])]
#[case::table("{ at = '/groups' }", "id = 'id', name = 'id'", json!({"groups": [{"id": "a"}]}), &["a"])]
#[case::keyed_by_id("{ at = '/groups', keyed = true }", "id = '$key', name = 'name'", json!({"groups": {"a": {"name": "A"}, "b": {"name": "B"}}}), &["a", "b"])]
#[case::keyed_at_the_root("{ at = '/', keyed = true }", "id = '$key', name = 'n'", json!({"a": {"n": "A"}}), &["a"])]
#[case::keyed_by_name("{ at = '/', keyed = true }", "id = 'id', name = '$key'", json!({"A": {"id": "a"}}), &["a"])]
#[case::keyed_scalars("{ at = '/', keyed = true }", "id = '$key', name = '.'", json!({"a": "A"}), &["a"])]
#[case::keyed_in_a_template("{ at = '/', keyed = true }", "id = { template = '{t}:{$key}' }, name = '$key'", json!({"a": {"t": 1}}), &["1:a"])]
#[case::keyed_and_empty("{ at = '/groups', keyed = true }", "id = '$key', name = '$key'", json!({"groups": {}}), &[])]
#[case::keyed_and_an_empty_list("{ at = '/groups', keyed = true }", "id = '$key', name = '$key'", json!({"groups": []}), &[])]
#[case::scalars("'/groups'", "id = '.', name = '.'", json!({"groups": ["a", 7]}), &["a", "7"])]
#[case::empty("'/groups'", "id = 'id', name = 'id'", json!({"groups": []}), &[])]
#[case::null("'/groups'", "id = 'id', name = 'id'", json!({"groups": null}), &[])]
#[case::absent("{ at = '/groups', absent = 'empty' }", "id = 'id', name = 'id'", json!({"total": 0}), &[])]
#[case::absent_in_an_empty_page("{ at = '/groups', absent = 'empty' }", "id = 'id', name = 'id'", json!({}), &[])]
#[case::absent_and_keyed("{ at = '/groups', absent = 'empty', keyed = true }", "id = '$key', name = '$key'", json!({"total": 0}), &[])]
#[case::absent_but_there("{ at = '/groups', absent = 'empty' }", "id = 'id', name = 'id'", json!({"groups": {"id": "a"}}), &["a"])]
fn json_records_are_found_wherever_they_stand(
    #[case] records: &str,
    #[case] fields: &str,
    #[case] page: Value,
    #[case] expected: &[&str],
) {
    let keys = format!("records = {records}\nfields = {{ {fields} }}");
    let batch = batch(&keys, &page.to_string()).unwrap();
    assert_eq!(ids(&batch), expected);
    assert_eq!(batch.listed, expected.len());
    assert!(groups(&batch).all(|group| group.attributes.is_empty() && group.path.is_none()));
}

#[rstest]
#[case::wrapped("'/r/list/g'", "<r><total>2</total><list><g id='a'/><g id='b'/></list></r>", &["a", "b"])]
#[case::beside_metadata("'/r/g'", "<r><total>2</total><g id='a'/><more>0</more><g id='b'/></r>", &["a", "b"])]
#[case::one("'/r/g'", "<r><total>1</total><g id='a'/></r>", &["a"])]
#[case::none("'/r/g'", "<r><total>0</total></r>", &[])]
#[case::absent("{ at = '/r/list/g', absent = 'empty' }", "<r><total>0</total></r>", &[])]
#[case::absent_in_an_empty_element("{ at = '/r/list/g', absent = 'empty' }", "<r/>", &[])]
#[case::default_namespace("'/r/g'", "<r xmlns='urn:x'><g id='a'/></r>", &["a"])]
fn xml_records_are_found_with_or_without_a_wrapper(
    #[case] records: &str,
    #[case] page: &str,
    #[case] expected: &[&str],
) {
    let keys =
        format!("format = 'xml'\nrecords = {records}\nfields = {{ id = '@id', name = '@id' }}");
    assert_eq!(ids(&batch(&keys, page).unwrap()), expected);
}

#[test]
fn a_list_that_is_not_what_was_described_is_an_error() {
    let fields = "fields = { id = 'id', name = 'id' }";
    let error = |records: &str, page: &str| {
        batch(&format!("records = {records}\n{fields}"), page)
            .unwrap_err()
            .to_string()
    };
    let xml = |records: &str, page: &str| error(&format!("{records}\nformat = 'xml'"), page);
    insta::assert_snapshot!(
        [
            error("{ at = '/groups' }", r#"{"total": 0}"#),
            error(
                "{ at = '/data/groups', absent = 'empty' }",
                r#"{"error": 1}"#
            ),
            error(
                "{ at = '/data/groups', absent = 'empty' }",
                r#"{"data": "no"}"#
            ),
            error(
                "{ at = '/data/groups', absent = 'empty' }",
                r#"{"data": [1]}"#
            ),
            error(
                "{ at = '/groups', absent = 'empty' }",
                r#"{"groups": "none"}"#
            ),
            error(
                "{ at = '/groups', keyed = true }",
                r#"{"groups": [{"id": 1}]}"#
            ),
            error("{ at = '/groups', keyed = true }", r#"{"groups": "none"}"#),
            error("{ at = '/groups', keyed = true }", r#"{"total": 0}"#),
            error(
                "{ at = '/', keyed = true, children = 'sub' }",
                r#"{"a": {"id": 1, "sub": [2]}}"#
            ),
            xml("{ at = '/groups/group', absent = 'empty' }", "<error/>"),
            xml("{ at = '/groups', absent = 'empty' }", "<error/>"),
        ]
        .join("\n")
    );
}

#[test]
fn a_parent_is_named_by_id_or_stands_in_an_object() {
    let parent = |field: &str, record: Value| {
        let keys =
            format!("records = '/'\nfields = {{ id = 'id', name = 'id', parent_id = '{field}' }}");
        let batch = batch(&keys, &json!([record]).to_string()).unwrap();
        groups(&batch).next().unwrap().parent_id.clone()
    };
    assert_eq!(
        parent("up", json!({"id": 1, "up": 7})).as_deref(),
        Some("7")
    );
    assert_eq!(
        parent("up/id", json!({"id": 1, "up": {"id": 7}})).as_deref(),
        Some("7")
    );
    assert_eq!(parent("up/id", json!({"id": 1, "up": null})), None);
}

#[test]
fn a_path_in_the_name_is_shown_as_the_path() {
    let keys = "records = '/'\n[fields]\nid = 'id'\npath = 'name'\n                    name = { path = 'name', split = '/', take = 'last' }";
    let batch = batch(keys, r#"[{"id": 1, "name": "Eng/Web/Front"}]"#).unwrap();
    let group = groups(&batch).next().unwrap();
    assert_eq!(
        (group.name.as_str(), group.path.as_deref()),
        ("Front", Some("Eng/Web/Front"))
    );
}

/// Id, parent's id and path of each group.
fn placed(batch: &Batch) -> Vec<(String, Option<String>, Option<String>)> {
    groups(batch)
        .map(|group| {
            (
                group.source_id.clone(),
                group.parent_id.clone(),
                group.path.clone(),
            )
        })
        .collect()
}

#[test]
fn what_is_mapped_wins_over_where_a_record_stands() {
    let keys = "records = { at = '/', children = 'sub' }\n                    fields = { id = 'id', name = 'id', parent_id = 'up', path = 'full' }";
    let page = r#"[{"id": "a", "sub": [{"id": "b", "up": "x", "full": "/p"}]}]"#;
    let placed = placed(&batch(keys, page).unwrap());
    assert_eq!(placed[0], ("a".into(), None, None));
    assert_eq!(placed[1], ("b".into(), Some("x".into()), Some("/p".into())));
}

#[test]
fn records_below_one_that_is_skipped_are_kept_without_their_place() {
    let keys = "records = { at = '/', children = 'sub' }\nfields = { id = 'id', name = 'name' }";
    let page = json!([{"id": "a", "name": "A", "sub": [
        {"id": "b", "sub": [{"id": "c", "name": "C", "sub": [{"id": "d", "name": "D"}]}]}]}]);
    let mut batch = batch(keys, &page.to_string()).unwrap();
    assert_eq!((batch.listed, batch.outcomes.len()), (1, 4));
    assert_eq!(batch.outcomes.remove(1), Err(Skip::NoName));
    let placed = placed(&batch);
    assert_eq!(placed[1], ("c".into(), None, None));
    assert_eq!(placed[2], ("d".into(), Some("c".into()), None));
}

#[test]
fn children_may_be_keyed_like_the_records_above_them() {
    let keys = "records = { at = '/', keyed = true, children = 'sub' }\n                    fields = { id = '$key', name = '$key' }";
    let page = json!({"a": {"sub": {"b": {"sub": []}, "c": {}}}, "d": {"sub": null}});
    let batch = batch(keys, &page.to_string()).unwrap();
    assert_eq!(ids(&batch), ["a", "b", "c", "d"]);
    assert_eq!(batch.listed, 2);
}

#[rstest]
#[case::json("'json'", "{ at = '/list', children = 'sub' }", [r#"{"list":"#, r#"{"id":1,"sub":"#, "null", "}", "}"])]
#[case::xml("'xml'", "{ at = '/list/r', children = 'r' }", ["<list>", "<r><id>1</id>", "", "</r>", "</list>"])]
fn a_tree_that_is_too_deep_is_an_error(
    #[case] format: &str,
    #[case] records: &str,
    #[case] page: [&str; 5],
) {
    let [start, open, bottom, close, end] = page;
    let keys =
        format!("format = {format}\nrecords = {records}\nfields = {{ id = 'id', name = 'id' }}");
    let of_depth = |depth: usize| {
        let tree = [
            start,
            &open.repeat(depth),
            bottom,
            &close.repeat(depth),
            end,
        ]
        .concat();
        batch(&keys, &tree)
    };
    assert_eq!(of_depth(MAX_DEPTH).unwrap().outcomes.len(), MAX_DEPTH);
    let error = UpstreamError::from(of_depth(MAX_DEPTH + 1).unwrap_err());
    assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
}

/// A group and those below it.
#[derive(Debug, Clone)]
struct Sample {
    name: String,
    below: Vec<Sample>,
}

impl Sample {
    fn forest() -> impl Strategy<Value = Vec<Self>> {
        let leaf = "[a-zé]{1,3}".prop_map(|name| Self {
            name,
            below: Vec::new(),
        });
        let tree = leaf.prop_recursive(6, 40, 4, |inner| {
            ("[a-zé]{1,3}", proptest::collection::vec(inner, 0..4))
                .prop_map(|(name, below)| Self { name, below })
        });
        proptest::collection::vec(tree, 0..4)
    }
}

/// What a forest flattens to, in order: id, parent's id and path. Ids are numbers in that order.
fn flattened(forest: &[Sample]) -> Vec<(String, Option<String>, Option<String>)> {
    fn visit(
        samples: &[Sample],
        above: Option<(&str, &str)>,
        flat: &mut Vec<(String, Option<String>, Option<String>)>,
    ) {
        for sample in samples {
            let id = flat.len().to_string();
            let path = match above {
                Some((_, path)) => format!("{path}/{}", sample.name),
                None => sample.name.clone(),
            };
            flat.push((
                id.clone(),
                above.map(|(id, _)| id.to_owned()),
                Some(path.clone()),
            ));
            visit(&sample.below, Some((&id, &path)), flat);
        }
    }
    let mut flat = Vec::new();
    visit(forest, None, &mut flat);
    flat
}

fn json_of(samples: &[Sample], next: &mut usize) -> Value {
    let records = samples.iter().map(|sample| {
        let id = *next;
        *next += 1;
        let below = json_of(&sample.below, next);
        json!({"id": id, "name": sample.name, "sub": {"groups": below}})
    });
    records.collect()
}

fn xml_of(samples: &[Sample], next: &mut usize) -> String {
    let records = samples.iter().map(|sample| {
        let id = *next;
        *next += 1;
        let below = xml_of(&sample.below, next);
        format!(
            "<g id='{id}'><name>{}</name><sub>{below}</sub></g>",
            sample.name
        )
    });
    records.collect()
}

proptest! {
    #[test]
    fn every_node_of_a_tree_becomes_a_group_once(forest in Sample::forest()) {
        let json = json!({"groups": json_of(&forest, &mut 0)}).to_string();
        let xml = format!("<list>{}</list>", xml_of(&forest, &mut 0));
        let fields = |id| format!("fields = {{ id = '{id}', name = 'name' }}");
        let json_keys = format!("records = {{ at = '/groups', children = 'sub/groups' }}\n{}", fields("id"));
        let xml_keys = format!("format = 'xml'\nrecords = {{ at = '/list/g', children = 'sub/g' }}\n{}", fields("@id"));
        for (keys, body) in [(json_keys, json), (xml_keys, xml)] {
            let batch = batch(&keys, &body).unwrap();
            prop_assert_eq!(batch.listed, forest.len());
            prop_assert_eq!(placed(&batch), flattened(&forest));
            prop_assert!(groups(&batch).all(|group| !group.attributes.members().contains_key("name")));
        }
    }
}
