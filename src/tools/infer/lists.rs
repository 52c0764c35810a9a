//! Every list in a page, at any depth: each may be the list of groups.

use super::body::SampleBody;
use super::part::SampleValue;

/// How many lists are compared.
const CANDIDATES: usize = 64;

/// Every list in the samples.
pub(super) fn candidates<'a>(bodies: &[&'a SampleBody]) -> Vec<CandidateList<'a>> {
    let mut candidates: Vec<CandidateList<'a>> = Vec::new();
    for (sample, body) in bodies.iter().enumerate() {
        let mut finder = ListFinder {
            names: Vec::new(),
            within: None,
            found: Vec::new(),
        };
        finder.collect(body.root());
        for list in finder.found {
            let known = candidates
                .iter()
                .position(|known| known.names == list.names);
            let index = known.unwrap_or_else(|| {
                candidates.push(CandidateList::new(&list, bodies.len()));
                candidates.len() - 1
            });
            candidates[index].pages[sample] = list.items;
            candidates[index].kind = candidates[index].kind.max(list.kind);
        }
    }
    candidates
}

/// How a page writes a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ListKind {
    /// As one XML element, which may be a list of one.
    Element,
    /// As an object's members.
    Keyed,
    /// As a list.
    List,
}

/// A list in the page that may be the one.
pub(super) struct CandidateList<'a> {
    pub(super) names: Vec<&'a str>,
    pub(super) kind: ListKind,
    /// How many names lead to the list that has this one in its items: there is one in each of them.
    pub(super) within: Option<usize>,
    pub(super) pages: Vec<Vec<SampleValue<'a>>>,
}

impl<'a> CandidateList<'a> {
    fn new(list: &FoundList<'a>, samples: usize) -> Self {
        Self {
            names: list.names.clone(),
            kind: ListKind::Element,
            within: list.within,
            pages: vec![Vec::new(); samples],
        }
    }
}

/// A list in one sample.
struct FoundList<'a> {
    names: Vec<&'a str>,
    kind: ListKind,
    within: Option<usize>,
    items: Vec<SampleValue<'a>>,
}

/// Collects the lists of one sample.
struct ListFinder<'a> {
    names: Vec<&'a str>,
    within: Option<usize>,
    found: Vec<FoundList<'a>>,
}

impl<'a> ListFinder<'a> {
    fn collect(&mut self, part: SampleValue<'a>) {
        if self.found.len() == CANDIDATES {
            return;
        }
        if let Some(items) = part.items().filter(|_| !part.is_xml()) {
            return self.list(items);
        }
        if part.is_xml() && self.names.len() > 1 {
            let items = part.items().unwrap_or_default();
            match items.as_slice() {
                [_, _, ..] => return self.list(items),
                [only] if only.is_object() => self.add(ListKind::Element, items),
                _ => {}
            }
        }
        let members = part.members();
        if self.within.is_none() && looks_keyed(part, &members) {
            let items = members.iter().map(|(_, member)| *member).collect();
            self.add(ListKind::Keyed, items);
        }
        self.members(part);
    }

    /// A list, and the lists in its items.
    fn list(&mut self, items: Vec<SampleValue<'a>>) {
        self.add(ListKind::List, items.clone());
        if self.within.is_some() {
            return;
        }
        self.within = Some(self.names.len());
        for item in items {
            self.members(item);
        }
        self.within = None;
    }

    fn members(&mut self, part: SampleValue<'a>) {
        for (name, member) in part.members() {
            self.names.push(name);
            self.collect(member);
            self.names.pop();
        }
    }

    fn add(&mut self, kind: ListKind, items: Vec<SampleValue<'a>>) {
        let mut found = self.found.iter_mut();
        if let Some(known) = found.find(|known| known.names == self.names) {
            known.kind = known.kind.max(kind);
            known.items.extend(items);
            return;
        }
        self.found.push(FoundList {
            names: self.names.clone(),
            kind,
            within: self.within,
            items,
        });
    }
}

/// Whether an object's members look like records under their ids: all objects, and alike.
fn looks_keyed(part: SampleValue<'_>, members: &[(&str, SampleValue<'_>)]) -> bool {
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

fn names_in(part: SampleValue<'_>) -> Vec<&str> {
    let members = part.members();
    members.into_iter().map(|(name, _)| name).collect()
}
