//! A walk brings the whole list, whatever its size and whatever the pages'.

use std::sync::Arc;

use groupgate::group::Attributes;
use groupgate::snapshot::{Counts, Snapshot};
use groupgate::tools::demo::{Options, TallyfyPaging};
use groupgate::upstream::walk::Walked;
use rstest::rstest;

use crate::support::adapters::{PUBLISHER_JSON, adapter, adapters, ids, walked};
use crate::support::emulations::{PAGED, emulated, emulated_by, emulation};

#[tokio::test]
async fn every_upstream_brings_its_whole_list() {
    let emulations = emulated(321).await;
    for adapter in adapters(&emulations, &[]) {
        let walked = walked(&adapter).await;
        assert_eq!(walked.groups.len(), 321, "{}", adapter.name());
        assert_eq!(walked.counts, Counts::default(), "{}", adapter.name());
    }
}

#[tokio::test]
async fn a_snapshot_of_any_upstream_takes_no_more_than_its_json() {
    let emulations = emulated(2000).await;
    for adapter in adapters(&emulations, &[]) {
        let groups = walked(&adapter).await.groups;
        let snapshot = Snapshot::of(Arc::clone(adapter.name()), groups);
        let json: usize = snapshot.rows().map(|row| row.json().len()).sum();
        let bytes = snapshot.bytes();
        let name = adapter.name();
        assert!(bytes <= json, "{name}: {bytes} of {json}");
    }
}

#[rstest]
#[case::none(0)]
#[case::one(1)]
#[case::one_less_than_a_page(9)]
#[case::a_page(10)]
#[case::one_more_than_a_page(11)]
#[case::two_pages(20)]
#[case::three_pages(30)]
#[tokio::test]
async fn a_list_of_any_size_is_whole(#[case] groups: usize) {
    let emulations = emulated(groups).await;
    for name in PAGED {
        let walked = walked(&adapter(&emulations, name, &[("pagination.limit", "10")])).await;
        assert_eq!(walked.groups.len(), groups, "{name}");
        assert_eq!(walked.counts, Counts::default(), "{name}");
        let stats = emulation(&emulations, name).stats();
        // A page as long as requested whose total is its own length: one more, to be sure.
        let is_doubtful = groups == 10 && name != "vinyldns";
        // A hint is asked beyond, too.
        let is_hinted = groups > 0 && name == "publisher";
        let pages = groups.div_ceil(10).max(1) as u64 + u64::from(is_doubtful || is_hinted);
        assert_eq!(stats.pages, pages, "{name}");
    }
    let walked = walked(&adapter(&emulations, "collections", &[])).await;
    assert_eq!(walked.groups.len(), groups);
}

#[rstest]
#[case::a_seventh(1, 7)]
#[case::odd(13, 200)]
#[case::as_large_as_asked(50, 50)]
#[tokio::test]
async fn an_upstream_that_grants_smaller_pages_than_asked_for_still_brings_everything(
    #[case] granted: usize,
    #[case] asked: u32,
) {
    let emulations = emulated_by(Options {
        groups: 53,
        publisher_page: Some(granted),
        ..Options::default()
    })
    .await;
    let asked = asked.to_string();
    let adapter = adapter(&emulations, "publisher", &[("pagination.limit", &asked)]);
    assert_eq!(walked(&adapter).await.groups.len(), 53);
    let stats = emulation(&emulations, "publisher").stats();
    // Its total is a hint, which is asked beyond.
    assert_eq!(stats.pages, 53_usize.div_ceil(granted) as u64 + 1);
}

#[tokio::test]
async fn an_upstream_that_says_nothing_of_pages_has_one() {
    let emulations = emulated_by(Options {
        groups: 321,
        tallyfy_paging: TallyfyPaging::Absent,
        ..Options::default()
    })
    .await;
    let walked = walked(&adapter(&emulations, "tallyfy", &[])).await;
    assert_eq!(walked.groups.len(), 321);
    assert_eq!(emulation(&emulations, "tallyfy").stats().pages, 1);
}

#[tokio::test]
async fn json_and_xml_bring_the_same_groups() {
    let emulations = emulated(150).await;
    let xml = adapter(&emulations, "publisher", &[("pagination.limit", "40")]);
    let settings = [&PUBLISHER_JSON[..], &[("pagination.limit", "40")]].concat();
    let json = adapter(&emulations, "publisher", &settings);
    let (xml, json) = (walked(&xml).await, walked(&json).await);
    let groups = |walked: &Walked| {
        let mut groups = walked.groups.to_groups();
        for group in &mut groups {
            // Numbers are texts in XML, and its elements are lists.
            group.attributes = Attributes::default();
        }
        groups
    };
    assert_eq!(groups(&xml), groups(&json));
    assert_eq!(xml.counts, json.counts);
}

#[tokio::test]
async fn groups_come_in_the_upstreams_order_however_many_pages_are_read_at_once() {
    let emulations = emulated(95).await;
    let limit = ("pagination.limit", "4");
    let one_by_one = adapter(
        &emulations,
        "onlivesite",
        &[limit, ("limits.concurrency", "1")],
    );
    let at_once = adapter(
        &emulations,
        "onlivesite",
        &[limit, ("limits.concurrency", "8")],
    );
    let (one_by_one, at_once) = (walked(&one_by_one).await, walked(&at_once).await);
    assert_eq!(ids(&one_by_one), ids(&at_once));
}
