//! A group's JSON as lists keep it: packed, without what it has in common with the JSON of other groups.
//!
//! What is kept are the values alone, in the order of the record, each behind a mark that says whose it is. A mark
//! is a byte below 0x20, which JSON never has within a text and groupgate never writes elsewhere. What a group lacks
//! is not there. To show a group, what stands between two values is looked up in one piece, the names of fields and
//! those that are absent included: a list takes half the memory, and is read and written more quickly.

use std::array;
use std::sync::LazyLock;

use wide::u8x16;

use crate::json::{body_pieces, first_among, push_body, push_text};

use super::{Group, GroupParts, GroupPerson, GroupText, GroupTime};

/// The source of groups, as their JSON has it.
#[derive(Debug, Default)]
pub(crate) struct JsonSource {
    /// All that stands before the group's id in its source, in `id`, and between that and the same id in
    /// `source_id`.
    text: String,
    /// Where the second begins.
    before_id: usize,
}

/// What a mark stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packed {
    /// The body of a text.
    Text,
    /// JSON as it is.
    Json,
    /// The id of the next person, as the body of a text.
    PersonId,
    /// The address of the same person.
    Email,
    /// The address of the next person, who has no id.
    NextEmail,
    /// Nothing: the next person has neither.
    Nobody,
    /// Nothing: the group ends.
    End,
}

/// Of which field each mark is, and what it stands before. The first stands for the id, which is before all marks.
const MARKS: [(&str, Packed); 29] = [
    ("source_id", Packed::Text),
    ("name", Packed::Text),
    ("description", Packed::Text),
    ("email", Packed::Text),
    ("status", Packed::Text),
    ("organization_id", Packed::Text),
    ("external_id", Packed::Text),
    ("parent_id", Packed::Text),
    ("path", Packed::Text),
    ("url", Packed::Text),
    ("logo_url", Packed::Text),
    ("members", Packed::PersonId),
    ("members", Packed::Email),
    ("members", Packed::NextEmail),
    ("members", Packed::Nobody),
    ("admins", Packed::PersonId),
    ("admins", Packed::Email),
    ("admins", Packed::NextEmail),
    ("admins", Packed::Nobody),
    ("guests", Packed::PersonId),
    ("guests", Packed::Email),
    ("guests", Packed::NextEmail),
    ("guests", Packed::Nobody),
    ("member_count", Packed::Json),
    ("created_at", Packed::Text),
    ("updated_at", Packed::Text),
    ("deleted_at", Packed::Text),
    ("attributes", Packed::Json),
    ("", Packed::End),
];

/// The marks, by their places in [`MARKS`]. Those of texts, of people and of times follow each other.
const NAME: u8 = 1;
const DESCRIPTION: u8 = 2;
const MEMBERS: u8 = 11;
const ADMINS: u8 = 15;
const GUESTS: u8 = 19;
const MEMBER_COUNT: u8 = 23;
const CREATED_AT: u8 = 24;
const ATTRIBUTES: u8 = 27;
const END: u8 = 28;

/// What stands between the value of one mark and that of the next.
static BETWEEN: LazyLock<[[Box<str>; MARKS.len()]; MARKS.len()]> = LazyLock::new(|| {
    array::from_fn(|last| array::from_fn(|next| between(last, next).into_boxed_str()))
});

/// What the names of `id`, `source` and `source_id` take, and what stands around the values.
const SOURCE_NAMES: usize = 48;

impl JsonSource {
    pub(crate) fn of(source: &str) -> Self {
        let mut text = String::with_capacity(SOURCE_NAMES + 2 * source.len());
        text.push_str(r#"{"id":""#);
        push_body(&mut text, source);
        text.push(':');
        let before_id = text.len();
        text.push_str(r#"","source":"#);
        push_text(&mut text, source);
        text.push_str(r#","source_id":""#);
        Self { text, before_id }
    }

    /// The JSON of a packed group of this source, piece by piece. Of what is no packed group, something else.
    #[inline]
    fn each_piece(&self, packed: &[u8], mut each: impl FnMut(&[u8])) {
        let mut at = next_mark(packed, 0);
        let id = &packed[..at];
        let (before_id, before_source_id) = self.text.as_bytes().split_at(self.before_id);
        each(before_id);
        each(id);
        each(before_source_id);
        each(id);
        let between = &*BETWEEN;
        let mut last = &between[0];
        while let Some(mark) = packed.get(at).map(|mark| usize::from(*mark)) {
            let value = at + 1;
            at = next_mark(packed, value);
            let (Some(before), Some(next)) = (last.get(mark), between.get(mark)) else {
                return;
            };
            each(before.as_bytes());
            each(&packed[value..at]);
            last = next;
        }
    }

    /// How many bytes the JSON of a packed group has.
    pub(crate) fn json_bytes(&self, packed: &[u8]) -> usize {
        let mut bytes = 0;
        self.each_piece(packed, |piece| bytes += piece.len());
        bytes
    }

    /// Writes the JSON of a packed group.
    pub(crate) fn write_json(&self, packed: &[u8], out: &mut Vec<u8>) {
        self.each_piece(packed, |piece| push_bytes(out, piece));
    }

    /// A packed group, read back from its JSON.
    pub(crate) fn group(&self, packed: &[u8]) -> Result<Group, serde_json::Error> {
        serde_json::from_slice(&self.json(packed))
    }

    /// The JSON of a packed group.
    pub(crate) fn json(&self, packed: &[u8]) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.json_bytes(packed));
        self.write_json(packed, &mut json);
        json
    }
}

/// Where the next mark stands, at or behind `from`; else the end.
#[inline]
fn next_mark(packed: &[u8], from: usize) -> usize {
    first_among(packed, from, |bytes| {
        bytes.min(u8x16::splat(0x1f)).simd_eq(bytes)
    })
}

/// What stands between the value of the mark `last` and that of the mark `next`.
fn between(last: usize, next: usize) -> String {
    let (last_field, last_value) = MARKS[last];
    let (next_field, next_value) = MARKS[next];
    let is_same_field = last_field == next_field;
    let is_same_person = is_same_field && next_value == Packed::Email;
    let mut out = match last_value {
        Packed::Text => "\"",
        Packed::PersonId if is_same_person => "\"",
        Packed::PersonId => r#"","email":null}"#,
        Packed::Email | Packed::NextEmail => "\"}",
        Packed::Json | Packed::Nobody | Packed::End => "",
    }
    .to_owned();
    if !is_same_field {
        if last_value.is_person() {
            out.push(']');
        }
        let mut before = last_field;
        for (field, value) in MARKS.get(last..next).unwrap_or_default() {
            if *field != before && *field != next_field {
                out.extend([",\"", field, "\":", value.absent(field)]);
            }
            before = field;
        }
        if next_value != Packed::End {
            out.extend([",\"", next_field, "\":"]);
        }
        if next_value.is_person() {
            out.push('[');
        }
    } else if !is_same_person {
        out.push(',');
    }
    out.push_str(match next_value {
        Packed::Text => "\"",
        Packed::Json => "",
        Packed::PersonId => r#"{"id":""#,
        Packed::Email => r#","email":""#,
        Packed::NextEmail => r#"{"id":null,"email":""#,
        Packed::Nobody => r#"{"id":null,"email":null}"#,
        Packed::End => "}",
    });
    out
}

impl Packed {
    const fn is_person(self) -> bool {
        match self {
            Self::PersonId | Self::Email | Self::NextEmail | Self::Nobody => true,
            Self::Text | Self::Json | Self::End => false,
        }
    }

    /// The JSON of a field of a group that lacks it.
    fn absent(self, field: &str) -> &'static str {
        match field {
            "attributes" => "{}",
            _ if self.is_person() => "[]",
            _ => "null",
        }
    }
}

impl GroupParts<'_> {
    /// Writes the group, packed, with its people among these, and with these attributes, which are an object.
    pub(crate) fn pack(&self, people: &[GroupPerson<'_>], attributes: &str, out: &mut Vec<u8>) {
        push_text_body(out, &self.source_id);
        push_mark(out, NAME);
        push_text_body(out, &self.name);
        let texts = [
            &self.description,
            &self.email,
            &self.status,
            &self.organization_id,
            &self.external_id,
            &self.parent_id,
            &self.path,
            &self.url,
            &self.logo_url,
        ];
        for (mark, text) in (DESCRIPTION..).zip(texts) {
            if let Some(text) = text {
                push_mark(out, mark);
                push_text_body(out, text);
            }
        }
        let lists = [&self.members, &self.admins, &self.guests];
        for (marks, list) in [MEMBERS, ADMINS, GUESTS].into_iter().zip(lists) {
            push_people(out, marks, &people[list.clone()]);
        }
        if let Some(count) = self.member_count {
            push_mark(out, MEMBER_COUNT);
            push_number(out, count);
        }
        for (mark, time) in (CREATED_AT..).zip([self.created_at, self.updated_at, self.deleted_at])
        {
            if let Some(time) = time {
                push_mark(out, mark);
                push_time(out, time);
            }
        }
        if attributes != "{}" {
            push_mark(out, ATTRIBUTES);
            out.extend_from_slice(attributes.as_bytes());
        }
        push_mark(out, END);
    }
}

#[inline]
fn push_mark(out: &mut Vec<u8>, mark: u8) {
    out.push(mark);
}

/// Writes what stands between the quotes of a text.
#[inline]
fn push_text_body(out: &mut Vec<u8>, text: &GroupText<'_>) {
    if text.is_plain {
        push_bytes(out, text.text.as_bytes());
    } else {
        body_pieces(&text.text, |piece| push_bytes(out, piece.as_bytes()));
    }
}

/// Writes bytes. Most texts are short: two pieces that overlap take half the time of a call that copies any length.
#[inline]
fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    fn push_ends<const N: usize>(out: &mut Vec<u8>, bytes: &[u8]) {
        if let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) {
            let end = out.len() + bytes.len();
            out.extend_from_slice(first);
            out.truncate(end - N);
            out.extend_from_slice(last);
        }
    }
    match bytes.len() {
        16..=32 => push_ends::<16>(out, bytes),
        8..16 => push_ends::<8>(out, bytes),
        4..8 => push_ends::<4>(out, bytes),
        _ => out.extend_from_slice(bytes),
    }
}

/// Writes people, whose marks begin with this one.
fn push_people(out: &mut Vec<u8>, marks: u8, people: &[GroupPerson<'_>]) {
    let [person_id, same_email, next_email, nobody] = [0, 1, 2, 3].map(|mark| marks + mark);
    for GroupPerson { id, email } in people {
        if let Some(id) = id {
            push_mark(out, person_id);
            push_text_body(out, id);
        }
        let mark = if id.is_some() { same_email } else { next_email };
        match email {
            Some(email) => {
                push_mark(out, mark);
                push_text_body(out, email);
            }
            None if id.is_none() => push_mark(out, nobody),
            None => {}
        }
    }
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn push_time(out: &mut Vec<u8>, time: GroupTime<'_>) {
    match time.text {
        Some(text) => push_bytes(out, text.as_bytes()),
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
            -2..=0_i64,
        ];
        let moment =
            (second, nanosecond).prop_map(|(second, nanosecond)| Moment::new(second, nanosecond));
        prop_oneof![Just(None), moment]
    }

    proptest! {
        #[test]
        fn a_packed_group_is_shown_as_serde_writes_it(
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
            let mut packed = Vec::new();
            let (parts, people) = GroupParts::of(&group);
            parts.pack(&people, group.attributes.as_json(), &mut packed);
            let json = JsonSource::of("u").json(&packed);
            prop_assert_eq!(String::from_utf8(json).unwrap(), serde_json::to_string(&group).unwrap());
        }

        #[test]
        fn bytes_are_written_as_they_are(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut out = b"before".to_vec();
            push_bytes(&mut out, &bytes);
            prop_assert_eq!(out, [b"before", &*bytes].concat());
        }

        #[test]
        fn what_is_no_packed_group_is_written_somehow(
            packed in prop::collection::vec(prop_oneof![0..0x24_u8, any::<u8>()], 0..80),
        ) {
            let json = JsonSource::of("u").json(&packed);
            let is_begun = json.starts_with(br#"{"id":"u:"#);
            prop_assert!(is_begun);
        }
    }
}
