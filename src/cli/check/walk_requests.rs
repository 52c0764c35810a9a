//! How many requests a walk sends.

use crate::plan::{PartitionSource, RelatedList, ReuseRule, Span, Upstream};

use super::list_requests::list_requests;

/// For how many groups requests are counted where nobody has listed them, and for how many users at least.
pub(super) const SUPPOSED: u64 = 1000;

/// For how many people of each group, where one list has those of all.
const SUPPOSED_PEOPLE: u64 = 10;

/// About how many requests walks of one upstream send: without retries and logins, and as if the people of each
/// group stood on one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WalkRequests {
    groups: u64,
    /// For the lists of partitions and of groups, where everything is asked for, and where only changes are.
    lists: (u64, u64),
    /// For each list that is read for all groups, if it has so many records.
    common: Vec<(RelatedList, u64, u64)>,
    /// For each group, list by list.
    per_group: Vec<(RelatedList, u64)>,
    /// Those of them that are sent also where nothing has changed.
    pub(super) again: u64,
    /// How often everything is asked for, where that is not in every walk.
    full: Option<Span>,
}

impl WalkRequests {
    /// Those of an upstream with lists that belong to that of groups.
    pub(super) fn of(upstream: &Upstream, groups: u64) -> Option<Self> {
        let related = &upstream.related;
        if related.is_empty() {
            return None;
        }
        let (listing, parts) = match related.partitions.as_ref().map(|parts| &parts.source) {
            None => (0, 1),
            Some(PartitionSource::Constant(rows)) => (0, rows.len() as u64),
            Some(PartitionSource::Listed(list)) => (list_requests(&list.paging, 1), 1),
        };
        let all = parts * list_requests(&upstream.paging, groups.div_ceil(parts.max(1)));
        let none = parts * list_requests(&upstream.paging, 0);
        let users = related.users.as_ref();
        // There are at least as many users as groups, as far as one can tell.
        let users = users.map(|users| (RelatedList::Users, &users.list, groups.max(SUPPOSED)));
        let people = related.memberships.iter();
        let people = people.filter(|own| own.has_own_request());
        let people = people.map(|own| (own.role, &own.list, groups * SUPPOSED_PEOPLE));
        let common = users
            .into_iter()
            .chain(people)
            .map(|(which, list, records)| {
                let lists = if list.outer.is_empty() { 1 } else { parts };
                let of_each = records.div_ceil(lists.max(1));
                (which, lists * list_requests(&list.paging, of_each), records)
            });
        let is_spared =
            |reuse: &Option<ReuseRule>| reuse.as_ref().is_some_and(ReuseRule::is_by_record);
        let details = related.details.iter();
        let details = details.map(|own| (RelatedList::Details, &own.list, is_spared(&own.reuse)));
        // A request that brings several lists is sent if one of them is due.
        let people = related.people.iter().filter(|own| own.has_own_request());
        let people = people.map(|own| {
            let brought = related.people.iter();
            let mut brought = brought.filter(|list| list.brought_by == own.role);
            (
                own.role,
                &own.list,
                brought.all(|list| is_spared(&list.reuse)),
            )
        });
        let mut per_group = Vec::new();
        let mut again = 0;
        for (which, list, is_spared) in details.chain(people) {
            let requests = list_requests(&list.paging, 1);
            per_group.push((which, requests));
            if !is_spared {
                again += requests;
            }
        }
        let changes = upstream.incremental.as_ref();
        let full = related.full().map(Span::from);
        Some(Self {
            groups,
            lists: (listing + all, listing + changes.map_or(all, |_| none)),
            common: common.collect(),
            per_group,
            again: changes.map_or(again, |_| 0),
            full: (full.into_iter().chain(changes.map(|rule| rule.full)))
                .min_by_key(|full| full.get()),
        })
    }

    /// For each group, if it is asked for.
    pub(super) fn each(&self) -> u64 {
        self.per_group.iter().map(|(_, requests)| requests).sum()
    }

    /// For all lists that are read for all groups.
    fn common(&self) -> u64 {
        self.common.iter().map(|(_, requests, _)| requests).sum()
    }

    /// Those for pages that follow each other, in a walk for everything and in one after that.
    pub(super) fn in_turn(&self) -> (u64, u64) {
        let common = self.common();
        (self.lists.0 + common, self.lists.1 + common)
    }

    /// In a walk for everything.
    pub(super) fn first(&self) -> u64 {
        self.lists.0 + self.common() + self.groups * self.each()
    }

    /// In a walk after that, if nothing has changed.
    pub(super) fn repeated(&self) -> u64 {
        self.lists.1 + self.common() + self.groups * self.again
    }

    pub(super) fn explained(&self, is_known: bool) -> Vec<String> {
        let groups = self.groups;
        let which = if is_known {
            format!("of the {groups} groups that there were last")
        } else {
            format!("of {groups} groups")
        };
        let common = self.common.iter().map(|(list, requests, supposed)| {
            format!(", {requests} for lists of {list} if there are {supposed}")
        });
        let per_group = self.per_group.iter();
        let per_group = per_group.map(|(list, requests)| format!("{requests} for {list}"));
        let per_group = per_group.collect::<Vec<_>>().join(" and ");
        let per_group = if per_group.is_empty() {
            String::new()
        } else {
            format!(", and for each group {per_group}")
        };
        let mut lines = vec![format!(
            "sends    about {} requests in a walk {which}: {} for lists of groups{}{per_group}",
            self.first(),
            self.lists.0,
            common.collect::<String>(),
        )];
        if let Some(full) = self.full {
            let changed = match self.each() - self.again {
                0 => String::new(),
                changed => format!(", and {changed} for each group that has changed"),
            };
            let repeated = self.repeated();
            lines.push(format!(
                "sends    about {repeated} in each walk after that{changed}; all of them every {full} (`full`)",
            ));
        }
        lines
    }
}
