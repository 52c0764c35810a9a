//! Whatever an upstream misreports, and in whatever combination: a walk brings its whole list, or an
//! error. No outcome is both shorter than the list and complete.
//!
//! `PROPTEST_CASES=10000 cargo test --test styles accounted` looks longer.

mod block;
mod liar;
mod parents;
mod written;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use groupgate::group::Group;
use groupgate::observe::Observers;
use groupgate::upstream::Adapter;
use groupgate::upstream::transport::Replay;
use groupgate::upstream::walk::walk;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Builder;

use crate::support::adapters::adapter_of;
use block::ListOf;
use liar::{Claim, Liar, NextType, Number, Oddity, Style};
use parents::Parents;
use written::Mirror;

/// So many cases, unless `PROPTEST_CASES` says how many.
fn cases(count: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    let is_given = given.cases != 256;
    ProptestConfig {
        cases: if is_given { given.cases } else { count },
        failure_persistence: None,
        ..given
    }
}

fn styles() -> impl Strategy<Value = Style> {
    prop_oneof![
        Just(Style::Whole),
        Just(Style::Cursor),
        Just(Style::Link),
        Just(Style::NextUrl),
        Just(Style::Offset("granted")),
        Just(Style::Offset("received")),
        Just(Style::Offset("asked")),
        Just(Style::Page),
    ]
}

fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        2 => Just(Number::True),
        1 => Just(Number::Zero),
        1 => Just(Number::One),
        1 => Just(Number::Own),
        1 => Just(Number::TooMany),
        1 => Just(Number::Parents),
        1 => Just(Number::Absent),
        1 => Just(Number::Object),
        1 => Just(Number::Fraction),
    ]
}

fn claims() -> impl Strategy<Value = Claim> {
    prop_oneof![
        2 => Just(Claim::Nowhere),
        2 => Just(Claim::Body),
        1 => Just(Claim::Header),
        1 => Just(Claim::ContentRange),
        1 => Just(Claim::Count),
        1 => Just(Claim::Pages),
    ]
}

fn next_types() -> impl Strategy<Value = NextType> {
    prop_oneof![
        4 => Just(NextType::Text),
        1 => Just(NextType::Number),
        1 => Just(NextType::Object),
        1 => Just(NextType::List),
        1 => Just(NextType::True),
        1 => Just(NextType::Misspelt),
    ]
}

fn oddities() -> impl Strategy<Value = Oddity> {
    prop_oneof![
        9 => Just(Oddity::None),
        1 => Just(Oddity::Object),
        1 => Just(Oddity::Text),
        1 => Just(Oddity::Html),
    ]
}

fn any_parents() -> impl Strategy<Value = Option<Parents>> {
    let some = ([0_usize..4, 0..4, 0..4], any::<bool>());
    let some = some.prop_map(|(sizes, are_counted)| Parents { sizes, are_counted });
    prop_oneof![2 => Just(None), 1 => some.prop_map(Some)]
}

/// Upstreams and what an adapter declares of them. What no evidence can tell is left out by
/// [`Liar::tellable`].
fn liars() -> impl Strategy<Value = Liar> {
    let what = (
        styles(),
        any::<bool>(),
        claims(),
        numbers(),
        any::<bool>(),
        any::<bool>(),
    );
    let list = (
        0_usize..14,
        1_usize..5,
        prop::option::of(0_usize..14),
        any::<[bool; 8]>(),
    );
    let says = (next_types(), 0_u8..4, 0_u8..4, oddities(), any_parents());
    (what, list, says).prop_map(|(what, list, says)| {
        let (style, is_xml, claim, number, is_hint, has_limit) = what;
        let (length, page, twice, flags) = list;
        let (next_type, last_next, range, oddity, parents) = says;
        let [
            is_clamped,
            is_cut,
            ignores_position,
            has_holes,
            is_refused_past_end,
            is_206,
            is_linked,
            is_odd_first,
        ] = flags;
        Liar {
            style,
            is_xml,
            claim,
            number,
            is_hint,
            has_limit,
            length,
            page,
            twice,
            next_type,
            last_next,
            range,
            is_clamped,
            is_cut,
            ignores_position,
            has_holes,
            is_refused_past_end,
            is_206,
            is_linked,
            oddity,
            is_odd_first,
            parents,
        }
        .tellable()
    })
}

/// What of a list came: the ids that it has.
fn ids(list_of: ListOf, groups: Vec<Group>) -> Vec<String> {
    let groups = groups.into_iter();
    match list_of {
        ListOf::Groups => groups.map(|group| group.source_id).collect(),
        ListOf::Members => groups
            .flat_map(|group| group.members)
            .filter_map(|member| member.id)
            .collect(),
        ListOf::Partitions => groups
            .map(|group| group.source_id.trim_end_matches('g').to_owned())
            .collect(),
    }
}

#[test]
fn no_walk_is_both_shorter_than_its_list_and_complete() {
    let ends = walks_of_liars(ListOf::Groups, 2500);
    for end in [
        "no_next",
        "last_page",
        "total",
        "empty_page",
        "confirmed",
        "whole_list",
    ] {
        assert!(ends.contains_key(end), "no walk ended by `{end}`: {ends:?}");
    }
}

#[test]
fn no_walk_is_complete_without_all_members_of_a_list_of_their_own() {
    let ends = walks_of_liars(ListOf::Members, 1500);
    assert!(ends["whole_list"] > 300, "{ends:?}");
}

#[test]
fn no_walk_is_complete_without_the_groups_of_all_partitions() {
    let ends = walks_of_liars(ListOf::Partitions, 1500);
    assert!(ends["all_partitions"] > 300, "{ends:?}");
}

/// Walks of liars, each of which brings the whole list or an error, and how often each ended by what.
fn walks_of_liars(list_of: ListOf, count: u32) -> BTreeMap<String, u32> {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mirror = Arc::<Mirror>::default();
    let adapters = RefCell::<HashMap<String, Arc<Adapter>>>::default();
    let ends = RefCell::<BTreeMap<String, u32>>::default();
    let mut runner = TestRunner::new(cases(count));
    let outcome = runner.run(&liars(), |liar| {
        let expected = liar.ids();
        let config = liar.config(list_of);
        *mirror.0.lock().unwrap() = liar;
        let mut adapters = adapters.borrow_mut();
        let adapter = adapters.entry(config).or_insert_with_key(|config| {
            let adapter = runtime.block_on(async { adapter_of(config, "http://u.example", &[]) });
            adapter.set_replay(Arc::clone(&mirror) as Arc<dyn Replay>);
            adapter
        });
        let walked = runtime.block_on(walk(adapter, &Observers::default()));
        let end = match &walked {
            Ok(walked) => walked.ended_by.to_string(),
            Err(error) => error.kind.to_string(),
        };
        *ends.borrow_mut().entry(end).or_default() += 1;
        if let Ok(walked) = walked {
            let ids = ids(list_of, walked.groups.to_groups());
            prop_assert_eq!(ids, expected, "ended by {}", walked.ended_by);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    ends.into_inner()
}
