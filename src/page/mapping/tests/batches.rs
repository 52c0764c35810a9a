//! Groups are written eight at a time, and what is said of one is said of no other.

use rstest::rstest;
use serde_json::json;

use super::super::LeftOutRecord;
use super::compiled;
use crate::page::format::Page;
use crate::plan::RecordColumn;

/// Records of which the third has no name, the eighth is of another kind, and the ninth and the sixteenth are deleted.
fn body() -> String {
    let records = (1..=20).map(|number| {
        let mut record = json!({
            "id": format!("{number}"),
            "name": format!("g{number}"),
            "kind": if number == 8 { "role" } else { "group" },
            "deleted": (number == 9 || number == 16),
            "note": number,
        });
        for role in ["members", "admins", "guests"] {
            let people =
                (0..number % 4).map(|person| json!({"id": format!("{role}{number}-{person}")}));
            record[role] = people.collect();
        }
        if number == 3 {
            record["name"] = json!(null);
        }
        record
    });
    json!(records.collect::<Vec<_>>()).to_string()
}

#[rstest]
fn every_group_has_its_own_people_attributes_and_marks(#[values(false, true)] beside: bool) {
    let people = ["members", "admins", "guests"]
        .map(|role| format!("{role} = {{ each = '{role}', id = 'id' }}"));
    let keys = format!(
        "records = '/'\n[fields]\nid = 'id'\nname = 'name'\n{}",
        people.join("\n")
    );
    let (mut mapping, format) = compiled(&keys);
    mapping.records.only = Some(toml::from_str("path = 'kind'\nequals = 'group'").unwrap());
    mapping.deleted = Some(toml::from_str("path = 'deleted'\nequals = true").unwrap());
    if beside {
        mapping.beside = vec![RecordColumn::Record];
    }
    let page = Page::decode(format, body().as_bytes()).unwrap();
    let records = mapping.records.listed(&page).unwrap();
    let mapped = mapping.map(records, None, LeftOutRecord::Removes).unwrap();
    let skipped: Vec<_> = mapped.skipped.iter().map(|(index, _)| *index).collect();
    assert_eq!((skipped, mapped.left_out), (vec![2], 1));
    let rows: Vec<_> = mapped.groups.rows().collect();
    let expected: Vec<_> = (1..=20).filter(|number| *number != 3).collect();
    assert_eq!(rows.len(), expected.len());
    for (index, (row, number)) in rows.into_iter().zip(expected).enumerate() {
        assert_eq!(row.source_id(), number.to_string());
        assert_eq!(row.is_removed(), [8, 9, 16].contains(&number), "{number}");
        let read = mapped.groups.beside(index).map(|row| format!("{row:?}"));
        assert_eq!(read.is_some(), beside);
        assert!(
            read.is_none_or(|read| read.contains(&format!("g{number}\\\""))),
            "{number}"
        );
        if number == 8 {
            continue;
        }
        let group = row.group().unwrap();
        for (role, list) in [
            ("members", &group.members),
            ("admins", &group.admins),
            ("guests", &group.guests),
        ] {
            let ids: Vec<_> = list
                .iter()
                .map(|person| person.id.clone().unwrap())
                .collect();
            let own = (0..number % 4).map(|person| format!("{role}{number}-{person}"));
            assert_eq!(ids, own.collect::<Vec<_>>());
        }
        let attributes: serde_json::Value =
            serde_json::from_str(group.attributes.as_json()).unwrap();
        assert_eq!(attributes["note"], number);
    }
}
