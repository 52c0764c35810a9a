//! Every fault of the catalogue, at every upstream where it can happen, with a cold and with a warm
//! cache: what callers get while it lasts, and that all is well when it is over.
//!
//! ```text
//! rows (which faults, what must come of them) ▸ cell (one gateway, one fault) ▸ table
//! ```
//!
//! Beside them, callers that do not read what they asked for (`readers.rs`).
//!
//! It has no test harness, so that its table shows without being asked for. `cargo test --test
//! faults hang` runs the cells whose names hold `hang`, and `-- --list` names them all.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and this one prints its table itself"
)]

#[path = "../support/mod.rs"]
mod support;

mod arguments;
mod cell;
mod memory;
mod readers;
mod rows;
mod table;

use std::panic;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use arguments::Arguments;
use cell::Cell;
use readers::Reader;
use table::{Outcome, Table};

/// How many cells must run where nobody chose some of them.
const LEAST: usize = 250;

/// How many cells run at once: most of them wait most of the time.
const AT_ONCE: usize = 12;

/// How many cells of readers run at once: they work most of the time.
const READERS_AT_ONCE: usize = 2;

static PANICS: AtomicUsize = AtomicUsize::new(0);

fn main() -> ExitCode {
    let arguments = Arguments::read(std::env::args().skip(1));
    let cells: Vec<Cell> = Cell::all()
        .into_iter()
        .filter(|cell| arguments.choose(&cell.to_string()))
        .collect();
    let readers: Vec<Reader> = Reader::all()
        .into_iter()
        .filter(|reader| arguments.choose(&reader.to_string()))
        .collect();
    if arguments.lists() {
        let names = cells.iter().map(ToString::to_string);
        for name in names.chain(readers.iter().map(ToString::to_string)) {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        before(panicked);
    }));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let table = runtime.block_on(run(cells, readers));
    let mut complaints = table.complaints();
    let panics = PANICS.load(Ordering::Relaxed);
    if panics > 0 {
        complaints.push(format!("{panics} panics"));
    }
    let is_whole = !arguments.chooses();
    if is_whole && table.ran() < LEAST {
        complaints.push(format!("{} cells ran, not {LEAST}", table.ran()));
    }
    if table.ran() > 0 {
        println!("{table}");
    }
    for complaint in &complaints {
        println!("FAILED {complaint}");
    }
    println!(
        "{panics} panics, {} cells cannot happen\n{} passed, {} failed",
        table.impossible(),
        table.passed(),
        table.failed(),
    );
    if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs the cells: those that are about memory one by one, so that each is seen by itself.
async fn run(cells: Vec<Cell>, readers: Vec<Reader>) -> Table {
    let begin = Instant::now();
    let (heavy, light): (Vec<Cell>, Vec<Cell>) = cells.into_iter().partition(Cell::is_heavy);
    let mut outcomes = Vec::new();
    for cell in heavy {
        let watch = memory::Watch::begin();
        let mut outcome = judged(cell).await;
        outcome.grown = watch.grown();
        outcomes.push(outcome);
    }
    let watch = memory::Watch::begin();
    let light: Vec<Outcome> = stream::iter(light)
        .map(judged)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    outcomes.extend(light);
    let grown = watch.grown();
    let readers = stream::iter(readers)
        .map(Reader::judged)
        .buffered(READERS_AT_ONCE)
        .collect()
        .await;
    Table {
        outcomes,
        readers,
        grown,
        taken: begin.elapsed(),
    }
}

/// Runs one cell in a task of its own: should it panic, the others go on.
async fn judged(cell: Cell) -> Outcome {
    let begin = Instant::now();
    let verdict = match cell.reason() {
        Some(reason) => Ok(Err(reason)),
        None => tokio::spawn(cell.run())
            .await
            .unwrap_or_else(|cut| Err(format!("the cell was cut short: {cut}")))
            .map(Ok),
    };
    Outcome {
        cell,
        verdict,
        grown: None,
        taken: begin.elapsed(),
    }
}
