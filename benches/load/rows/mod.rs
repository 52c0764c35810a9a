//! What is measured, one file each.

mod cached;
mod cold;
mod fan_out;
mod growth;
mod latency;
mod memory;
mod replace;
mod two_cores;
mod whole;

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::closed_loop::{Comparison, Turn};
use crate::cores::Cores;
use crate::servers::{BUILT, Gateway, Nginx, Node, Varnish};
use crate::table::Table;
use crate::upstreams::{Upstream, UpstreamThread};

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// Pages that were asked for before.
    Cached,
    /// Pages for which all upstreams are asked.
    FanOut,
    /// Lists of many pages, of which nothing is held.
    Cold,
    /// What one group costs from the upstream's socket to the first page.
    Whole,
    /// How long cached pages take, in an open loop.
    Latency,
    /// The same while lists are replaced.
    Replace,
    /// What many large lists take while they are replaced.
    Memory,
    /// How costs grow with upstreams, groups and connections.
    Growth,
    /// What a second core brings.
    Cores,
}

/// What all rows share.
pub(crate) struct Bench {
    /// The binary that is measured.
    pub(crate) gateway: PathBuf,
    pub(crate) cores: Cores,
    pub(crate) upstreams: UpstreamThread,
    pub(crate) node: Option<Node>,
    pub(crate) nginx: Option<Nginx>,
    pub(crate) varnish: Option<Varnish>,
    /// How long each server is measured for each line.
    pub(crate) seconds: u64,
}

impl Bench {
    pub(crate) fn new(gateway: PathBuf, seconds: u64) -> Self {
        println!("On {}.\n", machine());
        let cores = Cores::new();
        let (node, nginx, varnish) = (Node::install(), Nginx::find(), Varnish::find());
        let found = [
            ("Node", node.is_some()),
            ("nginx", nginx.is_some()),
            ("Varnish", varnish.is_some()),
        ];
        for (name, _) in found.into_iter().filter(|(_, is_there)| !is_there) {
            println!("Not measured beside {name}: it cannot be had here.\n");
        }
        Self {
            gateway,
            upstreams: UpstreamThread::start(&cores),
            cores,
            node,
            nginx,
            varnish,
            seconds,
        }
    }

    /// Starts what cargo built, too, where another binary is measured.
    pub(crate) async fn built(&self, upstreams: &[Upstream], cache: &str) -> Option<Gateway> {
        let built = Path::new(BUILT);
        if self.gateway == built {
            return None;
        }
        Some(Gateway::start(built, &self.cores, upstreams, cache).await)
    }

    /// Measures all, or only some of it.
    pub(crate) async fn measure(&self, only: &[Row]) {
        for row in Row::value_variants() {
            if !only.is_empty() && !only.contains(row) {
                continue;
            }
            match row {
                Row::Cached => cached::measure(self).await.print(),
                Row::FanOut => fan_out::measure(self).await.print(),
                Row::Cold => cold::measure(self).await.print(),
                Row::Whole => whole::measure(self).await.print(),
                Row::Latency => latency::measure(self).await.print(),
                Row::Replace => replace::measure(self).await.print(),
                Row::Memory => memory::measure(self).await.print(),
                Row::Growth => growth::measure(self).await.print(),
                Row::Cores => two_cores::measure(self).await.print(),
            }
        }
    }
}

/// What all figures are of: the processor and the kernel.
fn machine() -> String {
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    let (processors, kernel) = (read("/proc/cpuinfo"), read("/proc/sys/kernel/osrelease"));
    let mut names = processors
        .lines()
        .filter_map(|line| line.strip_prefix("model name\t: "));
    let (count, name) = (names.clone().count(), names.next().unwrap_or("a processor"));
    format!("{count} x {name}, Linux {}", kernel.trim())
}

/// Microseconds of CPU time up to which requests are told by how many there are in a second; longer ones are
/// told by how long they take.
const SHORT: f64 = 10_000.0;

/// The table of comparisons.
fn comparisons(heading: &'static str, work: &str) -> Table {
    let head = [
        work,
        "bytes",
        "beside",
        "gateway, CPU time of a request",
        "the other",
        "gateway's requests/s, times the other's",
        "gateway's CPU time, times the other's",
        "load, upstreams busy",
    ];
    Table::new(heading, &head)
}

/// A line for each server beside the gateway, which is the first one.
fn push(bench: &Bench, table: &mut Table, work: &str, others: &[&str], comparison: &Comparison) {
    let figures = |server| {
        let median = |figure: fn(&Turn) -> f64| {
            crate::statistics::Spread::of(comparison.of(server).map(figure)).median
        };
        let (per_second, cpu) = (median(Turn::per_second), median(Turn::cpu));
        if cpu < SHORT {
            return format!("{per_second:.0}/s, {cpu:.1} us");
        }
        let [long, cpu] = [1e3 / per_second, cpu / 1e3];
        format!("{long:.0} ms, {cpu:.0} ms")
    };
    let body = |server: usize| comparison.rounds[0][server].body;
    for (server, name) in (1..).zip(others) {
        table.push(vec![
            work.to_owned(),
            format!("{}, {}", body(0), body(server)),
            (*name).to_owned(),
            figures(0),
            figures(server),
            comparison.share([0, server], Turn::per_second).to_string(),
            comparison.share([0, server], Turn::cpu).to_string(),
            comparison.busy([0, server], bench.cores.are_shared()),
        ]);
    }
}
