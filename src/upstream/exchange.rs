//! One exchange with an upstream: a page, the end of the list, or an error.
//!
//! The login token is obtained up here, by an exchange of its own that passes permits and quota
//! like any other; only the signature is computed at the bottom of the transport, per try.
//! Otherwise, at a concurrency of one, a login would wait for the permit that its own request
//! holds.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use tokio::time::Instant;

use crate::clock::WallClock;

use super::classify::{ClassifiedResponse, Classifier};
use super::extensions::{Deadline, ForwardedHeaders, Hedgeable, LoginToken};
use super::login::TokenSource;
use super::masks::Masks;
use super::on_behalf::CallerAsk;
use super::refusal::{confirmed, once_more};
use super::transport::{Circuit, Replay, Transport};
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::Observers;
use crate::page::format::Bounds;
use crate::page_memory::PageMemory;
use crate::plan::{Auth, ClassifyRules, Span};

/// Makes exchanges with one upstream.
#[derive(Debug)]
pub struct Exchange {
    transport: Arc<Transport>,
    login: Option<Arc<TokenSource>>,
    classifier: Classifier,
    /// What is sent of the caller, and what no message may show then.
    caller: Option<(ForwardedHeaders, Masks)>,
    /// Whether callers who are asked for by themselves share its login.
    shares_login: bool,
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
        let login = match auth {
            Auth::Token(token) => {
                let classifier = classifier(token.login.rules.clone());
                let grant = token.login.grant.clone();
                Some(TokenSource::new(
                    grant,
                    Arc::clone(&transport),
                    classifier,
                    longest,
                    masks.clone(),
                ))
            }
            Auth::None | Auth::Fixed(_) | Auth::SigV4(_) | Auth::Hmac(_) | Auth::Forward(_) => None,
        };
        Self {
            transport,
            login: login.map(Arc::new),
            classifier: classifier(rules),
            caller: None,
            shares_login: false,
        }
    }

    /// The same on behalf of a caller, with a login of its own where that depends on the caller.
    pub(super) fn on_behalf(
        &self,
        ask: &Arc<CallerAsk>,
        has_own_login: bool,
        masks: &Masks,
    ) -> Self {
        let login = self.login.as_ref().map(|login| {
            if has_own_login {
                Arc::new(login.on_behalf(ask, masks))
            } else {
                Arc::clone(login)
            }
        });
        Self {
            transport: Arc::clone(&self.transport),
            login,
            classifier: self.classifier.clone(),
            caller: Some((ForwardedHeaders(Arc::clone(&ask.forwarded)), masks.clone())),
            shares_login: !has_own_login,
        }
    }

    /// Sends a request, with a login token where one is needed. If it is refused, a second attempt is
    /// made: with a renewed token where there is a login, otherwise signed again after a pause.
    pub async fn send(
        &self,
        mut request: Request<Bytes>,
        deadline: Instant,
        observers: &Observers,
    ) -> Result<ClassifiedResponse, UpstreamError> {
        request.extensions_mut().insert(Deadline(deadline));
        request.extensions_mut().insert(Hedgeable);
        if let Some((headers, masks)) = &self.caller {
            request.extensions_mut().insert(headers.clone());
            request.extensions_mut().insert(masks.clone());
        }
        if !observers.is_empty() {
            request.extensions_mut().insert(observers.clone());
        }
        let once = || self.transport.exchange(request.clone(), &self.classifier);
        if self.transport.has_only_pages() {
            return once().await;
        }
        let Some(login) = &self.login else {
            return confirmed(deadline, once).await;
        };
        let memory = request.extensions().get::<PageMemory>().cloned();
        let memory = memory.unwrap_or_default();
        let token = login.token(deadline, observers, &memory).await?;
        let answer = self.send_with(request.clone(), token.secret()).await;
        match answer {
            // One caller is refused, and the account that all share may be fine.
            Err(error)
                if error.kind == ErrorKind::Unauthorized
                    && self.shares_login
                    && !login.is_worth_renewing(&error) =>
            {
                let again = || self.send_with(request, token.secret());
                once_more(error, deadline, again).await
            }
            Err(error) if error.kind == ErrorKind::Unauthorized => {
                tracing::info!(
                    error.detail = error.detail,
                    "login token refused, logging in again"
                );
                login.refused(&token);
                let token = login.token(deadline, observers, &memory).await?;
                self.send_with(request, token.secret()).await
            }
            answer => answer,
        }
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
        self.classifier.classify(status, headers, body)
    }

    async fn send_with(
        &self,
        mut request: Request<Bytes>,
        token: &secrecy::SecretString,
    ) -> Result<ClassifiedResponse, UpstreamError> {
        request.extensions_mut().insert(LoginToken(token.clone()));
        self.transport.exchange(request, &self.classifier).await
    }
}
