//! Nothing is kept, so that each request makes five calls. Each call brings another list than the one before, so that
//! nothing helps that is known of that. A bare Rust server makes the same calls, decodes every field into structs, sorts,
//! and writes.

use std::time::Duration;

use super::{Bench, comparisons, push};
use crate::closed_loop::compare;
use crate::connection::Question;
use crate::servers::{Gateway, NOTHING_KEPT, Server};
use crate::table::Table;
use crate::upstreams::{Format, List, Pages, Upstream};

/// How many lists an upstream serves in turns.
const LISTS: u64 = 3;

pub(super) async fn measure(bench: &Bench) -> Table {
    let mut table = comparisons("Fan-out", "format");
    let cores = &bench.cores;
    for (xml, work) in [(0, "JSON"), (1, "one of five in XML"), (5, "XML")] {
        let upstreams: [_; 5] = std::array::from_fn(|number| {
            let format = if number < xml {
                Format::Xml
            } else {
                Format::Json
            };
            let list = |turn| List::new(turn * 5 + number as u64, format, Pages::Whole, 50);
            bench
                .upstreams
                .serve_in_turn((0..LISTS).map(list).collect(), Duration::ZERO)
        });
        let gateway = Gateway::start(&bench.gateway, cores, &upstreams, NOTHING_KEPT).await;
        let built = bench.built(&upstreams, NOTHING_KEPT).await;
        let urls = upstreams.each_ref().map(Upstream::url);
        let urls = urls.iter().map(String::as_str);
        let bare: Vec<_> = ["aggregate", "50"].into_iter().chain(urls).collect();
        let bare = Server::bare(cores, &bare);
        let recipes = upstreams.each_ref().map(Upstream::recipe);
        let recipes = recipes.iter().map(String::as_str);
        let node = bench.node.as_ref().map(|node| node.start(cores, recipes));
        let others = [
            ("bare Rust", Some(&bare)),
            ("the gateway as cargo builds it", built.as_deref()),
            ("Node", node.as_ref()),
        ];
        let others = others.into_iter();
        let (names, others): (Vec<_>, Vec<_>) = others
            .filter_map(|(name, other)| Some((name, other?)))
            .unzip();
        let servers: Vec<_> = [&*gateway].into_iter().chain(others).collect();
        let asked = || -> usize { upstreams.iter().map(Upstream::asked).sum() };
        let before = asked();
        let question = Question::get("/groups?limit=50");
        let comparison = compare(question, 1, &servers, bench.seconds).await;
        let calls = (asked() - before) as f64 / comparison.asked as f64;
        push(bench, &mut table, work, &names, &comparison);
        table.note(format!("{work}: {calls:.2} calls per request."));
    }
    table
}
