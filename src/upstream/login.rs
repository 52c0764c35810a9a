//! The login call: an exchange of its own that brings the token of the others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::auth::oauth2::token_from_reply;
use super::auth::{Token, TokenCell};
use super::classify::{ClassifiedResponse, Classifier};
use super::extensions::{Deadline, OfOneCaller, Purpose, Repeatable};
use super::masks::Masks;
use super::on_behalf::CallerAsk;
use super::pushdown::Pushed;
use super::refusal::confirmed;
use super::requests::render_error;
use super::template::Variables;
use super::transport::Transport;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Event, Observers};
use crate::page::format::Page;
use crate::page_memory::PageMemory;
use crate::plan::{Grant, Location, Span};

/// Logs in, and keeps the token until it ends or is refused.
#[derive(Debug)]
pub(super) struct TokenSource {
    call: Arc<LoginCall>,
    cell: TokenCell,
    /// How long a login may take, whoever waits for it.
    longest: Span,
    /// When the token was last renewed because one caller of several was refused.
    renewed_for_one: Mutex<Option<Instant>>,
}

/// How long the refusals of single callers do not renew a token that all share.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(10);

/// The exchange that logs in. Shared with those under way, which outlive whoever asked first.
#[derive(Debug)]
struct LoginCall {
    transport: Arc<Transport>,
    grant: Arc<Grant>,
    classifier: Classifier,
    /// What no message may show, each token included.
    masks: Masks,
    /// On whose behalf it logs in, if that makes a difference.
    caller: Option<Arc<CallerAsk>>,
}

impl TokenSource {
    pub(super) fn new(
        grant: Grant,
        transport: Arc<Transport>,
        classifier: Classifier,
        longest: Span,
        masks: Masks,
    ) -> Self {
        Self {
            longest,
            call: Arc::new(LoginCall {
                transport,
                grant: Arc::new(grant),
                classifier,
                masks,
                caller: None,
            }),
            cell: TokenCell::default(),
            renewed_for_one: Mutex::default(),
        }
    }

    /// The same on behalf of a caller, with a token of its own.
    pub(super) fn on_behalf(&self, caller: &Arc<CallerAsk>, masks: &Masks) -> Self {
        Self {
            longest: self.longest,
            call: Arc::new(LoginCall {
                transport: Arc::clone(&self.call.transport),
                grant: Arc::clone(&self.call.grant),
                classifier: self.call.classifier.clone(),
                masks: masks.clone(),
                caller: Some(Arc::clone(caller)),
            }),
            cell: TokenCell::default(),
            renewed_for_one: Mutex::default(),
        }
    }

    /// The current token, after a login if there is none. However many ask, one login runs. Each of them
    /// waits until its own `deadline`.
    pub(super) async fn token(
        &self,
        deadline: Instant,
        observers: &Observers,
        memory: &PageMemory,
    ) -> Result<Arc<Token>, UpstreamError> {
        let call = Arc::clone(&self.call);
        let (observers, memory) = (observers.clone(), memory.clone());
        // Not that of the first who asks: others may have more time.
        let until = Instant::now() + self.longest.get();
        let login = async move { call.log_in(until, observers, memory).await };
        let token = timeout_at(deadline, self.cell.get(login)).await;
        token.unwrap_or_else(|_| {
            Err(UpstreamError::new(
                ErrorKind::Timeout,
                "login: no token came in time (`limits.walk`)",
            ))
        })
    }

    /// Whether the refusal of one caller may be that of the token, which all callers share: a 403 is about who is
    /// asked for, and if the token was renewed a moment ago, so is a 401.
    pub(super) fn is_worth_renewing(&self, refusal: &UpstreamError) -> bool {
        if refusal.status == Some(StatusCode::FORBIDDEN) {
            return false;
        }
        let now = Instant::now();
        let mut renewed = (self.renewed_for_one.lock()).unwrap_or_else(PoisonError::into_inner);
        let is_recent = renewed.is_some_and(|at| now < at + BETWEEN_RENEWALS);
        if !is_recent {
            *renewed = Some(now);
        }
        !is_recent
    }

    /// Says that the upstream refused `token`: the next one to ask logs in again.
    pub(super) fn refused(&self, token: &Token) {
        self.cell.invalidate(token);
    }
}

impl LoginCall {
    async fn log_in(
        &self,
        deadline: Instant,
        observers: Observers,
        memory: PageMemory,
    ) -> Result<Token, UpstreamError> {
        let login = confirmed(deadline, || self.attempt(deadline, &observers, &memory)).await;
        observers.notify(&Event::LoginEnded(login.as_ref().map(|_| ())));
        login
    }

    async fn attempt(
        &self,
        deadline: Instant,
        observers: &Observers,
        memory: &PageMemory,
    ) -> Result<Token, UpstreamError> {
        let mut request = self.request()?;
        request.extensions_mut().insert(memory.clone());
        request.extensions_mut().insert(Deadline(deadline));
        // A login makes a token and changes nothing else, so it may be sent twice.
        request.extensions_mut().insert(Repeatable);
        request.extensions_mut().insert(Purpose::Login);
        if self.caller.is_some() {
            request.extensions_mut().insert(self.masks.clone());
            request.extensions_mut().insert(OfOneCaller);
        }
        if !observers.is_empty() {
            request.extensions_mut().insert(observers.clone());
        }
        let answer = self
            .transport
            .exchange(request, &self.classifier)
            .await
            .map_err(|error| refused(error, &self.grant))?;
        let token = self.read(&answer)?;
        if let Some(problem) = token.unknown_expiry() {
            observers.notify(&Event::ExpiryUnknown(problem));
        }
        Ok(token)
    }

    fn request(&self) -> Result<Request<Bytes>, UpstreamError> {
        match &*self.grant {
            Grant::Exchange { request, .. } => {
                let (nothing, caller) = (Pushed::NONE, self.caller.as_deref());
                let variables = Variables::unpaged(&nothing, caller);
                request.render(&variables).map_err(render_error)
            }
            Grant::ClientCredentials(client) => Ok(client.token_request()),
            Grant::CallerToken(client) => {
                let token = self
                    .caller
                    .as_ref()
                    .and_then(|caller| caller.token.as_ref());
                let none =
                    || UpstreamError::ours("there is no caller whose token could be exchanged");
                Ok(client.exchange_request(token.ok_or_else(none)?))
            }
        }
    }

    fn read(&self, answer: &ClassifiedResponse) -> Result<Token, UpstreamError> {
        let now = self.classifier.now();
        match &*self.grant {
            Grant::Exchange { token, expires, .. } => {
                let text = token_at(token, &answer.page, &answer.headers).ok_or_else(|| {
                    UpstreamError::new(ErrorKind::Mapping, "the login's answer holds no token")
                })?;
                Token::from_answer(
                    &text,
                    expires.as_ref(),
                    Some(&answer.page),
                    now,
                    &self.masks,
                )
            }
            Grant::ClientCredentials(_) | Grant::CallerToken(_) => {
                token_from_reply(&answer.page, now, &self.masks)
            }
        }
    }
}

/// A login that the upstream understood and refused means that our credentials are wrong. Besides
/// 401 and 403, which always say so, these are the words of RFC 6749, section 5.2, and of servers
/// that check a form. Any other status blames no credentials: 404 may be a deployment. Nor does one
/// that says when to come back.
/// The rules of an exchange of a caller's token tell that already.
fn refused(mut error: UpstreamError, grant: &Grant) -> UpstreamError {
    let is_refusal = matches!(
        error.status,
        Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
    );
    if error.kind == ErrorKind::HttpStatus
        && !error.is_transient()
        && error.retry_after.is_none()
        && is_refusal
        && !matches!(grant, Grant::CallerToken(_))
    {
        error.kind = ErrorKind::Unauthorized;
    }
    if error.kind == ErrorKind::Decode && error.status.is_none() {
        // The message would quote the body, which may hold a token.
        "the body cannot be decoded (not quoted here, because it may hold a token)"
            .clone_into(&mut error.detail);
    }
    error.detail.insert_str(0, "login: ");
    error
}

fn token_at(location: &Location, page: &Page, headers: &HeaderMap) -> Option<String> {
    match location {
        Location::Body(path) => Some(page.find(path)?.text()?.into_owned()),
        Location::Header { header } => Some(headers.get(header)?.to_str().ok()?.to_owned()),
    }
}
