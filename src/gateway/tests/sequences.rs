//! Sequences of pages, from the first query string to the last cursor, against a plain model: all
//! groups that are there, sorted one field after the other, cut after the last group seen.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::group::Moment;
use proptest::prelude::*;
use proptest::sample::Index;
use tokio::runtime::{Builder, Runtime};

use super::{ask, failed, fresh, sorts};
use crate::caller::Caller;
use crate::config::testing::plan;
use crate::error::ErrorKind;
use crate::fold::fold;
use crate::gateway::FilterableAttributes;
use crate::gateway::ParseContext;
use crate::gateway::assemble::Assembler;
use crate::gateway::cursor::Keys;
use crate::gateway::filter::Filter;
use crate::gateway::listing::{Listing, SourceReport};
use crate::gateway::order::{Direction, Sort, SortField};
use crate::gateway::query::{Limit, Query};
use crate::group::Group;
use crate::observe::Observers;
use crate::snapshot::tests::group;

const SOURCES: [&str; 3] = ["a", "a-b", "b"];

/// Two gateways with the same keys and nothing else in common. Pages come from them in turn.
struct Replicas {
    assemblers: [Assembler; 2],
    runtime: Runtime,
    served: usize,
}

impl Replicas {
    fn new() -> Self {
        let assembler = || {
            let keys = Keys::new(vec![vec![7; 32].into()]);
            Assembler::new(&plan(""), keys, Observers::default())
        };
        Self {
            assemblers: [assembler(), assembler()],
            runtime: Builder::new_current_thread().enable_time().build().unwrap(),
            served: 0,
        }
    }

    fn page(&mut self, raw: &str, sources: Vec<SourceReport>) -> Listing {
        let assembler = &self.assemblers[self.served % 2];
        self.served += 1;
        let query = Query::parse(
            raw,
            ParseContext {
                attributes: &FilterableAttributes::default(),
                sources: &SOURCES.map(Into::into),
                streamed: false,
                caller: &Caller::default(),
                keys: assembler.keys(),
            },
        )
        .unwrap();
        let ask = ask(query, false);
        let listing = assembler.assemble(&ask, sources);
        self.runtime.block_on(listing).unwrap()
    }
}

/// A group that has no id yet.
#[derive(Debug, Clone)]
struct Seed {
    source: &'static str,
    name: String,
    created_at: Option<Moment>,
    updated_at: Option<Moment>,
}

/// What happens between two pages.
#[derive(Debug, Clone)]
struct Change {
    deletes_the_last_seen: bool,
    twins_of_the_last_seen: Vec<&'static str>,
    inserted: Vec<Seed>,
    deleted: Vec<Index>,
}

fn seeds() -> impl Strategy<Value = Seed> {
    let name = prop_oneof![
        prop::sample::select(&["x", "X", "é", "e\u{301}", "ß", "SS", "İ", "ﬁ", "\u{fdfa}"][..])
            .prop_map(str::to_owned),
        "\\PC{1,3}",
        "y{382,386}",
    ];
    let instants = [
        "1969-12-31T23:59:58.5Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00.5Z",
        "9999-12-31T23:59:59.999999999Z",
    ];
    let instants = instants.map(|text| text.parse::<Moment>().unwrap());
    let instant = || prop::option::of(prop::sample::select(instants.to_vec()));
    (
        prop::sample::select(&SOURCES[..]),
        name,
        instant(),
        instant(),
    )
        .prop_map(|(source, name, created_at, updated_at)| Seed {
            source,
            name,
            created_at,
            updated_at,
        })
}

fn changes() -> impl Strategy<Value = Change> {
    (
        any::<bool>(),
        prop::collection::vec(prop::sample::select(&SOURCES[..]), 0..3),
        prop::collection::vec(seeds(), 0..3),
        prop::collection::vec(any::<Index>(), 0..2),
    )
        .prop_map(
            |(deletes_the_last_seen, twins_of_the_last_seen, inserted, deleted)| Change {
                deletes_the_last_seen,
                twins_of_the_last_seen,
                inserted,
                deleted,
            },
        )
}

/// All groups of all sources, and how many there ever were.
#[derive(Debug, Default)]
struct World {
    groups: Vec<Group>,
    born: usize,
}

impl World {
    fn new(seeds: Vec<Seed>) -> Self {
        let mut world = Self::default();
        for seed in seeds {
            world.insert(seed);
        }
        world
    }

    fn insert(&mut self, seed: Seed) {
        // A new id is as often smaller as larger than those that are there.
        let id = format!("{}:{}", (self.born * 7) % 10, self.born);
        self.born += 1;
        let mut group = group(seed.source, &id, &seed.name);
        group.created_at = seed.created_at;
        group.updated_at = seed.updated_at;
        self.groups.push(group);
    }

    fn change(&mut self, change: &Change, last_seen: &Group) {
        for source in &change.twins_of_the_last_seen {
            self.insert(Seed {
                source,
                name: last_seen.name.clone(),
                created_at: last_seen.created_at,
                updated_at: last_seen.updated_at,
            });
        }
        for seed in &change.inserted {
            self.insert(seed.clone());
        }
        for index in &change.deleted {
            let index = index.index(self.groups.len());
            self.groups.swap_remove(index);
            if self.groups.is_empty() {
                return;
            }
        }
        if change.deletes_the_last_seen {
            self.groups.retain(|group| group.id != last_seen.id);
        }
    }

    /// What the sources hold, except those that are `down`.
    fn sources(&self, down: &BTreeSet<&str>) -> Vec<SourceReport> {
        let report = |source| {
            if down.contains(source) {
                return failed(source, ErrorKind::Connect);
            }
            let groups = self.groups.iter().filter(|group| group.source == source);
            fresh(source, groups.cloned().collect())
        };
        SOURCES.map(report).into()
    }

    /// The groups of all sources but those that are `down`, in order.
    fn ordered(&self, sort: &Sort, down: &BTreeSet<&str>) -> Vec<Group> {
        let up = |group: &&Group| !down.contains(group.source.as_str());
        let mut groups: Vec<_> = self.groups.iter().filter(up).cloned().collect();
        groups.sort_by(|left, right| modelled(sort, left, right));
        groups
    }

    fn ids(&self) -> BTreeSet<String> {
        self.groups.iter().map(|group| group.id.clone()).collect()
    }
}

fn name_key(group: &Group) -> (String, &str) {
    let key = &group.name[..group.name.floor_char_boundary(384)];
    (fold(key).into_owned(), key)
}

/// The order as the contract words it.
fn modelled(sort: &Sort, left: &Group, right: &Group) -> Ordering {
    let mut ordering = Ordering::Equal;
    for key in sort.keys() {
        let falls = key.direction == Direction::Descending;
        let turned = |ordering: Ordering| if falls { ordering.reverse() } else { ordering };
        let instants = |left: Option<Moment>, right: Option<Moment>| {
            let lack = left.is_none().cmp(&right.is_none());
            lack.then(turned(left.cmp(&right)))
        };
        ordering = ordering.then_with(|| match key.field {
            SortField::Name => turned(name_key(left).cmp(&name_key(right))),
            SortField::CreatedAt => instants(left.created_at, right.created_at),
            SortField::UpdatedAt => instants(left.updated_at, right.updated_at),
            SortField::Source => turned(left.source.cmp(&right.source)),
            SortField::Id => turned(left.id.cmp(&right.id)),
        });
    }
    ordering
        .then_with(|| name_key(left).cmp(&name_key(right)))
        .then_with(|| left.source.cmp(&right.source))
        .then_with(|| left.id.cmp(&right.id))
}

fn first_page(sort: &Sort, limit: usize) -> String {
    let query = Query {
        filter: Filter::default(),
        sort: sort.clone(),
        fields: None,
        limit: Limit::Page(limit),
        resume: None,
    };
    query.first_page()
}

fn groups(listing: &Listing) -> Vec<Group> {
    listing
        .view
        .rows(&listing.page)
        .into_iter()
        .map(|row| row.group().unwrap())
        .collect()
}

fn ids(groups: &[Group]) -> Vec<String> {
    groups.iter().map(|group| group.id.clone()).collect()
}

/// Whether each group comes strictly after the one before: then none came twice.
fn ascends(sort: &Sort, seen: &[Group]) -> bool {
    seen.is_sorted_by(|left, right| modelled(sort, left, right).is_lt())
}

proptest! {
    #[test]
    fn every_sequence_of_pages_is_a_partition_of_the_full_order(
        seeds in prop::collection::vec(seeds(), 0..20),
        sort in sorts(),
        limit in 1_usize..8,
    ) {
        let world = World::new(seeds);
        let expected = world.ordered(&sort, &BTreeSet::new());
        let mut replicas = Replicas::new();
        let mut raw = first_page(&sort, limit);
        let mut seen = Vec::new();
        loop {
            let listing = replicas.page(&raw, world.sources(&BTreeSet::new()));
            prop_assert!(listing.complete);
            prop_assert_eq!(listing.total(), expected.len());
            prop_assert!(listing.rows().len() == limit || listing.next_cursor.is_none());
            seen.extend(groups(&listing));
            // A sequence that repeats itself might never end.
            prop_assert!(seen.len() <= expected.len());
            let Some(next) = listing.next_query else { break };
            raw = next;
        }
        prop_assert_eq!(ids(&seen), ids(&expected));
    }

    #[test]
    fn groups_that_do_not_change_are_seen_once_whatever_changes_between_the_pages(
        seeds in prop::collection::vec(seeds(), 1..20),
        sort in sorts(),
        limit in 1_usize..6,
        changes in prop::collection::vec(changes(), 8),
    ) {
        let mut world = World::new(seeds);
        let mut lasting = world.ids();
        let mut replicas = Replicas::new();
        let mut raw = first_page(&sort, limit);
        let mut seen = Vec::new();
        // When the changes are used up, the world stands still and the sequence ends.
        let mut changes = changes.iter();
        loop {
            let listing = replicas.page(&raw, world.sources(&BTreeSet::new()));
            let everything = world.ordered(&sort, &BTreeSet::new());
            let after = |group: &&Group| {
                seen.last().is_none_or(|last| modelled(&sort, group, last).is_gt())
            };
            let expected: Vec<_> = everything.iter().filter(after).take(limit).cloned().collect();
            prop_assert_eq!(ids(&groups(&listing)), ids(&expected));
            seen.extend(expected);
            let Some(next) = listing.next_query else { break };
            raw = next;
            if let (Some(change), Some(last)) = (changes.next(), seen.last()) {
                world.change(change, last);
                lasting = lasting.intersection(&world.ids()).cloned().collect();
            }
        }
        prop_assert!(ascends(&sort, &seen));
        let seen: BTreeSet<_> = ids(&seen).into_iter().collect();
        prop_assert!(lasting.is_subset(&seen));
    }

    #[test]
    fn a_source_that_fails_and_heals_is_named_to_the_end_and_costs_the_others_nothing(
        seeds in prop::collection::vec(seeds(), 1..20),
        sort in sorts(),
        limit in 1_usize..6,
        outages in prop::collection::vec(
            prop::collection::btree_set(prop::sample::select(&SOURCES[..]), 0..3), 8),
    ) {
        let world = World::new(seeds);
        let mut replicas = Replicas::new();
        let mut raw = first_page(&sort, limit);
        let mut seen: Vec<Group> = Vec::new();
        let mut missed = BTreeSet::new();
        let mut outages = outages.iter();
        loop {
            let down = outages.next().cloned().unwrap_or_default();
            let listing = replicas.page(&raw, world.sources(&down));
            for report in &listing.sources {
                let source = &*report.held.source;
                prop_assert_eq!(report.contributed(), !down.contains(source));
                let earlier = missed.contains(source).then_some(ErrorKind::Connect);
                prop_assert_eq!(report.missed, earlier);
            }
            missed.extend(down.iter().copied());
            prop_assert_eq!(listing.complete, missed.is_empty());
            let available = world.ordered(&sort, &down);
            let after = |group: &&Group| {
                seen.last().is_none_or(|last| modelled(&sort, group, last).is_gt())
            };
            let expected: Vec<_> = available.iter().filter(after).take(limit).cloned().collect();
            prop_assert_eq!(ids(&groups(&listing)), ids(&expected));
            seen.extend(expected);
            let Some(next) = listing.next_query else { break };
            raw = next;
        }
        prop_assert!(ascends(&sort, &seen));
        let seen: BTreeSet<_> = ids(&seen).into_iter().collect();
        for group in world.ordered(&sort, &missed) {
            prop_assert!(seen.contains(&group.id));
        }
    }
}

#[test]
fn a_page_beyond_the_end_is_empty_and_the_last() {
    let mut world = World::new(Vec::new());
    for name in ["x", "y", "z"] {
        world.insert(Seed {
            source: "a",
            name: name.to_owned(),
            created_at: None,
            updated_at: None,
        });
    }
    let mut replicas = Replicas::new();
    let first = replicas.page("limit=2", world.sources(&BTreeSet::new()));
    world.groups.retain(|group| group.name == "x");
    let beyond = replicas.page(&first.next_query.unwrap(), world.sources(&BTreeSet::new()));
    assert_eq!(beyond.rows().len(), 0);
    assert_eq!(beyond.total(), 1);
    assert_eq!(beyond.next_cursor, None);
}
