//! A list that has the people of all groups.

use crate::config::resolve::fields;
use crate::config::resolve::outer_names::OuterNames;
use crate::config::upstream::{Field, MemberList};
use crate::plan::{self, ListReading, OuterValue, RecordColumn, RelatedList, Share, UniqueIds};
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
        let reading = self.reading(&at, &own, OuterNames::of_memberships(self.upstream));
        let columns = self.person(&at, list, &own);
        let group_at = at.join("fields").join("group");
        let group = fields::column(&group_at, group, &own, self.problems);
        if let Some(reading) = &reading {
            self.check_partition(&group_at, reading);
        }
        self.check_memberships(&at, &group_at, list);
        let mut columns = columns?;
        columns.push(RecordColumn::Group(group?));
        Some(plan::Memberships {
            role,
            brought_by: role,
            list: ListReading {
                columns,
                ..reading?
            },
        })
    }

    /// Where one id is another group in each partition, a list of several does not tell which one it names.
    fn check_partition(&mut self, group_at: &KeyPath, reading: &ListReading) {
        let partitions = self.upstream.partitions.as_ref();
        let Some(partitions) = partitions.filter(|own| own.ids == UniqueIds::Partition) else {
            return;
        };
        let is_named = |name: &&String| {
            let named =
                |value: &OuterValue| matches!(value, OuterValue::Partition(own) if own == *name);
            reading.outer.iter().any(named)
        };
        if let Some(name) = partitions.values.keys().find(|name| !is_named(name)) {
            let message = format!(
                "the ids of groups are unique in their partition (`partitions.ids`), and the request does not name \
                 `{{partition.{name}}}`: whose group an item names cannot be told"
            );
            let help =
                format!("write `{{partition.{name}}}` where the request names the partition");
            self.push(group_at.clone(), message, &help);
        }
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
