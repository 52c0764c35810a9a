//! Five upstreams of 10,000 groups each, of which nothing is held: every request walks all of them before its
//! first page is answered. All servers have been running and have open connections; none keeps anything of a
//! request before. One upstream names each of its hundred pages on the one before, so that no walk takes less
//! than a hundred times the latency.

use std::time::Duration;

use super::{Bench, comparisons, push};
use crate::closed_loop::compare;
use crate::connection::Question;
use crate::servers::{Gateway, NOTHING_KEPT, Server};
use crate::table::Table;
use crate::upstreams::{Format, List, Pages, Upstream};

const GROUPS: usize = 10_000;

/// How the upstreams cut and write their lists, as those of the demo do.
const SHAPES: [(Format, Pages); 5] = [
    (Format::Json, Pages::Whole),
    (Format::Json, Pages::Chained(100)),
    (Format::Xml, Pages::Announced(200)),
    (Format::Json, Pages::Announced(100)),
    (Format::Json, Pages::Announced(100)),
];

pub(super) async fn measure(bench: &Bench) -> Table {
    let mut table = comparisons("Cold walks", "latency of a page");
    let cores = &bench.cores;
    for latency in [5, 0] {
        let upstreams: Vec<_> = (0..)
            .zip(SHAPES)
            .map(|(seed, (format, pages))| {
                let list = List::new(seed, format, pages, GROUPS);
                bench.upstreams.serve(list, Duration::from_millis(latency))
            })
            .collect();
        let recipes: Vec<_> = upstreams.iter().map(Upstream::recipe).collect();
        let recipes = || recipes.iter().map(String::as_str);
        let gateway = Gateway::start(&bench.gateway, cores, &upstreams, NOTHING_KEPT).await;
        let walker: Vec<_> = ["walk"].into_iter().chain(recipes()).collect();
        let walker = Server::bare(cores, &walker);
        let node = bench.node.as_ref().map(|node| node.start(cores, recipes()));
        let mut servers = vec![&*gateway, &walker];
        servers.extend(&node);
        let question = Question::get("/groups?limit=100");
        let comparison = compare(question, 1, &servers, bench.seconds).await;
        let names = &["bare walker", "Node"][..servers.len() - 1];
        push(
            bench,
            &mut table,
            &format!("{latency} ms"),
            names,
            &comparison,
        );
    }
    table
}
