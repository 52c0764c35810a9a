//! What the gateway costs beside others that do the same work, and how that grows.
//!
//! `cargo bench --bench load` measures everything, and prints tables as `docs/performance.md` has them;
//! `… -- --only cold --seconds 30` measures one row, each server for so long, and `… -- --gateway FILE` another build
//! of the gateway. It runs on Linux. What is measured
//! beside Node needs Node and the npm registry, and nginx and Varnish come from the path or from Debian's
//! packages; where one is missing, its rows are.
//!
//! All servers run on one core, load and upstreams on others, and they take turns within one run, so that
//! whatever else the machine does hits all. The gateway is the shipped binary with everything on: limiter,
//! request ids, validators, trace context and the access log, which goes to `/dev/null`. Requests per second
//! depend on the neighbours; CPU time per request, as Linux counts it for the server's threads, does less.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark whose set-up fails has nothing to measure, and it prints what it measured"
)]

mod bare;
mod closed_loop;
mod connection;
mod cores;
mod meter;
mod open_loop;
mod rows;
mod servers;
mod statistics;
mod table;
mod upstreams;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

use rows::{Bench, Row};

/// As the gateway itself, for what it is measured beside.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
struct Options {
    /// Measures only this. It may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Row>,
    /// How long each server is measured for each line, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Measures this binary, and what cargo built beside it.
    #[arg(long, default_value = servers::BUILT)]
    gateway: PathBuf,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// The servers that this program is for itself.
#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
enum Role {
    #[command(hide = true)]
    Replay {
        page: String,
        coding: String,
        tag: String,
    },
    #[command(hide = true)]
    Aggregate { limit: usize, urls: Vec<String> },
    #[command(hide = true)]
    Walk { recipes: Vec<String> },
}

fn main() {
    let Options {
        only,
        seconds,
        gateway,
        role,
        bench: _,
    } = Options::parse();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        match role {
            Some(Role::Replay { page, coding, tag }) => bare::replay(&page, &coding, &tag).await,
            Some(Role::Aggregate { limit, urls }) => bare::aggregate(urls, limit).await,
            Some(Role::Walk { recipes }) => bare::walk(recipes).await,
            None => Bench::new(gateway, seconds).measure(&only).await,
        }
    });
}

fn free_port() -> SocketAddr {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}
