use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::json;
use crate::page::format::tape::Tape;

const DEPTH: u32 = 5;

/// The tape of a text, in which lists and objects stand in each other up to a depth.
fn tape(text: &str, depth: u32) -> Option<Tape> {
    let tape = scan(text, Bounds::deep(depth)).ok()?;
    Some(tape.finish(text.into(), false))
}

/// What a text becomes here, and what by serde_json.
fn both(text: &str, depth: u32) -> (Option<String>, Option<String>) {
    let read = match json::flaw(text, depth) {
        None => json::read_own(text).ok(),
        Some(_) => None,
    };
    (
        tape(text, depth).map(|tape| tape.value(0).to_string()),
        read.map(|value| value.to_string()),
    )
}

/// What a text is when it is written again.
fn written(text: &str) -> Option<String> {
    let mut written = String::new();
    tape(text, DEPTH)?.write(0, &mut written);
    Some(written)
}

#[rstest]
#[case::a_trailing_comma(r#"{"a":"x",}"#)]
#[case::two_commas(r#"{"a":"x",,"b":"y"}"#)]
#[case::no_comma(r#"{"a":"x""b":"y"}"#)]
#[case::no_value(r#"{"a":}"#)]
#[case::no_colon(r#"{"a" "x"}"#)]
#[case::a_cut_value(r#"{"a":"x"#)]
#[case::a_cut_object(r#"{"a":"x""#)]
#[case::a_cut_name(r#"{"a":"x",""#)]
#[case::space_before_the_comma(r#"{"a":"x" ,"b":"y"}"#)]
#[case::space_behind_the_comma(r#"{"a":"x", "b":"y"}"#)]
#[case::space_before_the_colon(r#"{"a":"x","b" :"y"}"#)]
#[case::space_behind_the_colon(r#"{"a": "x","b":"y"}"#)]
#[case::no_text(r#"{"a":"","b":""}"#)]
#[case::an_escape_at_the_end(r#"{"a":"x","b":"\n"}"#)]
#[case::an_escape_first(r#"{"a":"\u0041x","b":"y"}"#)]
#[case::a_control("{\"a\":\"x\u{1}\",\"b\":\"y\"}")]
#[case::a_name_twice(r#"{"a":"x","b":"y","a":"z"}"#)]
#[case::one_more(r#"{"a":"x","b":"y","c":"z"}"#)]
#[case::one_less(r#"{"a":"x"}"#)]
#[case::in_another_order(r#"{"b":"y","a":"x"}"#)]
#[case::values_of_other_kinds(r#"{"a":1,"b":["y"]}"#)]
#[case::a_text_between_others(r#"{"a":null,"b":"y"}"#)]
fn an_object_like_the_one_before_is_read_as_serde_json_reads_it(#[case] object: &str) {
    for name in ["", "a", "a_name_of_more_than_16_bytes"] {
        let object = object.replace("\"a\"", &format!("\"{name}\""));
        let first = format!(r#"{{"{name}":"x","b":"y"}}"#);
        for text in [format!("[{first},{object}]"), format!("[{first},{object}")] {
            let (scanned, read) = both(&text, DEPTH);
            assert_eq!(scanned, read, "{text}");
            assert_eq!(written(&text), read, "{text}");
        }
    }
}

#[rstest]
#[case::whole_numbers("[0,-0,18446744073709551615,-9223372036854775808]")]
#[case::other_numbers("[1.50,1e-7,1E+999999,-0.0e0]")]
#[case::numbers_that_are_none("[01]")]
#[case::a_bare_point("[1.]")]
#[case::a_bare_exponent("[1e]")]
#[case::a_plus("[+1]")]
#[case::a_lone_sign("[-]")]
#[case::words("[null,true,false]")]
#[case::a_part_of_a_word("[nul]")]
#[case::a_word_that_goes_on("[nulll]")]
#[case::space(" \t\r\n{ \"a\" : [ ] , \"b\" : { } } \n")]
#[case::another_space("\u{a0}[]")]
#[case::escapes(r#"["\"\\\/\b\f\n\r\t\u00e9\u0000\ud83c\udf0d"]"#)]
#[case::halves(r#"["\ud83c","\udf0d","\ud83c\ud83c\udf0d","\udf0d\ud83c","\ud83c\n","\ud83cx"]"#)]
#[case::an_escape_of_nothing(r#"["\x"]"#)]
#[case::an_escape_that_is_cut(r#"["\u00e"]"#)]
#[case::no_hex(r#"["\u+0e9"]"#)]
#[case::a_control("[\"a\u{1}\"]")]
#[case::letters("[\"é€🌍\",\"é\\n€\"]")]
#[case::repeated(r#"{"a":1,"b":{"c":[1,2]},"a":[3],"b":4}"#)]
#[case::repeated_by_an_escape(r#"{"a":1,"b":2,"\u0061":3}"#)]
#[case::the_same_escape(r#"{"\u0061":1,"\u0061":3}"#)]
#[case::nothing_as_a_name(r#"{"":1,"":2}"#)]
#[case::a_trailing_comma("[1,]")]
#[case::a_trailing_comma_in_an_object(r#"{"a":1,}"#)]
#[case::a_leading_comma("[,1]")]
#[case::no_colon(r#"{"a" 1}"#)]
#[case::no_name("{1:1}")]
#[case::the_wrong_end("[1}")]
#[case::two_documents("1 2")]
#[case::nothing("")]
#[case::only_space(" ")]
#[case::never_closed("[[1")]
#[case::an_open_string("[\"a")]
#[case::an_open_escape("[\"a\\")]
#[case::as_deep_as_may_be("[[[[[1]]]]]")]
#[case::deeper("[[[[[[]]]]]]")]
#[case::deeper_objects(r#"{"a":{"a":{"a":{"a":{"a":{}}}}}}"#)]
fn a_text_is_read_as_serde_json_reads_it(#[case] text: &str) {
    let (scanned, read) = both(text, DEPTH);
    assert_eq!(scanned, read);
}

#[rstest]
#[case::numbers("[1.50,1e-7,1E+999999,-0.0e0,-0,12345678901234567890123]")]
#[case::texts(r#"["","\"\\\b\u0001é"]"#)]
#[case::order(r#"{"z":[],"a":{},"m":null}"#)]
fn what_is_read_is_written_again_as_it_was(#[case] text: &str) {
    assert_eq!(written(text).as_deref(), Some(text));
}

#[test]
fn of_many_members_with_one_name_the_last_counts_too() {
    let members = (0..100).map(|number| format!(r#""m{}":{number}"#, number % 60));
    let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
    let (scanned, read) = both(&text, DEPTH);
    assert_eq!(scanned, read);
    assert!(scanned.is_some_and(|text| text.starts_with(r#"{"m0":60,"m1":61"#)));
}

#[test]
fn a_member_repeats_whatever_came_in_the_object_before() {
    let before = r#"{"a":{"b":1,"c":[{"d":2}]},"e":3}"#;
    for object in [
        r#"{"a":{"b":1,"b":2},"e":3}"#,
        r#"{"e":1,"a":2,"e":3}"#,
        r#"{"a":{"c":[{"d":1,"d":2},{"d":3,"x":4,"d":5}]}}"#,
        r#"{"x":1,"a":2,"x":3,"e":4}"#,
        r#"{"\u0061":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        "{}",
        "[]",
    ] {
        let text = format!("[{before},{object},{before},{object}]");
        let (scanned, read) = both(&text, DEPTH);
        assert_eq!(scanned, read);
    }
}

proptest! {
    #[test]
    fn what_is_read_and_what_is_not_is_the_same(
        text in r#"([\[\]{}:, \n]|"[a\\u0-9né"]{0,6}"|"[ab]":|-?[0-9.eE+]{1,4}|null|true|\[\]|\{\}){0,16}"#,
    ) {
        let (scanned, read) = both(&text, DEPTH);
        prop_assert_eq!(scanned, read);
    }

    #[test]
    fn members_are_those_of_serde_json_whatever_records_they_stand_in(
        records in proptest::collection::vec(
            proptest::collection::vec(("[a-d]|\\\\u006[1-3]", "1|\"b\"|\\{\"a\":1,\"[ab]\":2\\}|\\[\\{\"[ab]\":1\\}\\]"), 0..6),
            0..8,
        ),
    ) {
        let records = records.iter().map(|members| {
            let members = members.iter().map(|(name, value)| format!(r#""{name}":{value}"#));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        });
        let text = format!("[{}]", records.collect::<Vec<_>>().join(","));
        let (scanned, read) = both(&text, DEPTH);
        prop_assert_eq!(&scanned, &read);
        prop_assert!(scanned.is_some());
        prop_assert_eq!(&written(&text), &scanned);
    }

    #[test]
    fn every_value_reads_back(value in value()) {
        for text in [value.to_string(), format!("{value:#}")] {
            let (scanned, read) = both(&text, 64);
            prop_assert_eq!(&scanned, &read);
            prop_assert_eq!(&scanned, &Some(value.to_string()));
            prop_assert!(written(&text).is_none_or(|written| Some(written) == scanned));
        }
    }
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 20, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..20).prop_map(Into::into),
            proptest::collection::vec((".{0,3}", inner), 0..20).prop_map(|members| {
                members
                    .into_iter()
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}
