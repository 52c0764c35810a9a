//! The current token of one upstream, and the one login that renews it.
//!
//! However many requests need a token, there is one login at a time, and all of them wait for it.
//! It runs in whoever waits: when one gives up, the others carry it on, and it ends when nobody is
//! left. A token is renewed before it ends by the first request that finds it due; the others go
//! on with the old one, which also serves while renewals fail.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt as _, SpanContext, TraceContextExt as _};
use tokio::time::Instant;

use super::Token;
use crate::error::UpstreamError;
use crate::trace;

/// The outcome of a login, as everyone who waited for it sees it.
type Outcome = Result<Arc<Token>, UpstreamError>;
type LoginFuture = BoxFuture<'static, Outcome>;

/// Holds the current token, and sees to it that there is one.
#[derive(Clone, Default)]
pub struct TokenCell {
    state: Arc<Mutex<TokenState>>,
}

#[derive(Default)]
struct TokenState {
    current: Option<Arc<Token>>,
    /// The earliest next try after an early renewal has failed.
    hold_off: Option<Instant>,
    /// The login under way. Those who wait for it own it.
    login: Option<LoginUnderWay>,
}

/// A login, and the span that it was begun in: there its exchanges stand, whoever carries it on.
struct LoginUnderWay {
    login: WeakShared<LoginFuture>,
    span: SpanContext,
}

/// What a request for a token finds.
enum TokenLookup {
    Token(Arc<Token>),
    Login(Shared<LoginFuture>),
}

impl TokenCell {
    /// The current token, or the one that `login` brings. `login` is not polled where there is a
    /// token already, or a login under way.
    ///
    /// Fails as the login failed, unless the token that was to be renewed early is still alive.
    pub async fn get<L>(&self, login: L) -> Result<Arc<Token>, UpstreamError>
    where
        L: Future<Output = Result<Token, UpstreamError>> + Send + 'static,
    {
        self.get_other_than(None, login).await
    }

    /// Whether this is the current token, and nobody logs in to renew it.
    pub fn is_settled(&self, token: &Token) -> bool {
        let state = self.lock();
        let is_renewed = (state.login.as_ref()).is_some_and(|it| it.login.upgrade().is_some());
        !is_renewed && (state.current.as_ref()).is_some_and(|current| is_same(current, token))
    }

    /// The same after the upstream has `refused` a token to one of several: if that is still the current one, the one that
    /// `login` brings, while the others go on with it.
    pub async fn get_other_than<L>(&self, refused: Option<&Token>, login: L) -> Outcome
    where
        L: Future<Output = Result<Token, UpstreamError>> + Send + 'static,
    {
        let is_refused = |token: &Arc<Token>| refused.is_some_and(|it| is_same(token, it));
        let login = match self.look(login, is_refused) {
            TokenLookup::Token(token) => return Ok(token),
            TokenLookup::Login(login) => login,
        };
        let error = match login.await {
            Ok(token) => return Ok(token),
            Err(error) => error,
        };
        let survivor = (self.lock().alive(Instant::now())).filter(|token| !is_refused(token));
        if survivor.is_some() {
            tracing::warn!(%error, "token not renewed early, the current one serves");
        }
        survivor.ok_or(error)
    }

    /// Drops a token that the upstream refused, if it is still the current one: many requests may
    /// be refused with it, and only the first of them is news.
    pub fn invalidate(&self, refused: &Token) {
        let mut state = self.lock();
        if (state.current.as_ref()).is_some_and(|current| is_same(current, refused)) {
            state.current = None;
        }
    }

    fn look<L>(&self, login: L, is_refused: impl Fn(&Arc<Token>) -> bool) -> TokenLookup
    where
        L: Future<Output = Result<Token, UpstreamError>> + Send + 'static,
    {
        let now = Instant::now();
        let mut state = self.lock();
        let under_way = (state.login.as_ref())
            .and_then(|login| Some((login.login.upgrade()?, login.span.clone())));
        let usable = state.alive(now).filter(|token| !is_refused(token));
        match (usable, under_way) {
            (Some(token), Some(_)) => TokenLookup::Token(token),
            (Some(token), None) if !state.is_due(now) => TokenLookup::Token(token),
            (None, Some((login, span))) => {
                // Whoever has begun it waits for it in its own span.
                if span.is_valid() && span != *Context::current().span().span_context() {
                    trace::link(&span);
                }
                TokenLookup::Login(login)
            }
            (_, None) => {
                let login = self.begin(login);
                let span = Context::current().span().span_context().clone();
                let under_way = |login| LoginUnderWay { login, span };
                state.login = login.downgrade().map(under_way);
                TokenLookup::Login(login)
            }
        }
    }

    fn begin<L>(&self, login: L) -> Shared<LoginFuture>
    where
        L: Future<Output = Result<Token, UpstreamError>> + Send + 'static,
    {
        let cell = self.clone();
        let login = async move {
            let outcome = login.await.map(Arc::new);
            cell.lock().settle(&outcome, Instant::now());
            outcome
        };
        login.with_current_context().boxed().shared()
    }

    fn lock(&self) -> MutexGuard<'_, TokenState> {
        // The state is whole between any two statements that hold the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(token: &Arc<Token>, other: &Token) -> bool {
    std::ptr::eq(Arc::as_ptr(token), other)
}

impl TokenState {
    fn alive(&self, now: Instant) -> Option<Arc<Token>> {
        self.current.clone().filter(|token| token.is_alive(now))
    }

    fn is_due(&self, now: Instant) -> bool {
        let held_off = self.hold_off.is_some_and(|until| now < until);
        !held_off && self.current.as_ref().is_some_and(|token| token.is_due(now))
    }

    fn settle(&mut self, outcome: &Outcome, now: Instant) {
        self.login = None;
        self.hold_off = None;
        if let Ok(token) = outcome {
            self.current = Some(Arc::clone(token));
            return;
        }
        // Half of what is left, again and again: a few tries, none of them in a hurry.
        let left = self.alive(now).and_then(|token| token.left(now));
        self.hold_off = left.and_then(|left| now.checked_add(left / 2));
    }
}

impl fmt::Debug for TokenCell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenCell")
            .field("current", &self.lock().current)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;
    use jiff::{SignedDuration, Timestamp};
    use secrecy::ExposeSecret as _;
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::error::ErrorKind;

    /// An upstream whose logins take a second and bring tokens that live 100 seconds.
    #[derive(Clone, Default)]
    struct TokenServer {
        begun: Arc<AtomicUsize>,
        ended: Arc<AtomicUsize>,
        is_down: Arc<AtomicBool>,
    }

    impl TokenServer {
        async fn login(self) -> Result<Token, UpstreamError> {
            let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.ended.fetch_add(1, Ordering::Relaxed);
            if self.is_down.load(Ordering::Relaxed) {
                return Err(UpstreamError::new(ErrorKind::HttpStatus, "down"));
            }
            let end = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(100);
            let text = format!("t{number}");
            Token::new(Some(&text), Some(Ok(end)), Timestamp::UNIX_EPOCH)
        }

        fn set_down(&self, is_down: bool) {
            self.is_down.store(is_down, Ordering::Relaxed);
        }

        fn logins(&self) -> (usize, usize) {
            (
                self.begun.load(Ordering::Relaxed),
                self.ended.load(Ordering::Relaxed),
            )
        }
    }

    async fn get(cell: &TokenCell, upstream: &TokenServer) -> Result<String, ErrorKind> {
        cell.get(upstream.clone().login())
            .await
            .map(|token| token.secret().unwrap().expose_secret().to_owned())
            .map_err(|error| error.kind)
    }

    /// The texts of tokens that must all be there.
    fn texts(tokens: Vec<Result<String, ErrorKind>>) -> Vec<String> {
        tokens.into_iter().map(Result::unwrap).collect()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_requests_share_one_login() {
        let (cell, upstream) = (TokenCell::default(), TokenServer::default());
        let tokens = join_all((0..100).map(|_| get(&cell, &upstream))).await;
        assert!(tokens.iter().all(|token| token.as_deref() == Ok("t1")));
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t1"));
        assert_eq!(upstream.logins(), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_gives_up_leaves_the_login_to_the_others() {
        let (cell, upstream) = (TokenCell::default(), TokenServer::default());
        let impatient = timeout(Duration::from_millis(500), get(&cell, &upstream));
        let (gave_up, token) = tokio::join!(impatient, get(&cell, &upstream));
        assert!(gave_up.is_err());
        assert_eq!(token.as_deref(), Ok("t1"));
        assert_eq!(upstream.logins(), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_that_all_gave_up_is_begun_anew() {
        let (cell, upstream) = (TokenCell::default(), TokenServer::default());
        let impatient = timeout(Duration::from_millis(500), get(&cell, &upstream));
        assert!(impatient.await.is_err());
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t2"));
        assert_eq!(upstream.logins(), (2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_login_fails_all_who_waited_and_nobody_after() {
        let (cell, upstream) = (TokenCell::default(), TokenServer::default());
        upstream.set_down(true);
        let tokens = join_all((0..10).map(|_| get(&cell, &upstream))).await;
        assert!(
            tokens
                .iter()
                .all(|token| *token == Err(ErrorKind::HttpStatus))
        );
        assert_eq!(upstream.logins(), (1, 1));
        upstream.set_down(false);
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t2"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_early_by_one_request_while_the_others_use_it() {
        let (cell, upstream) = (TokenCell::default(), TokenServer::default());
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t1"));
        advance(seconds(79)).await;
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t1"));
        assert_eq!(upstream.logins(), (1, 1));
        advance(seconds(12)).await;
        let tokens = join_all((0..3).map(|_| get(&cell, &upstream))).await;
        assert_eq!(texts(tokens), ["t2", "t1", "t1"]);
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t2"));
        assert_eq!(upstream.logins(), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_serves_to_its_end_while_renewals_fail() {
        let (cell, upstream) = (TokenCell::default(), TokenServer::default());
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t1"));
        upstream.set_down(true);
        advance(seconds(91)).await;
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t1"));
        assert_eq!(upstream.logins(), (2, 2));
        // Eight seconds are left, so the next try is not before four of them are over.
        advance(seconds(3)).await;
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t1"));
        assert_eq!(upstream.logins(), (2, 2));
        advance(seconds(2)).await;
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t1"));
        assert_eq!(upstream.logins(), (3, 3));
        advance(seconds(10)).await;
        assert_eq!(get(&cell, &upstream).await, Err(ErrorKind::HttpStatus));
        upstream.set_down(false);
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t5"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_has_ended_is_never_served() {
        let (cell, upstream) = (TokenCell::default(), TokenServer::default());
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t1"));
        advance(seconds(100)).await;
        let tokens = join_all((0..3).map(|_| get(&cell, &upstream))).await;
        assert_eq!(texts(tokens), ["t2", "t2", "t2"]);
        assert_eq!(upstream.logins(), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn ten_refused_requests_cause_one_renewal() {
        let (cell, upstream) = (TokenCell::default(), TokenServer::default());
        let refused = cell.get(upstream.clone().login()).await.unwrap();
        let tokens = join_all((0..10).map(|_| async {
            cell.invalidate(&refused);
            get(&cell, &upstream).await
        }))
        .await;
        assert!(tokens.iter().all(|token| token.as_deref() == Ok("t2")));
        cell.invalidate(&refused);
        assert_eq!(get(&cell, &upstream).await.as_deref(), Ok("t2"));
        assert_eq!(upstream.logins(), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_does_not_come_back_when_its_renewal_fails() {
        let (cell, upstream) = (TokenCell::default(), TokenServer::default());
        let refused = cell.get(upstream.clone().login()).await.unwrap();
        upstream.set_down(true);
        cell.invalidate(&refused);
        assert_eq!(get(&cell, &upstream).await, Err(ErrorKind::HttpStatus));
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_stays_in_the_trace_that_it_was_begun_in_whoever_carries_it_on() {
        let trace = |traceparent: &str| {
            let headers = [("traceparent", traceparent)].into_iter();
            let headers = headers.map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, value.parse().unwrap())
            });
            trace::of_request(&headers.collect(), None)
        };
        let first = trace("00-11111111111111111111111111111111-2222222222222222-01");
        let second = trace("00-33333333333333333333333333333333-4444444444444444-01");
        let cell = TokenCell::default();
        let server = TokenServer::default();
        let seen = Arc::new(Mutex::new(None));
        let saw = Arc::clone(&seen);
        let logs_in = server.clone();
        let login = async move {
            let token = logs_in.login().await;
            *saw.lock().unwrap() = Some(Context::current().span().span_context().clone());
            token
        };
        let began = cell.get(login).with_context(first.clone());
        let joins = cell.get(server.login()).with_context(second);
        let half = Duration::from_millis(500);
        let (began, joined) = tokio::join!(timeout(half, began), joins);
        assert!(began.is_err() && joined.is_ok());
        let expected = first.span().span_context().clone();
        assert_eq!(*seen.lock().unwrap(), Some(expected));
    }
}
