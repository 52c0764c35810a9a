//! Filters on attributes: which there are, and which groups pass them.
//!
//! Each adapter declares the attributes that callers can filter by (`filterable`). They stand in the packed group,
//! so a group is read back only where the text of its JSON has the value somewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use memchr::memchr2_iter;
use memchr::memmem::Finder;
use serde_json::Value;

use crate::caller::{HideableField, VisibleSources};
use crate::json::{push_text, whole};
use crate::plan::FilterableAttribute;
use crate::snapshot::RowRef;

/// What stands before the name of an attribute in a query.
pub const ATTRIBUTE: &str = "attribute.";

/// The attributes that each source declares filterable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FilterableAttributes(BTreeMap<Arc<str>, Arc<[FilterableAttribute]>>);

impl FilterableAttributes {
    /// Of these sources; most declare none.
    pub fn of<'a>(
        sources: impl IntoIterator<Item = (&'a Arc<str>, &'a Arc<[FilterableAttribute]>)>,
    ) -> Self {
        let sources = sources
            .into_iter()
            .filter(|(_, attributes)| !attributes.is_empty());
        Self(
            sources
                .map(|(name, attributes)| (Arc::clone(name), Arc::clone(attributes)))
                .collect(),
        )
    }

    /// Those that a caller can use: of the sources that there are for it, as far as it sees attributes there.
    #[must_use]
    pub fn usable(&self, visible: &VisibleSources) -> Self {
        let visible = self.0.iter().filter(|(source, _)| {
            let hidden = visible.hidden_of(source);
            hidden.is_some_and(|hidden| !hidden.contains(HideableField::Attributes))
        });
        Self(
            visible
                .map(|(source, all)| (Arc::clone(source), Arc::clone(all)))
                .collect(),
        )
    }

    /// Their names, each with the sources that have it and where it is there.
    pub fn by_name(&self) -> BTreeMap<&str, BTreeMap<Arc<str>, Arc<[String]>>> {
        let mut names: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (source, attributes) in &self.0 {
            for FilterableAttribute { name, path } in attributes.iter() {
                let places = names.entry(&**name).or_default();
                places.insert(Arc::clone(source), Arc::clone(path));
            }
        }
        names
    }
}

/// A value that an attribute must have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttributeFilter {
    /// The attribute.
    pub name: String,
    /// The value, compared as text. Of a list, any item may have it.
    pub value: String,
    /// Where the attribute is, by source. Groups of other sources do not match.
    pub places: BTreeMap<Arc<str>, Arc<[String]>>,
}

impl AttributeFilter {
    /// How much memory it takes besides its own value.
    pub(super) fn bytes(&self) -> usize {
        let place = size_of::<(Arc<str>, Arc<[String]>)>();
        size_of::<Self>() + self.name.len() + self.value.len() + self.places.len() * place
    }

    /// The filter, made ready to look at many rows.
    pub(super) fn matcher(&self) -> AttributeMatcher<'_> {
        let mut written = String::new();
        push_text(&mut written, &self.value);
        let inside = written.trim_start_matches('"').trim_end_matches('"');
        let integer = whole(&self.value);
        let is_integer = is_integer(&integer);
        let text = match (is_integer, inside.starts_with(&*integer)) {
            (false, _) => inside,
            // `7` stands in `7.0`, too.
            (true, true) => &*integer,
            (true, false) => "",
        };
        AttributeMatcher {
            filter: self,
            text: Finder::new(text).into_owned(),
            is_integer,
        }
    }
}

/// An [`AttributeFilter`], made ready to look at many rows.
#[derive(Debug)]
pub(super) struct AttributeMatcher<'a> {
    filter: &'a AttributeFilter,
    /// The value as JSON writes it, and as it stands in a packed group: of an integer, what it begins with.
    text: Finder<'static>,
    /// Whether it is an integer, which may also be written with an exponent.
    is_integer: bool,
}

impl AttributeMatcher<'_> {
    pub(super) fn passes(&self, row: RowRef<'_>) -> bool {
        let Some(path) = self.filter.places.get(row.source()) else {
            return false;
        };
        self.may_be_in(row.packed())
            && row.group().is_ok_and(|group| {
                let attributes = Value::Object(group.attributes.members());
                holds(&attributes, path, &self.filter.value)
            })
    }

    /// Whether a packed group may have the value: reading it back costs more than to look for it.
    fn may_be_in(&self, packed: &[u8]) -> bool {
        self.text.find(packed).is_some() || (self.is_integer && has_exponent(packed))
    }
}

/// Whether there is this text at a path, in any item of the lists on the way.
fn holds(value: &Value, path: &[String], text: &str) -> bool {
    match (value, path) {
        (Value::Array(items), _) => items.iter().any(|item| holds(item, path, text)),
        (Value::Object(members), [name, rest @ ..]) => {
            (members.get(name)).is_some_and(|member| holds(member, rest, text))
        }
        (Value::String(held), []) => held == text,
        (Value::Number(held), []) => whole(held.as_str()) == whole(text),
        (Value::Bool(held), []) => held.to_string() == text,
        (Value::Object(_) | Value::Null, []) | (_, _) => false,
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether JSON without white space has a number with an exponent.
fn has_exponent(json: &[u8]) -> bool {
    let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-');
    memchr2_iter(b'e', b'E', json).any(|at| {
        let (before, after) = json.split_at(at);
        let mut before = before.iter().rev().skip_while(is_part);
        let mut after = after.iter().skip(1).skip_while(is_part);
        matches!(before.next(), Some(b':' | b'[' | b','))
            && matches!(after.next(), Some(b',' | b']' | b'}'))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::json::read_own;

    #[rstest]
    #[case::a_text(json!({"a": {"b": "x"}}), "x", true)]
    #[case::another_text(json!({"a": {"b": "X"}}), "x", false)]
    #[case::a_part_of_it(json!({"a": {"b": "xy"}}), "x", false)]
    #[case::a_number(json!({"a": {"b": 7}}), "7", true)]
    #[case::a_number_as_it_is_written(read_own(r#"{"a":{"b":1E-3}}"#).unwrap(), "1E-3", true)]
    #[case::a_number_as_nobody_wrote_it(read_own(r#"{"a":{"b":1E-3}}"#).unwrap(), "1e-3", false)]
    #[case::an_integer_with_an_exponent(read_own(r#"{"a":{"b":1E3}}"#).unwrap(), "1000", true)]
    #[case::a_number_with_a_fraction_of_zero(json!({"a": {"b": 7.0}}), "7", true)]
    #[case::that_is_asked_for_so(json!({"a": {"b": 7}}), "7.0", true)]
    #[case::another_fraction(json!({"a": {"b": 7.5}}), "7", false)]
    #[case::a_text_with_a_fraction(json!({"a": {"b": "7.0"}}), "7", false)]
    #[case::a_truth(json!({"a": {"b": true}}), "true", true)]
    #[case::one_of_several(json!({"a": {"b": ["w", "x"]}}), "x", true)]
    #[case::in_one_of_several(json!({"a": [{"b": "w"}, {"b": "x"}]}), "x", true)]
    #[case::elsewhere(json!({"b": "x", "a": {"c": "x"}}), "x", false)]
    #[case::an_object(json!({"a": {"b": {"x": "x"}}}), "x", false)]
    #[case::null(json!({"a": {"b": null}}), "null", false)]
    fn a_value_is_looked_for_where_it_is(
        #[case] attributes: Value,
        #[case] text: &str,
        #[case] expected: bool,
    ) {
        let path = ["a".to_owned(), "b".to_owned()];
        assert_eq!(holds(&attributes, &path, text), expected);
    }

    #[rstest]
    #[case("20", r#"{"a":20}"#, true)]
    #[case("20", r#"{"a":20.0}"#, true)]
    #[case("20", r#"{"a":2e1}"#, true)]
    #[case("20", r#"{"a":2}"#, false)]
    #[case("20.0", r#"{"a":20}"#, true)]
    #[case("2e1", r#"{"a":20}"#, true)]
    #[case("2.5", r#"{"a":2}"#, false)]
    fn a_group_is_read_back_where_the_number_may_be(
        #[case] value: &str,
        #[case] json: &str,
        #[case] expected: bool,
    ) {
        let filter = AttributeFilter {
            name: "a".to_owned(),
            value: value.to_owned(),
            places: BTreeMap::new(),
        };
        assert_eq!(filter.matcher().may_be_in(json.as_bytes()), expected);
    }

    #[rstest]
    #[case(r#"{"a":2e1}"#, true)]
    #[case(r#"{"a":[1,-2.50E+2],"b":1}"#, true)]
    #[case(r#"{"a":20,"e":"1e4","b":"3-1e4-5"}"#, false)]
    #[case(r#"{"e":true,"f":false}"#, false)]
    #[case("e", false)]
    fn a_number_with_an_exponent_is_told_from_texts(#[case] json: &str, #[case] expected: bool) {
        assert_eq!(has_exponent(json.as_bytes()), expected);
    }
}
