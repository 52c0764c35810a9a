//! `groupgate probe`: one upstream, asked step by step.
//!
//! It runs the very turns that a walk is made of, one after the other, and shows what each step
//! saw: the request, the answer, the groups and what was not mapped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use bytesize::ByteSize;
use clap::Args;
use http::{HeaderMap, Request, StatusCode};
use tokio::time::Instant;

use crate::app::App;
use crate::clock::WallClock;
use crate::config::Environment;
use crate::upstream::Adapter;
use crate::upstream::adapter::Turn;
use crate::upstream::pager::{Next, SoFar};

use super::{Failure, load, print};

/// How many skipped records are shown one by one.
const SHOWN_SKIPS: usize = 5;

/// Ask one upstream and show, step by step, what comes of it.
#[derive(Debug, Args)]
pub(super) struct Probe {
    /// The upstream, as `[upstreams.NAME]` calls it
    name: String,
    /// The configuration that describes it
    #[arg(long, default_value = "gateway.toml")]
    config: PathBuf,
    /// Replay a recorded page instead of asking
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
}

impl Probe {
    pub(super) async fn run(self, environment: Environment) -> Result<(), Failure> {
        let loaded = load(&self.config, environment)?;
        let compiled = App::compile(&loaded, &WallClock::system())
            .map_err(|report| Failure::report(&report))?;
        let adapter = compiled
            .adapters
            .iter()
            .find(|adapter| **adapter.name() == *self.name)
            .ok_or_else(|| unknown(&self.name, &compiled.adapters))?;
        match &self.sample {
            Some(file) => {
                let body = std::fs::read(file).map_err(|error| {
                    Failure::new(format!("`{}` cannot be read: {error}", file.display()))
                })?;
                let turn = adapter.replay(StatusCode::OK, HeaderMap::new(), &body)?;
                print(&show(&turn, adapter, None))
            }
            None => walk(adapter).await,
        }
    }
}

fn unknown(name: &str, adapters: &[Arc<Adapter>]) -> Failure {
    let names: Vec<_> = adapters.iter().map(|adapter| &**adapter.name()).collect();
    Failure::new(format!(
        "there is no upstream `{name}`: the file has {}",
        names.join(", ")
    ))
}

/// Reads every page, the first in full and the others in a line each.
async fn walk(adapter: &Arc<Adapter>) -> Result<(), Failure> {
    let start = Instant::now();
    let deadline = start + adapter.limits().walk.get();
    let pager = adapter.pager();
    let counted = adapter.count(deadline).await?;
    let turn = adapter.turn(pager.first(), deadline).await?;
    print(&show(&turn, adapter, counted))?;
    let mut so_far = SoFar::first(turn.listed(), counted);
    let mut tally = Tally::default();
    tally.add(&turn);
    let mut next = pager.next(&turn.position, so_far, turn.look())?;
    loop {
        let positions = match next {
            Next::End => break,
            Next::One(position) => vec![position],
            Next::Rest(positions) => positions,
        };
        let several = positions.len() > 1;
        next = Next::End;
        for position in positions {
            let turn = adapter.turn(position, deadline).await?;
            print(&line(&turn))?;
            tally.add(&turn);
            so_far.received += turn.listed();
            if tally.pages >= u64::from(adapter.limits().pages) {
                return Err(Failure::new("more pages than `limits.pages` allows"));
            }
            if !several {
                next = pager.next(&turn.position, so_far, turn.look())?;
            }
        }
    }
    print(&format!(
        "\nin all: {} groups on {} pages, {} records skipped, in {:.0?}",
        tally.groups,
        tally.pages,
        tally.skipped,
        start.elapsed()
    ))
}

#[derive(Default)]
struct Tally {
    pages: u64,
    groups: u64,
    skipped: u64,
}

impl Tally {
    fn add(&mut self, turn: &Turn) {
        let groups = turn.outcomes().iter().flatten().count() as u64;
        self.pages += 1;
        self.groups += groups;
        self.skipped += turn.records() - groups;
    }
}

fn line(turn: &Turn) -> String {
    format!(
        "{} {} ▸ {} in {:.0?}, {} records",
        turn.request.method(),
        turn.request.uri(),
        turn.status,
        turn.taken,
        turn.records()
    )
}

/// One page, step by step.
fn show(turn: &Turn, adapter: &Adapter, counted: Option<u64>) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = writeln!(text, "request\n{}", show_request(&turn.request));
    let _ = writeln!(
        text,
        "answer\n  {} in {:.0?}, {}",
        turn.status,
        turn.taken,
        ByteSize(turn.bytes())
    );
    let announcement = turn.announcement();
    let _ = writeln!(
        text,
        "records\n  {}{}{}",
        turn.records(),
        announcement
            .records
            .map_or_else(String::new, |total| format!(" of {total}")),
        announcement.pages.map_or_else(String::new, |pages| format!(
            " on the first of {pages} pages"
        )),
    );
    for (index, skip) in turn
        .outcomes()
        .iter()
        .enumerate()
        .filter_map(|(index, outcome)| Some((index, outcome.as_ref().err()?)))
        .take(SHOWN_SKIPS)
    {
        let _ = writeln!(text, "  record {} skipped: {skip}", index + 1);
    }
    if let Some(first) = turn.outcomes().iter().flatten().next() {
        let group = serde_json::to_string_pretty(&first.group).unwrap_or_default();
        let _ = writeln!(text, "first group\n{}", indented(&group));
    }
    let _ = writeln!(text, "not mapped\n{}", indented(&unmapped(turn)));
    let next = match adapter.pager().next(
        &turn.position,
        SoFar::first(turn.listed(), counted),
        turn.look(),
    ) {
        Ok(Next::End) => "nothing: this was the last page".to_owned(),
        Ok(Next::One(position)) => format!("one page, at {position:?}"),
        Ok(Next::Rest(positions)) => format!("{} more pages", positions.len()),
        Err(error) => format!("an error: {error}"),
    };
    let _ = writeln!(text, "next\n  {next}");
    text
}

fn show_request(request: &Request<Bytes>) -> String {
    let mut text = format!("  {} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        let value = if value.is_sensitive() {
            "(secret)"
        } else {
            value.to_str().unwrap_or("(not text)")
        };
        text.push_str(&format!("  {name}: {value}\n"));
    }
    if !request.body().is_empty() {
        text.push_str(&format!("  (a body of {} bytes)\n", request.body().len()));
    }
    text
}

/// Which attributes the records carry that no field takes, and how many carry each.
fn unmapped(turn: &Turn) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for mapped in turn.outcomes().iter().flatten() {
        for key in mapped.group.attributes.keys() {
            *counts.entry(key).or_default() += 1;
        }
    }
    if counts.is_empty() {
        return "nothing".to_owned();
    }
    counts
        .iter()
        .map(|(key, count)| format!("{key} (in {count} of {})", turn.records()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
