//! Every way of a group API that `gateway.toml` can describe, each by an example: one file is one
//! upstream style, with the block that describes it, the exchanges that must happen, and the groups
//! that must come of them.
//!
//! ```text
//! NAME.toml ▸ an upstream on a loopback port that answers its exchanges, each once
//!           ▸ its block, loaded and compiled as from gateway.toml ▸ walk ▸ groups, or an error
//! ```
//!
//! `cargo test --test styles` runs them all, `cargo test --test styles from_header` those whose
//! names hold that. To add one, add a file, as [`groupgate::tools::case`] describes it, and say under
//! `covers` which values of [`dimensions::DIMENSIONS`] it shows. Expected groups are written by hand,
//! from what the API means.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod dimensions;
mod script;
mod staff;

mod accounted;
mod asking;
mod connections;
mod pagers;
mod presets;
mod pushdown;
mod sigv4_cases;
mod transport;
mod walks;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use groupgate::app::Compiled;
use groupgate::config::Loaded;
use groupgate::config::upstream::Pagination;
use groupgate::group::Group;
use groupgate::observe::Observers;
use groupgate::tools::case::{CaseFile, ExchangeOrder};
use groupgate::upstream::walk::walk;
use rstest::rstest;
use serde_json::Value;
use tokio::time::timeout;

use dimensions::{DIMENSIONS, PAIRS, UNSAID, values};
use script::Upstream;
use support::gateway::Gateway;

/// Where the cases are.
const FOLDER: &str = "tests/styles";

/// No case has anything to wait for that long.
const LONGEST: Duration = Duration::from_secs(20);

#[rstest]
#[tokio::test]
async fn style(#[files("tests/styles/*.toml")] file: PathBuf) {
    let case = read(&file);
    let differences = run(&case).await;
    let is_unsaid = |value: &&String| UNSAID.contains(&value.as_str());
    if let Some(value) = case.covers.iter().find(is_unsaid) {
        assert!(
            !differences.is_empty(),
            "{}: `{value}` can be said now: strike it off `dimensions::UNSAID`",
            file.display()
        );
        return;
    }
    assert!(
        differences.is_empty(),
        "{}: {}\n\n  {}\n",
        file.display(),
        case.title,
        differences.join("\n  ")
    );
}

/// What a case's upstream is called.
const SOURCE: &str = "it";

/// How an upstream and its walk differ from a case.
async fn run(case: &CaseFile) -> Vec<String> {
    let upstream = Upstream::start(case.exchanges.clone()).await;
    let (loaded, compiled) = match case.compile(SOURCE, upstream.origin()) {
        Ok(Some(parts)) => parts,
        Ok(None) => return Vec::new(),
        Err(problem) => return vec![problem],
    };
    upstream.playback.set_order(order(&loaded));
    let compared = async {
        if let Some(query) = &case.ask {
            return response_differences(case, &ask(case, &loaded, compiled, query).await);
        }
        let adapter = &compiled.adapters[0];
        case.differences(SOURCE, &walk(adapter, &Observers::default()).await)
    };
    let Ok(compared) = timeout(LONGEST, compared).await else {
        return vec![format!("it took longer than {LONGEST:?}")];
    };
    let mut differences = upstream.playback.differences();
    differences.extend(compared);
    differences
}

/// What the gateway answers to a caller.
async fn ask(case: &CaseFile, loaded: &Loaded, compiled: Compiled, query: &str) -> Value {
    let gateway = Gateway::launch(loaded, compiled, &case.wall()).await;
    if let Some(walks) = case.walks {
        gateway.ready().await;
        for _ in 1..walks {
            gateway.refresh(SOURCE).await;
        }
    }
    gateway.page(&format!("/groups?{query}")).await
}

/// How the response to a caller differs from what a case expects.
fn response_differences(case: &CaseFile, answer: &Value) -> Vec<String> {
    match serde_json::from_value::<Vec<Group>>(answer["groups"].clone()) {
        Ok(groups) if answer["complete"] == true => case.group_differences(SOURCE, &groups),
        _ => vec![format!("the gateway answered {answer:#}")],
    }
}

/// In which order the requests of a block may come.
fn order(loaded: &Loaded) -> ExchangeOrder {
    let upstream = &loaded.settings.upstreams[SOURCE];
    let is_announced = match &upstream.pagination {
        Pagination::Offset(style) => style.total.is_some(),
        Pagination::Page(style) => style.total.is_some() || style.pages.is_some(),
        Pagination::None(_)
        | Pagination::Cursor(_)
        | Pagination::Link(_)
        | Pagination::NextUrl(_) => false,
    };
    if is_announced && upstream.limits.concurrency > 1 {
        ExchangeOrder::Any
    } else {
        ExchangeOrder::AsWritten
    }
}

fn read(file: &Path) -> CaseFile {
    CaseFile::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The files of all cases.
fn files() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(FOLDER).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "toml"));
    files.sort();
    files
}

#[test]
fn every_file_is_a_test_here() {
    let program = std::env::current_exe().unwrap();
    let list = Command::new(program).arg("--list").output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    for file in files() {
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(
            list.contains(&format!("_{}_toml", name.replace('-', "_"))),
            "{} came after the test was built (touch {FOLDER}/main.rs), or its name is too long",
            file.display()
        );
    }
}

#[test]
fn every_value_of_every_dimension_has_a_case_and_cases_name_no_other() {
    let known: BTreeSet<_> = values().collect();
    let mut covered = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut pairs = PAIRS.to_vec();
    let files = files();
    for file in &files {
        let covers = read(file).covers;
        if covers.is_empty() {
            wrong.push(format!("{}: covers nothing", file.display()));
        }
        for value in covers.iter().filter(|value| !known.contains(*value)) {
            wrong.push(format!("{}: `{value}` is no value", file.display()));
        }
        let has = |value: &str| covers.iter().any(|covered| covered == value);
        pairs.retain(|(one, other)| !(has(one) && has(other)));
        covered.extend(covers);
    }
    for dimension in &DIMENSIONS {
        let missing = dimension.values().filter(|value| !covered.contains(value));
        wrong
            .extend(missing.map(|value| format!("no case covers `{value}` ({})", dimension.title)));
    }
    let missing = pairs.iter();
    wrong.extend(missing.map(|(one, other)| format!("no case covers `{one}` with `{other}`")));
    println!(
        "{} cases, {} values of {} dimensions, {} pairs",
        files.len(),
        known.len(),
        DIMENSIONS.len(),
        PAIRS.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_pair_is_of_two_values() {
    let known: BTreeSet<_> = values().collect();
    for (one, other) in PAIRS {
        assert!(known.contains(*one), "{one}");
        assert!(known.contains(*other), "{other}");
    }
}
