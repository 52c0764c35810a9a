//! The lists that belong to a list of groups, in words.

use crate::config::upstream::{Request as WrittenRequest, Upstream as Written};
use crate::plan::{
    ListReading, PartitionSource, RelatedList, ReuseMarker, ReuseRule, Share, UniqueIds, Upstream,
};

use super::paging::explain_pages;
use super::records::explain_only;
use super::target::explain_target;

/// How many constants are shown.
const SHOWN: usize = 5;

/// What is asked for before the list of groups, and for each group.
pub(super) fn explain_related(upstream: &Upstream, written: &Written) -> Vec<String> {
    let mut lines = Vec::new();
    let related = &upstream.related;
    if let Some(partitions) = &related.partitions {
        let names: Vec<_> = partitions
            .names
            .iter()
            .map(|name| format!("{{partition.{name}}}"))
            .collect();
        let names = names.join(", ");
        match &partitions.source {
            PartitionSource::Constant(rows) => {
                let more = rows.len().saturating_sub(SHOWN);
                let shown: Vec<_> = rows
                    .iter()
                    .take(SHOWN)
                    .map(|row| row.join(" and "))
                    .collect();
                let more = if more > 0 {
                    format!(" and {more} more")
                } else {
                    String::new()
                };
                lines.push(format!(
                    "parts    asked once for each of {} values of {names}: {}{more}",
                    rows.len(),
                    shown.join(", "),
                ));
            }
            PartitionSource::Listed(list) => {
                let request = written
                    .partitions
                    .as_ref()
                    .and_then(|own| own.request.as_ref());
                lines.push(format!(
                    "parts    asked once for each record of {}, as {names}",
                    list_in_words(list, request),
                ));
            }
        }
        lines.push(match partitions.ids {
            UniqueIds::Global => {
                "parts    a group that two of them list is one; if its records differ, the walk fails".to_owned()
            }
            UniqueIds::Partition => "parts    a group's id is its partition's values and its own id".to_owned(),
        });
        let left_out = [
            ("be gone (404, 410)", partitions.gone),
            ("refuse the credentials (401, 403)", partitions.refused),
        ];
        for (what, share) in left_out
            .into_iter()
            .filter(|(_, share)| *share != Share::NONE)
        {
            lines.push(format!(
                "parts    {share} of them may {what}, and are left out with their groups"
            ));
        }
    }
    if let (Some(users), Some(own)) = (&related.users, &written.users) {
        let often = often(&users.list);
        lines.push(format!(
            "users    {often}{}; they say the addresses of people by their ids; one may be missing, or {} of them",
            list_in_words(&users.list, Some(&own.request)),
            users.unknown,
        ));
    }
    if let (Some(details), Some(own)) = (&related.details, &written.details) {
        lines.push(format!(
            "details  for each group {}, laid over its record; {}{}",
            list_in_words(&details.list, Some(&own.request)),
            reuse(details.reuse.as_ref()),
            gone(details.gone),
        ));
    }
    for list in &related.people {
        let asked = people_in_words(written, list.role, list.brought_by, &list.list);
        lines.push(format!(
            "{:<8} for each group {asked}; {}{}",
            <&str>::from(list.role),
            reuse(list.reuse.as_ref()),
            gone(list.gone),
        ));
    }
    for own in &related.memberships {
        let asked = people_in_words(written, own.role, own.brought_by, &own.list);
        lines.push(format!(
            "{:<8} {}{asked}; it has the people of all groups, and is asked for in every walk",
            <&str>::from(own.role),
            often(&own.list),
        ));
    }
    lines
}

/// How often a list for all groups is asked for in a walk.
const fn often(list: &ListReading) -> &'static str {
    if list.outer.is_empty() {
        ""
    } else {
        "for each partition "
    }
}

/// How a list of people is asked for, or whose responses bring it.
fn people_in_words(
    written: &Written,
    role: RelatedList,
    brought_by: RelatedList,
    list: &ListReading,
) -> String {
    if brought_by != role {
        let records = records_in_words(list);
        return format!("from the responses for `{brought_by}`, {records}");
    }
    let mut lists = written.member_lists();
    let request = lists.find_map(|(own, list)| (own == role).then_some(&list.request));
    list_in_words(list, request)
}

/// How one list is asked for and paged.
fn list_in_words(list: &ListReading, request: Option<&WrittenRequest>) -> String {
    let target = request.map_or_else(String::new, |request| {
        explain_target(&list.requests.listing, request)
    });
    let pages = explain_pages(&list.paging);
    format!("{target}, {}, pages {pages}", records_in_words(list))
}

/// Where its records are, and which of them count.
fn records_in_words(list: &ListReading) -> String {
    let only = explain_only(&list.records);
    format!("records at {}{only}", list.records.at)
}

fn reuse(rule: Option<&ReuseRule>) -> String {
    let Some(ReuseRule { while_same, full }) = rule else {
        return "asked for in every walk".to_owned();
    };
    match while_same {
        ReuseMarker::UpdatedAt => {
            format!("not again while its `updated_at` is the same, but all of them every {full}")
        }
        ReuseMarker::Path(path) => format!(
            "not again while `{path}` in its record is the same, but all of them every {full}"
        ),
        ReuseMarker::Etag => {
            format!(
                "with its last ETag, and read again if that has changed, but all of them every {full}"
            )
        }
    }
}

fn gone(share: Share) -> String {
    format!("; one group may be gone by then, or {share} of them")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::testing::load_block;
    use crate::plan::Span;

    const LISTS: &str = "
        base_url = 'https://a.example'
        request = { path = '/{partition.org}/groups' }
        records = '/'
        fields = { id = 'id', name = 'name', updated_at = 'changed' }
        limits = { rate = '10/s', walk = '10m' }
        [partitions]
        values = { org = ['a', 'b'] }
        refused = 0.2
        [details]
        request = { path = '/groups/{group.id}' }
        [members]
        request = { path = '/groups/{group.id}/members' }
        records = '/people'
        pagination = { style = 'link' }
        fields = { id = 'id' }
        [admins]
        request = { path = '/groups/{group.id}/people' }
        records = { at = '/', only = { path = 'role', equals = 'admin' } }
        fields = { id = 'id' }
    ";

    fn explained(keys: &str) -> String {
        let loaded = load_block("a", &format!("{keys}{LISTS}"), &[]);
        let written = &loaded.settings.upstreams["a"];
        explain_related(&loaded.plan.upstreams[0], written).join("\n")
    }

    #[rstest]
    #[case::constants(
        "",
        "parts    asked once for each of 2 values of {partition.org}: a, b\n"
    )]
    #[case::refusing_partitions(
        "",
        "parts    0.2 of them may refuse the credentials (401, 403), and are left out with their groups\ndetails"
    )]
    #[case::details(
        "",
        "details  for each group GET https://a.example/groups/{group.id}, records at /, pages none: the first \
         response is the whole list, laid over its record; asked for in every walk"
    )]
    #[case::members(
        "",
        "members  for each group GET https://a.example/groups/{group.id}/members, records at /people, pages by the \
         Link header's rel=\"next\"; until there is none; asked for in every walk; one group may be gone by then, or \
         0.1 of them"
    )]
    #[case::admins(
        "",
        "admins   for each group GET https://a.example/groups/{group.id}/people, records at /, only where role is \
         `admin`, pages none"
    )]
    #[case::guests_of_the_same_responses(
        "guests = { request = { path = '/groups/{group.id}/people' }, records = '/guests', fields = { id = 'id' } }\n",
        "guests   for each group from the responses for `admins`, records at /guests; asked for in every walk; one \
         group may be gone by then, or 0.1 of them"
    )]
    #[case::users(
        "users = { request = { path = '/users' }, records = '/', fields = { id = 'id', email = 'mail' } }\n",
        "users    GET https://a.example/users, records at /, pages none: the first response is the whole list; they \
         say the addresses of people by their ids; one may be missing, or 0.1 of them"
    )]
    #[case::users_of_partitions(
        "users = { request = { path = '/{partition.org}/users' }, records = '/', fields = { id = 'id', email = 'mail' }, unknown = 0.5 }\n",
        "users    for each partition GET https://a.example/{partition.org}/users, records at /"
    )]
    #[case::the_people_of_all_groups(
        "guests = { request = { path = '/{partition.org}/guests' }, records = '/', fields = { group = 'team', id = 'id' } }\n",
        "guests   for each partition GET https://a.example/{partition.org}/guests, records at /, pages none: the \
         first response is the whole list; it has the people of all groups, and is asked for in every walk"
    )]
    fn each_list_is_explained(#[case] keys: &str, #[case] expected: &str) {
        let explained = explained(keys);
        assert!(explained.contains(expected), "{explained}");
    }

    #[test]
    fn what_reuse_goes_by_is_explained() {
        let rule = ReuseRule {
            while_same: ReuseMarker::Path("seen/members".parse().unwrap()),
            full: Span::seconds(3600),
        };
        assert_eq!(
            reuse(Some(&rule)),
            "not again while `seen/members` in its record is the same, but all of them every 1h"
        );
    }
}
