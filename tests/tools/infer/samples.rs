//! Reads samples, and puts proposals to use.

use std::fs;
use std::path::Path;

use groupgate::app;
use groupgate::clock::WallClock;
use groupgate::config::{Environment, Loaded, load_text};
use groupgate::error::UpstreamError;
use groupgate::group::Group;
use groupgate::problem::Problems;
use groupgate::tls::Tls;
use groupgate::tools::infer::Sample;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The pages of one case, in order.
pub(crate) fn read(case: &str) -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/infer/samples");
    let pages = (1..).map(|page| folder.join(format!("{case}.{page}.http")));
    let pages: Vec<_> = pages
        .map_while(|file| fs::read_to_string(file).ok())
        .map(|text| parse(&text))
        .collect();
    assert!(!pages.is_empty(), "there is no case {case}");
    pages
}

fn parse(text: &str) -> Sample {
    let (head, body) = match text.split_once("\n\n") {
        Some((head, body)) if !head.starts_with(['{', '[', '<']) => (head, body),
        _ => ("", text),
    };
    let mut sample = Sample::recorded(body.to_owned());
    for line in head.lines() {
        match line.strip_prefix("GET ") {
            Some(url) => sample.url = Some(url.parse().unwrap()),
            None => append(&mut sample.headers, line),
        }
    }
    sample
}

fn append(headers: &mut HeaderMap, line: &str) {
    let (name, value) = line.split_once(':').unwrap();
    let name: HeaderName = name.parse().unwrap();
    headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
}

/// Loads a block, as `groupgate check` does. Every variable that it may name is set.
pub(crate) fn load(block: &str) -> Loaded {
    let variables = block
        .split("env = \"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(name, _)| (name, "hunter2"));
    let environment: Environment = variables.collect();
    load_text("proposal.toml", block, environment)
        .unwrap_or_else(|report| panic!("{report}\n{block}"))
}

/// What a block makes of a sample that it reads.
pub(crate) fn groups(block: &str, sample: &Sample) -> Vec<Group> {
    replayed(block, sample).unwrap_or_else(|error| panic!("{error}\n{block}"))
}

/// What a block makes of a sample, or why it does not read it.
pub(crate) fn replayed(block: &str, sample: &Sample) -> Result<Vec<Group>, UpstreamError> {
    let loaded = load(block);
    let name = &loaded.plan.upstreams[0].name;
    let mut problems = Problems::default();
    let (wall, tls) = (WallClock::system(), Tls::default());
    let adapter = app::adapter(&loaded, name, &wall, &tls, &mut problems);
    let Some(adapter) = adapter.filter(|_| problems.is_empty()) else {
        panic!("{}\n{block}", loaded.report(problems));
    };
    let turn = adapter.replay(sample.status, sample.headers.clone(), &sample.body)?;
    Ok(turn.outcomes().into_iter().flatten().collect())
}
