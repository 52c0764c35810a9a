//! An adapter: one upstream's plan, with what runs by it. How it fetches a page is in `pages`.

use std::sync::Arc;

use http::HeaderValue;
use secrecy::SecretString;

use crate::clock::WallClock;
use crate::plan::{
    self, Account, FilterableAttribute, Limits, ListReading, ListTerms, Lookup, Mapping, OnBehalf,
    Paging, Pushable, PushdownRules, Records, RelatedList, RelatedLists, Requests, Shape, Share,
};
use crate::problem::Problems;

use super::asked_since::AskedSince;
use super::client::Connections;
use super::exchange::Exchange;
use super::known_pages::ListedPages;
use super::masks::Masks;
use super::on_behalf::{CallerAsk, MissingValue};
use super::outer_values::OuterValues;
use super::pushdown::Pushed;
use super::transport::{Circuit, Replay, Transport};
use crate::caller::Credentials;
use crate::error::UpstreamError;
use crate::page::format::{Bounds, FormatError, Node, Page};
use crate::page::mapping::{BroughtPage, MappedPage, PageRecords, map_columns};
use crate::page_memory::PageMemory;
use crate::tls::Tls;

/// How one upstream is asked, and how its answers become groups. Its parts are shared, so that one
/// that asks with filters costs little.
#[derive(Debug, Clone)]
pub struct Adapter {
    pub(super) plan: Arc<plan::Upstream>,
    pub(super) exchange: Arc<Exchange>,
    /// Whether it asks for what a filter leaves.
    pub(super) is_filtered: bool,
    pub(super) pushed: Pushed,
    room: u64,
    pub(crate) memory: PageMemory,
    /// What no message may show.
    pub(super) masks: Masks,
    /// On whose behalf it asks, if that has been decided.
    caller: Option<Arc<CallerAsk>>,
    /// How records become groups in the list that it reads.
    mapping: Arc<Mapping>,
    /// The list that it reads, if that is not the list of groups.
    pub(super) related: Option<RelatedList>,
    /// Other lists that its pages bring too.
    brings: Vec<RelatedList>,
    /// The values of the records around that list.
    pub(super) outer: OuterValues,
    /// The entity tag of its first page when that was read before.
    pub(super) known_etag: Option<HeaderValue>,
    /// The pages of the list of groups when that was read before.
    pub(super) known_pages: Option<ListedPages>,
    /// How it asks for what has changed, if it does not ask for everything.
    pub(super) since: Option<AskedSince>,
}

impl Adapter {
    /// The adapter of one upstream with these `secrets`, whose snapshot may take `room` bytes. What this
    /// machine lacks for it becomes a problem.
    pub fn new(
        plan: &Arc<plan::Upstream>,
        secrets: &[SecretString],
        room: u64,
        wall: &WallClock,
        tls: &Tls,
        problems: &mut Problems,
    ) -> Option<Self> {
        let connections = Connections::new(plan, tls, wall.now(), problems)?;
        let auth = Arc::clone(&plan.auth);
        let masks = Masks::new(secrets, plan);
        let transport = Transport::new(plan, auth, &masks, wall.clone(), &connections);
        let bounds = Bounds::new(plan.limits.depth, plan.limits.page_bytes);
        let (rules, longest) = (plan.classify.clone(), plan.limits.walk);
        let exchange = Exchange::new(&plan.auth, rules, bounds, transport, longest, wall, &masks);
        let partitions = plan.related.partitions.as_ref();
        let may_refuse = partitions.is_some_and(|partitions| partitions.refused != Share::NONE);
        let exchange = exchange.with_shared_login(may_refuse);
        Some(Self {
            plan: Arc::clone(plan),
            exchange: Arc::new(exchange),
            is_filtered: false,
            pushed: Pushed::NONE,
            room,
            memory: PageMemory::default(),
            masks,
            caller: None,
            mapping: Arc::clone(&plan.mapping),
            related: None,
            brings: Vec::new(),
            outer: OuterValues::default(),
            known_etag: None,
            known_pages: None,
            since: None,
        })
    }

    /// The upstream's name.
    pub fn name(&self) -> &Arc<str> {
        &self.plan.name
    }

    /// What its list looks like.
    pub fn shape(&self) -> Shape {
        self.plan.shape
    }

    /// Whose eyes its list is seen with.
    pub fn account(&self) -> Account {
        self.plan.account
    }

    /// Whether it is asked, treated and read in the same way as another one.
    pub(crate) fn runs_like(&self, other: &Self) -> bool {
        self.plan.runs_like(&other.plan)
    }

    /// What may be handed to the upstream, if it is asked by query.
    pub fn rules(&self) -> Option<&PushdownRules> {
        self.plan.pushdown.as_ref()
    }

    /// The same, whose snapshot may take so much memory.
    #[must_use]
    pub fn with_room(&self, room: u64) -> Self {
        Self {
            room,
            ..self.clone()
        }
    }

    /// The adapter that asks for what `pushed` leaves of the list, which may take so much memory.
    #[must_use]
    pub fn asking(&self, pushed: Pushed, room: u64) -> Self {
        Self {
            is_filtered: true,
            pushed,
            room,
            ..self.clone()
        }
    }

    /// What is sent of each caller, if it is asked on behalf of each.
    pub fn on_behalf(&self) -> Option<&OnBehalf> {
        self.plan.on_behalf.as_ref()
    }

    /// The adapter that asks on behalf of a caller, and how much memory it takes about. They share what
    /// concerns the upstream: connections, limits, retries and the breaker.
    pub fn on_behalf_of(&self, credentials: &Credentials) -> Result<Self, MissingValue> {
        let Some(on_behalf) = self.on_behalf() else {
            return Ok(self.clone());
        };
        let ask = Arc::new(on_behalf.ask(credentials)?);
        let masks = self.masks.with_caller(&ask);
        let exchange = (self.exchange).on_behalf(&ask, on_behalf.has_own_login, &masks);
        Ok(Self {
            exchange: Arc::new(exchange),
            masks,
            caller: Some(ask),
            ..self.clone()
        })
    }

    /// About how much memory the caller takes that it asks on behalf of.
    pub fn caller_bytes(&self) -> usize {
        self.caller.as_ref().map_or(0, |caller| caller.bytes())
    }

    /// Whether it is asked on behalf of each caller, and there is none.
    pub fn lacks_caller(&self) -> bool {
        self.caller.is_none() && self.on_behalf().is_some()
    }

    /// What is sent of the caller. Where every caller is asked for by itself, nothing is sent without one.
    pub(super) fn caller(&self) -> Result<Option<&CallerAsk>, UpstreamError> {
        if self.lacks_caller() {
            return Err(UpstreamError::ours(
                "it is asked on behalf of callers only, and there is none",
            ));
        }
        Ok(self.caller.as_deref())
    }

    /// The adapter that reads pages within this memory.
    #[must_use]
    pub fn within(&self, memory: PageMemory) -> Self {
        Self {
            memory,
            ..self.clone()
        }
    }

    /// The adapter that reads one of the lists that belong to that of groups, and from its pages others that they
    /// bring, or with none the list of groups itself, for a record around it. It shares everything else. The first
    /// page is only asked for if it has not this entity tag any more.
    pub(super) fn reading(
        &self,
        lists: &[RelatedList],
        outer: OuterValues,
        etag: Option<&HeaderValue>,
    ) -> Arc<Self> {
        let related = lists.first().copied();
        Arc::new(Self {
            mapping: match related {
                None => outer.mapping(&self.plan.mapping),
                Some(_) => Arc::clone(&self.mapping),
            },
            related,
            brings: lists.iter().skip(1).copied().collect(),
            outer,
            known_etag: etag.cloned(),
            ..self.clone()
        })
    }

    /// How the records of groups of a partition become groups.
    pub(super) fn mapping_of(&self, partition: &OuterValues) -> Arc<Mapping> {
        partition.mapping(&self.plan.mapping)
    }

    /// Whether the list that it reads is not that of groups.
    pub(super) const fn is_related(&self) -> bool {
        self.related.is_some()
    }

    /// The lists that belong to that of groups.
    pub fn related(&self) -> &RelatedLists {
        &self.plan.related
    }

    /// The list that it reads, if that is not the list of groups.
    fn list(&self) -> Option<&ListReading> {
        self.plan.related.reading(self.related?)
    }

    /// Its requests.
    pub(super) fn requests(&self) -> &Requests {
        self.list()
            .map_or(&self.plan.requests, |list| &list.requests)
    }

    /// How its pages follow each other.
    pub fn paging(&self) -> &Paging {
        match (self.list(), self.lookup()) {
            (Some(list), _) => &list.paging,
            (None, Some(lookup)) => &lookup.paging,
            (None, None) if self.is_filtered => &self.plan.filtered_paging,
            (None, None) => &self.plan.paging,
        }
    }

    /// Where its pages have their records.
    pub(super) fn listed_at(&self) -> &Records {
        self.list()
            .map_or(&self.mapping().records, |list| &list.records)
    }

    /// Whether a page that is a table has the columns that its records need.
    pub(super) fn check_columns(&self, page: &Page) -> Result<(), FormatError> {
        match self.list() {
            Some(_) => Ok(()),
            None => self.mapping().check_columns(page),
        }
    }

    /// What becomes of the records of a page.
    pub(super) fn map(&self, records: PageRecords<'_>) -> Result<MappedPage, FormatError> {
        if let Some(list) = self.list() {
            return map_columns(list, records);
        }
        let qualifier = self.outer.qualifier();
        self.mapping().map(records, qualifier, self.of_left_out())
    }

    /// The other lists that its pages bring.
    pub(super) fn brings(&self) -> &[RelatedList] {
        &self.brings
    }

    /// What a page is to the other lists that it brings.
    pub(super) fn map_brought(&self, page: &Page) -> Vec<BroughtPage> {
        let lists = self.brings.iter();
        let lists = lists.filter_map(|list| Some((*list, self.related().reading(*list)?)));
        let pages = lists.map(|(list, reading)| {
            let records = reading.records.listed(page);
            let mapped = records.and_then(|records| map_columns(reading, records));
            BroughtPage { list, mapped }
        });
        pages.collect()
    }

    /// How its records become groups.
    pub fn mapping(&self) -> &Mapping {
        match self.lookup() {
            Some(lookup) => &lookup.mapping,
            None => &self.mapping,
        }
    }

    /// How one group is asked for, if it is asked for that by a request of its own.
    pub(super) fn lookup(&self) -> Option<&Lookup> {
        let lookup = self.plan.lookup.as_ref();
        lookup.filter(|_| self.pushed.get(Pushable::Id).is_some())
    }

    /// The attributes of its groups that callers can filter by.
    pub fn filterable(&self) -> &Arc<[FilterableAttribute]> {
        &self.plan.filterable
    }

    /// What the upstream may be asked for.
    pub fn limits(&self) -> &Limits {
        &self.plan.limits
    }

    /// How much memory its snapshot may take, were it the only one.
    pub const fn room(&self) -> u64 {
        self.room
    }

    /// On what terms its list was to be refreshed and served when it was made.
    pub fn terms(&self) -> ListTerms {
        self.plan.terms
    }

    /// How its breaker stands, if it has one.
    pub fn circuit(&self) -> Option<Circuit> {
        self.exchange.circuit()
    }

    /// Answers from a recording from now on: nothing is sent any more.
    pub fn set_replay(&self, replay: Arc<dyn Replay>) {
        self.exchange.set_replay(replay);
    }

    /// The records of a page, in the order of its outcomes. `None` for a record that is listed but
    /// absent.
    pub fn records<'a>(&self, page: &'a Page) -> Vec<Option<Node<'a>>> {
        self.mapping().records.values(page)
    }
}

#[cfg(test)]
mod tests;
