//! A list that has the people of all groups.

use crate::config::resolve::fields;
use crate::config::resolve::outer_names::OuterNames;
use crate::config::upstream::{Field, MemberList};
use crate::plan::{self, ListReading, RecordColumn, RelatedList, Share};
use crate::problem::KeyPath;

use super::RelatedResolver;

impl RelatedResolver<'_> {
    pub(super) fn memberships(
        &mut self,
        role: RelatedList,
        list: &MemberList,
        group: &Field,
    ) -> Option<plan::Memberships> {
        let key: &str = role.into();
        let at = self.at.join(key);
        let own = self.list_of(list);
        let reading = self.reading(&at, &own, OuterNames::of_all_groups(self.upstream));
        let columns = self.person(&at, list, &own);
        let group_at = at.join("fields").join("group");
        let group = fields::column(&group_at, group, &own, self.problems);
        self.check_memberships(&at, &group_at, list);
        let mut columns = columns?;
        columns.push(RecordColumn::Value(group?));
        Some(plan::Memberships {
            role,
            brought_by: role,
            list: ListReading {
                columns,
                ..reading?
            },
        })
    }

    /// Nothing is asked for a group, and all is read in each walk.
    fn check_memberships(&mut self, at: &KeyPath, group_at: &KeyPath, list: &MemberList) {
        let of_each = [
            ("reuse", list.reuse.is_some()),
            ("full", list.full.is_some()),
            ("gone", list.gone != Share::TENTH),
        ];
        for (key, _) in of_each.into_iter().filter(|(_, is_set)| *is_set) {
            let message = "one list has the people of all groups (`fields.group`): it is read in every walk, and no \
                           group is asked for";
            self.push(at.join(key), message, "leave it out");
        }
        if self.upstream.incremental.is_some() {
            let message = "groups that have not changed are not read again, so they would keep the people that they had";
            let help = "leave `fields.group` or `incremental` out";
            self.push(group_at.clone(), message, help);
        }
    }
}
