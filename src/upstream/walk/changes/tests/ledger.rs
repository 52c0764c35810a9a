//! An upstream that lists groups and what has changed of them, from memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use crate::error::UpstreamError;
use crate::upstream::transport::Replay;

/// When the first walk begins, in seconds.
pub(super) const START: i64 = 1_700_000_000;

/// What the upstream has of one group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) updated: i64,
    pub(super) is_removed: bool,
    pub(super) members: Vec<u64>,
    pub(super) kind: &'static str,
}

/// Since when an organization lists a group, or does no more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Listing {
    There(i64),
    Gone(i64),
}

/// An upstream that lists groups, and what has changed of them since a time or since a link.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) entries: Mutex<BTreeMap<u64, Entry>>,
    pub(super) now: Mutex<i64>,
    /// The requests that came, without those for members; and the groups whose members were asked for.
    pub(super) asked: Mutex<(Vec<String>, Vec<u64>)>,
    /// What further pages are answered with.
    pub(super) broken: Mutex<Option<StatusCode>>,
    /// What a request by a link is answered with.
    pub(super) expired: Mutex<Option<StatusCode>>,
    /// The groups whose members are not found.
    pub(super) missing: Mutex<BTreeSet<u64>>,
    /// What requests for members are answered with.
    pub(super) hidden: Mutex<Option<StatusCode>>,
    /// The groups that each organization lists: since when, or since when no more.
    pub(super) orgs: Mutex<BTreeMap<&'static str, BTreeMap<u64, Listing>>>,
    /// How much earlier than it is asked it takes the time to be since when something has changed, in seconds.
    pub(super) overlap: Mutex<i64>,
    /// Records that come first in a walk for everything, and last.
    pub(super) first: Mutex<Vec<serde_json::Value>>,
    pub(super) last: Mutex<Vec<serde_json::Value>>,
    /// A record that comes first among changes.
    pub(super) early: Mutex<Option<serde_json::Value>>,
}

impl Ledger {
    pub(super) fn of(groups: impl IntoIterator<Item = u64>) -> Arc<Self> {
        let ledger = Arc::new(Self::default());
        *lock(&ledger.now) = START - 1000;
        for id in groups {
            ledger.change(id, "a");
        }
        *lock(&ledger.now) = START;
        ledger
    }

    pub(super) fn pass(&self, seconds: i64) {
        *lock(&self.now) += seconds;
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_second(*lock(&self.now)).unwrap()
    }

    pub(super) fn change(&self, id: u64, name: &str) {
        let entry = Entry {
            name: name.to_owned(),
            updated: *lock(&self.now),
            is_removed: false,
            members: vec![id, id + 1],
            kind: "team",
        };
        lock(&self.entries).insert(id, entry);
    }

    /// From now on more than what is asked for counts as changed.
    pub(super) fn overlap(&self, seconds: i64) {
        *lock(&self.overlap) = seconds;
    }

    /// An organization lists a group from now on.
    pub(super) fn list(&self, org: &'static str, id: u64) {
        let listing = Listing::There(*lock(&self.now));
        lock(&self.orgs).entry(org).or_default().insert(id, listing);
    }

    /// An organization lists a group no more.
    pub(super) fn unlist(&self, org: &'static str, id: u64) {
        let listing = Listing::Gone(*lock(&self.now));
        lock(&self.orgs).entry(org).or_default().insert(id, listing);
    }

    /// The groups that a path lists, as they are listed there, each with when that last changed.
    fn listed(&self, path: &[&str]) -> Vec<(u64, Entry, i64)> {
        let entries = lock(&self.entries).clone().into_iter();
        let ["orgs", org, "groups"] = path else {
            let listed = entries.map(|(id, entry)| (id, entry.clone(), entry.updated));
            return listed.collect();
        };
        let orgs = lock(&self.orgs);
        let listed = entries.filter_map(|(id, mut entry)| {
            let (changed, is_gone) = match *orgs[org].get(&id)? {
                Listing::There(since) => (since, false),
                Listing::Gone(since) => (since, true),
            };
            let changed = changed.max(entry.updated);
            entry.is_removed |= is_gone;
            Some((id, entry, changed))
        });
        listed.collect()
    }

    /// The names of all groups that an organization lists.
    pub(super) fn names_of_orgs(&self) -> BTreeMap<String, String> {
        let orgs = lock(&self.orgs);
        let listed = |id: &u64| {
            let mut orgs = orgs.values();
            orgs.any(|org| matches!(org.get(id), Some(Listing::There(_))))
        };
        let entries = lock(&self.entries);
        let there = entries
            .iter()
            .filter(|(id, entry)| !entry.is_removed && listed(id));
        there
            .map(|(id, entry)| (id.to_string(), entry.name.clone()))
            .collect()
    }

    pub(super) fn remove(&self, id: u64) {
        let now = *lock(&self.now);
        if let Some(entry) = lock(&self.entries).get_mut(&id) {
            entry.is_removed = true;
            entry.updated = now;
        }
    }

    /// The requests that came since this was asked last, and whose members were asked for.
    pub(super) fn asked(&self) -> (Vec<String>, Vec<u64>) {
        std::mem::take(&mut *lock(&self.asked))
    }

    /// The same without one group.
    pub(super) fn names_but(&self, id: u64) -> BTreeMap<String, String> {
        let mut names = self.names();
        names.remove(&id.to_string());
        names
    }

    pub(super) fn names(&self) -> BTreeMap<String, String> {
        let entries = lock(&self.entries);
        let there = entries.iter().filter(|(_, entry)| !entry.is_removed);
        there
            .map(|(id, entry)| (id.to_string(), entry.name.clone()))
            .collect()
    }
}

impl Replay for Ledger {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let path: Vec<_> = request.uri().path().split('/').skip(1).collect();
        let mut response = Response::new(Bytes::new());
        if let ["groups", id, "members"] = path.as_slice() {
            let id = id.parse().unwrap();
            lock(&self.asked).1.push(id);
            let missing = lock(&self.missing).contains(&id);
            let missing = missing.then_some(StatusCode::NOT_FOUND);
            if let Some(status) = lock(&self.hidden).or(missing) {
                *response.status_mut() = status;
                return Ok(response);
            }
            let members = lock(&self.entries)[&id].members.clone();
            let members: Vec<_> = members.iter().map(|id| json!({"id": id})).collect();
            *response.body_mut() = json!(members).to_string().into();
            return Ok(response);
        }
        if path == ["orgs"] {
            let orgs = lock(&self.orgs);
            let orgs = orgs.keys().map(|org| json!({"login": org}));
            *response.body_mut() = json!(orgs.collect::<Vec<_>>()).to_string().into();
            return Ok(response);
        }
        let query = request.uri().query().unwrap_or_default();
        lock(&self.asked).0.push(query.to_owned());
        let query: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let is_linked = query.contains_key("token");
        let refused = if is_linked {
            *lock(&self.expired)
        } else {
            None
        };
        let from: usize = query.get("from").map_or(0, |from| from.parse().unwrap());
        if let Some(status) = refused.or(lock(&self.broken).filter(|_| from > 0)) {
            *response.status_mut() = status;
            return Ok(response);
        }
        let since = query.get("since").or(query.get("token"));
        let since = since.map(|since| since.rsplit(' ').next().unwrap().parse::<i64>().unwrap());
        let since = since.map(|since| since - *lock(&self.overlap));
        let entries = self.listed(&path);
        let shown = entries.iter().filter(|(_, entry, changed)| match since {
            Some(since) => *changed >= since,
            None => !entry.is_removed,
        });
        let record = |(id, entry, _): &(u64, Entry, i64)| {
            if entry.is_removed {
                return json!({"id": id, "removed": {"reason": "deleted"}});
            }
            let updated = Timestamp::from_second(entry.updated).unwrap().to_string();
            json!({"id": id, "name": entry.name, "updated_at": updated, "kind": entry.kind})
        };
        let mut all: Vec<_> = shown.map(record).collect();
        if let Some(early) = lock(&self.early).clone().filter(|_| since.is_some()) {
            all.insert(0, early);
        }
        if since.is_none() {
            all.splice(0..0, lock(&self.first).clone());
            all.extend(lock(&self.last).clone());
        }
        let mut page = json!({"groups": all.iter().skip(from).take(2).collect::<Vec<_>>()});
        if from + 2 < all.len() {
            let token = query
                .get("token")
                .map_or_else(String::new, |token| format!("token={token}&"));
            page["next"] = json!((from + 2).to_string());
            page["nextLink"] = json!(format!("/groups?{token}from={}", from + 2));
        } else {
            page["deltaLink"] = json!(format!("/groups?token={}", *lock(&self.now)));
        }
        *response.body_mut() = page.to_string().into();
        Ok(response)
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
