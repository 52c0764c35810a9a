//! The login call: an exchange of its own that brings the token of the others. Those that come before it
//! have tokens of their own, which its request is made of.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::StatusCode;
use tokio::time::{Instant, timeout_at};

use super::auth::{Token, TokenCell};
use super::classify::Classifier;
use super::masks::Masks;
use super::on_behalf::CallerAsk;
use super::transport::{AccountLimits, Transport};
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::Observers;
use crate::page_memory::PageMemory;
use crate::plan::{ClassifyRules, Login, Span};

mod call;
use call::LoginCall;

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
            let (used, what) = (used.cloned().collect(), (&step.grant, &step.rules));
            let call = LoginCall::new(used, what, transport, classifier, masks);
            earlier.push((step.name.clone(), Arc::new(Self::of(call, longest))));
        }
        let what = (&login.grant, &login.rules);
        let call = LoginCall::new(earlier, what, transport, classifier, masks);
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
