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
//! names hold that. To add one, add a file, and say under `covers` which values of
//! [`dimensions::DIMENSIONS`] it shows:
//!
//! ```toml
//! title = "a cursor in a response header goes into a POST form"
//! covers = ["D9 in a response header", "D1 POST form"]
//! source = "https://vendor.example/docs/groups"   # optional: the documentation that it follows
//! now = "2026-11-21T12:00:00Z"                    # the default: signatures and delays go by it
//! ask = "search=eng"                              # optional: what a caller asks the gateway for,
//!                                                 # whose answer, in its order, is what is expected
//!
//! [environment]                                   # where the block reads its secrets
//! TOKEN = "t0ken"
//!
//! [upstream]                                      # as in gateway.toml, without `base_url`
//! request = { path = "/groups" }
//!
//! [[exchange]]                                    # in order, unless a total has told all pages
//! [exchange.request]                              # what is not said is not looked at
//! method = "POST"                                 # GET is the default, and looked at
//! target = "/groups?limit=2"                      # path and query as on the wire
//! headers = { x-tenant = "a", cookie = "" }       # "" must not be there; "Bearer …" begins so
//! body = "cursor=abc"
//! [exchange.response]
//! status = 200
//! version = "1.0"                                 # optional: an HTTP/1.0 server
//! headers = { link = ["<a>; rel=prev", "<b>; rel=next"] }
//! body = '''[]'''                                 # or `body_base64`, for what is no text
//!
//! [expect]                                        # in the upstream's order, keys that have a value
//! groups = [{ source_id = "1", name = "Sales" }]  # but `id` and `source`; a text is read as JSON
//! counts = { skipped = 1 }                        # skipped, repeated, unparsed_timestamps, drifted
//! # or: error = { type = "pagination", detail = "a part of it", retry_after = 30 }
//! # or: problem = "a part of what `check` says"
//! ```
//!
//! `{origin}` stands for the upstream's own origin, in the block and in both sides of an exchange.
//! Expected groups are written by hand, from what the API means.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod case;
mod compare;
mod dimensions;
mod script;

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

use bytes::Bytes;
use groupgate::app::{App, Compiled};
use groupgate::clock::WallClock;
use groupgate::config::upstream::Pagination;
use groupgate::config::{Loaded, Report, load_text};
use groupgate::observe::Observers;
use groupgate::upstream::walk::walk;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rstest::rstest;
use serde_json::Value;
use tokio::time::timeout;

use case::{Case, SOURCE};
use dimensions::{DIMENSIONS, PAIRS, UNSAID, values};
use script::{Order, Upstream};

/// Where the cases are.
const FOLDER: &str = "tests/styles";

/// No case has anything to wait for that long.
const LONGEST: Duration = Duration::from_secs(20);

#[rstest]
#[tokio::test]
async fn style(#[files("tests/styles/*.toml")] file: PathBuf) {
    let case = read(&file);
    let complaints = run(&case).await;
    let is_unsaid = |value: &&String| UNSAID.contains(&value.as_str());
    if let Some(value) = case.covers.iter().find(is_unsaid) {
        assert!(
            !complaints.is_empty(),
            "{}: `{value}` can be said now: strike it off `dimensions::UNSAID`",
            file.display()
        );
        return;
    }
    assert!(
        complaints.is_empty(),
        "{}: {}\n\n  {}\n",
        file.display(),
        case.title,
        complaints.join("\n  ")
    );
}

/// Everything that is not as a case says.
async fn run(case: &Case) -> Vec<String> {
    let upstream = Upstream::start(case.exchanges.clone()).await;
    let wall = WallClock::fixed(case.now.parse().unwrap());
    let (loaded, compiled) = match (
        compile(case, upstream.origin(), &wall),
        &case.expect.problem,
    ) {
        (Ok(parts), None) => parts,
        (Ok(_), Some(expected)) => return vec![format!("it was not refused with `{expected}`")],
        (Err(report), Some(expected)) if report.to_string().contains(expected) => {
            return Vec::new();
        }
        (Err(report), _) => return vec![report.to_string()],
    };
    upstream.expect(order(&loaded));
    let compared = async {
        if let Some(query) = &case.ask {
            return compare::answer(case, &ask(&loaded, compiled, &wall, query).await);
        }
        let adapter = &compiled.adapters[0];
        compare::complaints(case, &walk(adapter, &Observers::default()).await)
    };
    let Ok(compared) = timeout(LONGEST, compared).await else {
        return vec![format!("it took longer than {LONGEST:?}")];
    };
    let mut complaints = upstream.complaints();
    complaints.extend(compared);
    complaints
}

/// What the gateway answers to a caller.
async fn ask(loaded: &Loaded, compiled: Compiled, wall: &WallClock, query: &str) -> Value {
    let app = App::start(loaded, compiled, wall).await.unwrap();
    let url = format!("http://{}/groups?{query}", app.data_addr());
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.get(url.parse().unwrap()).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

fn compile(case: &Case, origin: &str, wall: &WallClock) -> Result<(Loaded, Compiled), Report> {
    let variables = case.environment.iter();
    let variables = variables.map(|(name, value)| (name.as_str(), value.as_str()));
    let loaded = load_text("gateway.toml", &case.gateway(origin), variables.collect())?;
    let compiled = App::compile(&loaded, wall)?;
    Ok((loaded, compiled))
}

/// In which order the requests of a block may come.
fn order(loaded: &Loaded) -> Order {
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
        Order::Any
    } else {
        Order::Written
    }
}

fn read(file: &Path) -> Case {
    Case::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
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
            "{} came after the test was built: touch {FOLDER}/main.rs",
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
