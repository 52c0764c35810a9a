//! What a page becomes, beside a mapping that is as plain as can be: values in, groups out, and nothing
//! is remembered from one record to the next.

use memchr::memmem::Finder;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::mapped;
use crate::fold::fold;
use crate::group::{Attributes, Group, Member, Moment};
use crate::json::whole;
use crate::page::mapping::Skip;
use crate::snapshot::{MemberKey, PagedGroups, Snapshot};

mod generated;
use generated::{mapping, records};

const NAMES: [&str; 6] = ["id", "name", "a", "b", "c", "d"];

/// A source of a field: a path, and at most one conversion.
#[derive(Debug, Clone)]
struct PlainSource {
    path: Vec<&'static str>,
    conversion: Conversion,
}

#[derive(Debug, Clone, Copy)]
enum Conversion {
    None,
    Null,
    FirstPiece,
    SecondPiece,
    Table,
}

/// A list of people: where it is, and what an item's id and address are.
#[derive(Debug, Clone)]
struct PlainPeople {
    each: &'static str,
    id: Option<&'static str>,
    email: Option<&'static str>,
}

#[derive(Debug, Clone)]
struct PlainMapping {
    id: Vec<PlainSource>,
    texts: [Option<Vec<PlainSource>>; 4],
    count: Option<Vec<PlainSource>>,
    times: [Option<Vec<PlainSource>>; 2],
    members: Option<PlainPeople>,
    keep: bool,
}

impl PlainMapping {
    /// The keys of an adapter.
    fn keys(&self) -> String {
        let mut keys = "records = '/'\n".to_owned();
        if !self.keep {
            keys += "extra = 'drop'\n";
        }
        keys += "[fields]\nname = 'name'\n";
        let texts = ["description", "status", "organization_id", "external_id"];
        let times = ["created_at", "updated_at"];
        let fields = std::iter::once(("id", Some(&self.id)))
            .chain(texts.into_iter().zip(self.texts.iter().map(Option::as_ref)))
            .chain([("member_count", self.count.as_ref())])
            .chain(times.into_iter().zip(self.times.iter().map(Option::as_ref)));
        for (field, sources) in fields {
            let sources = sources.iter().flat_map(|sources| sources.iter());
            let sources: Vec<_> = sources.map(PlainSource::written).collect();
            if !sources.is_empty() {
                keys += &format!("{field} = [{}]\n", sources.join(", "));
            }
        }
        if let Some(PlainPeople { each, id, email }) = &self.members {
            let id = id.map_or(String::new(), |id| format!(", id = '{id}'"));
            let email = email.map_or(String::new(), |email| format!(", email = '{email}'"));
            keys += &format!("members = {{ each = '{each}'{id}{email} }}\n");
        }
        keys
    }

    /// What becomes of a record, how many of its times cannot be read, and how many of its people.
    fn map(&self, record: &Map<String, Value>) -> Result<(Group, u64, u64), Skip> {
        let mut taken: Vec<Vec<&str>> = Vec::new();
        let mut text = |sources: &[PlainSource]| {
            first(sources, record, &mut taken, |text| Some(text.to_owned()))
        };
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
        let source_id = present(text(&self.id).ok().flatten()).ok_or(Skip::NoId)?;
        let name = [PlainSource {
            path: vec!["name"],
            conversion: Conversion::None,
        }];
        let name = present(text(&name).ok().flatten()).ok_or(Skip::NoName)?;
        let mut texts = self.texts.iter().map(|sources| {
            sources
                .as_ref()
                .and_then(|sources| text(sources).ok().flatten())
        });
        let mut next = || texts.next().flatten();
        let (description, status, organization_id, external_id) = (next(), next(), next(), next());
        let count = self.count.as_ref().and_then(|sources| {
            first(sources, record, &mut taken, |text| {
                whole(text.trim()).parse::<u64>().ok()
            })
            .ok()
            .flatten()
        });
        let mut unparsed = 0;
        let mut times = self.times.iter().map(|sources| {
            let read = |text: &str| text.trim().parse::<Moment>().ok();
            let time = first(
                sources.as_deref().unwrap_or_default(),
                record,
                &mut taken,
                read,
            );
            unparsed += u64::from(time.is_err());
            time.ok().flatten()
        });
        let (created_at, updated_at) = (times.next().flatten(), times.next().flatten());
        drop(times);
        let mut attributes = record.clone();
        let people = self.members.as_ref().and_then(|people| {
            let list = record.get(people.each)?;
            let (members, unread, left) = people.read(list);
            match left {
                Some(left) => {
                    attributes[people.each] = left;
                    taken.retain(|path| path.len() == 1 || path[0] != people.each);
                }
                None => taken.push(vec![people.each]),
            }
            (!list.is_null()).then_some((members, unread))
        });
        let (members, unread) =
            people.map_or((None, 0), |(members, unread)| (Some(members), unread));
        for path in &taken {
            remove(&mut attributes, path);
        }
        let group = Group {
            id: format!("u:{source_id}"),
            source: "u".to_owned(),
            source_id,
            name,
            description,
            email: None,
            status: status.map(|status| status.to_lowercase()),
            organization_id,
            external_id,
            parent_id: None,
            path: None,
            url: None,
            logo_url: None,
            member_count: count.or_else(|| members.as_ref().map(|members| members.len() as u64)),
            members: members.unwrap_or_default(),
            admins: Vec::new(),
            guests: Vec::new(),
            created_at,
            updated_at,
            deleted_at: None,
            attributes: if self.keep {
                attributes.into()
            } else {
                Attributes::default()
            },
        };
        Ok((group, unparsed, unread))
    }
}

impl PlainSource {
    fn written(&self) -> String {
        let path = self.path.join("/");
        let conversion = match self.conversion {
            Conversion::None => return format!("'{path}'"),
            Conversion::Null => "null = ['x', '7']",
            Conversion::FirstPiece => "split = '-', take = 'first'",
            Conversion::SecondPiece => "split = '-', take = 1",
            Conversion::Table => "values = { x = 'of \"x\"' }, else = 'else'",
        };
        format!("{{ path = '{path}', {conversion} }}")
    }

    /// `None` if there is nothing, `Ok(None)` if what there is means nothing, an error if it does not fit.
    fn text(&self, record: &Map<String, Value>) -> Option<Result<Option<String>, ()>> {
        let mut path = self.path.iter();
        let start = record.get(*path.next()?)?;
        let value = path.try_fold(start, |value, name| value.get(name))?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => whole(number.as_str()).into_owned(),
            Value::Bool(bool) => bool.to_string(),
            Value::Null => return Some(Ok(None)),
            Value::Array(items) if items.is_empty() => return Some(Ok(None)),
            Value::Object(members) if members.is_empty() => return Some(Ok(None)),
            Value::Array(_) | Value::Object(_) => return Some(Err(())),
        };
        let text = match self.conversion {
            Conversion::Null if text == "x" || text == "7" => return Some(Ok(None)),
            Conversion::None | Conversion::Null => text,
            Conversion::FirstPiece => text.split('-').next()?.to_owned(),
            Conversion::SecondPiece => text.split('-').nth(1)?.to_owned(),
            Conversion::Table if text == "x" => "of \"x\"".to_owned(),
            Conversion::Table => "else".to_owned(),
        };
        Some(Ok(Some(text)))
    }
}

/// The first value that fits; an error if one before it does not. Those that were used are taken.
fn first<T>(
    sources: &[PlainSource],
    record: &Map<String, Value>,
    taken: &mut Vec<Vec<&'static str>>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ()> {
    for source in sources {
        let Some(text) = source.text(record) else {
            continue;
        };
        let value = text?.map(|text| read(&text).ok_or(())).transpose()?;
        taken.push(source.path.clone());
        if value.is_some() {
            return Ok(value);
        }
    }
    Ok(None)
}

impl PlainPeople {
    /// The people of a list, how many of its items are none, and what is left of it.
    fn read(&self, list: &Value) -> (Vec<Member>, u64, Option<Value>) {
        let items: Vec<_> = match list {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().collect(),
            Value::Object(members) if members.is_empty() => Vec::new(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![list],
        };
        let read: Vec<_> = items.iter().map(|item| self.person(item)).collect();
        let members: Vec<_> = read
            .iter()
            .filter_map(|(member, _)| member.clone())
            .collect();
        let unread = (read.len() - members.len()) as u64;
        let members = different(members);
        let left = read.iter().any(|(_, left)| left.is_some()).then(|| {
            let left = read
                .iter()
                .map(|(_, left)| left.clone().unwrap_or(json!({})));
            if list.is_array() {
                left.collect()
            } else {
                left.collect::<Vec<_>>().remove(0)
            }
        });
        (members, unread, left)
    }

    /// One person, and what is left of the item.
    fn person(&self, item: &Value) -> (Option<Member>, Option<Value>) {
        let mut left = item.clone();
        let mut is_scalar_taken = false;
        let mut text = |path: Option<&str>| {
            let value = match path? {
                "." => item,
                name => item.get(name)?,
            };
            let text = match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(whole(number.as_str()).into_owned()),
                Value::Bool(bool) => Some(bool.to_string()),
                Value::Null => None,
                Value::Array(items) if items.is_empty() => None,
                Value::Object(members) if members.is_empty() => None,
                Value::Array(_) | Value::Object(_) => return None,
            };
            match (path?, left.as_object_mut()) {
                (".", _) => is_scalar_taken = true,
                (name, Some(left)) => drop(left.shift_remove(name)),
                (_, None) => {}
            }
            text.filter(|text| !text.is_empty())
        };
        let member = Member {
            id: text(self.id),
            email: text(self.email),
        };
        if member.id.is_none() && member.email.is_none() {
            return (None, Some(item.clone()));
        }
        let is_left = match item.as_object() {
            Some(_) => left != json!({}),
            None => !is_scalar_taken,
        };
        (Some(member), is_left.then_some(left))
    }
}

/// The different ones of people. One without an id is the first who has an id and its address, if anybody has.
fn different(people: Vec<Member>) -> Vec<Member> {
    let folded = |person: &Member| {
        person
            .email
            .as_deref()
            .map(|email| fold(email).into_owned())
    };
    let who = |person: &Member| {
        let owner = |other: &&Member| other.id.is_some() && folded(other) == folded(person);
        let owner = people.iter().find(owner);
        match person
            .id
            .as_ref()
            .or(owner.and_then(|owner| owner.id.as_ref()))
        {
            Some(id) => (Some(id.clone()), None),
            None => (None, folded(person)),
        }
    };
    let mut different: Vec<(_, Member)> = Vec::new();
    for person in &people {
        let who = who(person);
        match different.iter_mut().find(|(known, _)| *known == who) {
            Some((_, known)) => {
                known.id = known.id.take().or(person.id.clone());
                known.email = known.email.take().or(person.email.clone());
            }
            None => different.push((who, person.clone())),
        }
    }
    different.into_iter().map(|(_, person)| person).collect()
}

/// Removes what stands at a path, and what holds nothing else.
fn remove(members: &mut Map<String, Value>, path: &[&str]) {
    match path {
        [only] => drop(members.shift_remove(*only)),
        [first, below @ ..] => {
            if let Some(Value::Object(inner)) = members.get_mut(*first) {
                remove(inner, below);
                if inner.is_empty() {
                    members.shift_remove(*first);
                }
            }
        }
        [] => {}
    }
}

proptest! {
    #[test]
    fn a_page_becomes_what_a_plain_mapping_makes_of_it(mapping in mapping(), records in records()) {
        let body = Value::from(records.iter().cloned().map(Value::Object).collect::<Vec<_>>());
        let mapped = mapped(&mapping.keys(), &body.to_string());
        let plain: Vec<_> = records.iter().map(|record| mapping.map(record)).collect();
        let skips: Vec<_> = (plain.iter().enumerate())
            .filter_map(|(index, outcome)| Some((index, *outcome.as_ref().err()?)))
            .collect();
        let groups: Vec<_> = plain.iter().flatten().collect();
        prop_assert_eq!(&mapped.skipped, &skips);
        prop_assert_eq!(mapped.unparsed_timestamps, groups.iter().map(|(_, unparsed, _)| unparsed).sum::<u64>());
        prop_assert_eq!(mapped.unread_people, groups.iter().map(|(.., unread)| unread).sum::<u64>());
        let rows = mapped.groups.rows();
        let written: Vec<_> = rows.map(|row| String::from_utf8(row.json()).unwrap()).collect();
        let expected: Vec<_> =
            groups.iter().map(|(group, ..)| serde_json::to_string(group).unwrap()).collect();
        prop_assert_eq!(written, expected);

        let mut pages = PagedGroups::default();
        pages.push(mapped.groups);
        let snapshot = Snapshot::of("u".into(), pages);
        for (group, ..) in &groups {
            let same = groups.iter().filter(|(other, ..)| other.id == group.id);
            if same.count() > 1 {
                continue;
            }
            let row = snapshot.row(snapshot.find(&group.id).unwrap());
            prop_assert_eq!(row.name(), &group.name);
            prop_assert_eq!(row.folded_name(), fold(&group.name));
            let description = fold(group.description.as_deref().unwrap_or_default());
            prop_assert!(row.contains(&Finder::new(&*description)));
            prop_assert_eq!(row.status(), group.status.as_deref());
            prop_assert_eq!(row.organization_id(), group.organization_id.as_deref());
            prop_assert_eq!(row.external_id(), group.external_id.as_deref());
            prop_assert_eq!(row.created_at(), group.created_at);
            prop_assert_eq!(row.updated_at(), group.updated_at);
            for member in &group.members {
                for key in member.id.iter().chain(&member.email) {
                    prop_assert!(row.has_member(&MemberKey::new(key)));
                }
            }
        }
    }
}
