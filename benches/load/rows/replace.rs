//! How long cached pages take while a list of 100,000 groups is replaced again and again by another, beside how
//! long they take at rest. Each new list makes all that was cached worthless.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;

use super::Bench;
use super::latency::{PERCENTILES, figures};
use crate::bare::{client, post};
use crate::closed_loop::{CONNECTIONS, ROUNDS, ask};
use crate::connection::Question;
use crate::open_loop;
use crate::servers::{Gateway, HELD};
use crate::statistics::Spread;
use crate::table::Table;
use crate::upstreams::{Format, List, Pages};

/// Which part of what the gateway could answer at rest is asked for: replacing takes the rest of the core.
const PART: f64 = 0.1;

pub(super) async fn measure(bench: &Bench) -> Table {
    let head = [
        "lists",
        "requests/s",
        "p50, us",
        "p99, us",
        "p99.9, us",
        "gateway busy",
        "load, upstreams busy",
    ];
    let mut table = Table::new("While lists are replaced", &head);
    let lists = [0, 1].map(|seed| List::new(seed, Format::Json, Pages::Announced(1000), 100_000));
    let upstreams = [bench
        .upstreams
        .serve_in_turn(lists.to_vec(), Duration::ZERO)];
    let settings = format!("{HELD}min_refresh = '0s'\n");
    let gateway = Gateway::start(&bench.gateway, &bench.cores, &upstreams, &settings).await;
    let question = Question::get("/groups?limit=50");
    ask(question, CONNECTIONS, &gateway).await;
    let rate = ask(question, CONNECTIONS, &gateway).await.per_second() * PART;
    let long = Duration::from_secs(bench.seconds).div_f64(ROUNDS as f64);
    let refresh = format!("http://{}/refresh/u0", gateway.admin);
    let (mut at_rest, mut replacing, mut replaced) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        at_rest.push(open_loop::ask(question, &gateway, rate, long));
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let refreshes = scope.spawn(|| refresh_until(&is_over, &refresh));
            replacing.push(open_loop::ask(question, &gateway, rate, long));
            is_over.store(true, Ordering::Relaxed);
            replaced += refreshes.join().unwrap();
        });
    }
    let replaced = f64::from(replaced) / bench.seconds as f64;
    let works = [
        "at rest".to_owned(),
        format!("{replaced:.1} replaced a second"),
    ];
    for (work, rounds) in works.into_iter().zip([&at_rest, &replacing]) {
        let mut row = vec![work, format!("{rate:.0}")];
        row.extend(figures(bench, rounds));
        table.push(row);
    }
    for percent in PERCENTILES {
        let rounds = at_rest.iter().zip(&replacing);
        let times = rounds.map(|(at_rest, replacing)| {
            replacing.percentile(percent) / at_rest.percentile(percent)
        });
        table.note(format!(
            "p{percent} is {} times that at rest.",
            Spread::of(times)
        ));
    }
    table
}

/// Has a list walked, again and again. How often.
fn refresh_until(is_over: &AtomicBool, refresh: &str) -> u32 {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client();
        let mut replaced = 0;
        while !is_over.load(Ordering::Relaxed) {
            let status = post(&client, refresh).await;
            assert!(status.is_some_and(|status| status.is_success()));
            replaced += 1;
        }
        replaced
    })
}
