use rstest::rstest;
use serde_json::{Value, json};

use super::super::tests::{BARE, batch, group, groups};
use crate::group::Member;

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
        group.attributes.members()["members"],
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
    assert_eq!(Value::Object(group.attributes.members()), left);
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
    let keys =
        format!("{keys}records = '/'\n[fields]\n{BARE}members = {{ each = '{each}', id = 'id' }}");
    let batch = batch(
        &keys,
        &format!(r#"[{{"id":1,"name":"a","roles":{roles}}}]"#),
    )
    .unwrap();
    let group = groups(&batch).next().unwrap();
    assert_eq!(shown(&group.members), ["1/-", "2/-", "3/-"]);
    assert_eq!(
        group
            .attributes
            .members()
            .get("roles")
            .cloned()
            .unwrap_or_default(),
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
    assert_eq!(Value::Object(group.attributes.members()), json!({}));
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
        (
            group.member_count,
            Value::Object(group.attributes.members()),
        )
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
    assert_eq!(group.attributes.members()["who"], people);
}

#[rstest]
#[case::an_object_for_an_id("id = 'id', email = 'mail'", json!([{"id": {"v": 7}, "mail": "a@x"}, {"id": 1}]), json!([{"id": {"v": 7}}, {}]))]
#[case::a_list_for_an_address("id = 'id', email = 'mail'", json!([{"id": 1, "mail": ["a@x", "b@x"]}]), json!([{"mail": ["a@x", "b@x"]}]))]
#[case::one_person("id = 'id', email = 'mail'", json!({"id": 1, "mail": {"work": "a@x"}}), json!({"mail": {"work": "a@x"}}))]
#[case::nothing_for_an_address("id = 'id', email = 'mail'", json!([{"id": 1, "mail": null}, {"id": 2, "mail": {}}, {"id": 3, "mail": ""}]), Value::Null)]
#[case::beside_a_conversion("id = { path = 'ref', split = '/', take = 'last' }, email = 'mail'", json!([{"ref": "/users/7", "mail": {"work": "a@x"}}]), json!([{"mail": {"work": "a@x"}}]))]
#[case::what_a_conversion_does_not_fit("id = 'id', email = { path = 'mail', split = '|', take = 1 }", json!([{"id": 7, "mail": "a@x"}]), json!([{"mail": "a@x"}]))]
#[case::the_second_choice("id = ['id', 'uid']", json!([{"id": 7, "uid": "ann"}, {"uid": "bob"}]), json!([{"uid": "ann"}, {}]))]
#[case::keyed("keyed = true, id = '$key', email = 'mail'", json!({"u1": {"mail": ["a@x", "b@x"]}, "u2": {"mail": "c@x"}}), json!({"u1": {"mail": ["a@x", "b@x"]}}))]
#[case::an_item_of_a_list("id = '0'", json!([["u1", "owner"], ["u2"]]), json!([["u1", "owner"], {}]))]
fn what_stands_for_an_id_or_an_address_and_is_not_taken_is_kept(
    #[case] keys: &str,
    #[case] people: Value,
    #[case] left: Value,
) {
    let fields = format!("{BARE}members = {{ each = 'who', {keys} }}");
    let group = group(&fields, &json!({"id": 1, "name": "a", "who": people}));
    assert!(!group.members.is_empty());
    let attributes = group.attributes.members();
    assert_eq!(attributes.get("who").cloned().unwrap_or_default(), left);
}

#[rstest]
#[case::attributes("each = 'users/user', id = '@id', email = '@mail'", "<users><user id='1' mail='a@x'/><user id='2'/></users>", &["1/a@x", "2/-"])]
#[case::one_element("each = 'users/user', id = '.'", "<users><user>1</user></users>", &["1/-"])]
#[case::no_element("each = 'users/user', id = '.'", "<users/>", &[])]
#[case::one_text("each = 'users', split = ',', id = '.'", "<users>1, 2</users>", &["1/-", "2/-"])]
fn people_are_read_from_xml(#[case] keys: &str, #[case] people: &str, #[case] expected: &[&str]) {
    let keys = format!(
        "format = 'xml'\nrecords = '/g/r'\n[fields]\nid = '@id'\nname = '@id'\nmembers = {{ {keys} }}"
    );
    let batch = batch(&keys, &format!("<g><r id='7'>{people}</r></g>")).unwrap();
    let members: Vec<_> = groups(&batch).map(|group| shown(&group.members)).collect();
    assert_eq!(members, [expected]);
}

#[rstest]
#[case::an_address_and_then_both(json!([{"mail": "A@x"}]), json!([{"id": 1, "mail": "a@x"}]), &["1/A@x"])]
#[case::both_and_then_an_address(json!([{"id": 1, "mail": "a@x"}]), json!([{"mail": "A@x"}]), &["1/a@x"])]
#[case::an_id_and_then_both(json!([{"id": 1}]), json!([{"id": 1, "mail": "a@x"}]), &["1/a@x"])]
#[case::a_shared_address(json!([{"id": 1, "mail": "a@x"}]), json!([{"id": 2, "mail": "a@x"}]), &["1/a@x", "2/a@x"])]
#[case::an_id_and_an_address_and_then_both(json!([{"id": 1}, {"mail": "A@x"}]), json!([{"id": 1, "mail": "a@x"}]), &["1/A@x"])]
#[case::one_id_with_two_addresses(json!([{"id": 1, "mail": "a@x"}]), json!([{"id": 1, "mail": "b@x"}, {"mail": "b@x"}]), &["1/a@x"])]
fn who_is_in_two_lists_is_one_person_and_so_is_who_is_twice_in_one(
    #[case] users: Value,
    #[case] owners: Value,
    #[case] expected: &[&str],
) {
    let list = |each: &str| format!("{{ each = '{each}', id = 'id', email = 'mail' }}");
    let fields = format!("{BARE}members = [{}, {}]", list("users"), list("owners"));
    let record = json!({"id": 1, "name": "a", "users": users, "owners": owners});
    let two = group(&fields, &record);
    let all: Vec<_> = [users, owners]
        .iter()
        .filter_map(|list| list.as_array().cloned())
        .flatten()
        .collect();
    let fields = format!("{BARE}members = {}", list("all"));
    let one = group(&fields, &json!({"id": 1, "name": "a", "all": all}));
    for group in [two, one] {
        assert_eq!(shown(&group.members), expected);
        assert_eq!(group.member_count, Some(expected.len() as u64));
    }
}
