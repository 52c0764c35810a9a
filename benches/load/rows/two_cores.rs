//! What a second core brings. With four cores it shows in requests per second, while the load has the other two;
//! with fewer, load and gateway share one, and only the CPU time of a request tells what the two workers cost
//! each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;

use super::Bench;
use crate::closed_loop::{CONNECTIONS, Turn, compare};
use crate::connection::Question;
use crate::cores::pin;
use crate::servers::{Gateway, HELD};
use crate::statistics::Spread;
use crate::table::Table;
use crate::upstreams::{Format, List, Pages};

pub(super) async fn measure(bench: &Bench) -> Table {
    let head = [
        "page",
        "one core",
        "two cores",
        "requests/s, times those of one",
        "CPU time, times that of one",
        "load, upstreams busy",
    ];
    let mut table = Table::new("One core and two", &head);
    let one = &bench.cores;
    let Some(two) = one.two_for_servers() else {
        table.note("There is one core.");
        return table;
    };
    let list = List::new(0, Format::Json, Pages::Whole, 3000);
    let upstreams = [bench.upstreams.serve(list, Duration::ZERO)];
    let gateways = [
        &*Gateway::start(&bench.gateway, &two, &upstreams, HELD).await,
        &*Gateway::start(&bench.gateway, one, &upstreams, HELD).await,
    ];
    for limit in [50, 1000] {
        let path = format!("/groups?limit={limit}");
        let question = Question::get(&path);
        let compare = || compare(question, 4 * CONNECTIONS, &gateways, bench.seconds);
        let comparison = if two.are_apart() {
            // A load that is as wide.
            thread::scope(|scope| {
                let load = scope.spawn(|| {
                    let next = AtomicUsize::new(0);
                    let cores = [one.load, one.upstreams];
                    let runtime = Builder::new_multi_thread()
                        .worker_threads(cores.len())
                        .on_thread_start(move || {
                            pin(&[cores[next.fetch_add(1, Ordering::Relaxed) % cores.len()]]);
                        })
                        .enable_all()
                        .build();
                    runtime.unwrap().block_on(compare())
                });
                load.join().unwrap()
            })
        } else {
            compare().await
        };
        let figures = |server| {
            let median =
                |figure: fn(&Turn) -> f64| Spread::of(comparison.of(server).map(figure)).median;
            format!(
                "{:.0}/s, {:.1} us",
                median(Turn::per_second),
                median(Turn::cpu)
            )
        };
        table.push(vec![
            format!("{limit} groups"),
            figures(1),
            figures(0),
            if two.are_apart() {
                comparison.share([0, 1], Turn::per_second).to_string()
            } else {
                "not to be shown".to_owned()
            },
            comparison.share([0, 1], Turn::cpu).to_string(),
            comparison.busy([0, 1], false),
        ]);
    }
    if !two.are_apart() {
        table.note("Fewer than four cores: the load shares the second one, so that requests per second show nothing.");
    }
    table
}
