//! Two pages of each emulated upstream become what ships for it.

use groupgate::observe::Observers;
use groupgate::tools::demo::{Emulations, Options};
use groupgate::tools::infer::{Confidence, Sample, propose_as};
use groupgate::upstream::Adapter;
use groupgate::upstream::FetchedPage;
use groupgate::upstream::pager::{Next, WalkTotals};
use rstest::rstest;
use tokio::time::{Duration, Instant};

use super::samples::groups;
use super::vendors::{assert_fields, assert_pages, block, shipped};
use crate::support::adapters::{PUBLISHER_JSON, adapter};

/// How many groups each emulation serves: two pages and a bit.
const GROUPS: usize = 25;

/// What came over the wire; a decoded page is as good as its text.
fn sample(turn: &FetchedPage) -> Sample {
    Sample {
        url: Some(turn.request.uri().to_string().parse().unwrap()),
        status: turn.status,
        headers: turn.headers.clone(),
        ..Sample::recorded(turn.page.root().to_value().to_string())
    }
}

/// The first pages of a list, and its last.
async fn pages(adapter: &std::sync::Arc<Adapter>) -> Vec<Sample> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let paging = adapter.paging();
    let mut turn = adapter
        .fetch_page(paging.first(), deadline, &Observers::default())
        .await
        .unwrap();
    let mut totals = WalkTotals::first(turn.records(), None);
    let mut samples = vec![sample(&turn)];
    loop {
        let next = paging
            .next(&turn.position, totals, (&*turn).into())
            .unwrap();
        let positions = match next {
            Next::End => return samples,
            Next::One(position) => vec![position],
            Next::Rest(positions) => positions,
        };
        let is_last = positions.len() > 1;
        for position in positions {
            turn = adapter
                .fetch_page(position, deadline, &Observers::default())
                .await
                .unwrap();
            totals.received += turn.records();
            samples.push(sample(&turn));
        }
        if is_last {
            return samples;
        }
    }
}

#[rstest]
#[case::collections("collections", &[])]
#[case::vinyldns("vinyldns", &[("pagination.limit", "10")])]
#[case::publisher("publisher", &[("pagination.limit", "10")])]
#[case::onlivesite("onlivesite", &[("pagination.limit", "10")])]
#[case::tallyfy("tallyfy", &[("pagination.limit", "10")])]
#[tokio::test]
async fn the_pages_of_an_upstream_become_what_is_shipped(
    #[case] name: &str,
    #[case] settings: &[(&str, &str)],
) {
    let emulations = Emulations::start(Options {
        groups: GROUPS,
        ..Options::default()
    })
    .await
    .unwrap();
    let mut settings = settings.to_vec();
    let mut shipped = shipped(name);
    if name == "publisher" {
        settings.extend(PUBLISHER_JSON);
        shipped["records"] = "/groups".into();
        shipped["pagination"]["total"] = "/total".into();
        shipped["fields"]["members"]["each"] = "users".into();
    }
    let samples = pages(&adapter(&emulations, name, &settings)).await;
    assert!(samples.len() > 2 || name == "collections");

    for seen in [
        &samples[..1],
        &samples[..2.min(samples.len())],
        &samples[..],
    ] {
        let proposal = propose_as(name, seen);
        let text = proposal.to_string();
        let proposed = block(&text, name);
        assert_eq!(proposal.records(), Confidence::Clear, "{text}");
        assert_eq!(proposed["records"], shipped["records"], "{text}");
        assert_fields(&proposed, &shipped, &seen[0]);
        assert_pages(&proposed, &shipped);
        let found: usize = seen.iter().map(|sample| groups(&text, sample).len()).sum();
        assert!(found > 0, "{text}");
    }
}
