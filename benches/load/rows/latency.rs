//! How long cached pages take while half as many are asked for as bare hyper could send: see `open_loop`.

use std::time::Duration;

use super::Bench;
use crate::bare::{client, get};
use crate::closed_loop::{CONNECTIONS, ROUNDS, ask};
use crate::connection::Question;
use crate::open_loop::{self, Latency};
use crate::servers::{Gateway, HELD, Server};
use crate::statistics::Spread;
use crate::table::{SATURATED, Table, busy};
use crate::upstreams::{Format, List, Pages};

pub(super) const PERCENTILES: [f64; 3] = [50.0, 99.0, 99.9];

pub(super) async fn measure(bench: &Bench) -> Table {
    let head = [
        "page",
        "requests/s",
        "server",
        "p50, us",
        "p99, us",
        "p99.9, us",
        "server busy",
        "load, upstreams busy",
    ];
    let mut table = Table::new("Latency", &head);
    let cores = &bench.cores;
    let list = List::new(0, Format::Json, Pages::Whole, 3000);
    let upstreams = [bench.upstreams.serve(list, Duration::ZERO)];
    let gateway = Gateway::start(&bench.gateway, cores, &upstreams, HELD).await;
    for limit in [50, 1000] {
        let path = &*format!("/groups?limit={limit}");
        let page = gateway.url(path);
        let answer = get(&client(), &page, "", "").await.unwrap();
        let bare = Server::bare(cores, &["replay", &page, "", ""]);
        let mut nginx = None;
        if let Some(found) = &bench.nginx {
            nginx = found.start(cores, path, &answer).await;
        }
        let mut servers = vec![("gateway", &*gateway), ("bare hyper", &bare)];
        servers.extend(nginx.as_ref().map(|nginx| ("nginx", &nginx.server)));
        let question = Question::get(path);
        let mut rate = 0.0;
        for (_, server) in servers.iter().rev() {
            ask(question, CONNECTIONS, server).await;
        }
        for _ in 0..3 {
            rate = f64::max(
                rate,
                ask(question, CONNECTIONS, &bare).await.per_second() / 2.0,
            );
        }
        let long = Duration::from_secs(bench.seconds).div_f64(ROUNDS as f64);
        let mut rounds: Vec<_> = servers.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for ((_, server), rounds) in servers.iter().zip(&mut rounds) {
                rounds.push(open_loop::ask(question, server, rate, long));
            }
        }
        for ((name, _), rounds) in servers.iter().zip(&rounds) {
            let mut row = vec![
                format!("{limit} groups"),
                format!("{rate:.0}"),
                (*name).to_owned(),
            ];
            row.extend(figures(bench, rounds));
            table.push(row);
        }
    }
    table
}

/// Percentiles, and how busy all were.
pub(super) fn figures(bench: &Bench, rounds: &[Latency]) -> Vec<String> {
    let percentile = |percent| {
        let latencies = rounds.iter().map(|round| round.percentile(percent));
        format!("{:.0}", Spread::of(latencies))
    };
    let mut figures = PERCENTILES.map(percentile).to_vec();
    let usages = || rounds.iter().map(|round| round.usage);
    let server =
        Spread::of(usages().map(|usage| usage.server.as_secs_f64() / usage.long.as_secs_f64()));
    let saturated = if server.median > SATURATED {
        ", saturated"
    } else {
        ""
    };
    figures.push(format!("{:.0} %{saturated}", server.median * 100.0));
    figures.push(busy([usages()], bench.cores.are_shared()));
    figures
}
