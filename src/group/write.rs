//! Writes a group as JSON: what serde writes, with the names of fields in one piece with what stands
//! between them.

use crate::json::{push_body, push_text};

use super::{GroupParts, GroupPerson, GroupText, GroupTime};

/// The source of groups, as their JSON has it.
#[derive(Debug, Default)]
pub(crate) struct JsonSource {
    /// All that stands before the group's id in its source, in `id`,
    before_id: String,
    /// and between that and the same id in `source_id`.
    before_source_id: String,
}

impl JsonSource {
    pub(crate) fn of(source: &str) -> Self {
        let mut before_id = r#"{"id":""#.to_owned();
        push_body(&mut before_id, source);
        before_id.push(':');
        let mut before_source_id = r#"","source":"#.to_owned();
        push_text(&mut before_source_id, source);
        before_source_id.push_str(r#","source_id":""#);
        Self {
            before_id,
            before_source_id,
        }
    }
}

/// Writes a member that is not the first, null where there is none, with as few pieces as can be.
macro_rules! push_member {
    ($out:ident, $name:literal, $value:expr, $push:ident) => {
        match $value {
            Some(value) => {
                $out.push_str(concat!(",\"", $name, "\":"));
                $push($out, value);
            }
            None => $out.push_str(concat!(",\"", $name, "\":null")),
        }
    };
    ($out:ident, $name:literal, $value:expr, in quotes $push:ident) => {
        match $value {
            Some(value) => {
                $out.push_str(concat!(",\"", $name, "\":\""));
                $push($out, value);
                $out.push('"');
            }
            None => $out.push_str(concat!(",\"", $name, "\":null")),
        }
    };
}

impl GroupParts<'_> {
    /// Writes the group of a source. What writes the attributes writes an object.
    pub(crate) fn write_json(
        &self,
        source: &JsonSource,
        out: &mut String,
        attributes: impl FnOnce(&mut String),
    ) {
        out.push_str(&source.before_id);
        let id = out.len();
        push_text_body(out, &self.source_id);
        let id = id..out.len();
        out.push_str(&source.before_source_id);
        out.extend_from_within(id);
        out.push_str(r#"","name":""#);
        push_text_body(out, &self.name);
        out.push('"');
        push_member!(out, "description", &self.description, in quotes push_text_body);
        push_member!(out, "email", &self.email, in quotes push_text_body);
        push_member!(out, "status", &self.status, in quotes push_text_body);
        push_member!(out, "organization_id", &self.organization_id, in quotes push_text_body);
        push_member!(out, "external_id", &self.external_id, in quotes push_text_body);
        push_member!(out, "parent_id", &self.parent_id, in quotes push_text_body);
        push_member!(out, "path", &self.path, in quotes push_text_body);
        push_member!(out, "url", &self.url, in quotes push_text_body);
        push_member!(out, "logo_url", &self.logo_url, in quotes push_text_body);
        out.push_str(r#","members":["#);
        push_people(out, self.members);
        out.push_str(r#"],"admins":["#);
        push_people(out, self.admins);
        out.push_str(r#"],"guests":["#);
        push_people(out, self.guests);
        out.push(']');
        push_member!(out, "member_count", self.member_count, push_number);
        push_member!(out, "created_at", self.created_at, in quotes push_time);
        push_member!(out, "updated_at", self.updated_at, in quotes push_time);
        push_member!(out, "deleted_at", self.deleted_at, in quotes push_time);
        out.push_str(r#","attributes":"#);
        attributes(out);
        out.push('}');
    }
}

/// Writes what stands between the quotes of a text.
#[inline]
fn push_text_body(out: &mut String, text: &GroupText<'_>) {
    if text.is_plain {
        out.push_str(&text.text);
    } else {
        push_body(out, &text.text);
    }
}

fn push_people(out: &mut String, people: &[GroupPerson<'_>]) {
    for (place, GroupPerson { id, email }) in people.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        match id {
            Some(id) => {
                out.push_str(r#"{"id":""#);
                push_text_body(out, id);
                out.push('"');
            }
            None => out.push_str(r#"{"id":null"#),
        }
        match email {
            Some(email) => {
                out.push_str(r#","email":""#);
                push_text_body(out, email);
                out.push_str(r#""}"#);
            }
            None => out.push_str(r#","email":null}"#),
        }
    }
}

fn push_number(out: &mut String, number: u64) {
    if number < 10 {
        out.push(char::from(b'0' + number as u8));
    } else {
        out.push_str(&number.to_string());
    }
}

fn push_time(out: &mut String, time: GroupTime<'_>) {
    match time.text {
        Some(text) => out.push_str(text),
        None => time.moment.write(out),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;
    use crate::group::{Group, Member, Moment};
    use crate::snapshot::tests::group;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[a-z\"\\\\\n\u{1}é]{0,20}"]
    }

    fn optional() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(text())
    }

    fn people() -> impl Strategy<Value = Vec<Member>> {
        let member = (optional(), optional()).prop_map(|(id, email)| Member { id, email });
        proptest::collection::vec(member, 0..4)
    }

    fn time() -> impl Strategy<Value = Option<Moment>> {
        let nanosecond = prop_oneof![Just(0), Just(500_000_000), Just(1_000), 0..1_000_000_000];
        let second = prop_oneof![
            -100_000_000_000..253_402_300_800_i64,
            253_402_200_000..253_402_300_800_i64,
        ];
        let moment =
            (second, nanosecond).prop_map(|(second, nanosecond)| Moment::new(second, nanosecond));
        prop_oneof![Just(None), moment]
    }

    proptest! {
        #[test]
        fn a_group_is_written_as_serde_writes_it(
            (id, name) in (text(), text()),
            texts in proptest::collection::vec(optional(), 9),
            lists in proptest::collection::vec(people(), 3),
            member_count: Option<u64>,
            times in proptest::collection::vec(time(), 3),
            attributes in proptest::collection::vec((text(), any::<Option<i64>>()), 0..3),
        ) {
            let mut texts = texts.into_iter();
            let mut next = || texts.next().unwrap();
            let mut lists = lists.into_iter();
            let members = attributes.into_iter().map(|(name, value)| (name, Value::from(value)));
            let group = Group {
                description: next(),
                email: next(),
                status: next(),
                organization_id: next(),
                external_id: next(),
                parent_id: next(),
                path: next(),
                url: next(),
                logo_url: next(),
                members: lists.next().unwrap(),
                admins: lists.next().unwrap(),
                guests: lists.next().unwrap(),
                member_count,
                created_at: times[0],
                updated_at: times[1],
                deleted_at: times[2],
                attributes: members.collect::<Map<_, _>>().into(),
                ..group("u", &id, &name)
            };
            let mut written = String::new();
            let mut people = Vec::new();
            let parts = GroupParts::of(&group, &mut people);
            parts.write_json(&JsonSource::of("u"), &mut written, |out| {
                out.push_str(group.attributes.as_json());
            });
            prop_assert_eq!(&written, &serde_json::to_string(&group).unwrap());
        }
    }
}
