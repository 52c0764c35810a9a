//! One upstream, decided: how it is asked, how its answers are read, and how long they serve.

use std::sync::Arc;

use http::HeaderValue;

use super::{
    Account, Auth, BreakerThresholds, ClassifyRules, ClientProof, Connection, FilterableAttribute,
    Fixed, Hedging, Incremental, Limits, List, ListTerms, Login, Lookup, Mapping, OnBehalf, Paging,
    PushdownRules, RelatedLists, Requests, Shape,
};

/// One upstream. Two that are equal are asked, treated and read in the same way.
#[derive(Debug, Clone, PartialEq)]
pub struct Upstream {
    /// Its name, which clients see as the `source` of a group.
    pub name: Arc<str>,
    /// What its list looks like.
    pub shape: Shape,
    /// The account that its list is read with.
    pub account: Account,
    /// Whether queries are answered from the whole list, or passed on to it.
    pub list: List,
    /// How its requests are authenticated.
    pub auth: Arc<Auth>,
    /// What it is asked with on behalf of each caller, if every caller is asked for by itself.
    pub on_behalf: Option<OnBehalf>,
    /// What its responses mean.
    pub classify: ClassifyRules,
    /// Which filters are passed on to it, if it is asked by query.
    pub pushdown: Option<PushdownRules>,
    /// The requests that list groups.
    pub requests: Requests,
    /// Whether its pages are asked for on the condition that they have changed.
    pub conditional: bool,
    /// How its list is kept up by walks for what has changed.
    pub incremental: Option<Incremental>,
    /// How its pages follow each other.
    pub paging: Paging,
    /// How the pages of an answer to a filter follow each other.
    pub filtered_paging: Paging,
    /// How one group is asked for, if that is a request of its own.
    pub lookup: Option<Lookup>,
    /// How its records become groups.
    pub mapping: Arc<Mapping>,
    /// The lists that belong to that of groups: partitions, details, members.
    pub related: RelatedLists,
    /// The attributes of its groups that callers can filter by.
    pub filterable: Arc<[FilterableAttribute]>,
    /// How connections to it are made.
    pub connection: Connection,
    /// How much it is asked for, and how much it may send.
    pub limits: Limits,
    /// When requests to it are suspended; never without one.
    pub breaker: Option<BreakerThresholds>,
    /// When a slow page is requested a second time; never without one.
    pub hedge: Option<Hedging>,
    /// On what terms its list is refreshed and served.
    pub terms: ListTerms,
    /// Whether its requests name the span that they are sent in.
    pub trace_context: bool,
}

impl Upstream {
    /// Whether another one is asked, treated and read in the same way, on whatever terms its list serves.
    pub fn runs_like(&self, other: &Self) -> bool {
        let on_these = Self {
            terms: self.terms,
            ..other.clone()
        };
        *self == on_these
    }

    /// The headers with credentials that are the same in every request: its own, those of the clients of its logins, and that
    /// for its proxy.
    pub fn credential_headers(&self) -> impl Iterator<Item = &HeaderValue> {
        let own = match &*self.auth {
            Auth::Fixed(Fixed::Header { value, .. }) => Some(value),
            Auth::None
            | Auth::Fixed(Fixed::Query { .. })
            | Auth::Token(_)
            | Auth::SigV4(_)
            | Auth::Hmac(_)
            | Auth::MessageSignature(_)
            | Auth::Digest(_)
            | Auth::Forward(_) => None,
        };
        let clients = self.auth.login().into_iter().flat_map(Login::clients);
        let clients = clients.filter_map(|client| match &client.proof {
            ClientProof::Header(value) => Some(value),
            ClientProof::Form | ClientProof::Assertion(_) => None,
        });
        let proxy = self.connection.proxy.as_ref();
        let proxy = proxy.and_then(|proxy| proxy.authorization.as_ref());
        own.into_iter().chain(clients).chain(proxy)
    }

    /// Whether the list of another one may be served until its own has been read: that was read with the same account,
    /// and for all callers.
    pub fn may_serve_list_of(&self, other: &Self) -> bool {
        self.account == other.account && self.on_behalf.is_none()
    }
}
