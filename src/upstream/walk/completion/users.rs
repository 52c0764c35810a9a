//! Who has which address, where groups name people by their ids alone.
//!
//! The list of users is read anew in each walk, and decides alone who with an id has which address: so people that
//! are used again from the list that is served have the address of today, and none that was taken from them since.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::TryStreamExt as _;

use crate::error::{ErrorKind, UpstreamError};
use crate::group::{Group, Member, row_bytes};
use crate::observe::{ID_CHARS, WalkPart};
use crate::page::format::excerpt;
use crate::plan::{RelatedList, Users};
use crate::upstream::outer_values::OuterValues;
use crate::upstream::walk::context::WalkContext;
use crate::upstream::walk::outcome::Walked;

use super::addresses::{Addresses, FoundUser, address_bytes};
use super::common_lists::{Around, CommonList, around_of, read_common};

/// About what an id takes that no user has, beside its text.
const UNKNOWN_BYTES: usize = 48;

/// The users of all partitions, or of each.
pub(super) struct UserLists<'a> {
    users: &'a Users,
    lists: HashMap<Around, UserList>,
    /// How many pages were read.
    pub(super) pages: u64,
    /// Whether one of them changed while it was read, also on the second try.
    pub(super) drifted: bool,
    /// How many there are.
    len: u64,
    /// How many ids that groups name are those of no user.
    unknown: AtomicU64,
}

#[derive(Debug)]
struct UserList {
    addresses: Addresses,
    unknown: Mutex<HashSet<Box<str>>>,
}

/// What was read of one list.
struct ReadUsers {
    around: Around,
    addresses: Addresses,
    pages: u64,
    drifted: bool,
}

impl<'a> UserLists<'a> {
    /// Reads them, once for each of the partitions around the groups that its requests tell apart.
    pub(super) async fn read(
        context: WalkContext<'_>,
        users: &'a Users,
        origins: &[OuterValues],
    ) -> Result<Self, UpstreamError> {
        let mut own = Self {
            users,
            lists: HashMap::new(),
            pages: 0,
            drifted: false,
            len: 0,
            unknown: AtomicU64::new(0),
        };
        let make = |list| ReadUsers::of(&context, list);
        let which = &[RelatedList::Users];
        let mut lists = read_common(&context, which, &users.list, origins, make);
        let (mut with_address, mut contradicted) = (0, 0);
        while let Some(read) = lists.try_next().await? {
            let addresses = read.addresses;
            own.pages += read.pages;
            own.drifted |= read.drifted;
            own.len += addresses.len();
            with_address += addresses.addressed;
            contradicted += addresses.contradicted;
            let unknown = Mutex::default();
            let list = UserList { addresses, unknown };
            own.lists.insert(read.around, list);
        }
        let source = context.adapter.name();
        if own.len > 0 && with_address == 0 {
            tracing::warn!(%source, users = own.len, "no user has an email address where `users.fields.email` says");
        }
        if contradicted > 0 {
            tracing::warn!(%source, contradicted, "users came more than once with different addresses, and the first counts");
        }
        Ok(own)
    }

    /// Gives the people of a group the addresses of their ids, and says how much memory it takes to know who is none
    /// of the users.
    pub(super) fn address(
        &self,
        group: &mut Group,
        around: &OuterValues,
    ) -> Result<u64, UpstreamError> {
        let list = self.lists.get(&around_of(&self.users.list, around));
        let list = list.ok_or_else(|| UpstreamError::ours("the users of a group were not read"))?;
        let mut bytes = 0;
        for person in everybody(group) {
            let Some(id) = &person.id else { continue };
            person.email = match list.addresses.of(id) {
                FoundUser::User(address) => address.map(str::to_owned),
                FoundUser::Nobody => {
                    bytes += self.note_unknown(list, id)?;
                    None
                }
            };
        }
        Ok(bytes)
    }

    /// Takes note of an id that no user has, and says how much memory that takes. If they are too many whatever else
    /// groups name, the walk need not go on.
    fn note_unknown(&self, list: &UserList, id: &str) -> Result<u64, UpstreamError> {
        let mut known = list.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(id) {
            known.insert(id.into());
            self.unknown.fetch_add(1, Ordering::Relaxed);
            self.check(self.len, id)?;
            return Ok((UNKNOWN_BYTES + id.len()) as u64);
        }
        Ok(0)
    }

    /// One id may always be that of no user, and others up to the share that is allowed of all that groups name: of
    /// these so many are those of users.
    fn check(&self, named: u64, example: &str) -> Result<(), UpstreamError> {
        let unknown = self.unknown.load(Ordering::Relaxed);
        let (of, most) = (named + unknown, self.users.unknown);
        if unknown <= 1 || unknown as f64 <= most.get() * of as f64 {
            return Ok(());
        }
        let example = excerpt(example, ID_CHARS);
        let of = unknown + self.named();
        let detail = format!(
            "{unknown} of the {of} people whom groups have named, such as `{example}`, are not among the {} users, \
             more than {most} of all (`users.unknown`): `users.fields.id` must be the id that groups name",
            self.len
        );
        Err(UpstreamError::of_no_answer(ErrorKind::Mapping, detail))
    }

    /// How many of the users groups have named so far.
    fn named(&self) -> u64 {
        let lists = self.lists.values();
        lists.map(|list| list.addresses.named()).sum()
    }

    /// How many people are none of the users, once all groups have theirs.
    pub(super) fn finish(&self, source: &str) -> Result<u64, UpstreamError> {
        let named = self.named();
        let example = self.example();
        self.check(named, &example)?;
        let unknown = self.unknown.load(Ordering::Relaxed);
        if unknown > 0 {
            let example = excerpt(&example, ID_CHARS);
            tracing::warn!(
                %source,
                unknown,
                named = named + unknown,
                %example,
                "people of groups are not in the list of users, and have no address"
            );
        }
        Ok(unknown)
    }

    /// One of the ids that no user has: the least, so that messages do not change without a reason.
    fn example(&self) -> Box<str> {
        let lists = self.lists.values();
        let least = lists.filter_map(|list| {
            let unknown = list.unknown.lock().unwrap_or_else(PoisonError::into_inner);
            unknown.iter().min().cloned()
        });
        least.min().unwrap_or_default()
    }
}

impl ReadUsers {
    /// What a list comes to.
    async fn of(context: &WalkContext<'_>, list: CommonList) -> Result<Self, UpstreamError> {
        let CommonList {
            around,
            walked,
            partition,
        } = list;
        let part = WalkPart::Common {
            list: RelatedList::Users,
            partition: &partition,
            brings: &[],
        };
        check_read(&walked).map_err(|error| error.within(part))?;
        context.settle(part);
        let (pages, drifted) = (walked.pages, walked.counts.drifted);
        Ok(Self {
            around,
            addresses: addresses(context, walked).await?,
            pages,
            drifted,
        })
    }
}

/// Who has which address, by the rows of a list. Memory is counted for what they come to, and no longer for them.
async fn addresses(context: &WalkContext<'_>, walked: Walked) -> Result<Addresses, UpstreamError> {
    let rows: u64 = walked.rows.iter().map(row_bytes).sum();
    if let Some(hold) = context.budget.hold() {
        let bytes = address_bytes(&walked.rows);
        hold.grow(bytes, context.deadline).await?;
    }
    let addresses = Addresses::new(walked.rows);
    if let Some(hold) = context.budget.hold() {
        hold.shrink(rows);
    }
    Ok(addresses)
}

/// Users without ids would be nobody whom groups name.
fn check_read(walked: &Walked) -> Result<(), UpstreamError> {
    let mut ids = walked.rows.iter().map(|row| row.first());
    if walked.rows.is_empty() || ids.any(|id| id.is_some_and(Option::is_some)) {
        return Ok(());
    }
    let records = walked.rows.len();
    let detail = format!("none of {records} records has an id (`users.fields.id`)");
    Err(UpstreamError::new(ErrorKind::Mapping, detail))
}

/// Without the addresses that a list of users decides: what a group itself says of its people.
pub(super) fn without_addresses(people: &[Member]) -> Vec<Member> {
    let mut people = people.to_vec();
    people.iter_mut().for_each(forget);
    people
}

/// The same of a group.
pub(super) fn forget_addresses(group: &mut Group) {
    everybody(group).for_each(forget);
}

fn forget(person: &mut Member) {
    if person.id.is_some() {
        person.email = None;
    }
}

fn everybody(group: &mut Group) -> impl Iterator<Item = &mut Member> {
    let roles = [&mut group.members, &mut group.admins, &mut group.guests];
    roles.into_iter().flatten()
}
