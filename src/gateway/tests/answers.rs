//! What the gateway answers when sources are late, stale or gone.

use std::time::Duration;

use super::{ask, failed, fresh, pending, source};
use crate::caller::{Caller, HiddenFields, NotVisible};
use crate::catalog::SourceState;
use crate::config::testing::plan;
use crate::error::ErrorKind;
use crate::gateway::FilterableAttributes;
use crate::gateway::assemble::Assembler;
use crate::gateway::availability::{FailureClass, retry_after};
use crate::gateway::cursor::Keys;
use crate::gateway::listing::{Listing, SourceReport};
use crate::gateway::query::Query;
use crate::gateway::seen_row::SeenRow;
use crate::gateway::{Ask, GatewayError, ParseContext, look_up};
use crate::observe::Observers;
use crate::snapshot::tests::group;

fn assembler(key: u8) -> Assembler {
    Assembler::new(
        &plan(""),
        Keys::new(vec![vec![key; 32].into()]),
        Observers::default(),
    )
}

/// What is asked for, and what a gateway of its own makes of these sources.
pub(super) async fn answer(
    raw: &str,
    strict: bool,
    sources: Vec<SourceReport>,
) -> (Query, Result<Listing, GatewayError>) {
    answer_by(7, raw, strict, sources).await
}

/// The same of a gateway whose cursors are signed with another key.
pub(super) async fn answer_by(
    key: u8,
    raw: &str,
    strict: bool,
    sources: Vec<SourceReport>,
) -> (Query, Result<Listing, GatewayError>) {
    answer_to(&Caller::default(), key, raw, strict, sources).await
}

/// The same for a caller.
pub(super) async fn answer_to(
    caller: &Caller,
    key: u8,
    raw: &str,
    strict: bool,
    sources: Vec<SourceReport>,
) -> (Query, Result<Listing, GatewayError>) {
    let assembler = assembler(key);
    let context = ParseContext {
        attributes: &FilterableAttributes::default(),
        sources: &["a".into(), "b".into()],
        streamed: true,
        caller,
        keys: assembler.keys(),
    };
    let query = Query::parse(raw, context).unwrap();
    let ask = Ask {
        caller: caller.clone(),
        ..ask(query.clone(), strict)
    };
    (query, assembler.assemble(&ask, sources).await)
}

async fn listed(
    raw: &str,
    strict: bool,
    sources: Vec<SourceReport>,
) -> Result<Listing, GatewayError> {
    answer(raw, strict, sources).await.1
}

fn unavailable(error: GatewayError) -> Vec<SourceReport> {
    let GatewayError::Unavailable { sources, .. } = error else {
        panic!("{error}");
    };
    sources
}

pub(super) fn some(source: &str) -> SourceReport {
    let groups = ["1", "2", "3"].map(|id| group(source, id, id));
    fresh(source, groups.into())
}

fn ids(listing: &Listing) -> Vec<&str> {
    listing.rows().map(SeenRow::id).collect()
}

#[tokio::test]
async fn the_groups_of_the_others_are_all_there_when_one_source_fails() {
    let sources = vec![some("a"), failed("b", ErrorKind::Decode)];
    let listing = listed("", false, sources).await.unwrap();
    assert_eq!(ids(&listing), ["a:1", "a:2", "a:3"]);
    assert_eq!(listing.total(), 3);
    assert!(!listing.complete);
    assert_eq!(listing.sources[1].groups(), 0);
}

#[tokio::test]
async fn a_source_that_cannot_be_asked_for_the_caller_makes_the_answer_incomplete() {
    let not_askable = || SourceReport::of(&source("b"), Err(NotVisible));
    let listing = listed("", false, vec![some("a"), not_askable()]).await;
    let listing = listing.unwrap();
    assert!(!listing.complete);
    assert_eq!(listing.sources[1].held.state, SourceState::Failed);
    let alone = listed("source=b", false, vec![not_askable()]).await;
    let class = FailureClass::of(&unavailable(alone.unwrap_err()));
    assert_eq!(class, FailureClass::Failed);
    assert!(look_up("b:1", not_askable(), HiddenFields::NONE).is_err());
}

#[tokio::test]
async fn a_stale_source_contributes_and_leaves_nothing_fresh() {
    let mut stale = some("b");
    stale.held.state = SourceState::Stale;
    stale.held.fresh_for = Duration::ZERO;
    let listing = listed("", true, vec![some("a"), stale]).await.unwrap();
    assert!(listing.complete);
    assert_eq!(listing.total(), 6);
    assert_eq!(listing.max_age, Duration::ZERO);
}

#[tokio::test]
async fn an_answer_is_fresh_as_long_as_its_least_fresh_source() {
    let mut ageing = some("b");
    ageing.held.fresh_for = Duration::from_secs(3);
    let listing = listed("", false, vec![some("a"), ageing]).await.unwrap();
    assert_eq!(listing.max_age, Duration::from_secs(3));
}

#[tokio::test]
async fn strict_handling_turns_an_incomplete_answer_into_a_problem() {
    let sources = vec![some("a"), pending("b")];
    let error = listed("", true, sources).await.unwrap_err();
    insta::assert_snapshot!(error, @"the list would be incomplete, and the request asks for strict handling");
    let sources = unavailable(error);
    assert_eq!(FailureClass::of(&sources), FailureClass::Waiting);
    assert!(retry_after(&sources).is_some());
}

#[tokio::test]
async fn a_problem_reports_every_asked_source() {
    let sources = vec![failed("a", ErrorKind::Timeout), pending("b")];
    let sources = unavailable(listed("", false, sources).await.unwrap_err());
    assert_eq!(FailureClass::of(&sources), FailureClass::Failed);
    let states: Vec<_> = sources.iter().map(|report| report.held.state).collect();
    assert_eq!(states, [SourceState::Failed, SourceState::Pending]);
}

#[tokio::test]
async fn a_query_that_no_source_is_asked_for_has_an_empty_and_complete_answer() {
    let listing = listed("id=x:1", true, Vec::new()).await.unwrap();
    assert_eq!(listing.total(), 0);
    assert!(listing.complete);
}

#[tokio::test]
async fn a_streamed_answer_holds_all_groups_and_has_no_next_page() {
    let listing = listed("limit=all", false, vec![some("a"), some("b")]).await;
    let listing = listing.unwrap();
    assert_eq!(listing.rows().len(), 6);
    assert_eq!(listing.next_cursor, None);
}

#[tokio::test]
async fn the_last_page_names_no_next_one_even_when_it_is_full() {
    let listing = listed("limit=3", false, vec![some("a")]).await.unwrap();
    assert_eq!(listing.rows().len(), 3);
    assert_eq!(listing.next_query, None);
}

#[test]
fn one_group_is_found_by_its_id() {
    let found = look_up("a:2", some("a"), HiddenFields::NONE)
        .unwrap()
        .unwrap();
    assert_eq!(found.row().id(), "a:2");
    assert!(
        look_up("a:9", some("a"), HiddenFields::NONE)
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_group_of_an_unavailable_source_is_not_declared_missing() {
    let error = look_up("a:2", failed("a", ErrorKind::Timeout), HiddenFields::NONE).unwrap_err();
    let class = FailureClass::of(&unavailable(error));
    assert_eq!(class, FailureClass::TimedOut);
}
