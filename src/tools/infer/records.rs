//! Where the list of groups stands in a page.
//!
//! Every list in the page is a candidate. What its items look like counts most, then what it is
//! called: `groups` is better than `data`, and `data` better than `users`.

use toml_edit::Value;

use crate::config::Path;

use super::body::Body;
use super::columns::Columns;
use super::fields::{Identity, identity};
use super::guess::{Line, Sureness};
use super::names::{Listed, plain, singular};
use super::part::{Part, page_path};
use super::vocabulary::CHILDREN;

/// How deep in a page a list may stand.
const DEPTH: usize = 6;

/// How many lists are compared.
const CANDIDATES: usize = 64;

/// The list of groups that was found, in every sample.
#[derive(Debug)]
pub(super) struct Records<'a> {
    /// The names from the page's root to the list.
    pub(super) names: Vec<&'a str>,
    /// The records of each sample.
    pub(super) pages: Vec<Vec<Part<'a>>>,
    pub(super) is_keyed: bool,
    /// Words for one record: a member's name may begin with them.
    pub(super) subjects: Vec<String>,
    pub(super) sureness: Sureness,
    path: String,
    /// Whether every sample has the list, empty or not.
    is_everywhere: bool,
    why: String,
    others: Vec<String>,
}

impl<'a> Records<'a> {
    /// The records of all samples.
    pub(super) fn all(&self) -> Vec<Part<'a>> {
        self.pages.iter().flatten().copied().collect()
    }

    /// The line that says where they are.
    pub(super) fn line(&self, columns: &Columns<'_>) -> Line {
        let children = children(columns);
        let mut keys: Vec<(&str, Value)> = vec![("at", self.path.as_str().into())];
        if !self.is_everywhere {
            keys.push(("absent", "empty".into()));
        }
        if self.is_keyed {
            keys.push(("keyed", true.into()));
        }
        if let Some(children) = &children {
            keys.push(("children", children.to_string().into()));
        }
        let value = if keys.len() == 1 {
            self.path.as_str().into()
        } else {
            Value::InlineTable(keys.into_iter().collect())
        };
        let mut line = Line::guess("records", value, self.sureness, &self.why);
        if !self.is_everywhere {
            line = line.and(format!(
                "{}: a sample has no such list, which is taken for an empty one",
                Sureness::Likely
            ));
        }
        if let Some(children) = children {
            line = line.and(format!(
                "{}: `{children}` holds the groups below a group, by its name; each becomes a \
                 group of its own",
                Sureness::Likely
            ));
        }
        if !self.others.is_empty() {
            line = line.and(format!("It could also be {}.", self.others.join(", ")));
        }
        line
    }
}

/// The member of a record that lists the groups below it.
pub(super) fn children(columns: &Columns<'_>) -> Option<Path> {
    let is_list = |part: &Part<'_>| part.items().is_some() && !part.is_xml();
    columns
        .all
        .iter()
        .find(|column| {
            column.names.len() == 1
                && CHILDREN.contains(&plain(column.names[0]).as_str())
                && column.cells.iter().all(|(_, part)| is_list(part))
        })
        .map(|column| column.path.clone())
}

/// Finds the list. There always is an answer; how sure it is tells what it is worth.
pub(super) fn find<'a>(bodies: &[&'a Body]) -> Records<'a> {
    let mut candidates: Vec<Candidate<'a>> = Vec::new();
    for (sample, body) in bodies.iter().enumerate() {
        let mut found = Vec::new();
        collect(body.root(), &mut Vec::new(), &mut found);
        for (names, kind, items) in found {
            let known = candidates.iter().position(|known| known.names == names);
            let index = known.unwrap_or_else(|| {
                candidates.push(Candidate::new(names, bodies.len()));
                candidates.len() - 1
            });
            candidates[index].pages[sample] = items;
            candidates[index].kind = candidates[index].kind.max(kind);
        }
    }
    let mut judged: Vec<Judged<'a>> = candidates.into_iter().filter_map(Judged::of).collect();
    // The sort is stable: of equals, the one that comes first in the page.
    judged.sort_by_key(|judged| std::cmp::Reverse(judged.score()));
    let mut judged = judged.into_iter();
    match judged.next() {
        Some(best) if best.quality > Quality::Single => {
            let others: Vec<_> = judged.collect();
            best.records(&others, bodies)
        }
        _ => nothing(bodies),
    }
}

/// How items stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// As one XML element, which may be a list of one.
    Element,
    /// As an object's members.
    Keyed,
    /// As a list.
    List,
}

/// A list in the page that may be the one.
struct Candidate<'a> {
    names: Vec<&'a str>,
    kind: Kind,
    pages: Vec<Vec<Part<'a>>>,
}

impl<'a> Candidate<'a> {
    fn new(names: Vec<&'a str>, samples: usize) -> Self {
        Self {
            names,
            kind: Kind::Element,
            pages: vec![Vec::new(); samples],
        }
    }
}

type Found<'a> = (Vec<&'a str>, Kind, Vec<Part<'a>>);

fn collect<'a>(part: Part<'a>, names: &mut Vec<&'a str>, found: &mut Vec<Found<'a>>) {
    if found.len() == CANDIDATES {
        return;
    }
    if let Some(items) = part.items().filter(|_| !part.is_xml()) {
        found.push((names.clone(), Kind::List, items));
        return;
    }
    if part.is_xml() && names.len() > 1 {
        let items = part.items().unwrap_or_default();
        match items.as_slice() {
            [_, _, ..] => return found.push((names.clone(), Kind::List, items)),
            [only] if only.is_object() => found.push((names.clone(), Kind::Element, items)),
            _ => {}
        }
    }
    let members = part.members();
    if looks_keyed(part, &members) {
        let items = members.iter().map(|(_, member)| *member).collect();
        found.push((names.clone(), Kind::Keyed, items));
    }
    if names.len() == DEPTH {
        return;
    }
    for (name, member) in members {
        names.push(name);
        collect(member, names, found);
        names.pop();
    }
}

/// Whether an object's members look like records under their ids: all objects, and alike.
fn looks_keyed(part: Part<'_>, members: &[(&str, Part<'_>)]) -> bool {
    if part.is_xml() || members.len() < 2 {
        return false;
    }
    let first = names_in(members[0].1);
    members.iter().all(|(_, member)| {
        let names = names_in(*member);
        let shared = names.iter().filter(|name| first.contains(name)).count();
        shared > 0 && 2 * shared >= first.len().max(names.len())
    })
}

fn names_in(part: Part<'_>) -> Vec<&str> {
    let members = part.members();
    members.into_iter().map(|(name, _)| name).collect()
}

/// What a candidate's items look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Quality {
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

struct Judged<'a> {
    candidate: Candidate<'a>,
    path: Path,
    listed: Listed,
    quality: Quality,
    subjects: Vec<String>,
    count: usize,
}

impl<'a> Judged<'a> {
    fn of(candidate: Candidate<'a>) -> Option<Self> {
        let path = page_path(&candidate.names)?;
        let items: Vec<_> = candidate.pages.iter().flatten().copied().collect();
        let subjects = subjects(&candidate.names);
        Some(Self {
            quality: quality(candidate.kind, &items, &subjects),
            listed: listed(&candidate.names),
            count: items.len(),
            path,
            subjects,
            candidate,
        })
    }

    /// What the items look like counts twice, what the list is called a little more.
    fn score(&self) -> i32 {
        let quality = match self.quality {
            Quality::Single => -4,
            Quality::Opaque => 0,
            Quality::Objects => 2,
            Quality::HalfNamed => 4,
            Quality::Named => 6,
            Quality::AllNamed => 8,
        };
        let listed = match self.listed {
            Listed::Others => -3,
            Listed::Unknown => 0,
            Listed::Anything => 1,
            Listed::Groups => 3,
        };
        quality + listed
    }

    fn records(self, others: &[Self], bodies: &[&Body]) -> Records<'a> {
        let is_in_record = |other: &Self| {
            self.candidate.kind != Kind::List
                && other.candidate.names.starts_with(&self.candidate.names)
        };
        let rivals: Vec<_> = others
            .iter()
            .filter(|other| other.quality >= Quality::HalfNamed.min(self.quality))
            .filter(|other| other.quality > Quality::Single && !is_in_record(other))
            .collect();
        let is_everywhere = bodies
            .iter()
            .all(|body| body.page.records(&self.path).is_ok());
        let lead = rivals
            .iter()
            .map(|rival| self.score() - rival.score())
            .min();
        let is_close = lead.is_some_and(|lead| lead < 2);
        let sureness = match self.quality {
            _ if is_close => Sureness::NotSure,
            Quality::AllNamed | Quality::Named if self.listed == Listed::Others => {
                Sureness::NotSure
            }
            Quality::AllNamed
                if rivals.is_empty() && is_everywhere && self.candidate.kind != Kind::Keyed =>
            {
                Sureness::Certain
            }
            Quality::AllNamed | Quality::Named => Sureness::Likely,
            Quality::HalfNamed | Quality::Objects | Quality::Opaque | Quality::Single => {
                Sureness::NotSure
            }
        };
        let others = rivals
            .iter()
            .map(|rival| format!("`{}` ({})", rival.path, rival.what()))
            .collect();
        Records {
            why: self.why(is_close),
            names: self.candidate.names,
            pages: self.candidate.pages,
            is_keyed: self.candidate.kind == Kind::Keyed,
            subjects: self.subjects,
            path: self.path.to_string(),
            is_everywhere,
            sureness,
            others,
        }
    }

    fn why(&self, is_close: bool) -> String {
        let what = self.what();
        if is_close {
            return format!("{what}, but another list looks as good");
        }
        match self.listed {
            Listed::Groups => format!("{what}, and its name says groups"),
            Listed::Others => format!("{what}, though its name says something else than groups"),
            Listed::Unknown | Listed::Anything => what,
        }
    }

    fn what(&self) -> String {
        let count = self.count;
        let objects = match (self.candidate.kind, count) {
            (Kind::Keyed, _) => format!("an object of {count} objects"),
            (Kind::List | Kind::Element, 1) => "a list of 1 object".to_owned(),
            (Kind::List | Kind::Element, _) => format!("a list of {count} objects"),
        };
        match self.quality {
            Quality::AllNamed if count == 1 => format!("{objects} that has an id and a name"),
            Quality::AllNamed => format!("{objects} that all have an id and a name"),
            Quality::Named => format!("{objects}, some with an id and a name"),
            Quality::HalfNamed => format!("{objects} with an id or a name, but not both"),
            Quality::Objects | Quality::Single => {
                format!("{objects} without anything that looks like an id or a name")
            }
            Quality::Opaque if count == 0 => {
                "a list that is empty in the samples: give a page with groups on it".to_owned()
            }
            Quality::Opaque => format!("a list of {count} plain values, not of objects"),
        }
    }
}

fn quality(kind: Kind, items: &[Part<'_>], subjects: &[String]) -> Quality {
    if kind == Kind::Element && items.len() == 1 && items[0].members().is_empty() {
        return Quality::Single;
    }
    if items.iter().all(|item| !item.is_object()) {
        return Quality::Opaque;
    }
    let columns = Columns::of(items);
    let everywhere = |identity: &Option<Identity>| {
        identity
            .as_ref()
            .is_some_and(|identity| identity.is_everywhere)
    };
    let (id, name) = identity(&columns, subjects);
    // An element may hold the list; then what is named in it is not its own.
    let is_own = |identity: &Option<Identity>| {
        let mut paths = identity.iter().flat_map(|identity| &identity.paths);
        kind != Kind::Element || paths.all(|path| path.segments().len() == 1)
    };
    match (id, name) {
        (id, name) if !is_own(&id) || !is_own(&name) => Quality::Single,
        // What is not in a record that stands under a name of its own is that name.
        (id, name) if kind == Kind::Keyed && (everywhere(&id) || everywhere(&name)) => {
            Quality::AllNamed
        }
        (id, name) if everywhere(&id) && everywhere(&name) => Quality::AllNamed,
        (Some(_), Some(_)) => Quality::Named,
        // An element that is no list holds all sorts of things.
        _ if kind == Kind::Element => Quality::Single,
        (None, None) => Quality::Objects,
        (Some(_), None) | (None, Some(_)) => Quality::HalfNamed,
    }
}

/// What the names on the way to a list say is in it.
fn listed(names: &[&str]) -> Listed {
    let Some((last, around)) = names.split_last() else {
        return Listed::Anything;
    };
    let own = Listed::of(last);
    let is_around = around.iter().any(|name| Listed::of(name) == Listed::Groups);
    match own {
        Listed::Unknown | Listed::Anything if is_around => Listed::Groups,
        Listed::Others | Listed::Unknown | Listed::Anything | Listed::Groups => own,
    }
}

/// Words that a record's members may begin with: the list's own name, and the usual ones.
fn subjects(names: &[&str]) -> Vec<String> {
    let own = names.last().map(|name| singular(&plain(name)));
    let is_groups = |own: &String| Listed::of(own) == Listed::Groups;
    ["usergroup", "group", "grp"]
        .into_iter()
        .map(str::to_owned)
        .chain(own.filter(is_groups))
        .collect()
}

/// No list anywhere: the page itself may be one group.
fn nothing<'a>(bodies: &[&'a Body]) -> Records<'a> {
    let roots = bodies.iter().map(|body| body.root());
    let (names, pages): (Vec<_>, Vec<_>) = match bodies.first().map(|body| body.root()) {
        Some(root) if root.is_xml() => {
            let root = root.members().into_iter().next();
            let name = root.map_or("groups", |(name, _)| name);
            (vec![name, "group"], vec![Vec::new(); bodies.len()])
        }
        Some(_) => {
            let pages = roots.map(|root| {
                let is_group = root.is_object() && !root.members().is_empty();
                is_group.then_some(root).into_iter().collect()
            });
            (Vec::new(), pages.collect())
        }
        None => (Vec::new(), Vec::new()),
    };
    let why = match (bodies.is_empty(), pages.iter().flatten().count()) {
        (true, _) => "no sample could be read",
        (false, 0) => "there is no list in the samples: give a page with groups on it",
        (false, _) => "there is no list in the samples, so this takes the page for one group",
    };
    Records {
        path: page_path(&names).map_or_else(|| "/".to_owned(), |path| path.to_string()),
        subjects: subjects(&names),
        names,
        pages,
        is_keyed: false,
        sureness: Sureness::NotSure,
        is_everywhere: true,
        why: why.to_owned(),
        others: Vec::new(),
    }
}
