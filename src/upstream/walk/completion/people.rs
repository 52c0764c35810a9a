//! The people of a group, by their role.

use crate::group::{Group, Member, ReadRow, ReadText};
use crate::plan::RelatedList;

/// The people of a group in one role.
pub(super) const fn people_of(group: &Group, role: RelatedList) -> &Vec<Member> {
    match role {
        RelatedList::Members => &group.members,
        RelatedList::Admins => &group.admins,
        RelatedList::Guests
        | RelatedList::Partitions
        | RelatedList::Users
        | RelatedList::Details => &group.guests,
    }
}

/// The people that rows of a list are.
pub(super) fn members(rows: Vec<ReadRow>) -> Vec<Member> {
    rows.into_iter().map(member).collect()
}

/// Who a row is: its first two values are id and email address.
pub(super) fn member(row: impl IntoIterator<Item = Option<ReadText>>) -> Member {
    let texts = row.into_iter();
    let mut texts = texts.map(|value| value.map(|value| value.text.into_string()));
    let mut next = || texts.next().flatten();
    Member {
        id: next(),
        email: next(),
    }
}

/// Whether two lists have the same people, in whatever order.
pub(super) fn is_same_people(some: &[Member], others: &[Member]) -> bool {
    let sorted = |people: &[Member]| {
        let people = people.iter();
        let mut people: Vec<_> = people
            .map(|one| (one.id.clone(), one.email.clone()))
            .collect();
        people.sort_unstable();
        people
    };
    some == others || (some.len() == others.len() && sorted(some) == sorted(others))
}

/// Puts people into their place in a group. Unless its record says how many members there are, they are as many as come.
pub(super) fn put_people(group: &mut Group, role: RelatedList, people: Vec<Member>) {
    match role {
        RelatedList::Members => {
            group.member_count = group.member_count.or(Some(people.len() as u64));
            group.members = people;
        }
        RelatedList::Admins => group.admins = people,
        RelatedList::Guests
        | RelatedList::Partitions
        | RelatedList::Users
        | RelatedList::Details => {
            group.guests = people;
        }
    }
}

/// Forgets how many members came before into a group, who come anew. A number that is another one is what its record says.
pub(super) fn forget_length(group: &mut Group) {
    let length = Some(group.members.len() as u64);
    group.member_count = group.member_count.filter(|_| group.member_count != length);
}

/// About what a group takes.
pub(super) fn group_bytes(group: &Group) -> u64 {
    let people = [&group.members, &group.admins, &group.guests];
    let people = people.into_iter().flatten().map(|person| {
        let length = |text: &Option<String>| text.as_ref().map_or(4, String::len);
        32 + length(&person.id) + length(&person.email)
    });
    let people: usize = people.sum();
    (people + group.attributes.as_json().len() + group.name.len() * 2 + 600) as u64
}
