//! The mapping: one record of a page becomes one group.
//!
//! A pure function. What no field takes is kept verbatim under `attributes`; a value that cannot
//! be what its field needs (an object for a name, a time that cannot be read) counts as not taken,
//! so nothing that the upstream sent is lost.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::config::Path;
use crate::config::path::Origin;
use crate::config::upstream::{Each, Extra, Fields, OneOrMany};
use crate::group::{Group, Member};

use super::format::Node;
use super::snapshot::SOURCE_ID_BYTES;

/// Turns the records of one upstream into groups.
#[derive(Debug)]
pub struct Mapping {
    source: Arc<str>,
    fields: Fields,
    extra: Extra,
}

/// Why a record is no group. The rest of its page is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Skip {
    /// There is no id, or it is empty, or it is a list or an object.
    #[error("it has no id")]
    NoId,
    /// There is no name, or it is empty, or it is a list or an object.
    #[error("it has no name")]
    NoName,
    /// The id is longer than a cursor could hold.
    #[error("its id is longer than {SOURCE_ID_BYTES} bytes")]
    LongId,
}

/// A group, and how many of its times could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// The group.
    pub group: Group,
    /// Times that are null because they could not be read; they are kept in `attributes`.
    pub unread_times: u64,
}

impl Mapping {
    /// The mapping of one upstream's adapter.
    pub const fn new(source: Arc<str>, fields: Fields, extra: Extra) -> Self {
        Self {
            source,
            fields,
            extra,
        }
    }

    /// Maps one record of a page. Paths from the page's root find their way through it.
    pub fn map(&self, record: Node<'_>) -> Result<Mapped, Skip> {
        let mut reader = Reader {
            record,
            taken: Vec::new(),
            unread_times: 0,
        };
        let fields = &self.fields;
        let source_id = reader.some_text(&fields.id).ok_or(Skip::NoId)?;
        if source_id.len() > SOURCE_ID_BYTES {
            return Err(Skip::LongId);
        }
        let name = reader.some_text(&fields.name).ok_or(Skip::NoName)?;
        let members = reader.people(fields.members.as_ref());
        let counted = reader.count(fields.member_count.as_ref());
        let group = Group {
            id: format!("{}:{source_id}", self.source),
            source: self.source.to_string(),
            source_id,
            name,
            description: reader.text(fields.description.as_ref()),
            email: reader.text(fields.email.as_ref()),
            status: reader
                .text(fields.status.as_ref())
                .map(|status| status.to_lowercase()),
            organization_id: reader.text(fields.organization_id.as_ref()),
            external_id: reader.text(fields.external_id.as_ref()),
            parent_id: reader.text(fields.parent_id.as_ref()),
            url: reader.text(fields.url.as_ref()),
            logo_url: reader.text(fields.logo_url.as_ref()),
            member_count: counted.or_else(|| members.as_ref().map(|list| list.len() as u64)),
            members: members.unwrap_or_default(),
            admins: reader.people(fields.admins.as_ref()).unwrap_or_default(),
            guests: reader.people(fields.guests.as_ref()).unwrap_or_default(),
            created_at: reader.time(fields.created_at.as_ref()),
            updated_at: reader.time(fields.updated_at.as_ref()),
            deleted_at: reader.time(fields.deleted_at.as_ref()),
            attributes: match self.extra {
                Extra::Keep => reader.leftovers(),
                Extra::Drop => Map::new(),
            },
        };
        Ok(Mapped {
            group,
            unread_times: reader.unread_times,
        })
    }
}

/// Reads one record, and remembers which of its parts a field has taken.
struct Reader<'a> {
    record: Node<'a>,
    taken: Vec<&'a [String]>,
    unread_times: u64,
}

impl<'a> Reader<'a> {
    /// The first of `paths` that is there and not null, with its path. Nulls on the way are taken:
    /// the group shows them as null.
    fn first(&mut self, paths: &'a OneOrMany<Path>) -> Option<(&'a Path, Node<'a>)> {
        for path in paths.as_slice() {
            match self.record.find(path) {
                Some(node) if node.is_null() => self.take(path),
                Some(node) => return Some((path, node)),
                None => {}
            }
        }
        None
    }

    fn take(&mut self, path: &'a Path) {
        if path.origin() == Origin::Record {
            self.taken.push(path.segments());
        }
    }

    fn text(&mut self, paths: Option<&'a OneOrMany<Path>>) -> Option<String> {
        let (path, node) = self.first(paths?)?;
        let text = node.text()?.into_owned();
        self.take(path);
        Some(text)
    }

    fn some_text(&mut self, paths: &'a OneOrMany<Path>) -> Option<String> {
        self.text(Some(paths)).filter(|text| !text.is_empty())
    }

    fn time(&mut self, paths: Option<&'a OneOrMany<Path>>) -> Option<Timestamp> {
        let (path, node) = self.first(paths?)?;
        let time = node.text().and_then(|text| text.trim().parse().ok());
        match time {
            Some(_) => self.take(path),
            None => self.unread_times += 1,
        }
        time
    }

    fn count(&mut self, paths: Option<&'a OneOrMany<Path>>) -> Option<u64> {
        let (path, node) = self.first(paths?)?;
        let count = node.text()?.trim().parse().ok()?;
        self.take(path);
        Some(count)
    }

    /// The people of a list; `None` when the record does not say.
    fn people(&mut self, each: Option<&'a Each>) -> Option<Vec<Member>> {
        let each = each?;
        let Some(node) = self.record.find(&each.each) else {
            return self.nobody(&each.each);
        };
        if node.is_null() {
            self.take(&each.each);
            return None;
        }
        let items = node.list();
        let people: Vec<_> = items
            .iter()
            .filter_map(|&item| person(each, item))
            .collect();
        if people.len() == items.len() && items.iter().all(|&item| is_whole(each, item)) {
            self.take(&each.each);
        }
        Some(people)
    }

    /// No people, where XML has the element around their list; `None` where it has not.
    fn nobody(&mut self, list: &'a Path) -> Option<Vec<Member>> {
        let around = self.record.around(list)?;
        if around.is_empty() && list.origin() == Origin::Record {
            let segments = list.segments();
            self.taken.push(&segments[..segments.len() - 1]);
        }
        (!around.is_null()).then(Vec::new)
    }

    /// What no field has taken. A scalar record has nothing left.
    fn leftovers(&self) -> Map<String, Value> {
        let Value::Object(record) = self.record.value() else {
            return Map::new();
        };
        if self.taken.iter().any(|path| path.is_empty()) {
            return Map::new();
        }
        record
            .iter()
            .filter_map(|(key, value)| {
                let below: Vec<_> = self
                    .taken
                    .iter()
                    .filter_map(|path| path.split_first())
                    .filter(|(first, _)| *first == key)
                    .map(|(_, rest)| rest)
                    .collect();
                Some((key.clone(), without(value, &below)?))
            })
            .collect()
    }
}

/// What is left of `value` when the parts at `taken` are gone; `None` when nothing is.
fn without(value: &Value, taken: &[&[String]]) -> Option<Value> {
    if taken.is_empty() {
        return Some(value.clone());
    }
    if taken.iter().any(|path| path.is_empty()) {
        return None;
    }
    let step = |key: &str| -> Vec<&[String]> {
        taken
            .iter()
            .filter_map(|path| path.split_first())
            .filter(|(first, _)| *first == key)
            .map(|(_, rest)| rest)
            .collect()
    };
    match value {
        Value::Object(members) => {
            let left: Map<_, _> = members
                .iter()
                .filter_map(|(key, member)| Some((key.clone(), without(member, &step(key))?)))
                .collect();
            (!left.is_empty()).then_some(Value::Object(left))
        }
        // A list of one is how XML holds a single child; of more, only the first was taken, and
        // the whole list is kept.
        Value::Array(items) => match items.as_slice() {
            [only] => Some(Value::Array(vec![without(only, taken)?])),
            _ => Some(value.clone()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
    }
}

fn person(each: &Each, item: Node<'_>) -> Option<Member> {
    let text = |paths: Option<&OneOrMany<Path>>| {
        paths?
            .as_slice()
            .iter()
            .find_map(|path| item.find(path)?.text())
            .map(std::borrow::Cow::into_owned)
            .filter(|text| !text.is_empty())
    };
    let member = Member {
        id: text(each.id.as_ref()),
        email: text(each.email.as_ref()),
    };
    (member.id.is_some() || member.email.is_some()).then_some(member)
}

/// Whether an item holds nothing but what a member takes.
fn is_whole(each: &Each, item: Node<'_>) -> bool {
    let Value::Object(members) = item.value() else {
        return true;
    };
    let paths = || {
        [each.id.as_ref(), each.email.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(OneOrMany::as_slice)
            .map(Path::segments)
    };
    members
        .keys()
        .all(|key| paths().any(|segments| segments == std::slice::from_ref(key)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::upstream::Format;
    use crate::upstream::format::Page;

    use super::*;

    fn map(fields: &str, record: &Value) -> Result<Mapped, Skip> {
        let fields: Fields = toml::from_str(fields).unwrap();
        let page = Page::decode(Format::Json, json!([record]).to_string().as_bytes()).unwrap();
        let records = page.records(&"/".parse().unwrap()).unwrap();
        Mapping::new("u".into(), fields, Extra::Keep).map(records[0])
    }

    fn xml_group(fields: &str, record: &str) -> Group {
        let fields: Fields = toml::from_str(fields).unwrap();
        let body = format!("<list><item><id>1</id><name>a</name>{record}</item></list>");
        let page = Page::decode(Format::Xml, body.as_bytes()).unwrap();
        let records = page.records(&"/list/item".parse().unwrap()).unwrap();
        let mapping = Mapping::new("u".into(), fields, Extra::Keep);
        mapping.map(records[0]).unwrap().group
    }

    fn group(fields: &str, record: &Value) -> Group {
        map(fields, record).unwrap().group
    }

    const BARE: &str = "id = 'id'\nname = 'name'\n";

    #[test]
    fn ids_are_text_whatever_the_upstream_uses() {
        let record = serde_json::from_str(r#"{"id": 123456789012345678901234567890, "name": 7}"#);
        let group = group(BARE, &record.unwrap());
        assert_eq!(group.id, "u:123456789012345678901234567890");
        assert_eq!(group.name, "7");
    }

    #[test]
    fn a_record_without_id_or_name_is_skipped() {
        assert_eq!(map(BARE, &json!({"name": "a"})), Err(Skip::NoId));
        assert_eq!(map(BARE, &json!({"id": "", "name": "a"})), Err(Skip::NoId));
        assert_eq!(
            map(BARE, &json!({"id": 1, "name": null})),
            Err(Skip::NoName)
        );
        assert_eq!(
            map(BARE, &json!({"id": 1, "name": ["a"]})),
            Err(Skip::NoName)
        );
        let long = "x".repeat(SOURCE_ID_BYTES + 1);
        assert_eq!(
            map(BARE, &json!({"id": long, "name": "a"})),
            Err(Skip::LongId)
        );
    }

    #[test]
    fn an_xml_list_without_items_is_empty_where_the_element_around_it_is_there() {
        let fields = format!("{BARE}members = {{ each = 'users/user', id = '.' }}");
        let counted = |record: &str| {
            let group = xml_group(&fields, record);
            (group.member_count, Value::Object(group.attributes))
        };
        assert_eq!(counted(""), (None, json!({})));
        assert_eq!(counted("<users/>"), (Some(0), json!({})));
        assert_eq!(counted("<users> </users>"), (Some(0), json!({})));
        assert_eq!(counted("<users nil='true'/>"), (None, json!({})));
        assert_eq!(
            counted("<users><user>7</user></users>"),
            (Some(1), json!({}))
        );
        let others = "<users><robot>7</robot></users>";
        let kept = json!({"users": [{"robot": ["7"]}]});
        assert_eq!(counted(others), (Some(0), kept));
    }

    #[test]
    fn what_no_field_takes_is_kept_verbatim() {
        let fields = format!("{BARE}description = 'about/text'\nupdated_at = ['new', 'old']");
        let record = json!({
            "id": 1, "name": "a", "zeta": [1, {"b": null}], "about": {"text": "t", "lang": "en"},
            "new": "2024-01-01T00:00:00Z", "old": "2023-01-01T00:00:00Z", "alpha": 1.50,
        });
        let attributes = group(&fields, &record).attributes;
        assert_eq!(
            Value::Object(attributes),
            json!({"zeta": [1, {"b": null}], "about": {"lang": "en"}, "old": "2023-01-01T00:00:00Z", "alpha": 1.50})
        );
    }

    #[test]
    fn the_first_path_that_is_there_and_not_null_counts() {
        let fields = format!("{BARE}updated_at = ['updated_at', 'last_updated']");
        let record = json!({"id": 1, "name": "a", "updated_at": null, "last_updated": "2024-04-20T10:00:00+02:00"});
        let group = group(&fields, &record);
        assert_eq!(
            group.updated_at.unwrap().to_string(),
            "2024-04-20T08:00:00Z"
        );
        assert!(group.attributes.is_empty());
    }

    #[test]
    fn a_time_that_cannot_be_read_is_null_counted_and_kept() {
        let fields = format!("{BARE}created_at = 'created'");
        let mapped = map(
            &fields,
            &json!({"id": 1, "name": "a", "created": "yesterday"}),
        )
        .unwrap();
        assert_eq!(mapped.group.created_at, None);
        assert_eq!(mapped.unread_times, 1);
        assert_eq!(mapped.group.attributes["created"], "yesterday");
    }

    #[test]
    fn people_may_be_scalars_or_objects_and_one_or_many() {
        let fields = format!(
            "{BARE}members = {{ each = 'members', id = '.' }}\nadmins = {{ each = 'admins', id = 'id', email = 'mail' }}"
        );
        let record = json!({
            "id": 1, "name": "a", "members": [1001, "x"],
            "admins": {"id": 5, "mail": "a@example.com"},
        });
        let group = group(&fields, &record);
        let ids: Vec<_> = group
            .members
            .iter()
            .map(|member| member.id.as_deref())
            .collect();
        assert_eq!(ids, [Some("1001"), Some("x")]);
        assert_eq!(group.member_count, Some(2));
        assert_eq!(group.admins[0].email.as_deref(), Some("a@example.com"));
        assert!(group.attributes.is_empty());
    }

    #[test]
    fn people_who_come_with_more_than_a_member_takes_are_kept_too() {
        let fields = format!("{BARE}members = {{ each = 'members', id = 'id' }}");
        let record = json!({"id": 1, "name": "a", "members": [{"id": 5, "role": "lead"}]});
        let group = group(&fields, &record);
        assert_eq!(group.members[0].id.as_deref(), Some("5"));
        assert_eq!(
            group.attributes["members"],
            json!([{"id": 5, "role": "lead"}])
        );
    }

    #[test]
    fn a_list_of_people_that_is_not_there_says_nothing_about_their_number() {
        let fields = format!("{BARE}members = {{ each = 'members', id = '.' }}");
        let count = |record| group(&fields, &record).member_count;
        assert_eq!(count(json!({"id": 1, "name": "a"})), None);
        assert_eq!(count(json!({"id": 1, "name": "a", "members": null})), None);
        assert_eq!(count(json!({"id": 1, "name": "a", "members": []})), Some(0));
    }

    #[test]
    fn status_is_lower_cased() {
        let fields = format!("{BARE}status = 'status'");
        let record = json!({"id": 1, "name": "a", "status": "Active"});
        assert_eq!(group(&fields, &record).status.as_deref(), Some("active"));
    }
}
