//! Each format converts back to the JSON answer, whatever stands in a group.

mod readers;

use std::sync::Arc;

use crate::group::Moment;
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

use crate::caller::HiddenFields;
use crate::catalog::SourceState;
use crate::downstream::envelope::{Envelope, SourceError, SourceStatus};
use crate::error::{ErrorKind, UpstreamError};
use crate::gateway::query::FIELDS;
use crate::gateway::seen_row::{SeenRow, SelectedFields};
use crate::group::{Group, Member};
use crate::json;
use crate::plan::limits::DEEPEST;
use crate::snapshot::Snapshot;
use crate::snapshot::tests::group;

use super::{AnswerFormat, Frame};
use readers::{cells, from_csv, from_ndjson, from_xml};

fn seen(snapshot: &Snapshot) -> impl Iterator<Item = SeenRow<'_>> {
    let rows = snapshot.rows();
    rows.map(|row| SeenRow::new(row, HiddenFields::NONE))
}

/// The whole answer in a format.
fn answer(
    format: AnswerFormat,
    snapshot: &Snapshot,
    fields: SelectedFields<'_>,
    envelope: &Envelope,
) -> String {
    let frame = Frame::new(format, fields, envelope).unwrap();
    let rows = super::rows(format, seen(snapshot), fields).unwrap();
    String::from_utf8([&frame.before[..], &rows, &frame.after].concat()).unwrap()
}

/// The answer as JSON, which the others must convert back to.
fn from_json(snapshot: &Snapshot, fields: SelectedFields<'_>, envelope: &Envelope) -> Value {
    json::read_own(&answer(AnswerFormat::Json, snapshot, fields, envelope)).unwrap()
}

/// Text with everything that a format could trip over.
fn text() -> impl Strategy<Value = String> {
    let nasty = prop_oneof![
        Just("\0".to_owned()),
        Just("\r".to_owned()),
        Just("\r\n".to_owned()),
        Just("\u{FFFE}\u{FFFF}".to_owned()),
        Just("]]><!--\u{1}\"&amp;'".to_owned()),
        Just("\" , \"\"\\u0000\\".to_owned()),
        Just("\t \n".to_owned()),
        Just("null".to_owned()),
        Just("𝄞 é\u{301}\u{202e}\u{85}\u{2028}".to_owned()),
    ];
    prop_oneof![
        Just(String::new()),
        any::<String>(),
        proptest::collection::vec(prop_oneof![nasty, "[a-z<>&\"]{0,4}"], 0..6)
            .prop_map(|pieces| pieces.concat()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("a number", Number::from_f64),
        prop::sample::select(vec!["1.50e+400", "1E3", "-1e7"])
            .prop_map(|text| json::number(text).unwrap()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(Value::Number),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((text(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn people() -> impl Strategy<Value = Vec<Member>> {
    let person = (proptest::option::of(text()), proptest::option::of(text()));
    proptest::collection::vec(person.prop_map(|(id, email)| Member { id, email }), 0..3)
}

fn moment() -> impl Strategy<Value = Option<Moment>> {
    proptest::option::of(
        (-1_000_000_000_i64..4_000_000_000, 0..1_000_000_000_i32)
            .prop_map(|(second, nanosecond)| Moment::new(second.max(0), nanosecond).unwrap()),
    )
}

prop_compose! {
    fn any_group()(
        id in text(),
        name in text(),
        texts in proptest::collection::vec(proptest::option::of(text()), 9),
        members in people(),
        admins in people(),
        guests in people(),
        member_count in proptest::option::of(any::<u64>()),
        moments in (moment(), moment(), moment()),
        attributes in proptest::collection::vec((text(), value()), 0..4),
    ) -> Group {
        Group {
            description: texts[0].clone(),
            email: texts[1].clone(),
            status: texts[2].clone(),
            organization_id: texts[3].clone(),
            external_id: texts[4].clone(),
            parent_id: texts[5].clone(),
            path: texts[6].clone(),
            url: texts[7].clone(),
            logo_url: texts[8].clone(),
            members,
            admins,
            guests,
            member_count,
            created_at: moments.0,
            updated_at: moments.1,
            deleted_at: moments.2,
            attributes: attributes.into_iter().collect::<Map<_, _>>().into(),
            ..group("a", &id, &name)
        }
    }
}

/// An envelope with everything that may be in one.
fn envelope() -> Envelope {
    let failure = UpstreamError::new(ErrorKind::RateLimited, "hush")
        .with_retry_after(Some(std::time::Duration::from_millis(1500)));
    Envelope {
        total: 7,
        next_cursor: Some("abc-_".to_owned()),
        complete: false,
        sources: vec![
            SourceStatus {
                name: "a".to_owned(),
                state: SourceState::Fresh,
                groups: 7,
                as_of: Some("2026-11-21T09:30:00Z".parse().unwrap()),
                error: None,
            },
            SourceStatus {
                name: "b".to_owned(),
                state: SourceState::Failed,
                groups: 0,
                as_of: None,
                error: Some(SourceError::of(&failure)),
            },
        ],
    }
}

proptest! {
    #[test]
    fn every_format_converts_back_to_the_json_answer(
        groups in proptest::collection::vec(any_group(), 0..4),
        wanted in proptest::option::of(proptest::sample::subsequence(FIELDS, 1..FIELDS.len())),
    ) {
        let snapshot = Snapshot::new(Arc::from("a"), groups);
        let envelope = envelope();
        let fields = wanted.as_deref();
        let expected = from_json(&snapshot, fields, &envelope);
        prop_assert_eq!(&from_ndjson(&snapshot, fields, &envelope), &expected);
        prop_assert_eq!(&from_csv(&snapshot, fields, &envelope), &expected);
        prop_assert_eq!(&from_xml(&snapshot, fields, &envelope), &expected);
    }

    #[test]
    fn a_csv_reader_of_another_make_sees_the_same_cells(
        groups in proptest::collection::vec(any_group(), 1..4),
    ) {
        let snapshot = Snapshot::new(Arc::from("a"), groups);
        let text = answer(AnswerFormat::Csv, &snapshot, None, &envelope());
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        let theirs: Vec<Vec<String>> = reader
            .records()
            .map(|record| record.unwrap().iter().map(str::to_owned).collect())
            .collect();
        let ours: Vec<Vec<String>> = cells(&text)
            .into_iter()
            .map(|record| record.into_iter().map(|cell| cell.text).collect())
            .collect();
        prop_assert_eq!(theirs, ours);
    }
}

/// What `limits.depth` at its most lets into the attributes of a group from XML, where each element
/// is a list and an object, on two thirds of the stack that a worker has.
#[test]
fn every_format_holds_what_is_as_deep_as_it_may_be() {
    let render = || render_depth(DEEPEST as usize);
    let thread = std::thread::Builder::new().stack_size((2 << 20) / 3 * 2);
    thread.spawn(render).unwrap().join().unwrap();
}

fn render_depth(depth: usize) {
    let mut deep = group("a", "1", "Ops");
    let value = (0..depth).fold(Value::Null, |value, _| json!([{ "a": value }]));
    deep.attributes = Map::from_iter([("deep".to_owned(), value)]).into();
    let snapshot = Snapshot::new(Arc::from("a"), vec![deep.clone()]);
    assert_eq!(snapshot.row(0).group().unwrap(), deep);
    let lists = |format, mark| {
        answer(format, &snapshot, None, &envelope())
            .matches(mark)
            .count()
    };
    assert_eq!(lists(AnswerFormat::Json, "[{\"a\":"), depth);
    assert_eq!(lists(AnswerFormat::Ndjson, "[{\"a\":"), depth);
    assert_eq!(lists(AnswerFormat::Csv, "[{\"\"a\"\":"), depth);
    assert_eq!(lists(AnswerFormat::Xml, "<attribute name=\"a\""), depth);
}

/// One group that shows how each format writes what there is.
fn sample() -> Snapshot {
    let mut sample = group("a", "1", "Ops & \"Sales\"");
    sample.description = Some(String::new());
    sample.status = Some("bell\u{7}".to_owned());
    sample.members = vec![Member {
        id: Some("1001".to_owned()),
        email: None,
    }];
    sample.member_count = Some(1);
    sample.created_at = Some("2023-03-10T09:00:00Z".parse().unwrap());
    sample.attributes = serde_json::from_value(json!({
        "plan": "gold",
        "limits": {"seats": 5, "hard": false, "notes": [null, "x"]},
    }))
    .unwrap();
    Snapshot::new(Arc::from("a"), vec![sample])
}

#[test]
fn json_shows_the_groups_and_the_envelope() {
    insta::assert_snapshot!(answer(AnswerFormat::Json, &sample(), None, &envelope()));
}

#[test]
fn xml_shows_the_groups_and_the_envelope() {
    let document = answer(AnswerFormat::Xml, &sample(), None, &envelope());
    insta::assert_snapshot!(document.replace("><", ">\n<"));
}

#[test]
fn csv_quotes_text_and_leaves_null_empty() {
    insta::assert_snapshot!(answer(AnswerFormat::Csv, &sample(), None, &envelope()));
}

#[test]
fn ndjson_ends_with_a_summary() {
    insta::assert_snapshot!(answer(AnswerFormat::Ndjson, &sample(), None, &envelope()));
}

#[test]
fn chosen_fields_come_in_the_order_of_the_record() {
    let snapshot = sample();
    let fields: SelectedFields<'_> = Some(&["id", "source", "name"]);
    let rows = super::rows(AnswerFormat::Json, seen(&snapshot), fields).unwrap();
    assert_eq!(
        &rows[..],
        br#"{"id":"a:1","source":"a","name":"Ops & \"Sales\""}"#
    );
}
