//! The login call: an exchange of its own that brings the token of the others. Those that come before it
//! have tokens of their own, which its request is made of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, StatusCode};
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use super::auth::login_answer::LoginAnswer;
use super::auth::oauth2::{Given, refresh_token_in, token_from_reply};
use super::auth::{LoginValues, Token, TokenCell};
use super::classify::{ClassifiedResponse, Classifier};
use super::extensions::{Deadline, OfOneCaller, Purpose, Repeatable};
use super::masks::Masks;
use super::on_behalf::CallerAsk;
use super::pushdown::Pushed;
use super::refusal::confirmed;
use super::requests::render_error;
use super::template::Variables;
use super::transport::{AccountLimits, Transport};
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Event, Observers};
use crate::page_memory::PageMemory;
use crate::plan::{ClassifyRules, Grant, Login, Span, TokenRequest};

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

/// How long the refusals of single callers do not renew a token that all share: with 401, and with 403, which is
/// more often about who is asked for.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(10);
const BETWEEN_RENEWALS_AFTER_403: Duration = Duration::from_mins(1);

/// The exchange that logs in. Shared with those under way, which outlive whoever asked first.
#[derive(Debug)]
struct LoginCall {
    /// The logins whose values its request is made of, with their names.
    earlier: Vec<(String, Arc<TokenSource>)>,
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

impl TokenSource {
    /// The source of a login's tokens, and with it those of the logins before it. `classifier` says by their
    /// rules what answers mean.
    pub(super) fn new(
        login: &Login,
        transport: &Arc<Transport>,
        classifier: &impl Fn(ClassifyRules) -> Classifier,
        longest: Span,
        masks: &Masks,
    ) -> Self {
        let mut earlier: Vec<(String, Arc<Self>)> = Vec::new();
        for step in &login.chain {
            let used = earlier.iter().filter(|(name, _)| step.uses.contains(name));
            let call = LoginCall {
                earlier: used.cloned().collect(),
                transport: Arc::clone(transport),
                grant: Arc::new(step.grant.clone()),
                classifier: classifier(step.rules.clone()),
                masks: masks.clone(),
                caller: None,
                account: None,
                returned: Mutex::default(),
            };
            earlier.push((step.name.clone(), Arc::new(Self::of(call, longest))));
        }
        let call = LoginCall {
            earlier,
            transport: Arc::clone(transport),
            grant: Arc::new(login.grant.clone()),
            classifier: classifier(login.rules.clone()),
            masks: masks.clone(),
            caller: None,
            account: None,
            returned: Mutex::default(),
        };
        Self::of(call, longest)
    }

    fn of(call: LoginCall, longest: Span) -> Self {
        Self {
            longest,
            call: Arc::new(call),
            cell: TokenCell::default(),
            renewed_for_one: Mutex::default(),
        }
    }

    /// The same on behalf of a caller, with a token of its own, and those before it with theirs.
    pub(super) fn on_behalf(
        &self,
        caller: &Arc<CallerAsk>,
        masks: &Masks,
        account: Option<&AccountLimits>,
    ) -> Self {
        let mut earlier: Vec<(String, Arc<Self>)> = Vec::new();
        for (name, source) in &self.call.earlier {
            let call = source.call.on_behalf(caller, masks, account, &earlier);
            let source = Self::of(call, source.longest);
            earlier.push((name.clone(), Arc::new(source)));
        }
        Self::of(
            self.call.on_behalf(caller, masks, account, &earlier),
            self.longest,
        )
    }

    /// The current token, after a login if there is none. However many ask, one login runs. Each of them
    /// waits until its own `deadline`.
    pub(super) async fn token(
        &self,
        deadline: Instant,
        observers: &Observers,
        memory: &PageMemory,
    ) -> Result<Arc<Token>, UpstreamError> {
        self.other_than(None, (deadline, observers, memory)).await
    }

    /// The current token, unless it is `refused`: then that of a new login, for which those that `refused` was made of
    /// are as good as refused, too. Until it is there, others go on with the current one.
    async fn other_than(
        &self,
        refused: Option<&Arc<Token>>,
        (deadline, observers, memory): (Instant, &Observers, &PageMemory),
    ) -> Result<Arc<Token>, UpstreamError> {
        let login = self.login(refused.cloned(), observers, memory);
        let refused = refused.map(Arc::as_ref);
        in_time(deadline, self.cell.get_other_than(refused, login)).await
    }

    /// The same for a login that comes after this one.
    fn token_before<'a>(
        &'a self,
        refused: Option<&'a Arc<Token>>,
        waiting: (Instant, &'a Observers, &'a PageMemory),
    ) -> BoxFuture<'a, Result<Arc<Token>, UpstreamError>> {
        Box::pin(self.other_than(refused, waiting))
    }

    /// A token for one caller of several, which was refused with `refused`: the current one if that is another, or if
    /// `refusal` says nothing of it. The others go on with what there is.
    pub(super) async fn token_instead_of(
        &self,
        refused: &Arc<Token>,
        refusal: &UpstreamError,
        (deadline, observers, memory): (Instant, &Observers, &PageMemory),
    ) -> Result<Arc<Token>, UpstreamError> {
        if self.cell.is_settled(refused) && !self.is_worth_renewing(refusal) {
            return self.token(deadline, observers, memory).await;
        }
        (self.other_than(Some(refused), (deadline, observers, memory))).await
    }

    /// Whether the refusal of one caller may be that of the current token, which all callers share: not if that was
    /// renewed a moment ago for another.
    fn is_worth_renewing(&self, refusal: &UpstreamError) -> bool {
        let now = Instant::now();
        let between = match refusal.status {
            Some(StatusCode::FORBIDDEN) => BETWEEN_RENEWALS_AFTER_403,
            Some(_) | None => BETWEEN_RENEWALS,
        };
        let mut renewed = (self.renewed_for_one.lock()).unwrap_or_else(PoisonError::into_inner);
        let is_recent = renewed.is_some_and(|at| now < at + between);
        if !is_recent {
            *renewed = Some(now);
        }
        !is_recent
    }

    fn login(
        &self,
        instead_of: Option<Arc<Token>>,
        observers: &Observers,
        memory: &PageMemory,
    ) -> impl Future<Output = Result<Token, UpstreamError>> + Send + 'static {
        let call = Arc::clone(&self.call);
        let (observers, memory) = (observers.clone(), memory.clone());
        // Not that of the first who asks: others may have more time.
        let until = Instant::now() + self.longest.get();
        async move { call.log_in(instead_of, until, observers, memory).await }
    }

    /// Says that the upstream refused `token`: the next one to ask logs in again, also to those that it was made of.
    /// A request may hold what they returned, and which of all this was refused, nothing says.
    pub(super) fn refused(&self, token: &Token) {
        self.cell.invalidate(token);
        for ((_, source), earlier) in self.call.earlier.iter().zip(token.made_of()) {
            source.refused(earlier);
        }
    }
}

async fn in_time(
    deadline: Instant,
    token: impl Future<Output = Result<Arc<Token>, UpstreamError>>,
) -> Result<Arc<Token>, UpstreamError> {
    timeout_at(deadline, token).await.unwrap_or_else(|_| {
        Err(UpstreamError::new(
            ErrorKind::Timeout,
            "login: no token came in time (`limits.walk`)",
        ))
    })
}

impl LoginCall {
    /// The same on behalf of a caller; `sources` are those that are asked for it before.
    fn on_behalf(
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

    async fn log_in(
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
            .exchange(request, &self.classifier)
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
                exchange.request.render(&variables).map_err(render_error)
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
    error
}
