//! How costs grow with upstreams, groups and connections: a cached page, and a walk of all upstreams with the
//! first page after it. Told are the slope in a log-log plot, which is 1 where a cost grows as its cause does,
//! and how far any point is above the line.

use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

use super::Bench;
use crate::closed_loop::{CONNECTIONS, Turn, compare};
use crate::connection::Question;
use crate::servers::{Gateway, HELD, NOTHING_KEPT, Server};
use crate::statistics::{Growth, Spread};
use crate::table::{Table, VOID};
use crate::upstreams::{Format, List, Pages, Upstream};

/// How long the pages of upstreams are.
const PAGE: usize = 1000;

/// What driver and gateway need besides the connections.
const OTHER_DESCRIPTORS: u64 = 1000;

/// One point.
struct Point {
    upstreams: usize,
    /// Of all upstreams together.
    groups: usize,
    connections: usize,
}

pub(super) async fn measure(bench: &Bench) -> Table {
    let head = [
        "what grows",
        "upstreams",
        "groups",
        "connections",
        "cached page, CPU us",
        "bare hyper's",
        "walk and first page, ms",
        "the same, CPU ms",
        "load, upstreams busy: cached; walk",
    ];
    let mut table = Table::new("Growth", &head);
    let point = |upstreams, groups, connections| Point {
        upstreams,
        groups,
        connections,
    };
    let upstreams = [1, 2, 5, 10, 20, 50, 100];
    let upstreams = upstreams.map(|count| (count, point(count, 1000 * count, CONNECTIONS)));
    grow(bench, &mut table, "upstreams", upstreams.into()).await;
    let groups = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
    let groups = groups.map(|count| (count, point(10, count, CONNECTIONS)));
    grow(bench, &mut table, "groups", groups.into()).await;
    let most = descriptors().saturating_sub(OTHER_DESCRIPTORS) as usize;
    let connections = [1, 10, 100, 1_000, 5_000, 10_000, 20_000].into_iter();
    let connections = connections.filter(|&count| count <= most);
    let connections = connections.map(|count| (count, point(1, 1000, count)));
    grow(bench, &mut table, "connections", connections.collect()).await;
    table
}

/// As many file descriptors as this process and those that it starts may have.
fn descriptors() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    limit.current.unwrap_or(u64::MAX)
}

/// Measures points, each with its size, and tells how the costs grow.
async fn grow(bench: &Bench, table: &mut Table, what: &str, points: Vec<(usize, Point)>) {
    let mut costs: [Vec<(f64, f64)>; 4] = Default::default();
    let mut is_void = false;
    for (size, point) in points {
        let Point {
            upstreams,
            groups,
            connections,
        } = point;
        // All upstreams hold the same: what they are called is part of what a group is called.
        let list = List::new(0, Format::Json, Pages::Announced(PAGE), groups / upstreams);
        let upstreams: Vec<_> = (0..upstreams)
            .map(|_| bench.upstreams.serve(list.clone(), Duration::ZERO))
            .collect();
        let seconds = bench.seconds.div_ceil(4);
        let question = Question::get("/groups?limit=50");
        let gateway = Gateway::start(&bench.gateway, &bench.cores, &upstreams, HELD).await;
        let bare = ["replay", &gateway.url(question.path), "", ""];
        let bare = Server::bare(&bench.cores, &bare);
        let cached = compare(question, connections, &[&gateway, &bare], seconds).await;
        drop((gateway, bare));
        let cpu = [0, 1].map(|server| Spread::of(cached.of(server).map(Turn::cpu)));
        for (costs, cpu) in costs.iter_mut().zip(cpu) {
            costs.push((size as f64, cpu.median));
        }
        let mut row = vec![
            what.to_owned(),
            upstreams.len().to_string(),
            groups.to_string(),
            connections.to_string(),
            format!("{:.1}", cpu[0]),
            format!("{:.1}", cpu[1]),
        ];
        let mut busy = cached.busy([0, 1], bench.cores.are_shared());
        // A walk knows nothing of connections.
        if what == "connections" {
            row.extend([String::new(), String::new()]);
        } else {
            let (walk, long, cpu) = walks(bench, &upstreams, question, seconds).await;
            costs[2].push((size as f64, long.median));
            costs[3].push((size as f64, cpu.median));
            row.extend([format!("{long:.1}"), format!("{cpu:.1}")]);
            busy = format!("{busy}; {walk}");
        }
        is_void |= busy.contains(VOID);
        row.push(busy);
        table.push(row);
    }
    let names = [
        "a cached page's CPU time",
        "bare hyper's",
        "a walk's time",
        "a walk's CPU time",
    ];
    for (name, costs) in names
        .iter()
        .zip(costs)
        .filter(|(_, costs)| !costs.is_empty())
    {
        let Growth { slope, worst } = Growth::of(&costs);
        let void = if is_void { VOID } else { "" };
        table.note(format!(
            "{what}, {name}: slope {slope:.2}, at most {worst:.2} times the fit{void}."
        ));
    }
}

/// Walks of all upstreams with the first page after them: how busy all were, and milliseconds for each.
async fn walks(
    bench: &Bench,
    upstreams: &[Upstream],
    question: Question<'_>,
    seconds: u64,
) -> (String, Spread, Spread) {
    let gateway = Gateway::start(&bench.gateway, &bench.cores, upstreams, NOTHING_KEPT).await;
    let walks = compare(question, 1, &[&gateway], seconds).await;
    (
        walks.busy([0], bench.cores.are_shared()),
        Spread::of(walks.of(0).map(|turn| 1e3 / turn.per_second())),
        Spread::of(walks.of(0).map(|turn| turn.cpu() / 1e3)),
    )
}
