//! JSON text into a value: as it was written, and as deep as whoever asks allows.
//!
//! serde_json's own way into a [`Value`] is made for text that one trusts. It marks numbers, and
//! JSON inside of strings, by private words in the place of an object's key, and takes an upstream
//! that uses such a word at its word: what the string holds is parsed in turn, in a recursion that
//! nothing bounds. It writes exponents anew. And its bound on depth is fixed, below what one page may hold in XML.
//!
//! Used where an upstream's text is decoded, and where what was kept of it is read back.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

mod exponents;

mod whole;
pub(crate) use whole::whole;

mod surrogates;

mod text;
pub(crate) use text::{body_pieces, first_among, push_body, push_quoted, push_text, special};

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
    /// It is no JSON.
    Malformed(serde_json::Error),
}

/// What is wrong with a document in which at most `depth` lists and objects may stand in each other.
/// Nothing of it is kept.
pub(crate) fn flaw(text: &str, depth: u32) -> Option<Unread> {
    read(text, depth, false).err()
}

/// Reads back what this process has written itself, which was bounded before it was kept.
pub(crate) fn read_own(text: &str) -> Result<Value, serde_json::Error> {
    read(text, u32::MAX, true).map_err(|unread| match unread {
        Unread::Malformed(error) => error,
        Unread::TooDeep { .. } => serde_json::Error::custom("deeper than anything that is kept"),
    })
}

/// Reads a document of which every reader has to make the same: a name that an object has twice is an error.
pub(crate) fn read_unambiguous(text: &str, depth: u32) -> Result<Value, Unread> {
    read_with(text, depth, true, true)
}

/// The number of this text, as it is written there.
pub(crate) fn number(text: &str) -> Option<Number> {
    // What parsing makes of it is written anew.
    text.parse::<Number>().ok()?;
    Some(Number::from_string_unchecked(text.to_owned()))
}

/// How much memory a value takes beside its own place, at most: lists and objects grow by doubling.
pub(crate) fn heap_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(number) => number.as_str().len(),
        Value::String(text) => text.len(),
        Value::Array(items) => {
            2 * size_of_val(&**items) + items.iter().map(heap_bytes).sum::<usize>()
        }
        Value::Object(members) => {
            // Beside the members, their hashes and an index.
            let each = 2 * (size_of::<(String, Value)>() + 2 * size_of::<usize>());
            let within = members
                .iter()
                .map(|(name, value)| name.len() + heap_bytes(value));
            within.map(|within| each + within).sum()
        }
    }
}

/// Reads one document. An escaped half of a character is U+FFFD.
fn read(text: &str, depth: u32, keeps: bool) -> Result<Value, Unread> {
    read_with(text, depth, keeps, false)
}

fn read_with(text: &str, depth: u32, keeps: bool, refuses_twins: bool) -> Result<Value, Unread> {
    let text = surrogates::replaced(text);
    let text = if keeps {
        exponents::kept(&text)
    } else {
        Cow::Borrowed(&*text)
    };
    let is_too_deep = Cell::new(false);
    let seed = Verbatim {
        left: depth,
        is_too_deep: &is_too_deep,
        keeps,
        refuses_twins,
    };
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    deserializer.disable_recursion_limit();
    let value = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        if is_too_deep.get() {
            Unread::TooDeep { line, column }
        } else {
            Unread::Malformed(error)
        }
    })
}

/// Reads a value in which `left` more lists and objects may stand in each other.
#[derive(Clone, Copy)]
struct Verbatim<'a> {
    left: u32,
    is_too_deep: &'a Cell<bool>,
    /// Whether lists and objects keep what is in them.
    keeps: bool,
    /// Whether no object may have a name twice.
    refuses_twins: bool,
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
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(deeper)? {
            if self.keeps {
                items.push(item);
            }
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
            let number = value.as_str().and_then(number);
            if let (Some(number), None) = (number, &key) {
                return Ok(Value::Number(number));
            }
            members.insert(NUMBER.to_owned(), value);
        }
        let deeper = self.deeper()?;
        while let Some(name) = key {
            let value = object.next_value_seed(deeper)?;
            // Of members that have one name the last counts, as everywhere where JSON is read.
            if self.keeps && members.insert(name, value).is_some() && self.refuses_twins {
                return Err(A::Error::custom("a name stands there twice"));
            }
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
        read(text, depth, true)
    }

    fn written(text: &str) -> String {
        read_deep(text, DEPTH).unwrap().to_string()
    }

    #[rstest]
    #[case::whole_numbers("[0,-0,18446744073709551615,-9223372036854775808]")]
    #[case::longer_numbers("[12345678901234567890123,1.50,1e-7]")]
    #[case::exponents(r#"[1e3,1E3,1e+3,1E-7,-1.50E+00,{"1E3":2E1},"1E3"]"#)]
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
    #[case(r#"{"a":1,"b":2,"a":1}"#)]
    #[case(r#"[{"c":{"a":1,"\u0061":2}}]"#)]
    #[case(r#"{"$serde_json::private::Number":"1","$serde_json::private::Number":"1"}"#)]
    fn a_name_that_stands_there_twice_is_refused_where_readers_must_agree(#[case] text: &str) {
        assert!(read_unambiguous(text, DEPTH).is_err());
        assert!(read_deep(text, DEPTH).is_ok());
    }

    #[test]
    fn names_that_stand_in_different_objects_are_no_twins() {
        let text = r#"{"a":{"a":[{"a":1},{"a":1.50}]}}"#;
        let value = read_unambiguous(text, DEPTH).unwrap();
        assert_eq!(value.to_string(), text);
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
        assert_eq!(flaw(text, depth).is_some(), found.is_some());
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

    proptest! {
        #[test]
        fn it_reads_what_serde_json_reads_and_refuses_what_it_refuses(
            text in r#"([\[\]{}:, ]|"[a\\u0-9]{0,6}"|-?[0-9.eE+-]{1,4}|null|true){0,12}"#
        ) {
            let own = read_deep(&text, 100).ok();
            prop_assert_eq!(flaw(&text, 100).is_none(), own.is_some());
            // Which writes exponents anew.
            let own = own.map(|own| serde_json::from_str::<Value>(&own.to_string()).unwrap());
            prop_assert_eq!(own, serde_json::from_str(&text).ok());
        }
    }
}
