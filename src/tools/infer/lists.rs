//! Every list in a page, at any depth: each may be the list of groups.

use super::body::SampleBody;
use super::part::SampleValue;

/// How many lists are compared.
const CANDIDATES: usize = 64;

/// Every list in the samples.
pub(super) fn candidates<'a>(bodies: &[&'a SampleBody]) -> Vec<CandidateList<'a>> {
    let mut candidates: Vec<CandidateList<'a>> = Vec::new();
    for (sample, body) in bodies.iter().enumerate() {
        let mut found = Vec::new();
        collect(body.root(), &mut Vec::new(), &mut found);
        for (names, kind, items) in found {
            let known = candidates.iter().position(|known| known.names == names);
            let index = known.unwrap_or_else(|| {
                candidates.push(CandidateList::new(names, bodies.len()));
                candidates.len() - 1
            });
            candidates[index].pages[sample] = items;
            candidates[index].kind = candidates[index].kind.max(kind);
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
    pub(super) pages: Vec<Vec<SampleValue<'a>>>,
}

impl<'a> CandidateList<'a> {
    fn new(names: Vec<&'a str>, samples: usize) -> Self {
        Self {
            names,
            kind: ListKind::Element,
            pages: vec![Vec::new(); samples],
        }
    }
}

type Found<'a> = (Vec<&'a str>, ListKind, Vec<SampleValue<'a>>);

fn collect<'a>(part: SampleValue<'a>, names: &mut Vec<&'a str>, found: &mut Vec<Found<'a>>) {
    if found.len() == CANDIDATES {
        return;
    }
    if let Some(items) = part.items().filter(|_| !part.is_xml()) {
        found.push((names.clone(), ListKind::List, items));
        return;
    }
    if part.is_xml() && names.len() > 1 {
        let items = part.items().unwrap_or_default();
        match items.as_slice() {
            [_, _, ..] => return found.push((names.clone(), ListKind::List, items)),
            [only] if only.is_object() => found.push((names.clone(), ListKind::Element, items)),
            _ => {}
        }
    }
    let members = part.members();
    if looks_keyed(part, &members) {
        let items = members.iter().map(|(_, member)| *member).collect();
        found.push((names.clone(), ListKind::Keyed, items));
    }
    for (name, member) in members {
        names.push(name);
        collect(member, names, found);
        names.pop();
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
