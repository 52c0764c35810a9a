//! One exchange with an upstream: a page, the end of the list, or an error.
//!
//! The login token is obtained up here, by an exchange of its own that passes permits and quota
//! like any other; only the signature is computed at the bottom of the transport, per try.
//! Otherwise, at a concurrency of one, a login would wait for the permit that its own request
//! holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use tokio::time::Instant;

use crate::clock::WallClock;

use super::auth::{LoginToken, LoginValues, Token};
use super::classify::{ClassifiedResponse, Classifier, ExpectedAnswer};
use super::extensions::{Deadline, ForwardedHeaders, Hedgeable, ScopeNumber};
use super::login::TokenSource;
use super::masks::Masks;
use super::on_behalf::CallerAsk;
use super::refusal::{confirmed, once_more};
use super::transport::{AccountLimits, Circuit, ReadyRequest, Replay, Transport};
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::Observers;
use crate::page::format::Bounds;
use crate::page_memory::PageMemory;
use crate::plan::{Auth, ClassifyRules, Span};

/// The number of the next scope.
static NEXT_SCOPE: AtomicU64 = AtomicU64::new(0);

/// Makes exchanges with one upstream.
#[derive(Debug)]
pub struct Exchange {
    transport: Arc<Transport>,
    login: Option<Arc<TokenSource>>,
    classifier: Classifier,
    /// The caller that it asks for, if it does.
    caller: Option<CallerExtensions>,
    /// Whether callers who are asked for by themselves share its login.
    shares_login: bool,
}

/// What goes with each request for one caller.
#[derive(Debug)]
struct CallerExtensions {
    scope: ScopeNumber,
    /// What is sent of it.
    headers: ForwardedHeaders,
    /// What no message may show then.
    masks: Masks,
    /// What the upstream has said of its account, if it has one of its own.
    account: Option<AccountLimits>,
}

impl CallerExtensions {
    fn add_to<B>(&self, request: &mut Request<B>) {
        let extensions = request.extensions_mut();
        extensions.insert(self.scope);
        extensions.insert(self.headers.clone());
        extensions.insert(self.masks.clone());
        if let Some(account) = &self.account {
            extensions.insert(account.clone());
        }
    }
}

impl Exchange {
    /// Exchanges over `transport` whose responses `rules` classify. Bodies may be as large as
    /// `bounds` says, and a login takes as long as `longest` at most. What it brings is added to `masks`.
    pub(super) fn new(
        auth: &Auth,
        rules: ClassifyRules,
        bounds: Bounds,
        transport: Transport,
        longest: Span,
        wall: &WallClock,
        masks: &Masks,
    ) -> Self {
        let transport = Arc::new(transport);
        let classifier = |rules| Classifier::new(rules, bounds, wall.clone());
        let login = auth
            .login()
            .map(|login| TokenSource::new(login, &transport, &classifier, longest, masks));
        Self {
            transport,
            login: login.map(Arc::new),
            classifier: classifier(rules),
            caller: None,
            shares_login: false,
        }
    }

    /// The same where a request may be refused although the login is fine, as with partitions that refuse: one
    /// refusal does not renew what all others go by more often than now and then.
    pub(super) fn with_shared_login(self, shares_login: bool) -> Self {
        Self {
            shares_login,
            ..self
        }
    }

    /// The same on behalf of a caller, with a login of its own where that depends on the caller.
    pub(super) fn on_behalf(
        &self,
        ask: &Arc<CallerAsk>,
        has_own_login: bool,
        masks: &Masks,
    ) -> Self {
        let has_own_account = has_own_login || !ask.forwarded.is_empty();
        let account = has_own_account.then(AccountLimits::default);
        let login = self.login.as_ref().map(|login| {
            if has_own_login {
                Arc::new(login.on_behalf(ask, masks, account.as_ref()))
            } else {
                Arc::clone(login)
            }
        });
        Self {
            transport: Arc::clone(&self.transport),
            login,
            classifier: self.classifier.clone(),
            caller: Some(CallerExtensions {
                scope: ScopeNumber(NEXT_SCOPE.fetch_add(1, Ordering::Relaxed)),
                headers: ForwardedHeaders(Arc::clone(&ask.forwarded)),
                masks: masks.clone(),
                account,
            }),
            shares_login: !has_own_login,
        }
    }

    /// Sends what `render` makes of what a login returned, where one is needed, and returns it with its
    /// response. If it is refused, a second attempt is made: with a renewed token where there is a login,
    /// otherwise signed again after a pause.
    pub(super) async fn send<R>(
        &self,
        render: R,
        memory: &PageMemory,
        deadline: Instant,
        observers: &Observers,
    ) -> Result<(Request<Bytes>, ClassifiedResponse), UpstreamError>
    where
        R: Fn(&LoginValues) -> Result<Request<Bytes>, UpstreamError>,
    {
        if let (Some(login), false) = (&self.login, self.transport.has_only_pages()) {
            let waiting = (memory, deadline, observers);
            return Box::pin(self.send_logged_in(login, &render, waiting)).await;
        }
        let request = self.prepared(render(&LoginValues::NONE)?, deadline, observers);
        let once = || self.transport.exchange(request.clone());
        let answer = if self.transport.has_only_pages() {
            once().await?
        } else {
            confirmed(deadline, once).await?
        };
        Ok((request.into_sent(), answer))
    }

    async fn send_logged_in<R>(
        &self,
        login: &TokenSource,
        render: &R,
        (memory, deadline, observers): (&PageMemory, Instant, &Observers),
    ) -> Result<(Request<Bytes>, ClassifiedResponse), UpstreamError>
    where
        R: Fn(&LoginValues) -> Result<Request<Bytes>, UpstreamError>,
    {
        let with = |token: &Arc<Token>| {
            let mut request = render(token.values())?;
            let token = LoginToken(Arc::clone(token));
            request.extensions_mut().insert(token);
            Ok::<_, UpstreamError>(self.prepared(request, deadline, observers))
        };
        let exchange = async |request: ReadyRequest| {
            let answer = self.transport.exchange(request.clone()).await?;
            Ok::<_, UpstreamError>((request.into_sent(), answer))
        };
        let token = login.token(deadline, observers, memory).await?;
        match exchange(with(&token)?).await {
            // One caller is refused, and the account that all share may be fine.
            Err(error) if error.kind == ErrorKind::Unauthorized && self.shares_login => {
                let refusal = error.clone();
                let again = async || {
                    let waiting = (deadline, observers, memory);
                    let token = login.token_instead_of(&token, &refusal, waiting).await?;
                    exchange(with(&token)?).await
                };
                once_more(error, deadline, again).await
            }
            Err(error) if error.kind == ErrorKind::Unauthorized => {
                tracing::info!(
                    error.detail = error.detail,
                    "login token refused, logging in again"
                );
                login.refused(&token);
                let token = login.token(deadline, observers, memory).await?;
                exchange(with(&token)?).await
            }
            answer => answer,
        }
    }

    /// A request with what the transport has to know of it.
    fn prepared(
        &self,
        mut request: Request<Bytes>,
        deadline: Instant,
        observers: &Observers,
    ) -> ReadyRequest {
        request.extensions_mut().insert(Deadline(deadline));
        request.extensions_mut().insert(Hedgeable);
        if let Some(caller) = &self.caller {
            caller.add_to(&mut request);
        }
        if !observers.is_empty() {
            request.extensions_mut().insert(observers.clone());
        }
        ReadyRequest::new(request, &self.classifier)
    }

    /// Takes one retry from the budget of all exchanges, if there is one left.
    pub(super) fn withdraw_retry(&self) -> bool {
        self.transport.withdraw_retry()
    }

    /// The state of the breaker of all exchanges, if there is one.
    pub fn circuit(&self) -> Option<Circuit> {
        self.transport.circuit()
    }

    /// Answers from a recording from now on.
    pub(super) fn set_replay(&self, replay: Arc<dyn Replay>) {
        self.transport.set_replay(replay);
    }

    /// Whether it answers from recorded pages only.
    pub(super) fn has_only_pages(&self) -> bool {
        self.transport.has_only_pages()
    }

    /// Classifies a recorded response.
    pub fn classify(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
    ) -> Result<ClassifiedResponse, UpstreamError> {
        let page = ExpectedAnswer::Page(None);
        let classifier = self.classifier.clone().expecting(page);
        classifier.classify(status, headers, body)
    }
}
