//! One field of a group: its sources, and which of them applies.

use crate::group::GroupText;
use crate::plan::path::Anchor;
use crate::plan::{Field, FieldTemplate, FieldTemplatePiece, Part, Source, Start};

use super::item::{Item, Reading};

impl Field {
    /// The first text that is not null. `take` is called with each source that was used: the one with the
    /// value, and those before it that are null.
    pub(super) fn text<'t>(
        &'t self,
        item: Item<'t>,
        mut take: impl FnMut(&'t Source),
    ) -> Option<GroupText<'t>> {
        for source in &self.0 {
            match source.text(item) {
                Reading::Absent => {}
                Reading::Null => take(source),
                Reading::Unfit => return None,
                Reading::Value(text) => {
                    take(source);
                    return Some(text);
                }
            }
        }
        None
    }
}

impl Source {
    /// The path that the source reads, relative to the item, if it is one and nothing else.
    #[inline]
    pub(super) fn only_path(&self) -> Option<&[String]> {
        match &self.start {
            Start::Part(Part::At(path)) if path.anchor() == Anchor::Record => Some(path.segments()),
            Start::Part(_) | Start::Template(_) | Start::Constant(_) | Start::Partition(_) => None,
        }
    }

    /// The paths that the source reads, relative to the item.
    pub(super) fn paths(&self) -> impl Iterator<Item = &[String]> {
        let (part, template) = match &self.start {
            Start::Part(part) => (Some(part), None),
            Start::Template(template) => (None, Some(template)),
            Start::Constant(_) | Start::Partition(_) => (None, None),
        };
        let in_template = template.into_iter().flat_map(FieldTemplate::parts);
        part.into_iter()
            .chain(in_template)
            .filter_map(|part| match part {
                Part::At(path) if path.anchor() == Anchor::Record => Some(path.segments()),
                Part::At(_) | Part::Key => None,
            })
    }

    /// The text of this source in an item.
    #[inline]
    pub(super) fn text<'t>(&'t self, item: Item<'t>) -> Reading<GroupText<'t>> {
        let start = match &self.start {
            Start::Part(part) => item.text(part),
            Start::Template(template) => render(template, item),
            Start::Constant(text) => Reading::Value(GroupText::any(text)),
            // The mapping of each partition has its value in this place.
            Start::Partition(_) => Reading::Absent,
        };
        match &self.conversions {
            Some(conversions) => start.and_then(|text| conversions.apply(text)),
            None => start,
        }
    }
}

/// The text of a template; absent if one of its parts has none.
fn render<'t>(template: &FieldTemplate, item: Item<'t>) -> Reading<GroupText<'t>> {
    let mut rendered = String::new();
    for piece in template.pieces() {
        match piece {
            FieldTemplatePiece::Literal(text) => rendered.push_str(text),
            FieldTemplatePiece::Part(part) => match item.text(part) {
                Reading::Value(text) => rendered.push_str(&text.text),
                Reading::Absent | Reading::Null | Reading::Unfit => return Reading::Absent,
            },
        }
    }
    Reading::Value(GroupText::owned(rendered))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::tests::{batch, group, groups};

    /// What becomes of a record when `description` is read so, and what is left of it.
    fn described(field: &str, record: Value) -> (Option<String>, Value) {
        let fields =
            format!("id = {{ constant = 1 }}\nname = {{ constant = 'n' }}\ndescription = {field}");
        let group = group(&fields, &record);
        (group.description, group.attributes.members().into())
    }

    #[rstest]
    #[case::integer("'id'", json!({"id": 42}), "42")]
    #[case::text("'id'", json!({"id": "00042"}), "00042")]
    #[case::uuid("'id'", json!({"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}), "6ba7b810-9dad-11d1-80b4-00c04fd430c8")]
    #[case::email("'email'", json!({"email": "eng@example.com"}), "eng@example.com")]
    #[case::arn("'Arn'", json!({"Arn": "arn:aws:iam::1:group/ops/eng"}), "arn:aws:iam::1:group/ops/eng")]
    #[case::last_of_an_arn("{ path = 'Arn', split = '/', take = 'last' }", json!({"Arn": "arn:aws:iam::1:group/ops/eng"}), "eng")]
    #[case::account_of_an_arn("{ path = 'Arn', split = ':', take = 4 }", json!({"Arn": "arn:aws:iam::1:group/eng"}), "1")]
    #[case::dn("'dn'", json!({"dn": "CN=Eng,OU=Groups,DC=x"}), "CN=Eng,OU=Groups,DC=x")]
    #[case::first_of_a_dn("{ path = 'dn', split = ',', take = 'first' }", json!({"dn": "CN=Eng,DC=x"}), "CN=Eng")]
    #[case::escaped("{ path = 'id', decode = 'percent' }", json!({"id": "caf%C3%A9%2Fa+b"}), "café/a+b")]
    #[case::escaped_in_a_url("{ path = 'id', decode = 'percent', split = '/', take = 'last' }", json!({"id": "x%2Fy%20z"}), "y z")]
    #[case::name_only("'name'", json!({"name": "eng"}), "eng")]
    fn ids_are_read_in_any_form(#[case] field: &str, #[case] record: Value, #[case] id: &str) {
        let fields = format!("id = {field}\nname = {{ constant = 'n' }}");
        let group = group(&fields, &record);
        assert_eq!(group.source_id, id);
        assert!(group.attributes.is_empty(), "{:?}", group.attributes);
    }

    #[rstest]
    #[case::null("'x'", json!({"x": null}), None)]
    #[case::absent("'x'", json!({}), None)]
    #[case::an_empty_text_is_a_text("'x'", json!({"x": ""}), Some(""))]
    #[case::an_empty_text_declared("{ path = 'x', null = [''] }", json!({"x": ""}), None)]
    #[case::zero("{ path = 'x', null = ['', 'N/A', 0] }", json!({"x": 0}), None)]
    #[case::a_word("{ path = 'x', null = ['', 'N/A', '0'] }", json!({"x": "N/A"}), None)]
    #[case::another_word("{ path = 'x', null = 'N/A' }", json!({"x": "n/a"}), Some("n/a"))]
    #[case::an_empty_object("'x'", json!({"x": {}}), None)]
    #[case::an_empty_list("'x'", json!({"x": []}), None)]
    #[case::flag_as_text("{ path = 'x', values = { 0 = 'active', 1 = 'disabled' } }", json!({"x": "0"}), Some("active"))]
    #[case::flag_as_number("{ path = 'x', values = { 0 = 'active', 1 = 'disabled' } }", json!({"x": 1}), Some("disabled"))]
    #[case::flag("{ path = 'x', values = { true = 'active', false = 'disabled' } }", json!({"x": false}), Some("disabled"))]
    #[case::in_the_table("{ path = 'x', values = { Active = 'active' } }", json!({"x": "Active"}), Some("active"))]
    #[case::not_in_the_table("{ path = 'x', values = { Active = 'active' } }", json!({"x": "Gone"}), Some("Gone"))]
    #[case::otherwise("{ path = 'x', values = { Active = 'active' }, else = 'unknown' }", json!({"x": "Gone"}), Some("unknown"))]
    #[case::null_before_values("{ path = 'x', null = 'A', values = { A = 'b' } }", json!({"x": "A"}), None)]
    #[case::values_after_split("{ path = 'x', split = '-', take = 0, values = { a = 'b' } }", json!({"x": "a-c"}), Some("b"))]
    fn what_stands_for_nothing_and_for_another_is_said(
        #[case] field: &str,
        #[case] record: Value,
        #[case] expected: Option<&str>,
    ) {
        let (description, left) = described(field, record);
        assert_eq!(description.as_deref(), expected);
        assert_eq!(left, json!({}));
    }

    #[rstest]
    #[case::several("{ template = '{given} {family}' }", json!({"given": "A", "family": "B"}), Some("A B"), json!({}))]
    #[case::a_deep_one("{ template = '{name/first}' }", json!({"name": {"first": "A", "last": "B"}}), Some("A"), json!({"name": {"last": "B"}}))]
    #[case::a_brace("{ template = '{{{id}}}' }", json!({"id": 1}), Some("{1}"), json!({}))]
    #[case::one_missing("{ template = '{given} {family}' }", json!({"given": "A"}), None, json!({"given": "A"}))]
    #[case::one_null("{ template = '{given} {family}' }", json!({"given": "A", "family": null}), None, json!({"given": "A", "family": null}))]
    #[case::instead_of_one_missing("[{ template = '{given} {family}' }, 'given']", json!({"given": "A"}), Some("A"), json!({}))]
    #[case::with_values("{ template = '{a}{b}', values = { xy = 'z' } }", json!({"a": "x", "b": "y"}), Some("z"), json!({}))]
    #[case::first_that_is_not_null("['x', { path = 'y', null = '' }, 'z']", json!({"x": null, "y": "", "z": "c"}), Some("c"), json!({}))]
    #[case::those_after_it_are_left("['x', 'y']", json!({"x": 1, "y": 2}), Some("1"), json!({"y": 2}))]
    #[case::a_constant("{ constant = 'c' }", json!({"x": 1}), Some("c"), json!({"x": 1}))]
    #[case::a_constant_at_last("['x', { constant = true }]", json!({}), Some("true"), json!({}))]
    #[case::last_segment("{ path = 'x', split = '/', take = 'last' }", json!({"x": "a/b/c"}), Some("c"), json!({}))]
    #[case::first_segment("{ path = 'x', split = '/', take = 'first' }", json!({"x": "a/b/c"}), Some("a"), json!({}))]
    #[case::numbered_segment("{ path = 'x', split = '::', take = 1 }", json!({"x": "a::b::c"}), Some("b"), json!({}))]
    #[case::no_such_segment("[{ path = 'x', split = '/', take = 9 }, 'y']", json!({"x": "a", "y": "b"}), Some("b"), json!({"x": "a"}))]
    #[case::nothing_to_split("{ path = 'x', split = '/', take = 'last' }", json!({"x": "a"}), Some("a"), json!({}))]
    #[case::a_list_is_no_text("['x', 'y']", json!({"x": [1], "y": "b"}), None, json!({"x": [1], "y": "b"}))]
    #[case::bytes_that_are_no_text("{ path = 'x', decode = 'percent' }", json!({"x": "%E9"}), Some("%E9"), json!({}))]
    fn a_value_is_computed_from_one_source_or_the_next(
        #[case] field: &str,
        #[case] record: Value,
        #[case] expected: Option<&str>,
        #[case] left: Value,
    ) {
        let (description, attributes) = described(field, record);
        assert_eq!(description.as_deref(), expected);
        assert_eq!(attributes, left);
    }

    #[test]
    fn a_count_is_converted_like_a_text() {
        let fields = "id = 'id'\nname = 'id'\nmember_count = { path = 'n', split = ' ', take = 0 }";
        let count = |text| group(fields, &json!({"id": 1, "n": text}));
        assert_eq!(count("12 people").member_count, Some(12));
        let unread = count("no one");
        assert_eq!(unread.member_count, None);
        assert_eq!(unread.attributes.members()["n"], "no one");
    }

    #[test]
    fn fields_are_converted_from_xml_as_from_json() {
        let keys = "format = 'xml'\nrecords = '/list/item'\n[fields]\n                    id = { path = '@href', split = '/', take = 'last' }\n                    name = { template = '{title} ({@kind})' }\n                    status = [{ path = 'state', values = { 1 = 'on' } }, { constant = 'none' }]\n                    email = { path = 'mail', null = '' }";
        let body = "<list><item href='/g/7' kind='k'><title>T</title><state>1</state><mail/></item>\
                    <item href='/g/8' kind='k'><title>U</title><state nil='true'/></item></list>";
        let batch = batch(keys, body).unwrap();
        let seen: Vec<_> = groups(&batch)
            .map(|group| {
                (
                    group.source_id.as_str(),
                    group.name.as_str(),
                    group.status.as_deref(),
                    group.email.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("7", "T (k)", Some("on"), None),
                ("8", "U (k)", Some("none"), None)
            ]
        );
        assert!(groups(&batch).all(|group| group.attributes.is_empty()));
    }

    proptest! {
        #[test]
        fn pieces_are_those_of_the_text(pieces in proptest::collection::vec("[a-zé/]{0,3}", 1..5)) {
            let text = pieces.join("::");
            for (index, piece) in pieces.iter().enumerate() {
                let field = format!("{{ path = 'x', split = '::', take = {index} }}");
                let (described, _) = described(&field, json!({"x": text}));
                prop_assert_eq!(described.as_ref(), Some(piece));
            }
        }

        #[test]
        fn what_is_percent_encoded_reads_back(text in "\\PC*") {
            let escaped = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC);
            let record = json!({"x": escaped.to_string()});
            let (described, _) = described("{ path = 'x', decode = 'percent' }", record);
            prop_assert_eq!(described, Some(text));
        }
    }
}
