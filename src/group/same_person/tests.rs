use proptest::prelude::*;
use rstest::rstest;

use super::{FEW, merge_same};
use crate::group::{GroupPerson, GroupText, ReadRow, ReadText};

/// A person written as `id/address`, with `-` for none.
fn of(written: &str) -> GroupPerson<'_> {
    let (id, email) = written.split_once('/').unwrap();
    let text = |text| (text != "-").then_some(GroupText::any(text));
    GroupPerson {
        id: text(id),
        email: text(email),
    }
}

fn shown(person: &GroupPerson<'_>) -> String {
    let text = |text: &Option<GroupText<'_>>| {
        text.as_ref()
            .map_or("-".into(), |text| text.text.to_string())
    };
    format!("{}/{}", text(&person.id), text(&person.email))
}

#[rstest]
#[case::nobody(&[], &[])]
#[case::ids(&["1/-", "2/-", "1/-"], &["1/-", "2/-"])]
#[case::an_id_that_is_an_address(&["a@x/-", "-/a@x"], &["a@x/-", "-/a@x"])]
#[case::addresses_by_their_fold(&["-/a@x", "-/b@x", "-/A@X"], &["-/a@x", "-/b@x"])]
#[case::an_address_that_comes_later(&["1/-", "1/a@x"], &["1/a@x"])]
#[case::another_address(&["1/a@x", "1/b@x", "-/b@x"], &["1/a@x"])]
#[case::an_address_of_two_with_ids(&["-/a@x", "1/a@x", "2/a@x"], &["1/a@x", "2/a@x"])]
#[case::joined_by_a_third(&["1/-", "-/a@x", "1/a@x"], &["1/a@x"])]
#[case::joined_before(&["-/a@x", "1/-", "2/-", "1/a@x"], &["1/a@x", "2/-"])]
fn who_is_the_same_person_is_one_entry(#[case] people: &[&str], #[case] expected: &[&str]) {
    let others: Vec<_> = (0..=FEW).map(|number| format!("other{number}/-")).collect();
    for more in [&[][..], &others] {
        // What comes before the list is left alone.
        let mut merged = vec![of("1/a@x")];
        merged.extend(people.iter().map(|person| of(person)));
        merged.extend(more.iter().map(|person| of(person)));
        let before = merged.len();
        let dropped = merge_same(&mut merged, 1);
        assert_eq!(dropped as usize, before - merged.len());
        let shown: Vec<_> = merged[1..].iter().map(shown).collect();
        let more = more.iter().map(String::as_str);
        let expected: Vec<_> = expected.iter().copied().chain(more).collect();
        assert_eq!(shown, expected);
    }
}

#[test]
fn rows_are_people_by_their_texts_and_keep_their_group() {
    let row = |id: Option<ReadText>, email: Option<&str>| -> ReadRow {
        [id, email.map(ReadText::text), Some(ReadText::text("g"))].into()
    };
    let number = ReadText {
        text: "7".into(),
        is_number: true,
    };
    let first = row(Some(number.clone()), None);
    let mut rows = vec![
        first,
        row(Some(ReadText::text("7")), Some("a@x")),
        row(None, Some("A@x")),
    ];
    assert_eq!(merge_same(&mut rows, 0), 2);
    assert_eq!(rows, [row(Some(number), Some("a@x"))]);
}

proptest! {
    #[test]
    fn how_many_there_are_does_not_depend_on_the_order(
        (people, turned) in prop::collection::vec("([1-4]/-|([1-4]|-)/[a-cA-C])", 0..14)
            .prop_flat_map(|people| (Just(people.clone()), Just(people).prop_shuffle())),
    ) {
        let who = |people: &[String]| {
            let mut merged: Vec<_> = people.iter().map(|person| of(person)).collect();
            merge_same(&mut merged, 0);
            let ids = merged.iter().filter_map(|person| Some(person.id.clone()?.text.into_owned()));
            let mut ids: Vec<_> = ids.collect();
            ids.sort_unstable();
            let again = merge_same(&mut merged.clone(), 0);
            (merged.len(), ids, again)
        };
        prop_assert_eq!(who(&people), who(&turned));
        prop_assert_eq!(who(&people).2, 0);
    }
}
