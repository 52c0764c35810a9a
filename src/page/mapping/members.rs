//! The members of the record at hand: which of them fields read, and which of those were used.
//!
//! Records of a page are alike. Each member is compared with the one that stood in its place in the record
//! before; only where it is another one, its name is searched.

use crate::page::format::{MemberName, Node};

/// The members of the record at hand.
#[derive(Debug, Default)]
pub(super) struct RecordMembers<'a> {
    /// The names that fields read, each with its member in the record.
    wanted: Vec<WantedMember<'a>>,
    members: Vec<RecordMember<'a>>,
    is_object: bool,
    is_xml: bool,
}

#[derive(Debug)]
struct WantedMember<'a> {
    name: &'a str,
    node: Option<Node<'a>>,
    is_taken: bool,
}

#[derive(Debug, Clone, Copy)]
struct RecordMember<'a> {
    name: MemberName<'a>,
    node: Node<'a>,
    wanted: Option<usize>,
}

impl<'a> RecordMembers<'a> {
    /// Which of the wanted members has a name; from now on it is one.
    pub(super) fn want(&mut self, name: &'a str) -> usize {
        if let Some(known) = self.wanted.iter().position(|wanted| wanted.name == name) {
            return known;
        }
        self.wanted.push(WantedMember {
            name,
            node: None,
            is_taken: false,
        });
        self.wanted.len() - 1
    }

    /// Goes on with another record, which may be no object.
    pub(super) fn begin(&mut self, record: Option<Node<'a>>) {
        for wanted in &mut self.wanted {
            wanted.node = None;
            wanted.is_taken = false;
        }
        let record = record.filter(|record| record.is_object());
        self.is_object = record.is_some();
        self.is_xml = record.is_some_and(Node::is_xml);
        let Some(record) = record else {
            return self.members.clear();
        };
        let mut count = 0;
        for (name, node) in record.written_members() {
            let wanted = match self.members.get_mut(count) {
                Some(member) if member.name.is(name) => {
                    member.node = node;
                    member.wanted
                }
                Some(_) | None => self.put(count, name, node),
            };
            if let Some(wanted) = wanted.and_then(|wanted| self.wanted.get_mut(wanted)) {
                wanted.node = Some(node);
            }
            count += 1;
        }
        self.members.truncate(count);
    }

    /// Puts another member into a place, and says which of the wanted ones it is.
    #[cold]
    fn put(&mut self, place: usize, name: MemberName<'a>, node: Node<'a>) -> Option<usize> {
        let text = name.text();
        let wanted = self.wanted.iter().position(|wanted| wanted.name == text);
        let member = RecordMember { name, node, wanted };
        match self.members.get_mut(place) {
            Some(before) => *before = member,
            None => self.members.push(member),
        }
        wanted
    }

    /// Whether the record has members at all.
    pub(super) const fn is_object(&self) -> bool {
        self.is_object
    }

    /// A wanted member of the record.
    #[inline]
    pub(super) fn get(&self, wanted: usize) -> Option<Node<'a>> {
        self.wanted.get(wanted)?.node
    }

    /// Takes note that the text of a wanted member was used, if that is all of it.
    #[inline]
    pub(super) fn take_text(&mut self, wanted: usize) -> bool {
        if self.is_xml && self.get(wanted).is_some_and(|node| !node.holds_only_text()) {
            return false;
        }
        self.take(wanted);
        true
    }

    /// Takes note that all of a wanted member was used.
    #[inline]
    pub(super) fn take(&mut self, wanted: usize) {
        if let Some(wanted) = self.wanted.get_mut(wanted) {
            wanted.is_taken = true;
        }
    }

    /// The members of which not all was used, in order.
    pub(super) fn left(&self) -> impl Iterator<Item = (MemberName<'a>, Node<'a>)> {
        let is_left = |member: &&RecordMember<'_>| {
            let wanted = member.wanted.and_then(|wanted| self.wanted.get(wanted));
            wanted.is_none_or(|wanted| !wanted.is_taken)
        };
        let left = self.members.iter().filter(is_left);
        left.map(|member| (member.name, member.node))
    }
}
