//! The immutable, normalized result of one walk, laid out for queries.
//!
//! Rows stand in the default order (folded name, name, source, id). Each group is packed once
//! (`group/packed`), into a piece of its page that the list takes over (`packed_pieces`), so that an answer is copied
//! from memory; what filters and sorts look at stands beside it in one text buffer, in the order of the rows. Nothing
//! here is ever changed: a refresh makes a new snapshot. On disk is the same, with the packed groups in order, too.

mod assembly;
mod content_hash;
mod copied_rows;
mod counts;
mod encoding;
mod group_page;
mod layout;
mod list;
mod member;
mod packed_pieces;
mod paged_groups;
mod row;
mod search;
mod stretch;
mod text_order;

pub use content_hash::ContentHash;
pub use counts::Counts;
pub(crate) use encoding::{ENCODING, EncodingError};
pub use group_page::GroupPage;
pub(crate) use group_page::PageRowRef;
pub use layout::{NAME_KEY_BYTES, name_key};
pub use list::Snapshot;
pub use member::MemberKey;
pub use paged_groups::PagedGroups;
pub use row::RowRef;
pub use search::FoundRows;

/// How long a source's id of a group may be: cursors carry it, as they carry a name's key.
pub const SOURCE_ID_BYTES: usize = 512;

#[cfg(test)]
pub(crate) mod tests {
    use memchr::memmem::Finder;

    use crate::group::{Attributes, Group, GroupParts, Member};

    use super::*;

    /// A group with an id and a name, for tests of everything above.
    pub(crate) fn group(source: &str, id: &str, name: &str) -> Group {
        Group {
            id: format!("{source}:{id}"),
            source: source.to_owned(),
            source_id: id.to_owned(),
            name: name.to_owned(),
            description: None,
            email: None,
            status: None,
            organization_id: None,
            external_id: None,
            parent_id: None,
            path: None,
            url: None,
            logo_url: None,
            members: Vec::new(),
            admins: Vec::new(),
            guests: Vec::new(),
            member_count: None,
            created_at: None,
            updated_at: None,
            deleted_at: None,
            attributes: Attributes::default(),
        }
    }

    #[test]
    fn equal_lists_have_equal_hashes_whatever_their_order() {
        let groups = vec![group("a", "1", "x"), group("a", "2", "y")];
        let turned = groups.iter().rev().cloned().collect();
        let first = Snapshot::new("a".into(), groups);
        let second = Snapshot::new("a".into(), turned);
        assert_eq!(first.hash(), second.hash());
        assert_ne!(
            first.hash(),
            Snapshot::new("a".into(), vec![group("a", "1", "x")]).hash()
        );
    }

    #[test]
    fn a_list_has_the_hash_of_its_groups_whatever_list_was_before_it() {
        let list = |names: &[&str]| -> Vec<_> {
            let groups = names.iter().enumerate();
            groups
                .map(|(id, name)| group("a", &id.to_string(), name))
                .collect()
        };
        let lists = [
            list(&[]),
            list(&["x"]),
            list(&["x", "y"]),
            list(&["x", "z"]),
            list(&["y", "x"]),
            list(&["xy"]),
            list(&["x", "y", "z"]),
        ];
        let whole = lists
            .clone()
            .map(|groups| Snapshot::new("a".into(), groups));
        for (groups, alone) in lists.iter().zip(&whole) {
            for before in &whole {
                let groups = groups.clone().into();
                let (list, _) = Snapshot::of_walk("a".into(), groups, Some(before));
                assert_eq!(list.hash(), alone.hash());
            }
        }
    }

    #[test]
    fn rows_show_what_queries_look_at() {
        let mut straße = group("a", "1", "Straße");
        straße.status = Some("active".to_owned());
        straße.description = Some("Où l'on MARCHE".to_owned());
        straße.guests = vec![Member {
            id: None,
            email: Some("Ann@Example.com".to_owned()),
        }];
        let snapshot = Snapshot::new("a".into(), vec![group("a", "2", "zoo"), straße.clone()]);
        let row = snapshot.row(0);
        assert_eq!(row.id(), "a:1");
        assert_eq!(row.name(), "Straße");
        assert_eq!(row.folded_name(), "strasse");
        assert_eq!(row.status(), Some("active"));
        assert!(row.contains(&Finder::new("marche")));
        assert!(!row.contains(&Finder::new("zoo")));
        assert!(row.has_member(&MemberKey::new("ANN@example.com")));
        assert!(!row.has_member(&MemberKey::new("bob@example.com")));
        assert_eq!(row.group().unwrap(), straße);
        assert_eq!(snapshot.row(1).status(), None);
    }

    #[test]
    fn an_empty_text_is_not_taken_for_the_one_behind_it() {
        let mut first = group("a", "1", "x");
        first.status = Some(String::new());
        first.organization_id = Some("acme".to_owned());
        let snapshot = Snapshot::new("a".into(), vec![first]);
        assert_eq!(snapshot.row(0).status(), Some(""));
        assert_eq!(snapshot.row(0).organization_id(), Some("acme"));
    }

    #[test]
    fn large_groups_at_the_start_of_a_page_reserve_nothing_for_all_others() {
        let mut page = GroupPage::new("a");
        let large = group("a", "1", &"x".repeat(1 << 20));
        let (parts, people) = GroupParts::of(&large);
        page.push(&parts, &people, false, "{}");
        page.expect(usize::MAX, 1 << 18);
        assert!(page.bytes() < 16 << 20, "{}", page.bytes());
    }

    #[test]
    fn every_row_is_found_by_its_id_and_nothing_else_is() {
        let groups = ["10", "9", "", "é", "1:0"]
            .map(|id| group("a", id, &format!("name of {id}")))
            .to_vec();
        let snapshot = Snapshot::new("a".into(), groups);
        for index in 0..snapshot.len() {
            assert_eq!(snapshot.find(snapshot.row(index).id()), Some(index));
        }
        for id in ["a:1", "10", "b:10", ""] {
            assert_eq!(snapshot.find(id), None);
        }
    }

    #[test]
    fn a_name_longer_than_its_key_is_searched_in_full() {
        let key = "x".repeat(NAME_KEY_BYTES - 1);
        // The last letter of this key is another one with what is cut off.
        let composed = group("a", "1", &format!("{key}a\u{301}\u{323}"));
        let mut long = group("a", "2", &format!("{key}xneedle"));
        long.description = Some("What it is for".to_owned());
        let snapshot = Snapshot::new("a".into(), vec![composed, long]);
        assert!((snapshot.rows()).all(|row| row.name().len() == NAME_KEY_BYTES));
        let (neither, by_name, not_by_name) = ([false; 2], [true; 2], [true, false]);
        for (text, expected) in [
            ("needle", [neither, by_name]),
            ("for", [neither, not_by_name]),
            ("\u{1ea1}\u{301}", [by_name, neither]),
            ("xa", [neither; 2]),
            ("\0", [neither; 2]),
            ("needle\0what", [neither; 2]),
            ("needlewhat", [neither; 2]),
        ] {
            let search = Finder::new(text);
            let found = snapshot
                .rows()
                .map(|row| [row.contains(&search), row.name_contains(&search)]);
            assert_eq!(found.collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn a_snapshot_takes_no_less_than_its_pages_say() {
        let groups: Vec<_> = ["", "a", "Straße", &"long ".repeat(200)]
            .iter()
            .map(|name| group("a", name, name))
            .collect();
        let pages = PagedGroups::from(groups);
        let least = pages.pages()[0].least_bytes() as usize;
        let bytes = Snapshot::of("a".into(), pages).bytes();
        assert!((bytes / 2..=bytes).contains(&least), "{least} of {bytes}");
    }
}
