//! How well a list fits: what its items look like counts most, then what it is called.

use crate::plan::Path;

use super::columns::Columns;
use super::identity::{IdentityGuess, identity};
use super::listed_kind::{ListedKind, named_people};
use super::lists::{CandidateList, ListKind};
use super::names::{NameHint, plain, singular};
use super::part::{SampleValue, page_path};

/// What a candidate's items look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Quality {
    /// Not even a list.
    Single,
    /// Nothing to be seen, or plain values.
    Opaque,
    /// Objects.
    Objects,
    /// Objects with an id or a name.
    HalfNamed,
    /// Objects, some of which have an id and a name.
    Named,
    /// Objects, all of which have an id and a name.
    AllNamed,
}

pub(super) struct RatedList<'a> {
    pub(super) candidate: CandidateList<'a>,
    pub(super) path: Path,
    pub(super) listed: NameHint,
    pub(super) quality: Quality,
    pub(super) subjects: Vec<String>,
    kind: ListedKind,
    count: usize,
}

impl<'a> RatedList<'a> {
    pub(super) fn of(candidate: CandidateList<'a>, kind: ListedKind) -> Option<Self> {
        let path = page_path(&candidate.names)?;
        let items: Vec<_> = candidate.pages.iter().flatten().copied().collect();
        let subjects = subjects(&candidate.names);
        Some(Self {
            quality: quality(candidate.kind, &items, &subjects, kind),
            listed: listed(&candidate.names, kind),
            kind,
            count: items.len(),
            path,
            subjects,
            candidate,
        })
    }

    /// What the items look like counts twice, what the list is called a little more.
    pub(super) fn score(&self) -> i32 {
        let quality = match self.quality {
            Quality::Single => -4,
            Quality::Opaque => 0,
            Quality::Objects => 2,
            Quality::HalfNamed => 4,
            Quality::Named => 6,
            Quality::AllNamed => 8,
        };
        let listed = match self.listed {
            NameHint::Others => -3,
            NameHint::Unknown => 0,
            NameHint::Anything => 1,
            NameHint::Sought => 3,
        };
        quality + listed
    }

    pub(super) fn why(&self, is_close: bool) -> String {
        let what = self.what();
        if is_close {
            return format!("{what}, but another list fits as well");
        }
        match self.listed {
            NameHint::Sought => format!("{what}, and its name suggests {}", self.kind),
            NameHint::Others => format!("{what}, although its name suggests something else"),
            NameHint::Unknown | NameHint::Anything => what,
        }
    }

    pub(super) fn what(&self) -> String {
        let (count, needs) = (self.count, self.kind.needs());
        let objects = match (self.candidate.kind, count) {
            (ListKind::Keyed, _) => format!("an object of {count} objects"),
            (ListKind::List | ListKind::Element, 1) => "a list of 1 object".to_owned(),
            (ListKind::List | ListKind::Element, _) => format!("a list of {count} objects"),
        };
        match self.quality {
            Quality::AllNamed if count == 1 => format!("{objects} that has {needs}"),
            Quality::AllNamed => format!("{objects} that all have {needs}"),
            Quality::Named => format!("{objects}, some with {needs}"),
            Quality::HalfNamed => format!("{objects} with an id or a name, but not both"),
            Quality::Objects | Quality::Single => {
                format!("{objects} without anything that looks like an id or a name")
            }
            Quality::Opaque if count == 0 => {
                format!(
                    "a list that is empty in the samples: add a page with {}",
                    self.kind
                )
            }
            Quality::Opaque => format!("a list of {count} plain values, not of objects"),
        }
    }
}

fn quality(
    kind: ListKind,
    items: &[SampleValue<'_>],
    subjects: &[String],
    listed: ListedKind,
) -> Quality {
    if kind == ListKind::Element && items.len() == 1 && items[0].members().is_empty() {
        return Quality::Single;
    }
    if items.iter().all(|item| !item.is_object()) {
        return Quality::Opaque;
    }
    let columns = Columns::of(items);
    let everywhere = |identity: &Option<IdentityGuess>| {
        identity
            .as_ref()
            .is_some_and(|identity| identity.is_everywhere)
    };
    if listed == ListedKind::People {
        return match named_people(&columns) {
            (named, all) if named == all => Quality::AllNamed,
            (0, _) => Quality::Objects,
            _ => Quality::Named,
        };
    }
    let (id, name) = identity(&columns, subjects);
    // One of the two tells a partition from others.
    let (id, name) = match listed {
        ListedKind::Partitions => {
            let one = id.or(name);
            (one.clone(), one)
        }
        ListedKind::Groups | ListedKind::People => (id, name),
    };
    // An element may hold the list; then what is named in it is not its own.
    let is_own = |identity: &Option<IdentityGuess>| {
        let mut paths = identity.iter().flat_map(|identity| &identity.paths);
        kind != ListKind::Element || paths.all(|path| path.segments().len() == 1)
    };
    match (id, name) {
        (id, name) if !is_own(&id) || !is_own(&name) => Quality::Single,
        // What a keyed record lacks is its key.
        (id, name) if kind == ListKind::Keyed && (everywhere(&id) || everywhere(&name)) => {
            Quality::AllNamed
        }
        (id, name) if everywhere(&id) && everywhere(&name) => Quality::AllNamed,
        (Some(_), Some(_)) => Quality::Named,
        // An element that is no list holds all sorts of things.
        _ if kind == ListKind::Element => Quality::Single,
        (None, None) => Quality::Objects,
        (Some(_), None) | (None, Some(_)) => Quality::HalfNamed,
    }
}

/// What the names on the way to a list say is in it.
fn listed(names: &[&str], kind: ListedKind) -> NameHint {
    let Some((last, around)) = names.split_last() else {
        return NameHint::Anything;
    };
    let own = kind.hint(last);
    let is_around = around
        .iter()
        .any(|name| kind.hint(name) == NameHint::Sought);
    match own {
        NameHint::Unknown | NameHint::Anything if is_around => NameHint::Sought,
        NameHint::Others | NameHint::Unknown | NameHint::Anything | NameHint::Sought => own,
    }
}

/// Words that a record's members may begin with: the list's own name, and the usual ones.
pub(super) fn subjects(names: &[&str]) -> Vec<String> {
    let own = names.last().map(|name| singular(&plain(name)));
    let is_groups = |own: &String| NameHint::of(own) == NameHint::Sought;
    ["usergroup", "group", "grp"]
        .into_iter()
        .map(str::to_owned)
        .chain(own.filter(is_groups))
        .collect()
}
