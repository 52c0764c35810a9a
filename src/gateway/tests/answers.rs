//! What the gateway answers when sources are late, stale or gone.

use std::time::Duration;

use super::{ask, failed, fresh, pending};
use crate::catalog::State;
use crate::config::Settings;
use crate::error::ErrorKind;
use crate::gateway::composer::Composer;
use crate::gateway::cursor::{Holder, Keys};
use crate::gateway::listing::{Listing, SourceReport};
use crate::gateway::query::{Query, Vocabulary};
use crate::gateway::verdict::Outage;
use crate::gateway::{GatewayError, look_up};
use crate::snapshot::RowRef;
use crate::snapshot::tests::group;

fn composer() -> Composer {
    Composer::new(&Settings::default(), Keys::new(vec![vec![7; 32].into()]))
}

async fn answer(
    raw: &str,
    strict: bool,
    sources: Vec<SourceReport>,
) -> Result<Listing, GatewayError> {
    let composer = composer();
    let vocabulary = Vocabulary {
        sources: &["a", "b"],
        streamed: true,
        holder: &Holder::Anyone,
        keys: composer.keys(),
    };
    let query = Query::parse(raw, vocabulary).unwrap();
    composer.compose(&ask(query, strict), sources).await
}

fn some(source: &str) -> SourceReport {
    let groups = ["1", "2", "3"].map(|id| group(source, id, id));
    fresh(source, groups.into())
}

fn ids(listing: &Listing) -> Vec<&str> {
    listing.rows().map(RowRef::id).collect()
}

#[tokio::test]
async fn the_groups_of_the_others_are_all_there_when_one_source_fails() {
    let sources = vec![some("a"), failed("b", ErrorKind::Decode)];
    let listing = answer("", false, sources).await.unwrap();
    assert_eq!(ids(&listing), ["a:1", "a:2", "a:3"]);
    assert_eq!(listing.total(), 3);
    assert!(!listing.complete);
    assert_eq!(listing.sources[1].groups(), 0);
}

#[tokio::test]
async fn a_stale_source_contributes_and_leaves_nothing_fresh() {
    let mut stale = some("b");
    stale.held.state = State::Stale;
    stale.held.fresh_for = Duration::ZERO;
    let listing = answer("", true, vec![some("a"), stale]).await.unwrap();
    assert!(listing.complete);
    assert_eq!(listing.total(), 6);
    assert_eq!(listing.max_age, Duration::ZERO);
}

#[tokio::test]
async fn an_answer_is_fresh_as_long_as_its_least_fresh_source() {
    let mut ageing = some("b");
    ageing.held.fresh_for = Duration::from_secs(3);
    let listing = answer("", false, vec![some("a"), ageing]).await.unwrap();
    assert_eq!(listing.max_age, Duration::from_secs(3));
}

#[tokio::test]
async fn strict_handling_turns_an_incomplete_answer_into_a_problem() {
    let sources = vec![some("a"), pending("b")];
    let error = answer("", true, sources).await.unwrap_err();
    assert_eq!(error.outage(), Outage::Waiting);
    assert!(error.retry_after().is_some());
    insta::assert_snapshot!(error, @"the list would be incomplete, and strict handling was asked for");
}

#[tokio::test]
async fn a_problem_reports_every_asked_source() {
    let sources = vec![failed("a", ErrorKind::Timeout), pending("b")];
    let error = answer("", false, sources).await.unwrap_err();
    assert_eq!(error.outage(), Outage::Waiting);
    let GatewayError::Unavailable { sources, .. } = error else {
        panic!("two sources are unavailable");
    };
    let states: Vec<_> = sources.iter().map(|report| report.held.state).collect();
    assert_eq!(states, [State::Failed, State::Pending]);
}

#[tokio::test]
async fn a_query_that_no_source_is_asked_for_has_an_empty_and_complete_answer() {
    let listing = answer("id=x:1", true, Vec::new()).await.unwrap();
    assert_eq!(listing.total(), 0);
    assert!(listing.complete);
}

#[tokio::test]
async fn a_streamed_answer_holds_all_groups_and_has_no_next_page() {
    let listing = answer("limit=all", false, vec![some("a"), some("b")]).await;
    let listing = listing.unwrap();
    assert_eq!(listing.rows().len(), 6);
    assert_eq!(listing.next_cursor, None);
}

#[tokio::test]
async fn the_last_page_names_no_next_one_even_when_it_is_full() {
    let listing = answer("limit=3", false, vec![some("a")]).await.unwrap();
    assert_eq!(listing.rows().len(), 3);
    assert_eq!(listing.next_query, None);
}

#[test]
fn one_group_is_found_by_its_id() {
    let found = look_up("a:2", some("a")).unwrap().unwrap();
    assert_eq!(found.row().id(), "a:2");
    assert!(look_up("a:9", some("a")).unwrap().is_none());
}

#[test]
fn a_group_of_an_unavailable_source_is_not_declared_missing() {
    let error = look_up("a:2", failed("a", ErrorKind::Timeout)).unwrap_err();
    assert_eq!(error.outage(), Outage::TimedOut);
}
