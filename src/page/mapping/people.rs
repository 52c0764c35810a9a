//! Lists of people in a record: objects or scalars, one or many, keyed by id, or joined in a text.

use serde_json::{Map, Value};

use crate::group::Member;
use crate::page::format::{Node, TEXT};
use crate::plan::path::Anchor;
use crate::plan::{Field, People, PeopleKind};

use super::item::Item;
use super::unmapped::{MappedList, remaining};

/// The people of a record.
#[derive(Debug)]
pub(super) struct FoundPeople<'p> {
    /// `None` if the record has no list.
    pub(super) people: Option<Vec<Member>>,
    /// A part of the record that holds nothing else, where there is no list.
    pub(super) taken: Option<&'p [String]>,
    /// The list.
    pub(super) left: Option<MappedList<'p>>,
    /// How many items gave neither an id nor an email address.
    pub(super) unread: u64,
}

impl People {
    /// Reads the lists of a record; `None` if there is none.
    pub(super) fn read(&self, record: Node<'_>) -> Option<FoundPeople<'_>> {
        let lists = record.find_all(&self.each);
        if lists.is_empty() {
            return self.nobody(record);
        }
        let mut people = None;
        let mut is_whole = true;
        let mut unread = 0;
        for list in lists.into_iter().filter(|list| !list.is_null()) {
            let items = match &self.kind {
                PeopleKind::List => list.list().into_iter().map(Item::Plain).collect(),
                PeopleKind::Keyed => {
                    let entries = list.entries()?.into_iter();
                    entries.map(|(key, node)| Item::Keyed(key, node)).collect()
                }
                PeopleKind::Text(_) => Vec::new(),
            };
            let (more, holds_no_more) = match &self.kind {
                PeopleKind::List | PeopleKind::Keyed => self.all(items.iter().copied()),
                PeopleKind::Text(split) => self.in_text(list, split),
            };
            unread += items.len().saturating_sub(more.len()) as u64;
            people.get_or_insert_with(Vec::new).extend(more);
            is_whole = is_whole && holds_no_more;
        }
        Some(FoundPeople {
            people,
            taken: None,
            left: self.path().map(|path| (path, (!is_whole).then_some(self))),
            unread,
        })
    }

    /// No people if XML has the element around their list, else `None`.
    fn nobody(&self, record: Node<'_>) -> Option<FoundPeople<'_>> {
        let around = record.around(&self.each)?;
        let path = self.path().and_then(<[String]>::split_last);
        Some(FoundPeople {
            people: (!around.is_null()).then(Vec::new),
            taken: path.map(|(_, around)| around).filter(|_| around.is_empty()),
            left: None,
            unread: 0,
        })
    }

    /// The path of the list from the record.
    fn path(&self) -> Option<&[String]> {
        (self.each.anchor() == Anchor::Record).then(|| self.each.segments())
    }

    /// The people in a text, and whether it holds nothing else. Items that are not texts are read as
    /// they are.
    fn in_text(&self, list: Node<'_>, split: &str) -> (Vec<Member>, bool) {
        let mut people = Vec::new();
        let mut is_whole = true;
        for item in list.list() {
            let text = item.text();
            let pieces = text.iter().flat_map(|text| text.split(split));
            let pieces = pieces.map(str::trim).filter(|piece| !piece.is_empty());
            let other = text.is_none().then_some(Item::Plain(item));
            let (more, holds_no_more) = self.all(pieces.map(Item::Piece).chain(other));
            people.extend(more);
            is_whole = is_whole && holds_no_more;
        }
        (people, is_whole)
    }

    /// The people among items, and whether these hold nothing else.
    fn all<'a>(&self, items: impl Iterator<Item = Item<'a>>) -> (Vec<Member>, bool) {
        let mut people = Vec::with_capacity(items.size_hint().0);
        let mut is_whole = true;
        for item in items {
            let person = self.person(item);
            is_whole = is_whole && person.is_some() && self.is_whole(item);
            people.extend(person);
        }
        (people, is_whole)
    }

    fn person(&self, item: Item<'_>) -> Option<Member> {
        let text =
            |field: Option<&Field>| field?.text(item, |_| {}).filter(|text| !text.is_empty());
        let member = Member {
            id: text(self.id.as_ref()),
            email: text(self.email.as_ref()),
        };
        (member.id.is_some() || member.email.is_some()).then_some(member)
    }

    /// Whether an item holds only what a member maps.
    fn is_whole(&self, item: Item<'_>) -> bool {
        let takes = |path: &[String]| {
            let mut paths = self.fields().flat_map(Field::paths);
            paths.any(|taken| taken == path)
        };
        match (item, item.node().map(Node::value)) {
            (_, Some(Value::Object(members))) => {
                members.keys().all(|name| takes(std::slice::from_ref(name)))
            }
            // A key may have a value that only says "yes".
            (_, None | Some(Value::Null | Value::Bool(true)))
            | (Item::Plain(_) | Item::Piece(_), Some(_)) => true,
            (Item::Keyed(..), Some(_)) => takes(&[]),
        }
    }

    /// What of a list no person took; `None` if nothing is left. Items keep their places in it.
    pub(super) fn left(&self, list: Node<'_>) -> Option<Value> {
        let rest = |item: Item<'_>| match (&self.kind, item.node()) {
            (PeopleKind::Text(split), Some(node)) if node.text().is_some() => {
                let (_, is_whole) = self.in_text(node, split);
                (!is_whole).then(|| node.value().clone())
            }
            (_, node) => self.left_of(item, node?),
        };
        match (list.value(), &self.kind) {
            _ if list.is_empty() => None,
            (Value::Object(members), PeopleKind::Keyed) => {
                let left = members.iter().filter_map(|(key, value)| {
                    let left = rest(Item::Keyed(key, list.at(value)))?;
                    Some((key.clone(), left))
                });
                let left: Map<_, _> = left.collect();
                (!left.is_empty()).then_some(Value::Object(left))
            }
            (_, PeopleKind::Keyed) => Some(list.value().clone()),
            (Value::Array(items), _) => {
                let left = items.iter().map(|item| rest(Item::Plain(list.at(item))));
                let left: Vec<_> = left.collect();
                let nothing = || Value::Object(Map::new());
                left.iter().any(Option::is_some).then(|| {
                    let left = left.into_iter();
                    left.map(|item| item.unwrap_or_else(nothing)).collect()
                })
            }
            _ => rest(Item::Plain(list)),
        }
    }

    /// What of an item its person does not take.
    fn left_of(&self, item: Item<'_>, node: Node<'_>) -> Option<Value> {
        if self.person(item).is_none() {
            return Some(node.value().clone());
        }
        if self.is_whole(item) {
            return None;
        }
        let mut taken: Vec<&[String]> = Vec::new();
        for field in self.fields() {
            field.text(item, |source| taken.extend(source.paths()));
        }
        let is_text_taken = taken.iter().any(|path| path.is_empty());
        let Value::Object(members) = node.value() else {
            return (!is_text_taken).then(|| node.value().clone());
        };
        taken.retain(|path| !path.is_empty());
        let mut left = remaining(node, members, &taken, &[]);
        if is_text_taken {
            left.shift_remove(TEXT);
        }
        (!left.is_empty()).then_some(Value::Object(left))
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        [&self.id, &self.email].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::tests::{BARE, batch, group, groups};
    use super::*;

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
    fn what_a_member_does_not_take_is_kept_and_what_it_takes_is_served_once() {
        let fields = format!("{BARE}members = {{ each = 'members', id = 'id', email = 'mail' }}");
        let people = json!([
            {"id": 5, "role": "lead"}, {"id": 6}, {"display": "only"}, {"mail": "a@x", "deep": {"a": 1}}
        ]);
        let group = group(&fields, &json!({"id": 1, "name": "a", "members": people}));
        assert_eq!(shown(&group.members), ["5/-", "6/-", "-/a@x"]);
        assert_eq!(
            group.attributes["members"],
            json!([{"role": "lead"}, {}, {"display": "only"}, {"deep": {"a": 1}}])
        );
    }

    #[test]
    fn what_a_member_of_xml_does_not_take_is_kept_once() {
        let keys = "format = 'xml'\nrecords = '/g/r'\n[fields]\nid = '@id'\nname = '@id'\n\
                    members = { each = 'users/user', id = '.' }";
        let body = "<g><r id='7'><users><user role='lead'>1</user><user>2</user></users></r></g>";
        let batch = batch(keys, body).unwrap();
        let group = groups(&batch).next().unwrap();
        assert_eq!(shown(&group.members), ["1/-", "2/-"]);
        let left = json!({"users": [{"user": [{"@role": "lead"}, {}]}]});
        assert_eq!(Value::Object(group.attributes.clone()), left);
    }

    #[rstest]
    #[case::json("", json!([{"users": [{"id": 1}, {"id": 2}]}, {"users": []}, {"users": [{"id": 3}], "n": 1}]).to_string(), "roles/users", json!([{}, {}, {"n": 1}]))]
    #[case::json_of_nothing_else("", json!([{"users": [{"id": 1}]}, {"users": [{"id": 2}, {"id": 3}]}]).to_string(), "roles/users", Value::Null)]
    fn people_on_every_item_of_a_list_on_the_way_are_read(
        #[case] keys: &str,
        #[case] roles: String,
        #[case] each: &str,
        #[case] left: Value,
    ) {
        let keys = format!(
            "{keys}records = '/'\n[fields]\n{BARE}members = {{ each = '{each}', id = 'id' }}"
        );
        let batch = batch(
            &keys,
            &format!(r#"[{{"id":1,"name":"a","roles":{roles}}}]"#),
        )
        .unwrap();
        let group = groups(&batch).next().unwrap();
        assert_eq!(shown(&group.members), ["1/-", "2/-", "3/-"]);
        assert_eq!(
            group.attributes.get("roles").cloned().unwrap_or_default(),
            left
        );
    }

    #[test]
    fn people_in_every_repeated_xml_element_on_the_way_are_read() {
        let keys = "format = 'xml'\nrecords = '/g/r'\n[fields]\nid = '@id'\nname = '@id'\n\
                    members = { each = 'users/user', id = '.' }";
        let body = "<g><r id='7'><users><user>1</user><user>2</user></users><users/>\
                    <users><user>3</user></users></r></g>";
        let batch = batch(keys, body).unwrap();
        let group = groups(&batch).next().unwrap();
        assert_eq!(shown(&group.members), ["1/-", "2/-", "3/-"]);
        assert_eq!(Value::Object(group.attributes.clone()), json!({}));
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
    fn an_xml_list_without_items_is_empty_where_the_element_around_it_is_there() {
        let keys = "format = 'xml'\nrecords = '/list/item'\n[fields]\nid = 'id'\nname = 'id'\n\
                    members = { each = 'users/user', id = '.' }";
        let counted = |record: &str| {
            let body = format!("<list><item><id>1</id>{record}</item></list>");
            let batch = batch(keys, &body).unwrap();
            let group = groups(&batch).next().unwrap();
            (group.member_count, Value::Object(group.attributes.clone()))
        };
        assert_eq!(counted(""), (None, json!({})));
        assert_eq!(counted("<users/>"), (Some(0), json!({})));
        assert_eq!(counted("<users> </users>"), (Some(0), json!({})));
        assert_eq!(counted("<users nil='true'/>"), (None, json!({})));
        let one = "<users><user>7</user></users>";
        assert_eq!(counted(one), (Some(1), json!({})));
        let others = "<users><robot>7</robot></users>";
        let kept = json!({"users": [{"robot": ["7"]}]});
        assert_eq!(counted(others), (Some(0), kept));
    }

    /// Members as `id/email`, with `-` for null.
    fn shown(members: &[Member]) -> Vec<String> {
        let text = |text: &Option<String>| text.as_deref().unwrap_or("-").to_owned();
        let shown = |member: &Member| format!("{}/{}", text(&member.id), text(&member.email));
        members.iter().map(shown).collect()
    }

    #[rstest]
    #[case::list_of_scalars("id = '.'", json!([7, "x"]), &["7/-", "x/-"])]
    #[case::one_scalar("email = '.'", json!("a@x"), &["-/a@x"])]
    #[case::list_of_objects("id = 'id', email = 'mail'", json!([{"id": 1, "mail": "a@x"}, {"id": 2}]), &["1/a@x", "2/-"])]
    #[case::one_object("id = 'id'", json!({"id": 1}), &["1/-"])]
    #[case::empty_list("id = '.'", json!([]), &[])]
    #[case::empty_object("id = 'id'", json!({}), &[])]
    #[case::keyed_by_id("keyed = true, id = '$key', email = 'mail'", json!({"u1": {"mail": "a@x"}, "u2": {}}), &["u1/a@x", "u2/-"])]
    #[case::keyed_to_scalars("keyed = true, id = '$key', email = '.'", json!({"u1": "a@x", "u2": null}), &["u1/a@x", "u2/-"])]
    #[case::keyed_flags("keyed = true, id = '$key'", json!({"u1": true}), &["u1/-"])]
    #[case::keyed_and_empty("keyed = true, id = '$key'", json!([]), &[])]
    #[case::one_text("split = ',', id = '.'", json!("ann, bob,,c"), &["ann/-", "bob/-", "c/-"])]
    #[case::empty_text("split = ',', id = '.'", json!(" "), &[])]
    #[case::list_of_texts("split = ';', email = '.'", json!(["a;b", "c"]), &["-/a", "-/b", "-/c"])]
    #[case::converted("id = { path = 'ref', split = '/', take = 'last' }", json!([{"ref": "/users/7"}]), &["7/-"])]
    #[case::declared_null("id = { path = 'id', null = '0' }, email = 'mail'", json!([{"id": 0, "mail": "a@x"}]), &["-/a@x"])]
    #[case::percent("split = ' ', id = { path = '.', decode = 'percent' }", json!("a%40x b"), &["a@x/-", "b/-"])]
    fn people_are_read_from_any_list(
        #[case] keys: &str,
        #[case] people: Value,
        #[case] expected: &[&str],
    ) {
        let fields = format!("{BARE}members = {{ each = 'who', {keys} }}");
        let group = group(&fields, &json!({"id": 1, "name": "a", "who": people}));
        assert_eq!(shown(&group.members), expected);
        assert_eq!(group.member_count, Some(expected.len() as u64));
        assert!(group.attributes.is_empty(), "{:?}", group.attributes);
    }

    #[rstest]
    #[case::a_role_beside_the_key("keyed = true, id = '$key'", json!({"u1": "owner"}))]
    #[case::an_object_beside_the_key("keyed = true, id = '$key'", json!({"u1": {"role": "owner"}}))]
    #[case::a_list_that_should_be_keyed("keyed = true, id = '$key'", json!(["u1"]))]
    #[case::someone_without_id("id = 'id'", json!([{"name": "x"}]))]
    fn a_list_that_says_more_is_kept(#[case] keys: &str, #[case] people: Value) {
        let fields = format!("{BARE}members = {{ each = 'who', {keys} }}");
        let group = group(&fields, &json!({"id": 1, "name": "a", "who": people}));
        assert_eq!(group.attributes["who"], people);
    }

    #[rstest]
    #[case::attributes("each = 'users/user', id = '@id', email = '@mail'", "<users><user id='1' mail='a@x'/><user id='2'/></users>", &["1/a@x", "2/-"])]
    #[case::one_element("each = 'users/user', id = '.'", "<users><user>1</user></users>", &["1/-"])]
    #[case::no_element("each = 'users/user', id = '.'", "<users/>", &[])]
    #[case::one_text("each = 'users', split = ',', id = '.'", "<users>1, 2</users>", &["1/-", "2/-"])]
    fn people_are_read_from_xml(
        #[case] keys: &str,
        #[case] people: &str,
        #[case] expected: &[&str],
    ) {
        let keys = format!(
            "format = 'xml'\nrecords = '/g/r'\n[fields]\nid = '@id'\nname = '@id'\nmembers = {{ {keys} }}"
        );
        let batch = batch(&keys, &format!("<g><r id='7'>{people}</r></g>")).unwrap();
        let members: Vec<_> = groups(&batch).map(|group| shown(&group.members)).collect();
        assert_eq!(members, [expected]);
    }
}
