//! Writes a group as JSON: what serde writes, with the names of fields in one piece with what stands
//! between them.

use crate::json::push_text;

use super::{Group, Member, Moment};

impl Group {
    /// Writes the group.
    pub(crate) fn write_json(&self, out: &mut String) {
        out.push_str(r#"{"id":"#);
        push_text(out, &self.id);
        out.push_str(r#","source":"#);
        push_text(out, &self.source);
        out.push_str(r#","source_id":"#);
        push_text(out, &self.source_id);
        out.push_str(r#","name":"#);
        push_text(out, &self.name);
        for (name, text) in [
            (r#","description":"#, &self.description),
            (r#","email":"#, &self.email),
            (r#","status":"#, &self.status),
            (r#","organization_id":"#, &self.organization_id),
            (r#","external_id":"#, &self.external_id),
            (r#","parent_id":"#, &self.parent_id),
            (r#","path":"#, &self.path),
            (r#","url":"#, &self.url),
            (r#","logo_url":"#, &self.logo_url),
        ] {
            out.push_str(name);
            push_optional(out, text.as_deref());
        }
        for (name, people) in [
            (r#","members":["#, &self.members),
            (r#"],"admins":["#, &self.admins),
            (r#"],"guests":["#, &self.guests),
        ] {
            out.push_str(name);
            push_people(out, people);
        }
        out.push_str(r#"],"member_count":"#);
        match self.member_count {
            Some(count) => out.push_str(&count.to_string()),
            None => out.push_str("null"),
        }
        for (name, time) in [
            (r#","created_at":"#, self.created_at),
            (r#","updated_at":"#, self.updated_at),
            (r#","deleted_at":"#, self.deleted_at),
        ] {
            out.push_str(name);
            push_time(out, time);
        }
        out.push_str(r#","attributes":"#);
        out.push_str(self.attributes.as_json());
        out.push('}');
    }

    /// How many bytes its JSON has at least.
    pub(crate) fn least_json(&self) -> usize {
        // With the shortest that can stand for what may be absent.
        const NAMES: usize = r#"{"id":"","source":"","source_id":"","name":"","description":"","email":"","status":"","organization_id":"","external_id":"","parent_id":"","path":"","url":"","logo_url":"","members":[],"admins":[],"guests":[],"member_count":0,"created_at":null,"updated_at":null,"deleted_at":null,"attributes":}"#.len();
        let people = self.people().count() * r#"{"id":"","email":""}"#.len();
        NAMES + self.text_bytes() + people + self.attributes.as_json().len()
    }
}

fn push_optional(out: &mut String, text: Option<&str>) {
    match text {
        Some(text) => push_text(out, text),
        None => out.push_str("null"),
    }
}

fn push_people(out: &mut String, people: &[Member]) {
    for (place, Member { id, email }) in people.iter().enumerate() {
        out.push_str(if place == 0 {
            r#"{"id":"#
        } else {
            r#",{"id":"#
        });
        push_optional(out, id.as_deref());
        out.push_str(r#","email":"#);
        push_optional(out, email.as_deref());
        out.push('}');
    }
}

fn push_time(out: &mut String, time: Option<Moment>) {
    match time {
        Some(time) => {
            out.push('"');
            time.write(out);
            out.push('"');
        }
        None => out.push_str("null"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;
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
            group.write_json(&mut written);
            prop_assert_eq!(&written, &serde_json::to_string(&group).unwrap());
            prop_assert!(group.least_json() <= written.len());
        }
    }
}
