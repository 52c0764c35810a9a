//! How many requests walks send, and whether the rate of an upstream allows for them.

use std::fmt;
use std::time::Duration;

use crate::catalog::KeptList;
use crate::config::Loaded;
use crate::config::upstream::Upstream as Written;
use crate::plan::{Rate, Span, Upstream};
use crate::problem::{KeyPath, Problem};

use super::walk_requests::{SUPPOSED, WalkRequests};
use super::warnings::warning;

/// How long an answer is supposed to take where no rate says how many requests are sent.
const SUPPOSED_ANSWER: Duration = Duration::from_millis(100);

/// How quickly requests are sent.
#[derive(Debug, Clone, Copy)]
enum RequestPace {
    /// As often as the configuration says.
    Rate(Rate),
    /// So many at once, each as soon as another was answered.
    AtOnce(u32),
}

impl RequestPace {
    fn of(upstream: &Upstream) -> Self {
        let limits = &upstream.limits;
        limits
            .rate
            .map_or(Self::AtOnce(limits.concurrency), Self::Rate)
    }

    /// From one request to the next.
    fn interval(self) -> Duration {
        match self {
            Self::Rate(rate) => rate.interval(),
            Self::AtOnce(requests) => SUPPOSED_ANSWER / requests.max(1),
        }
    }

    /// How long so many requests take, of which some follow each other.
    fn takes(self, RequestCount { all, in_turn }: RequestCount) -> Duration {
        let times = |requests: u64| u32::try_from(requests).unwrap_or(u32::MAX);
        match self {
            Self::Rate(rate) => rate.interval().saturating_mul(times(all)),
            Self::AtOnce(_) => {
                let in_turn = in_turn.min(all);
                let others = self.interval().saturating_mul(times(all - in_turn));
                SUPPOSED_ANSWER
                    .saturating_mul(times(in_turn))
                    .saturating_add(others)
            }
        }
    }

    /// What makes it quicker.
    const fn key(self) -> &'static str {
        match self {
            Self::Rate(_) => "limits.rate",
            Self::AtOnce(_) => "limits.concurrency",
        }
    }
}

impl fmt::Display for RequestPace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => write!(formatter, "at {rate}"),
            Self::AtOnce(requests) => {
                let each = Span::from(SUPPOSED_ANSWER);
                write!(formatter, "with {requests} at once, if each takes {each}")
            }
        }
    }
}

/// So many requests, of which some follow each other.
#[derive(Debug, Clone, Copy)]
struct RequestCount {
    all: u64,
    in_turn: u64,
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
    let each = requests.as_ref().map_or(0, WalkRequests::each);
    if requests.is_some() || upstream.limits.rate.is_some() {
        let pace = RequestPace::of(upstream);
        lines.extend((each > 0).then(|| covered(upstream, pace, each)));
        let too_low = match (&requests, kept) {
            (None, None) => None,
            (None, Some(KeptList { pages, .. })) => {
                let what = format!("the last walk read {pages} pages");
                let sent = RequestCount {
                    all: pages,
                    in_turn: pages,
                };
                too_slow(upstream, pace, (sent, &what), (sent, &what))
            }
            (Some(requests), None) => too_many(upstream, pace, requests),
            (Some(requests), Some(kept)) => {
                let (first, repeated) = (requests.first().max(kept.pages), requests.repeated());
                let all = format!("a walk of all {groups} groups sends about {first} requests");
                let each = format!("each walk of {groups} groups sends about {repeated} requests");
                let in_turn = requests.in_turn();
                let sent = |all, in_turn| RequestCount { all, in_turn };
                let (first, repeated) = (sent(first, in_turn.0), sent(repeated, in_turn.1));
                too_slow(upstream, pace, (first, &all), (repeated, &each))
            }
        };
        lines.extend(too_low.map(|too_low| too_low_warning(loaded, upstream, written, too_low)));
    }
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

/// How many groups walks cover within the time for them, and within the time that their list is fresh.
fn covered(upstream: &Upstream, pace: RequestPace, each: u64) -> String {
    let (walk, ttl) = bounds(upstream);
    format!(
        "covers   {pace}, {} groups in a walk of {walk} (`limits.walk`), {} within {ttl} (`ttl`)",
        groups_within(walk, pace, each),
        groups_within(ttl, pace, each),
    )
}

/// How long a walk may take, and how long its list is fresh.
fn bounds(upstream: &Upstream) -> (Span, Span) {
    let ttl = upstream.terms.freshness.ttl;
    (upstream.limits.walk, ttl.into())
}

fn groups_within(span: Span, pace: RequestPace, each: u64) -> u128 {
    let requests = span.get().as_nanos() / pace.interval().as_nanos().max(1);
    requests / u128::from(each.max(1))
}

/// What is to be said where the requests for everything, or those of each walk, take too long.
fn too_slow(
    upstream: &Upstream,
    pace: RequestPace,
    all: (RequestCount, &str),
    each: (RequestCount, &str),
) -> Option<TooLow> {
    let longer = |(sent, what): (RequestCount, &str), bound: Span, key: &str| {
        let takes = pace.takes(sent);
        let shown = Span::from(Duration::from_secs(takes.as_secs()));
        let told = format!("{what}, which take {shown} {pace}: longer than {bound} (`{key}`)");
        (takes > bound.get()).then_some(told)
    };
    let (walk, ttl) = bounds(upstream);
    let over_walk = longer(all, walk, "limits.walk").map(TooLow::Walk);
    over_walk.or_else(|| longer(each, ttl, "ttl").map(TooLow::Ttl))
}

/// What is to be said where a walk may bring more groups than can be read while their list is fresh.
fn too_many(upstream: &Upstream, pace: RequestPace, requests: &WalkRequests) -> Option<TooLow> {
    let (walk, ttl) = bounds(upstream);
    let most = groups_within(ttl, pace, requests.again);
    let is_too_low = requests.again > 0 && groups_within(walk, pace, requests.each()) > most;
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
    let quicker = RequestPace::of(upstream).key();
    let problem = match too_low {
        TooLow::Walk(what) => Problem::new(block.join("limits").join("walk"), what)
            .with_help(format!("raise `limits.walk` or `{quicker}`")),
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
                .with_help(format!("raise `ttl` or `{quicker}`{or_reuse}"))
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

    #[test]
    fn without_a_rate_as_many_requests_are_sent_as_may_be_at_once() {
        let kept = KeptList {
            groups: 20_000,
            pages: 20,
        };
        let told = explained(&[PLAIN, "ttl = '1h'\n", MEMBERS], Some(kept));
        let expected = "covers   with 4 at once, if each takes 100ms, 12000 groups in a walk of 5m (`limits.walk`), \
                        144000 within 1h (`ttl`)\n  \
                        warning: test.toml:1: a walk of all 20000 groups sends about 20200 requests, which take 8m 40s \
                        with 4 at once, if each takes 100ms: longer than 5m (`limits.walk`); raise `limits.walk` or \
                        `limits.concurrency`\n";
        assert!(told.contains(expected), "{told}");
        let told = explained(&[PLAIN, "limits = { walk = '30m' }\n", MEMBERS], None);
        let expected = "where there are more than 1200 groups, their list is older than 30s (`ttl`) as soon as it has \
                        been read; raise `ttl` or `limits.concurrency`, or set `reuse`\n";
        assert!(told.contains(expected), "{told}");
    }

    #[test]
    fn pages_of_a_list_follow_each_other() {
        let kept = KeptList {
            groups: 40_000,
            pages: 4400,
        };
        let told = explained(&[PLAIN, MEMBERSHIPS], Some(kept));
        let expected = "each walk of 40000 groups sends about 4400 requests, which take 7m 20s with 4 at once, if each \
                        takes 100ms: longer than 30s (`ttl`)";
        let walk = "a walk of all 40000 groups sends about 4400 requests, which take 7m 20s with 4 at once, if each \
                    takes 100ms: longer than 5m (`limits.walk`); raise `limits.walk` or `limits.concurrency`\n";
        assert!(told.contains(walk), "{told}");
        let told = explained(
            &[PLAIN, "limits = { walk = '30m' }\n", MEMBERSHIPS],
            Some(kept),
        );
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("covers"), "{told}");
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
