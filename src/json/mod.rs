//! JSON text into a value: as it was written, and as deep as whoever asks allows.
//!
//! serde_json's own way into a [`Value`] is made for text that one trusts. It marks numbers, and
//! JSON inside of strings, by private words in the place of an object's key, and takes an upstream
//! that uses such a word at its word: what the string holds is parsed in turn, in a recursion that
//! nothing bounds. And its bound on depth is fixed, below what one page may hold in XML.
//!
//! Used where an upstream's text is decoded, and where what was kept of it is read back.

use std::cell::Cell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

mod memory_budget;
pub(crate) use memory_budget::{BudgetExceeded, MemoryBudget, weight};

mod surrogates;

mod text;
pub(crate) use text::{push_quoted, push_text, special};

/// Why a text is no value.
#[derive(Debug)]
pub(crate) enum Unread {
    /// Lists and objects stand deeper in each other than is allowed.
    TooDeep {
        /// The line of the first that does, from 1.
        line: usize,
        /// The byte in that line, from 1.
        column: usize,
    },
    /// Its values take more memory than is allowed.
    TooLarge {
        /// The line of the first for which there is none, from 1.
        line: usize,
        /// The byte in that line, from 1.
        column: usize,
    },
    /// It is no JSON.
    Malformed(serde_json::Error),
}

/// Reads one document in which at most `depth` lists and objects stand in each other, and whose
/// values take at most so many bytes of memory. An escaped half of a character is U+FFFD.
pub(crate) fn read(text: &str, depth: u32, bytes: u64) -> Result<Value, Unread> {
    let text = &*surrogates::replaced(text);
    let is_too_deep = Cell::new(false);
    let budget = MemoryBudget::of(bytes);
    let seed = Verbatim {
        left: depth,
        is_too_deep: &is_too_deep,
        budget: &budget,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    let value = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        if is_too_deep.get() {
            Unread::TooDeep { line, column }
        } else if budget.is_short() {
            Unread::TooLarge { line, column }
        } else {
            Unread::Malformed(error)
        }
    })
}

/// Reads back what this process has written itself, which was bounded before it was kept.
pub(crate) fn read_own(text: &str) -> Result<Value, serde_json::Error> {
    read(text, u32::MAX, u64::MAX).map_err(|unread| match unread {
        Unread::Malformed(error) => error,
        Unread::TooDeep { .. } | Unread::TooLarge { .. } => {
            serde_json::Error::custom("deeper or larger than anything that is kept")
        }
    })
}

/// Reads an object's members, as a field of a record that serde derives.
pub(crate) fn members<'de, D>(deserializer: D) -> Result<Map<String, Value>, D::Error>
where
    D: Deserializer<'de>,
{
    let seed = Verbatim {
        left: u32::MAX,
        is_too_deep: &Cell::new(false),
        budget: &MemoryBudget::of(u64::MAX),
    };
    match seed.deserialize(deserializer)? {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(D::Error::custom("expected an object"))
        }
    }
}

/// Reads a value in which `left` more lists and objects may stand in each other.
#[derive(Clone, Copy)]
struct Verbatim<'a> {
    left: u32,
    is_too_deep: &'a Cell<bool>,
    budget: &'a MemoryBudget,
}

impl BudgetExceeded {
    fn told<E: serde::de::Error>(self) -> E {
        E::custom(self)
    }
}

impl Verbatim<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let Some(left) = self.left.checked_sub(1) else {
            self.is_too_deep.set(true);
            return Err(E::custom("too deep"));
        };
        Ok(Self { left, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Verbatim<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// How serde_json hands over a number that is none of Rust's: as an object with this one key.
const NUMBER: &str = "$serde_json::private::Number";

impl<'de> Visitor<'de> for Verbatim<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        self.budget.value(0).map_err(BudgetExceeded::told)?;
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        self.budget.value(0).map_err(BudgetExceeded::told)?;
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.budget.value(0).map_err(BudgetExceeded::told)?;
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.budget.value(0).map_err(BudgetExceeded::told)?;
        Ok(Value::Number(value.into()))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.budget
            .value(value.len())
            .map_err(BudgetExceeded::told)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        self.budget
            .value(value.len())
            .map_err(BudgetExceeded::told)?;
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        self.budget.value(0).map_err(BudgetExceeded::told)?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(deeper)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        let mut key: Option<String> = object.next_key()?;
        if key.as_deref() == Some(NUMBER) {
            // A number stands in nothing, so it may be where no object fits.
            let left = self.left.saturating_sub(1);
            let value = object.next_value_seed(Self { left, ..self })?;
            key = object.next_key()?;
            // An upstream's object is one only if it looks just like one.
            let number = value.as_str().and_then(|text| text.parse::<Number>().ok());
            if let (Some(number), None) = (number, &key) {
                return Ok(Value::Number(number));
            }
            members.insert(NUMBER.to_owned(), value);
        }
        let deeper = self.deeper()?;
        self.budget.value(0).map_err(BudgetExceeded::told)?;
        while let Some(name) = key {
            let is_first = members.is_empty();
            self.budget
                .member(name.len(), is_first)
                .map_err(BudgetExceeded::told)?;
            // Of members that have one name the last counts, as everywhere where JSON is read.
            members.insert(name, object.next_value_seed(deeper)?);
            key = object.next_key()?;
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const DEPTH: u32 = 128;

    fn read_deep(text: &str, depth: u32) -> Result<Value, Unread> {
        read(text, depth, u64::MAX)
    }

    fn written(text: &str) -> String {
        read_deep(text, DEPTH).unwrap().to_string()
    }

    #[rstest]
    #[case::whole_numbers("[0,-0,18446744073709551615,-9223372036854775808]")]
    #[case::longer_numbers("[12345678901234567890123,1.50,1e-7]")]
    #[case::a_number_that_nothing_holds("1e+999999")]
    #[case::words(r#"[null,true,false,"a\u0000b"]"#)]
    #[case::order(r#"{"z":1,"a":{"y":{},"b":[]}}"#)]
    #[case::private_json(r#"{"$serde_json::private::RawValue":"[1]"}"#)]
    #[case::private_number_of_something_else(r#"{"$serde_json::private::Number":"one"}"#)]
    #[case::private_number_that_is_a_list(r#"{"$serde_json::private::Number":["1"]}"#)]
    #[case::private_number_among_others(r#"{"$serde_json::private::Number":"1","b":2}"#)]
    #[case::private_number_later(r#"{"b":2,"$serde_json::private::Number":"1"}"#)]
    fn what_is_read_is_written_again_as_it_was(#[case] text: &str) {
        assert_eq!(written(text), text);
    }

    #[test]
    fn a_number_may_be_as_long_as_the_text() {
        let digits = "9".repeat(1 << 20);
        assert_eq!(written(&digits), digits);
    }

    #[test]
    fn of_members_with_one_name_the_last_counts() {
        assert_eq!(written(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
    }

    #[rstest]
    #[case::lists("[[\n[[[1]]]]]", 3, Some((2, 2)))]
    #[case::lists_that_fit("[[\n[[[1]]]]]", 5, None)]
    #[case::no_list_at_all("1", 0, None)]
    #[case::a_number_at_the_bottom("[1.5]", 1, None)]
    #[case::an_empty_list("[[]]", 1, Some((1, 3)))]
    #[case::an_empty_object("[{}]", 1, Some((1, 3)))]
    // The place is behind the first key: only it tells an object from a number.
    #[case::objects(r#"{"a":{"b":{"c":1}}}"#, 2, Some((1, 14)))]
    #[case::brackets_in_a_text(r#"["[[[[{{{{\"[[["]"#, 1, None)]
    #[case::a_private_word(r#"{"$serde_json::private::Number":[[1]]}"#, 2, Some((1, 34)))]
    #[case::never_closed("[[[[", 3, Some((1, 4)))]
    fn depth_counts_lists_and_objects_in_each_other(
        #[case] text: &str,
        #[case] depth: u32,
        #[case] place: Option<(usize, usize)>,
    ) {
        let found = match read_deep(text, depth) {
            Ok(_) => None,
            Err(Unread::TooDeep { line, column }) => Some((line, column)),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(found, place);
    }

    /// How many bytes a text takes: with one less it is refused.
    fn takes(text: &str) -> u64 {
        let fits = |bytes: &u64| match read(text, DEPTH, *bytes) {
            Ok(_) => true,
            Err(Unread::TooLarge { .. }) => false,
            Err(other) => panic!("{other:?}"),
        };
        (0..10_000).find(fits).unwrap()
    }

    #[rstest]
    #[case::nothing("null", 1)]
    #[case::truths("[true,false]", 3)]
    #[case::numbers("[0,1.5]", 3)]
    #[case::texts("[\"\",\"cd\"]", 3)]
    #[case::empty_lists("[[],[]]", 3)]
    #[case::empty_objects("[{},{}]", 3)]
    fn what_a_text_becomes_is_counted_value_by_value(#[case] text: &str, #[case] values: usize) {
        let values = (values * size_of::<Value>()) as u64;
        let takes = takes(text);
        assert!((values..=values + 40).contains(&takes), "{values} {takes}");
    }

    #[test]
    fn an_object_takes_more_than_a_list() {
        let list = takes(r#"["b"]"#);
        let (one, two) = (takes(r#"{"a":"b"}"#), takes(r#"{"a":"b","c":"b"}"#));
        assert!(one > 2 * list, "{list} {one}");
        assert!(two > one + takes("null"), "{one} {two}");
    }

    #[test]
    fn what_becomes_too_large_is_refused_where_it_does() {
        let text = format!("[\n{}0]", "0,".repeat(100_000));
        assert!(read(&text, DEPTH, 10_000_000).is_ok());
        match read(&text, DEPTH, 1_000_000).map(drop) {
            Err(Unread::TooLarge { line: 2, column }) => {
                assert!((10_000..40_000).contains(&column), "{column}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case::in_a_value(r#"{"name":"a\ud83c"}"#, "{\"name\":\"a\u{fffd}\"}")]
    #[case::in_a_key(r#"{"\udf0d":[1]}"#, "{\"\u{fffd}\":[1]}")]
    #[case::beside_a_whole_one(r#"["\ud83c\udf0d\ud83c"]"#, "[\"\u{1f30d}\u{fffd}\"]")]
    fn a_lone_surrogate_escape_is_read_as_u_fffd(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(
            read_deep(text, DEPTH).unwrap(),
            expected.parse::<Value>().unwrap()
        );
    }

    #[test]
    fn a_flaw_before_the_depth_is_what_is_told() {
        let text = format!("[tru, {}", "[".repeat(1000));
        assert!(matches!(read_deep(&text, DEPTH), Err(Unread::Malformed(_))));
    }

    #[test]
    fn a_member_list_is_read_by_the_same_rules() {
        let text = r#"{"$serde_json::private::RawValue":"[1]","n":1.50}"#;
        let members = members(&mut serde_json::Deserializer::from_str(text)).unwrap();
        assert_eq!(Value::Object(members).to_string(), text);
        assert!(super::members(&mut serde_json::Deserializer::from_str("1.5")).is_err());
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_json_reads_and_refuses_what_it_refuses(
            text in r#"([\[\]{}:, ]|"[a\\u0-9]{0,6}"|-?[0-9.e]{1,4}|null|true){0,12}"#
        ) {
            let own = read_deep(&text, 100).ok();
            prop_assert_eq!(own, serde_json::from_str(&text).ok());
        }
    }
}
