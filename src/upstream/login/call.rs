//! The exchange that logs in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, StatusCode};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::error::{Concern, ErrorKind, UpstreamError};
use crate::observe::{Event, Observers};
use crate::page_memory::PageMemory;
use crate::plan::{ClassifyRules, Grant, TokenRequest};
use crate::upstream::auth::login_answer::LoginAnswer;
use crate::upstream::auth::oauth2::{Given, refresh_token_in, token_from_reply};
use crate::upstream::auth::{LoginValues, Token};
use crate::upstream::classify::{ClassifiedResponse, Classifier};
use crate::upstream::extensions::{Deadline, OfOneCaller, Purpose, Repeatable};
use crate::upstream::masks::Masks;
use crate::upstream::on_behalf::CallerAsk;
use crate::upstream::pushdown::Pushed;
use crate::upstream::refusal::confirmed;
use crate::upstream::requests::render_error;
use crate::upstream::template::Variables;
use crate::upstream::transport::{AccountLimits, ReadyRequest, Transport};

use super::TokenSource;

/// The exchange that logs in. Shared with those under way, which outlive whoever asked first.
#[derive(Debug)]
pub(super) struct LoginCall {
    /// The logins whose values its request is made of, with their names.
    pub(super) earlier: Vec<(String, Arc<TokenSource>)>,
    transport: Arc<Transport>,
    grant: Arc<Grant>,
    classifier: Classifier,
    /// What no message may show, each token included.
    masks: Masks,
    /// On whose behalf it logs in, if that makes a difference.
    caller: Option<Arc<CallerAsk>>,
    /// What the upstream has said of the account of that caller.
    account: Option<AccountLimits>,
    /// The refresh token that the server returned last, if it returned one.
    returned: Mutex<Option<SecretString>>,
}

impl LoginCall {
    /// On behalf of all callers, after these logins. `classifier` says what answers mean by the rules of this one.
    pub(super) fn new(
        earlier: Vec<(String, Arc<TokenSource>)>,
        (grant, rules): (&Grant, &ClassifyRules),
        transport: &Arc<Transport>,
        classifier: &impl Fn(ClassifyRules) -> Classifier,
        masks: &Masks,
    ) -> Self {
        Self {
            earlier,
            transport: Arc::clone(transport),
            grant: Arc::new(grant.clone()),
            classifier: classifier(rules.clone()),
            masks: masks.clone(),
            caller: None,
            account: None,
            returned: Mutex::default(),
        }
    }

    /// The same on behalf of a caller; `sources` are those that are asked for it before.
    pub(super) fn on_behalf(
        &self,
        caller: &Arc<CallerAsk>,
        masks: &Masks,
        account: Option<&AccountLimits>,
        sources: &[(String, Arc<TokenSource>)],
    ) -> Self {
        let is_used = |name: &String| self.earlier.iter().any(|(used, _)| used == name);
        let earlier = sources.iter().filter(|(name, _)| is_used(name));
        Self {
            earlier: earlier.cloned().collect(),
            transport: Arc::clone(&self.transport),
            grant: Arc::clone(&self.grant),
            classifier: self.classifier.clone(),
            masks: masks.clone(),
            caller: Some(Arc::clone(caller)),
            account: account.cloned(),
            returned: Mutex::default(),
        }
    }

    pub(super) async fn log_in(
        &self,
        instead_of: Option<Arc<Token>>,
        deadline: Instant,
        observers: Observers,
        memory: PageMemory,
    ) -> Result<Token, UpstreamError> {
        let (refused, waiting) = (instead_of.as_deref(), (deadline, &observers, &memory));
        let login = confirmed(deadline, || self.attempt(refused, waiting)).await;
        observers.notify(&Event::LoginEnded(login.as_ref().map(|_| ())));
        login
    }

    /// Logs in once, without what the refused token was made of.
    async fn attempt(
        &self,
        instead_of: Option<&Token>,
        waiting: (Instant, &Observers, &PageMemory),
    ) -> Result<Token, UpstreamError> {
        let (deadline, observers, memory) = waiting;
        let mut earlier = LoginValues::default();
        let mut tokens = Vec::new();
        for (at, (name, source)) in self.earlier.iter().enumerate() {
            let refused = instead_of.and_then(|refused| refused.made_of().get(at));
            let token = source.token_before(refused, waiting).await?;
            earlier.put_all_of(name, token.values());
            tokens.push(token);
        }
        let mut request = self.request(&earlier)?;
        request.extensions_mut().insert(memory.clone());
        request.extensions_mut().insert(Deadline(deadline));
        // A login makes a token and changes nothing else, so it may be sent twice. But a refresh token may be used up.
        if !self.grant.uses_up_its_credential() {
            request.extensions_mut().insert(Repeatable);
        }
        request.extensions_mut().insert(Purpose::Login);
        if self.caller.is_some() {
            request.extensions_mut().insert(self.masks.clone());
            request.extensions_mut().insert(OfOneCaller);
        }
        if let Some(account) = &self.account {
            request.extensions_mut().insert(account.clone());
        }
        if !observers.is_empty() {
            request.extensions_mut().insert(observers.clone());
        }
        let answer = self
            .transport
            .exchange(ReadyRequest::new(request, &self.classifier))
            .await
            .map_err(|error| refused(error, &self.grant))
            .inspect_err(|error| {
                // What the request was made of may be what is refused.
                if error.kind == ErrorKind::Unauthorized {
                    *self.returned() = None;
                    for ((_, source), token) in self.earlier.iter().zip(&tokens) {
                        source.refused(token);
                    }
                }
            })?;
        let token = self.read(&answer, &earlier)?.which_is_made_of(tokens);
        if let Some(problem) = token.unknown_expiry() {
            observers.notify(&Event::ExpiryUnknown(problem));
        }
        Ok(token)
    }

    fn request(&self, earlier: &LoginValues) -> Result<Request<Bytes>, UpstreamError> {
        match &*self.grant {
            Grant::Exchange(exchange) => {
                let (nothing, caller) = (Pushed::NONE, self.caller.as_deref());
                let variables = Variables::unpaged(&nothing, caller, earlier);
                let request = exchange.request.render(&variables);
                request.map_err(|error| render_error(error, None, "auth.request"))
            }
            Grant::Oauth2(client) => {
                let returned = self.refresh_token();
                client.token_request(self.given(returned.as_ref(), None))
            }
            Grant::CallerToken(client) => {
                let token = self
                    .caller
                    .as_ref()
                    .and_then(|caller| caller.token.as_ref());
                let none =
                    || UpstreamError::ours("there is no caller whose token could be exchanged");
                client.token_request(self.given(None, Some(token.ok_or_else(none)?)))
            }
        }
    }

    fn read(
        &self,
        answer: &ClassifiedResponse,
        earlier: &LoginValues,
    ) -> Result<Token, UpstreamError> {
        let now = self.classifier.now();
        match &*self.grant {
            Grant::Exchange(exchange) => {
                LoginAnswer::new(Some(&answer.page), &answer.headers, now, &self.masks)
                    .token(exchange, earlier)
            }
            Grant::Oauth2(client) => {
                if let TokenRequest::RefreshToken(_) = client.request
                    && let Some(token) = refresh_token_in(&answer.page, &self.masks)
                {
                    *self.returned() = Some(token);
                }
                token_from_reply(&answer.page, now, &self.masks)
            }
            Grant::CallerToken(_) => token_from_reply(&answer.page, now, &self.masks),
        }
    }

    fn given<'a>(
        &'a self,
        refresh_token: Option<&'a SecretString>,
        subject: Option<&'a SecretString>,
    ) -> Given<'a> {
        Given {
            refresh_token,
            subject,
            now: self.classifier.now(),
            masks: &self.masks,
        }
    }

    /// The refresh token that the server returned last.
    fn refresh_token(&self) -> Option<SecretString> {
        self.returned().clone()
    }

    fn returned(&self) -> MutexGuard<'_, Option<SecretString>> {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner)
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
    error.concern = Concern::Login;
    error
}
