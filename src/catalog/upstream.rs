//! One upstream, running: how it is asked, and what it brought, by credential scope.
//!
//! It is one value, so that a change of settings keeps or replaces it as a whole: with its snapshots
//! go its transport, its login, its breaker and its limiter.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::caller::{Caller, NotVisible};
use crate::metrics::CacheStanding;
use crate::plan::FilterableAttribute;
use crate::upstream::adapter::Adapter;
use crate::upstream::pushdown::Conditions;
use crate::upstream::transport::Circuit;
use crate::upstream::walk::KnownGroups;

use super::entry::Entry;
use super::fetch::{Fetch, past_walks, walk_whole};
use super::history::WalkRecord;
use super::in_flight::RunningWalk;
use super::keep_fresh::keep_fresh;
use super::key::{CatalogKey, Scope};
use super::lookup::{CacheMode, SourceLookup};
use super::policy::EntryPolicy;
use super::queries::Queries;
use super::resources::CatalogResources;
use super::scopes::Scopes;
use super::tasks::Tasks;

/// How long lists and credentials of callers may stay beyond their time.
const BETWEEN_LOOKS_FOR_IDLE: Duration = Duration::from_mins(1);

/// One upstream, running.
#[derive(Debug)]
pub struct UpstreamRuntime {
    adapter: Arc<Adapter>,
    /// What the gateway's own account sees: nothing where each caller is asked for by itself.
    shared: Arc<Entry>,
    /// What each caller sees, where each is asked for by itself.
    pub(super) scopes: Option<Arc<Scopes>>,
    /// What it brought to filters, if it is asked by query.
    pub(super) queries: Option<Queries>,
    /// Its walks, and what begins those that nobody asks for.
    tasks: Arc<Tasks>,
}

impl UpstreamRuntime {
    /// An upstream that nothing was asked of yet. What single queries bring, or what callers see, may take
    /// `query_budget` bytes.
    pub(super) fn new(
        adapter: Arc<Adapter>,
        resources: &Arc<CatalogResources>,
        query_budget: u64,
    ) -> Self {
        let resources = &Arc::new(resources.part());
        let tasks = Arc::new(Tasks::new());
        let adapter = Arc::new(adapter.within(resources.pages.clone()));
        let for_queries = adapter
            .rules()
            .map(|_| Arc::new(resources.for_queries(query_budget)));
        let fetch: Fetch = {
            let (adapter, for_queries) = (Arc::clone(&adapter), for_queries.clone());
            let observers = resources.observers.of_upstream(adapter.name());
            let resources = Arc::clone(resources);
            let (known, key) = (KnownGroups::default(), CatalogKey::shared(&adapter));
            Box::new(move |walk, _| {
                // As much as there is for lists when it begins: that may change.
                let adapter = adapter.with_room(resources.store.capacity());
                let past = past_walks(&known, &key, &adapter, &resources);
                Box::pin(walk_whole(
                    Arc::new(adapter),
                    for_queries.clone(),
                    observers.and(walk.timeline),
                    past,
                ))
            })
        };
        let shared = Arc::new(Entry::new(
            CatalogKey::shared(&adapter),
            EntryPolicy::new(adapter.terms()),
            fetch,
            Arc::clone(resources),
            Arc::clone(&tasks),
            Arc::default(),
        ));
        let queries = for_queries.map(|resources| {
            let (adapter, whole) = (Arc::clone(&adapter), Arc::clone(&shared));
            Queries::new(adapter, whole, resources, Arc::clone(&tasks))
        });
        let for_scopes = Arc::new(resources.for_scopes(query_budget));
        let scopes = Scopes::of(&adapter, shared.policy(), for_scopes, Arc::clone(&tasks));
        Self {
            adapter,
            shared,
            scopes: scopes.map(Arc::new),
            queries,
            tasks,
        }
    }

    /// A number that changes with what all callers see of it.
    pub(super) fn epoch(&self) -> u64 {
        self.shared.epoch()
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        self.adapter.name()
    }

    /// Whether no answer may be given without it.
    pub fn required(&self) -> bool {
        self.shared.policy().terms().required
    }

    /// The attributes of its groups that callers can filter by.
    pub fn filterable(&self) -> &Arc<[FilterableAttribute]> {
        self.adapter.filterable()
    }

    /// How its breaker stands, if it has one.
    pub fn circuit(&self) -> Option<Circuit> {
        self.adapter.circuit()
    }

    /// What it holds for `scope`, refreshed as `mode` and the cache rules say, waiting until
    /// `deadline` at the latest. Giving up never cancels a walk.
    pub async fn get(&self, scope: &Scope, mode: CacheMode, deadline: Instant) -> SourceLookup {
        match self.entry(scope) {
            Ok(entry) => entry.get(mode, deadline).await,
            Err(NotVisible) => self.not_askable(),
        }
    }

    /// Like [`UpstreamRuntime::get`] for what `caller` may see of it, where only groups that meet
    /// `conditions` are needed. What comes holds all of these, and may hold more.
    pub async fn find(
        &self,
        caller: &Caller,
        conditions: &Conditions<'_>,
        mode: CacheMode,
        deadline: Instant,
    ) -> Result<SourceLookup, NotVisible> {
        if !caller.visible.allows(self.name()) {
            return Err(NotVisible);
        }
        Ok(match (&self.scopes, &self.queries) {
            (Some(scopes), _) => scopes.get(caller, mode, deadline).await,
            (None, Some(queries)) => {
                let asker = caller.asker();
                queries.find(asker, conditions, mode, deadline).await
            }
            (None, None) => self.shared.get(mode, deadline).await,
        })
    }

    /// What it holds for `caller` right now: it neither waits nor asks.
    pub fn peek_for(&self, caller: &Caller) -> Result<SourceLookup, NotVisible> {
        if !caller.visible.allows(self.name()) {
            return Err(NotVisible);
        }
        Ok(match &self.scopes {
            Some(scopes) => scopes.peek_for(caller),
            None => self.peek(&Scope::Shared),
        })
    }

    /// What it holds for `scope` right now: it neither waits nor asks. Of an upstream that is asked
    /// by query that is what the last query brought, until its whole list was asked for; of one that is asked
    /// on behalf of each caller, how the last one stands, without its list.
    pub fn peek(&self, scope: &Scope) -> SourceLookup {
        if let (Scope::Shared, Some(scopes)) = (scope, &self.scopes) {
            return scopes.peek();
        }
        match (self.entry(scope), &self.queries) {
            (Err(NotVisible), _) => self.not_askable(),
            (Ok(_), Some(queries)) => queries.peek(),
            (Ok(entry), None) => entry.peek(),
        }
    }

    /// How the store stands of what it brought to filters, if it is asked by query.
    pub(super) fn standing_of_queries(&self) -> Option<CacheStanding> {
        self.queries.as_ref().map(Queries::standing)
    }

    /// How far its running walk is, if one is running.
    pub fn running_walk(&self, scope: &Scope) -> Option<RunningWalk> {
        self.entry(scope).ok()?.running_walk()
    }

    /// How the lists of callers stand, if each is asked for by itself.
    pub fn standing_of_scopes(&self) -> Option<CacheStanding> {
        self.scopes.as_ref().map(|scopes| scopes.standing())
    }

    /// What its last walks were like, the latest first.
    pub fn last_walks(&self) -> Vec<Arc<WalkRecord>> {
        match &self.scopes {
            Some(scopes) => scopes.last_walks(),
            None => self.shared.history().walks(),
        }
    }

    /// The key of its whole list.
    pub(super) fn key(&self) -> &CatalogKey {
        self.shared.key()
    }

    /// Whether the settings of `adapter` are those that it runs under, the terms of its lists aside.
    pub(super) fn is_of(&self, adapter: &Adapter) -> bool {
        self.adapter.runs_like(adapter)
    }

    /// What it holds serves on the terms of `adapter` from now on.
    pub(super) fn go_by(&self, adapter: &Adapter) {
        self.shared.go_by(adapter.terms());
    }

    /// What single queries bring, or what callers see, may take so many bytes from now on.
    pub(super) fn resize(&self, query_budget: u64) {
        if let Some(queries) = &self.queries {
            queries.resize(query_budget);
        }
        if let Some(scopes) = &self.scopes {
            scopes.resize(query_budget);
        }
    }

    /// Has what memory has kept outside of it, too.
    pub(super) fn save(&self) {
        self.shared.save();
    }

    /// Takes what is kept outside of memory, where memory has nothing.
    pub(super) async fn load(&self) {
        self.shared.load().await;
    }

    /// Begins with the list of the upstream of the same name that it takes the place of, as far as the account
    /// allows.
    pub(super) fn take_over(&self, before: &Self) {
        self.shared.take_over(&before.shared);
    }

    /// Keeps what it took over, now that the upstream before it is retired.
    pub(super) fn hold(&self) {
        self.shared.hold();
    }

    /// Begins its first walk, so that the first caller does not pay for it, and from then on those
    /// that nobody asks for. The whole list of an upstream that is asked by query is what nobody may
    /// ever need, and on behalf of nobody in particular there is nothing to ask for.
    pub(super) fn start(&self) {
        if let Some(scopes) = &self.scopes {
            let scopes = Arc::clone(scopes);
            self.tasks.spawn(async move {
                loop {
                    sleep(BETWEEN_LOOKS_FOR_IDLE).await;
                    scopes.drop_idle();
                }
            });
            return;
        }
        if self.queries.is_none() {
            self.shared.warm();
        }
        self.tasks.spawn(keep_fresh(Arc::clone(&self.shared)));
    }

    /// Ends its walks, for good, and tells whoever waits for them.
    pub(super) fn retire(&self, is_key_in_use: bool) {
        // First, or an entry that is made meanwhile would begin a walk that nobody ends.
        self.tasks.close();
        self.shared.retire(is_key_in_use);
        if let Some(queries) = &self.queries {
            queries.retire();
        }
        if let Some(scopes) = &self.scopes {
            scopes.retire();
        }
    }

    fn entry(&self, scope: &Scope) -> Result<Arc<Entry>, NotVisible> {
        match (scope, &self.scopes) {
            (Scope::Shared, None) => Ok(Arc::clone(&self.shared)),
            (Scope::Caller(digest), Some(scopes)) => scopes.present(digest).ok_or(NotVisible),
            // What the gateway's account sees must not be taken for what a caller may see.
            (Scope::Shared, Some(_)) | (Scope::Caller(_), None) => Err(NotVisible),
        }
    }

    fn not_askable(&self) -> SourceLookup {
        SourceLookup::not_askable(self.name(), self.required(), None)
    }
}

impl Drop for UpstreamRuntime {
    fn drop(&mut self) {
        // Its tasks hold what holds them.
        self.tasks.close();
    }
}
