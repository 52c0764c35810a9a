//! How many requests walks send, and whether the rate of an upstream allows for them.

use std::time::Duration;

use crate::catalog::KeptList;
use crate::config::Loaded;
use crate::config::upstream::Upstream as Written;
use crate::plan::{PartitionSource, Rate, RelatedList, ReuseRule, Span, Upstream};
use crate::problem::{KeyPath, Problem};

use super::list_requests::list_requests;
use super::warnings::warning;

/// For how many groups requests are counted where nobody has listed them, and for how many users at least.
const SUPPOSED: u64 = 1000;

/// For how many people of each group, where one list has those of all.
const SUPPOSED_PEOPLE: u64 = 10;

/// About how many requests walks of one upstream send: without retries and logins, and as if the people of each
/// group stood on one page.
#[derive(Debug, Clone, PartialEq, Eq)]
struct WalkRequests {
    groups: u64,
    /// For the lists of partitions and of groups, where everything is asked for, and where only changes are.
    lists: (u64, u64),
    /// For each list that is read for all groups, if it has so many records.
    common: Vec<(RelatedList, u64, u64)>,
    /// For each group, list by list.
    per_group: Vec<(RelatedList, u64)>,
    /// Those of them that are sent also where nothing has changed.
    again: u64,
    /// How often everything is asked for, where that is not in every walk.
    full: Option<Span>,
}

impl WalkRequests {
    /// Those of an upstream with lists that belong to that of groups.
    fn of(upstream: &Upstream, groups: u64) -> Option<Self> {
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
        let people = people.filter(|own| own.brought_by == own.role);
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
    fn each(&self) -> u64 {
        self.per_group.iter().map(|(_, requests)| requests).sum()
    }

    /// For all lists that are read for all groups.
    fn common(&self) -> u64 {
        self.common.iter().map(|(_, requests, _)| requests).sum()
    }

    /// In a walk for everything.
    fn first(&self) -> u64 {
        self.lists.0 + self.common() + self.groups * self.each()
    }

    /// In a walk after that, if nothing has changed.
    fn repeated(&self) -> u64 {
        self.lists.1 + self.common() + self.groups * self.again
    }

    fn explained(&self, is_known: bool) -> Vec<String> {
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

/// A bound that is too low for what walks send, and why.
enum TooLow {
    Walk(String),
    Ttl(String),
}

/// How many requests walks send, as far as that is known of an upstream, and what is to be said of its rate.
pub(super) fn explain_requests(
    loaded: &Loaded,
    upstream: &Upstream,
    written: &Written,
    kept: Option<KeptList>,
) -> String {
    let groups = kept.map_or(SUPPOSED, |kept| kept.groups);
    let requests = WalkRequests::of(upstream, groups);
    let explained = requests
        .as_ref()
        .map(|requests| requests.explained(kept.is_some()));
    let mut lines = explained.unwrap_or_default();
    if let Some(rate) = upstream.limits.rate {
        let each = requests.as_ref().map_or(0, WalkRequests::each);
        lines.extend((each > 0).then(|| covered(upstream, rate, each)));
        let too_low = match (&requests, kept) {
            (None, None) => None,
            (None, Some(KeptList { pages, .. })) => {
                let what = format!("the last walk read {pages} pages");
                too_slow(upstream, rate, (pages, &what), (pages, &what))
            }
            (Some(requests), None) => too_many(upstream, rate, requests),
            (Some(requests), Some(kept)) => {
                let (first, repeated) = (requests.first().max(kept.pages), requests.repeated());
                let all = format!("a walk of all {groups} groups sends about {first} requests");
                let each = format!("each walk of {groups} groups sends about {repeated} requests");
                too_slow(upstream, rate, (first, &all), (repeated, &each))
            }
        };
        lines.extend(too_low.map(|too_low| too_low_warning(loaded, upstream, written, too_low)));
    }
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

/// How many groups walks cover within the time for them, and within the time that their list is fresh.
fn covered(upstream: &Upstream, rate: Rate, each: u64) -> String {
    let (walk, ttl) = bounds(upstream);
    format!(
        "covers   at {rate}, {} groups in a walk of {walk} (`limits.walk`), {} within {ttl} (`ttl`)",
        groups_within(walk, rate, each),
        groups_within(ttl, rate, each),
    )
}

/// How long a walk may take, and how long its list is fresh.
fn bounds(upstream: &Upstream) -> (Span, Span) {
    let ttl = upstream.terms.freshness.ttl;
    (upstream.limits.walk, ttl.into())
}

fn groups_within(span: Span, rate: Rate, each: u64) -> u128 {
    let requests = span.get().as_nanos() / rate.interval().as_nanos().max(1);
    requests / u128::from(each.max(1))
}

/// What is to be said where the requests for everything, or those of each walk, take too long.
fn too_slow(
    upstream: &Upstream,
    rate: Rate,
    all: (u64, &str),
    each: (u64, &str),
) -> Option<TooLow> {
    let longer = |(requests, what): (u64, &str), bound: Span, key: &str| {
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        let takes = rate.interval().saturating_mul(requests);
        let shown = Span::from(Duration::from_secs(takes.as_secs()));
        let told = format!("{what}, which take {shown} at {rate}: longer than {bound} (`{key}`)");
        (takes > bound.get()).then_some(told)
    };
    let (walk, ttl) = bounds(upstream);
    let over_walk = longer(all, walk, "limits.walk").map(TooLow::Walk);
    over_walk.or_else(|| longer(each, ttl, "ttl").map(TooLow::Ttl))
}

/// What is to be said where a walk may bring more groups than can be read while their list is fresh.
fn too_many(upstream: &Upstream, rate: Rate, requests: &WalkRequests) -> Option<TooLow> {
    let (walk, ttl) = bounds(upstream);
    let most = groups_within(ttl, rate, requests.again);
    let is_too_low = requests.again > 0 && groups_within(walk, rate, requests.each()) > most;
    is_too_low.then(|| {
        TooLow::Ttl(format!(
            "where there are more than {most} groups, their list is older than {ttl} (`ttl`) as soon as it has been read"
        ))
    })
}

/// A warning where the bound stands that is too low.
fn too_low_warning(
    loaded: &Loaded,
    upstream: &Upstream,
    written: &Written,
    too_low: TooLow,
) -> String {
    let block = KeyPath::new(["upstreams", &*upstream.name]);
    let problem = match too_low {
        TooLow::Walk(what) => Problem::new(block.join("limits").join("walk"), what)
            .with_help("raise `limits.walk` or `limits.rate`"),
        TooLow::Ttl(what) => {
            let is_own = written.ttl.is_some() || loaded.tree().get("cache").is_none();
            let table = if is_own {
                block
            } else {
                KeyPath::new(["cache"])
            };
            let related = &upstream.related;
            let or_reuse = if related.lists_per_group() > 0 && related.full().is_none() {
                ", or set `reuse`"
            } else {
                ""
            };
            Problem::new(table.join("ttl"), what)
                .with_help(format!("raise `ttl` or `limits.rate`{or_reuse}"))
        }
    };
    warning(loaded, problem)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::testing::load_block;

    const GROUPS: &str = "
        base_url = 'https://a.example'
        records = '/'
        pagination = { style = 'link', limit = 100 }
        fields = { id = 'id', name = 'name', updated_at = 'changed' }
    ";
    const MEMBERS: &str = "
        [members]
        request = { path = '/groups/{group.id}/members' }
        records = '/'
        fields = { id = 'id' }
    ";
    const ADMINS: &str = "
        [admins]
        request = { path = '/groups/{group.id}/members' }
        records = { at = '/', only = { path = 'role', equals = 'admin' } }
        fields = { id = 'id' }
    ";
    const DETAILS: &str = "
        [details]
        request = { path = '/groups/{group.id}' }
    ";
    const OFFSET_MEMBERS: &str = "
        [members]
        request = { path = '/groups/{group.id}/members', query = { skip = '{offset}', n = '{limit}' } }
        records = '/'
        pagination = { style = 'offset', limit = 100 }
        fields = { id = 'id' }
    ";
    const USERS: &str = "
        [users]
        request = { path = '/users', query = { skip = '{offset}', n = '{limit}' } }
        records = '/'
        pagination = { style = 'offset', limit = 100 }
        fields = { id = 'id', email = 'mail' }
    ";
    const MEMBERSHIPS: &str = "
        [members]
        request = { path = '/memberships', query = { n = '{limit}' } }
        records = '/'
        pagination = { style = 'link', limit = 100 }
        fields = { group = 'group', id = 'id' }
        [admins]
        request = { path = '/memberships', query = { n = '{limit}' } }
        records = { at = '/', only = { path = 'role', equals = 'admin' } }
        pagination = { style = 'link', limit = 100 }
        fields = { group = 'group', id = 'id' }
    ";
    const PLAIN: &str = "request = { path = '/groups', query = { n = '{limit}' } }\n";
    const OF_PARTS: &str =
        "request = { path = '/{partition.org}/groups', query = { n = '{limit}' } }\n";
    const PARTS: &str = "\n[partitions]\nvalues = { org = ['a', 'b'] }\n";
    const LISTED: &str =
        "\n[partitions]\nrequest = { path = '/orgs' }\nrecords = '/'\nvalues = { org = 'id' }\n";

    fn explained(block: &[&str], kept: Option<KeptList>) -> String {
        let block = [&[GROUPS], block].concat().concat();
        let loaded = load_block("a", &block, &[]);
        let written = &loaded.settings.upstreams["a"];
        explain_requests(&loaded, &loaded.plan.upstreams[0], written, kept)
    }

    #[rstest]
    #[case::in_every_walk(
        &[PLAIN, MEMBERS, DETAILS],
        "  sends    about 2010 requests in a walk of 1000 groups: 10 for lists of groups, and for each group 1 for \
         details and 1 for members\n"
    )]
    #[case::by_a_field(
        &[PLAIN, MEMBERS, "reuse = 'updated_at'\n", DETAILS, "reuse = 'etag'\n"],
        "  sends    about 1010 in each walk after that, and 1 for each group that has changed; all of them every \
         24h (`full`)\n"
    )]
    #[case::that_bring_two_lists(
        &[PLAIN, MEMBERS, ADMINS],
        "  sends    about 1010 requests in a walk of 1000 groups: 10 for lists of groups, and for each group 1 for members\n"
    )]
    #[case::that_bring_a_list_in_every_walk(
        &[PLAIN, MEMBERS, "reuse = 'updated_at'\n", ADMINS, DETAILS, "reuse = 'updated_at'\n"],
        "  sends    about 1010 in each walk after that, and 1 for each group that has changed; all of them every \
         24h (`full`)\n"
    )]
    #[case::of_constants(
        &[OF_PARTS, PARTS],
        "  sends    about 10 requests in a walk of 1000 groups: 10 for lists of groups\n"
    )]
    #[case::of_a_list(
        &[OF_PARTS, LISTED, MEMBERS],
        "  sends    about 1011 requests in a walk of 1000 groups: 11 for lists of groups, and for each group 1 for members\n"
    )]
    #[case::that_have_the_people_of_all_groups(
        &[PLAIN, MEMBERSHIPS],
        "  sends    about 110 requests in a walk of 1000 groups: 10 for lists of groups, 100 for lists of members if \
         there are 10000\n"
    )]
    #[case::until_a_page_is_empty(
        &[PLAIN, OFFSET_MEMBERS, USERS],
        "  sends    about 2021 requests in a walk of 1000 groups: 10 for lists of groups, 11 for lists of users if \
         there are 1000, and for each group 2 for members\n"
    )]
    #[case::until_a_page_is_empty_in_each_walk(
        &[PLAIN, OFFSET_MEMBERS, "reuse = 'etag'\n"],
        "  sends    about 2010 in each walk after that; all of them every 24h (`full`)\n"
    )]
    #[case::of_changes(
        &[
            "request = { path = '/groups', query = { n = '{limit}', since = '{since}' } }\n\
             incremental = { since = '{updated_after}', full = '6h' }\n",
            MEMBERS,
        ],
        "  sends    about 1 in each walk after that, and 1 for each group that has changed; all of them every 6h \
         (`full`)\n"
    )]
    #[case::covered(
        &[PLAIN, "limits = { rate = '10/s', walk = '10m' }\n", MEMBERS, DETAILS],
        "  covers   at 10/s, 3000 groups in a walk of 10m (`limits.walk`), 150 within 30s (`ttl`)\n"
    )]
    #[case::too_many(
        &[PLAIN, "limits = { rate = '10/s', walk = '10m' }\n", MEMBERS],
        "  warning: test.toml:1: where there are more than 300 groups, their list is older than 30s (`ttl`) as soon \
         as it has been read; raise `ttl` or `limits.rate`, or set `reuse`\n"
    )]
    fn requests_are_counted_for_a_thousand_groups(#[case] block: &[&str], #[case] expected: &str) {
        let explained = explained(block, None);
        assert!(explained.contains(expected), "{explained}");
    }

    #[rstest]
    #[case::for_the_walk(
        &[PLAIN, "limits = { rate = '10/s', walk = '6m' }\n", MEMBERS],
        "  warning: test.toml:8: a walk of all 3900 groups sends about 3939 requests, which take 6m 33s at 10/s: \
         longer than 6m (`limits.walk`); raise `limits.walk` or `limits.rate`\n"
    )]
    #[case::for_the_list(
        &[PLAIN, "ttl = '6m'\nlimits = { rate = '10/s', walk = '7m' }\n", MEMBERS, "reuse = 'etag'\n"],
        "  warning: test.toml:8: each walk of 3900 groups sends about 3939 requests, which take 6m 33s at 10/s: \
         longer than 6m (`ttl`); raise `ttl` or `limits.rate`\n"
    )]
    fn what_the_rate_does_not_allow_for_is_warned_of_by_what_there_was(
        #[case] block: &[&str],
        #[case] expected: &str,
    ) {
        let kept = KeptList {
            groups: 3900,
            pages: 12,
        };
        let explained = explained(block, Some(kept));
        assert!(explained.contains(expected), "{explained}");
    }

    #[rstest]
    #[case::within_its_time("ttl = '7m'\nlimits = { rate = '10/s', walk = '7m' }\n", "")]
    #[case::seldom(
        "limits = { rate = '10/s', walk = '7m' }\n",
        "reuse = 'updated_at'\nfull = '9h'\n"
    )]
    fn what_the_rate_allows_for_is_not_warned_of(#[case] keys: &str, #[case] reuse: &str) {
        let kept = KeptList {
            groups: 290,
            pages: 2,
        };
        for kept in [None, Some(kept)] {
            let explained = explained(&[PLAIN, keys, MEMBERS, reuse], kept);
            assert!(!explained.contains("warning"), "{explained}");
        }
    }
}
