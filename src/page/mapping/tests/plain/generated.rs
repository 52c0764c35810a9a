//! Pages and adapters for them, at random.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{Conversion, NAMES, PlainMapping, PlainPeople, PlainSource};

fn source() -> impl Strategy<Value = PlainSource> {
    let name = || prop::sample::select(&NAMES[..]);
    let path = prop_oneof![3 => name().prop_map(|one| vec![one]), 1 => (name(), name()).prop_map(|(one, two)| vec![one, two])];
    let conversion = prop_oneof![
        6 => Just(Conversion::None),
        1 => Just(Conversion::Null),
        1 => Just(Conversion::FirstPiece),
        1 => Just(Conversion::SecondPiece),
        1 => Just(Conversion::Table),
    ];
    (path, conversion).prop_map(|(path, conversion)| PlainSource { path, conversion })
}

pub(super) fn mapping() -> impl Strategy<Value = PlainMapping> {
    let field = || prop::option::of(prop::collection::vec(source(), 1..3));
    let part = || prop::option::of(prop::sample::select(&["id", "c", "."][..]));
    let people = (prop::sample::select(&NAMES[2..]), part(), part());
    let people = people.prop_map(|(each, id, email)| PlainPeople {
        each,
        id: id.or(Some("id").filter(|_| email.is_none())),
        email,
    });
    (
        prop_oneof![3 => Just(vec![PlainSource { path: vec!["id"], conversion: Conversion::None }]), 1 => prop::collection::vec(source(), 1..3)],
        [field(), field(), field(), field()],
        field(),
        [field(), field()],
        prop::option::of(people),
        prop::bool::weighted(0.9),
    )
        .prop_map(|(id, texts, count, times, members, keep)| PlainMapping {
            id,
            texts,
            count,
            times,
            members,
            keep,
        })
}

const DECIMALS: [&str; 5] = ["7.0", "70e-1", "1.2E+1", "-0.0", "1.50"];

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("x".to_owned()),
        Just("A-B-c".to_owned()),
        Just("2024-01-15T10:30:00Z".to_owned()),
        Just(" 2024-01-15T12:30:00.50+02:00".to_owned()),
        Just("İ \"q\" \\ \u{1} É".to_owned()),
        "[a-zA-Z \u{e0}-\u{ff}]{0,12}",
    ];
    let leaf = prop_oneof![
        6 => text.prop_map(Value::String),
        2 => (0..20_u64).prop_map(Value::from),
        1 => prop::sample::select(&DECIMALS[..]).prop_map(|text| text.parse().unwrap()),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        let name = prop::sample::select(&NAMES[..]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((name, inner), 0..4).prop_map(|members| {
                let members = members.into_iter();
                members
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

/// Records in which most members stand in one order.
pub(super) fn records() -> impl Strategy<Value = Vec<Map<String, Value>>> {
    let record = (
        prop::collection::vec((prop::bool::weighted(0.8), value()), NAMES.len()),
        prop::bool::weighted(0.2),
    );
    let record = record.prop_map(|(values, is_turned)| {
        let members = NAMES
            .iter()
            .zip(values)
            .filter(|(_, (is_there, _))| *is_there);
        let mut members: Vec<_> = members
            .map(|(name, (_, value))| ((*name).to_owned(), value))
            .collect();
        if is_turned {
            members.reverse();
        }
        members.into_iter().collect()
    });
    // Groups are written eight at a time.
    prop::collection::vec(record, 1..20)
}
