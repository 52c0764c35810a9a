//! What a group costs through the whole gateway, from the upstream's socket to the first page, beside serde_json,
//! which decodes every field of the same bytes into typed structs and does nothing else.

use std::hint::black_box;
use std::time::Duration;

use tokio::time::Instant;

use super::Bench;
use crate::bare::decode;
use crate::closed_loop::{ROUNDS, ask};
use crate::connection::Question;
use crate::meter::Meter;
use crate::servers::{Gateway, NOTHING_KEPT};
use crate::statistics::Spread;
use crate::table::{Table, busy};
use crate::upstreams::{Format, List, Pages};

const GROUPS: usize = 10_000;

/// How long serde_json decodes before it is the gateway's turn again.
const SLICE: Duration = Duration::from_millis(500);

pub(super) async fn measure(bench: &Bench) -> Table {
    let head = [
        "pages",
        "gateway, CPU us a group",
        "serde_json, CPU us a group",
        "serde_json's, times the gateway's",
        "load, upstreams busy",
    ];
    let mut table = Table::new("Through the whole gateway", &head);
    for (name, pages) in [("one", Pages::Whole), ("ten", Pages::Announced(1000))] {
        let list = List::new(0, Format::Json, pages, GROUPS);
        let upstreams = [bench.upstreams.serve(list.clone(), Duration::ZERO)];
        let gateway = Gateway::start(&bench.gateway, &bench.cores, &upstreams, NOTHING_KEPT).await;
        let question = Question::get("/groups?limit=50");
        ask(question, 1, &gateway).await;
        let (mut usages, mut costs, mut decoding) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let turn = ask(question, 1, &gateway).await;
            usages.push(turn.usage);
            costs.push(turn.cpu() / GROUPS as f64);
            decoding.push(decoded(&list, gateway.id()));
        }
        let shares = decoding.iter().zip(&costs);
        let shares = Spread::of(shares.map(|(decoding, cost)| decoding / cost));
        table.push(vec![
            name.to_owned(),
            Spread::of(costs).to_string(),
            Spread::of(decoding).to_string(),
            shares.to_string(),
            busy([usages.into_iter()], bench.cores.are_shared()),
        ]);
    }
    table
}

/// Microseconds of this thread's CPU time in which serde_json decodes one group.
fn decoded(list: &List, server: u32) -> f64 {
    let meter = Meter::start(server);
    let until = Instant::now() + SLICE;
    let mut groups = 0;
    while Instant::now() < until {
        groups += list
            .bodies()
            .iter()
            .map(|body| black_box(decode(body)))
            .sum::<usize>();
    }
    meter.stop().load.as_secs_f64() * 1e6 / groups as f64
}
