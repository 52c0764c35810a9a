//! Lists that change while they are walked.

use groupgate::error::ErrorKind;
use groupgate::snapshot::Counts;
use groupgate::tools::demo::{Change, InjectedFault};

use crate::support::adapters::{adapter, failed, ids, walked};
use crate::support::emulations::{emulated, emulation};

/// One page at a time, so that it is known which request meets which list.
const STEP_BY_STEP: [(&str, &str); 2] = [("pagination.limit", "7"), ("limits.concurrency", "1")];

const DRIFTED: Counts = Counts {
    skipped: 0,
    repeated: 0,
    left_out: 0,
    unparsed_timestamps: 0,
    unread_people: 0,
    unmarked_people: 0,
    repeated_people: 0,
    unknown_people: 0,
    drifted: true,
    gone: 0,
    partitions_gone: 0,
    partitions_refused: 0,
    changed: None,
    removed: 0,
    differing: 0,
};

#[tokio::test]
async fn a_total_that_changes_restarts_the_walk_once() {
    let emulations = emulated(21).await;
    let onlivesite = emulation(&emulations, "onlivesite");
    onlivesite.before_page(2, Change::Groups(22));
    let adapter = adapter(&emulations, "onlivesite", &STEP_BY_STEP);
    let changed = walked(&adapter).await;
    assert_eq!(changed.counts, Counts::default());
    assert_eq!(changed.groups.len(), 22);
    let stats = onlivesite.stats();
    // Two pages until it showed, four of the new list.
    assert_eq!((stats.walks, stats.pages), (2, 6));
    assert_eq!(ids(&changed), ids(&walked(&adapter).await));
}

#[tokio::test]
async fn a_total_that_changes_again_is_accepted_without_repeats_and_flagged() {
    let emulations = emulated(23).await;
    let onlivesite = emulation(&emulations, "onlivesite");
    onlivesite.before_page(2, Change::Groups(24));
    onlivesite.before_page(4, Change::Groups(25));
    let walked = walked(&adapter(&emulations, "onlivesite", &STEP_BY_STEP)).await;
    // The 25th stands on the first page, which was read before it came; the last of that page was
    // pushed to the second and came twice.
    assert_eq!(walked.groups.len(), 24);
    assert_eq!(
        walked.counts,
        Counts {
            repeated: 1,
            ..DRIFTED
        }
    );
    assert_eq!(onlivesite.stats().walks, 2);
}

#[tokio::test]
async fn a_list_that_grows_by_a_page_again_still_brings_its_end() {
    let emulations = emulated(20).await;
    let onlivesite = emulation(&emulations, "onlivesite");
    onlivesite.before_page(2, Change::Groups(21));
    // Three pages until now, and four from here.
    onlivesite.before_page(4, Change::Groups(22));
    let drifting = walked(&adapter(&emulations, "onlivesite", &STEP_BY_STEP)).await;
    let whole = walked(&adapter(&emulations, "onlivesite", &STEP_BY_STEP)).await;
    assert_eq!(ids(&drifting), ids(&whole)[1..]);
    assert_eq!(
        drifting.counts,
        Counts {
            repeated: 1,
            ..DRIFTED
        }
    );
}

#[tokio::test]
async fn a_list_that_shrinks_again_is_accepted_and_flagged() {
    let emulations = emulated(23).await;
    let onlivesite = emulation(&emulations, "onlivesite");
    onlivesite.before_page(2, Change::Groups(22));
    onlivesite.before_page(4, Change::Groups(21));
    let walked = walked(&adapter(&emulations, "onlivesite", &STEP_BY_STEP)).await;
    // What the first page lost, the second never shows.
    assert_eq!(walked.groups.len(), 21);
    assert_eq!(walked.counts, DRIFTED);
}

#[tokio::test]
async fn a_cursor_whose_group_is_gone_restarts_the_walk_once() {
    let emulations = emulated(30).await;
    let vinyldns = emulation(&emulations, "vinyldns");
    vinyldns.before_page(2, Change::Groups(3));
    let settings = [("pagination.limit", "7"), ("limits.retries", "0")];
    let walked = walked(&adapter(&emulations, "vinyldns", &settings)).await;
    assert_eq!(walked.groups.len(), 3);
    assert_eq!(vinyldns.stats().walks, 2);
}

#[tokio::test]
async fn a_continuation_that_is_refused_on_both_attempts_fails_the_walk() {
    let emulations = emulated(30).await;
    let vinyldns = emulation(&emulations, "vinyldns");
    vinyldns.before_page(2, Change::Fault(Some(InjectedFault::Status(400))));
    vinyldns.before_page(3, Change::Fault(None));
    vinyldns.before_page(4, Change::Fault(Some(InjectedFault::Status(400))));
    let error = failed(&adapter(
        &emulations,
        "vinyldns",
        &[("pagination.limit", "7")],
    ))
    .await;
    assert_eq!(error.kind, ErrorKind::HttpStatus, "{error}");
    let stats = vinyldns.stats();
    assert_eq!((stats.walks, stats.pages), (2, 4));
}
