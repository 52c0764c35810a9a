//! An upstream that answers from memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{ETAG, IF_NONE_MATCH, LINK};
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::error::UpstreamError;
use crate::upstream::transport::Replay;

/// What the upstream has of one group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ForgeGroup {
    pub(super) updated: u64,
    pub(super) members: Vec<u64>,
}

/// An upstream that lists organizations, their groups and the members of these, page by page.
#[derive(Debug, Default)]
pub(super) struct Forge {
    pub(super) orgs: Mutex<BTreeMap<u64, BTreeMap<u64, ForgeGroup>>>,
    /// The users and their addresses.
    pub(super) users: Mutex<BTreeMap<u64, Option<String>>>,
    /// How many records a page has.
    pub(super) page: Mutex<usize>,
    /// Whether a 304 has no header but its entity tag.
    pub(super) is_terse: Mutex<bool>,
    /// Whether every response has the same entity tag.
    pub(super) is_stuck: Mutex<bool>,
    /// The lists of members that were asked for.
    pub(super) asked: Mutex<Vec<u64>>,
    /// How many requests came for whatever.
    pub(super) requests: Mutex<usize>,
    /// The group whose members cannot be read.
    pub(super) broken: Mutex<Option<(u64, StatusCode)>>,
    /// The groups that have been deleted, although they are listed.
    pub(super) gone: Mutex<Vec<u64>>,
    /// Items that come first in each list of members.
    pub(super) early: Mutex<Vec<Value>>,
}

impl Forge {
    /// One organization with these groups.
    pub(super) fn of(
        groups: impl IntoIterator<Item = (u64, ForgeGroup)>,
        page: usize,
    ) -> Arc<Self> {
        Self::of_orgs(BTreeMap::from([(1, groups.into_iter().collect())]), page)
    }

    /// These organizations.
    pub(super) fn of_orgs(
        orgs: BTreeMap<u64, BTreeMap<u64, ForgeGroup>>,
        page: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            orgs: Mutex::new(orgs),
            page: Mutex::new(page),
            ..Self::default()
        })
    }

    /// A group of the first organization.
    pub(super) fn change(&self, id: u64, change: impl FnOnce(&mut ForgeGroup)) {
        change(
            lock(&self.orgs)
                .entry(1)
                .or_default()
                .entry(id)
                .or_default(),
        );
    }

    pub(super) fn break_at(&self, group: Option<u64>, status: StatusCode) {
        *lock(&self.broken) = group.map(|group| (group, status));
    }

    /// How many lists of members were asked for since this was asked last.
    pub(super) fn asked(&self) -> usize {
        std::mem::take(&mut *lock(&self.asked)).len()
    }

    /// How many requests came for whatever since this was asked last.
    pub(super) fn requests(&self) -> usize {
        std::mem::take(&mut *lock(&self.requests))
    }

    /// The members of all groups, by their ids.
    pub(super) fn members(&self) -> BTreeMap<String, Vec<String>> {
        let orgs = lock(&self.orgs);
        let groups = orgs.values().flatten();
        let members = |group: &ForgeGroup| group.members.iter().map(u64::to_string).collect();
        groups
            .map(|(id, group)| (id.to_string(), members(group)))
            .collect()
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path: Vec<_> = request.uri().path().split('/').skip(1).collect();
        let per_page = *lock(&self.page);
        let number = |text: &str| text.parse::<u64>().unwrap();
        let orgs = lock(&self.orgs);
        let records: Vec<_> = match path.as_slice() {
            ["orgs"] => orgs.keys().map(|org| json!({"login": org})).collect(),
            ["users"] => {
                let users = lock(&self.users);
                let record =
                    |(id, email): (&u64, &Option<String>)| json!({"id": id, "email": email});
                users.iter().map(record).collect()
            }
            ["orgs", org, "groups"] => {
                let groups = orgs[&number(org)].iter();
                let record = |(id, group): (&u64, &ForgeGroup)| {
                    let updated = 1_700_000_000 + group.updated;
                    let updated = jiff::Timestamp::from_second(updated.cast_signed()).unwrap();
                    let members = group.members.len();
                    let members = (members > 0).then_some(members);
                    json!({
                        "id": id,
                        "updated_at": updated.to_string(),
                        "seen": {"members": members, "people": members},
                    })
                };
                groups.map(record).collect()
            }
            ["memberships"] => orgs.values().flat_map(memberships).collect(),
            ["orgs", org, "memberships"] => memberships(&orgs[&number(org)]),
            ["groups", id, "members"] => {
                let id = number(id);
                if request.uri().query().is_none() {
                    lock(&self.asked).push(id);
                }
                if let Some((_, status)) = lock(&self.broken).filter(|(broken, _)| *broken == id) {
                    let mut response = Response::new(Bytes::new());
                    *response.status_mut() = status;
                    return response;
                }
                if lock(&self.gone).contains(&id) {
                    let mut response = Response::new(Bytes::new());
                    *response.status_mut() = StatusCode::GONE;
                    return response;
                }
                let group = orgs.values().find_map(|groups| groups.get(&id)).unwrap();
                let members = group.members.iter().map(|id| json!({"id": id}));
                lock(&self.early).iter().cloned().chain(members).collect()
            }
            _ => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NOT_FOUND;
                return response;
            }
        };
        let page = request
            .uri()
            .query()
            .and_then(|query| query.strip_prefix("page="));
        let page = page.map_or(0, |page| page.parse::<usize>().unwrap());
        let shown: Vec<_> = records
            .iter()
            .skip(page * per_page)
            .take(per_page)
            .collect();
        let body = serde_json::to_string(&shown).unwrap();
        let sum = body.len() + body.bytes().map(usize::from).sum::<usize>();
        let etag = format!("\"{}\"", if *lock(&self.is_stuck) { 0 } else { sum });
        let mut response = Response::new(Bytes::from(body));
        if request
            .headers()
            .get(IF_NONE_MATCH)
            .is_some_and(|known| *known == *etag)
        {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Bytes::new();
            if *lock(&self.is_terse) {
                return response;
            }
        }
        response.headers_mut().insert(ETAG, etag.parse().unwrap());
        if records.len() > (page + 1) * per_page {
            let path = request.uri().path();
            let link = format!(
                "<http://forge.example{path}?page={}>; rel=\"next\"",
                page + 1
            );
            response.headers_mut().insert(LINK, link.parse().unwrap());
        }
        response
    }
}

/// Who is in which of these groups: the first member of each, the second of each, and so on.
fn memberships(groups: &BTreeMap<u64, ForgeGroup>) -> Vec<Value> {
    let most = groups.values().map(|group| group.members.len()).max();
    let turns = 0..most.unwrap_or_default();
    let of_turn = |turn: usize| {
        let groups = groups.iter();
        groups.filter_map(move |(id, group)| {
            let member = group.members.get(turn)?;
            Some(json!({"group": id.to_string(), "id": member}))
        })
    };
    turns.flat_map(of_turn).collect()
}

impl Replay for Forge {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        *lock(&self.requests) += 1;
        Ok(self.answer(request))
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
