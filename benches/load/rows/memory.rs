//! What the gateway takes at most that holds ten lists of 100,000 groups, while one after the other is replaced.

use std::time::Duration;

use super::Bench;
use crate::bare::{client, post};
use crate::servers::Gateway;
use crate::table::Table;
use crate::upstreams::{Format, List, Pages};

const UPSTREAMS: usize = 10;
const GROUPS: usize = 100_000;

/// How often each list is replaced.
const TIMES: usize = 2;

/// Half of the capacity is for lists.
const SETTINGS: &str = "capacity = '2GiB'\nttl = '1h'\nmin_refresh = '0s'\n";

pub(super) async fn measure(bench: &Bench) -> Table {
    let head = [
        "lists",
        "at most until all were there, MB",
        "replaced",
        "resident, MB",
        "at most, MB",
    ];
    let mut table = Table::new("Memory", &head);
    let lists = [0, 1].map(|seed| List::new(seed, Format::Json, Pages::Announced(1000), GROUPS));
    let upstreams: Vec<_> = (0..UPSTREAMS)
        .map(|_| {
            bench
                .upstreams
                .serve_in_turn(lists.to_vec(), Duration::ZERO)
        })
        .collect();
    let gateway = Gateway::start(&bench.gateway, &bench.cores, &upstreams, SETTINGS).await;
    let first = gateway.memory("VmHWM") / 1e6;
    let client = client();
    let mut replaced = 0;
    for upstream in (0..UPSTREAMS).cycle().take(TIMES * UPSTREAMS) {
        let refresh = format!("http://{}/refresh/u{upstream}", gateway.admin);
        let status = post(&client, &refresh).await;
        replaced += usize::from(status.is_some_and(|status| status.is_success()));
    }
    let [resident, most] = ["VmRSS", "VmHWM"].map(|name| gateway.memory(name) / 1e6);
    table.push(vec![
        format!("{UPSTREAMS} of {GROUPS}"),
        format!("{first:.0}"),
        format!("{replaced} of {}", TIMES * UPSTREAMS),
        format!("{resident:.0}"),
        format!("{most:.0}"),
    ]);
    table
}
