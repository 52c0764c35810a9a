//! One exchange with an upstream: a page, the end of the list, or an error.
//!
//! The login token is obtained up here, by an exchange of its own that passes permits and quota
//! like any other; only the signature is computed at the bottom of the transport, per try.
//! Otherwise, at a concurrency of one, a login would wait for the permit that its own request
//! holds.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use tokio::time::Instant;

use crate::clock::WallClock;
use crate::config::upstream::Upstream;
use crate::config::{KeyPath, Problems, SecretReader};

use super::auth::Auth;
use super::classify::{Answer, Judge, Law, Reading, paths};
use super::extensions::{Deadline, Hedgeable, LoginToken};
use super::login::Login;
use super::transport::{Circuit, Transport};
use super::wire::Tap;
use crate::error::{ErrorKind, UpstreamError};
use crate::page::format::Bounds;

/// Makes exchanges with one upstream.
#[derive(Debug)]
pub struct Exchange {
    transport: Transport,
    login: Option<Login>,
    judge: Judge,
}

impl Exchange {
    /// Compiles how `upstream` is asked, over `transport`.
    pub fn compile(
        upstream: &Upstream,
        auth: &Auth,
        transport: Transport,
        wall: &WallClock,
        at: &KeyPath,
        secrets: &SecretReader<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let login = if auth.needs_token() {
            let at = at.join("auth");
            Some(Login::compile(
                upstream, &transport, wall, &at, secrets, problems,
            )?)
        } else {
            None
        };
        Some(Self {
            transport,
            login,
            judge: Judge::new(Law {
                reading: Reading::As(upstream.format),
                bounds: Bounds::of(&upstream.limits),
                prefix: upstream.strip_prefix.clone(),
                rules: upstream.answers.clone(),
                success: upstream.success.clone(),
                message: paths(upstream.message.as_ref()),
                wall: wall.clone(),
            }),
        })
    }

    /// Sends a request, with a login token where one is needed. A token that is refused is renewed
    /// once.
    pub async fn send(
        &self,
        mut request: Request<Bytes>,
        deadline: Instant,
    ) -> Result<Answer, UpstreamError> {
        request.extensions_mut().insert(Deadline(deadline));
        request.extensions_mut().insert(Hedgeable);
        let login = self.login.as_ref();
        let Some(login) = login.filter(|_| !self.transport.tap().has_only_pages()) else {
            return self.transport.exchange(request, &self.judge).await;
        };
        let token = login.token(deadline).await?;
        let answer = self.send_with(request.clone(), token.secret()).await;
        match answer {
            Err(error) if error.kind == ErrorKind::Unauthorized => {
                tracing::info!(
                    error.detail = error.detail,
                    "login token refused, logging in again"
                );
                login.refused(&token);
                let token = login.token(deadline).await?;
                self.send_with(request, token.secret()).await
            }
            answer => answer,
        }
    }

    /// How the breaker of all exchanges stands, if there is one.
    pub fn circuit(&self) -> Option<Circuit> {
        self.transport.circuit()
    }

    /// Where someone may listen to what is sent and what comes.
    pub(super) const fn tap(&self) -> &Tap {
        self.transport.tap()
    }

    /// Judges a recorded answer.
    pub fn judge(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
    ) -> Result<Answer, UpstreamError> {
        self.judge.judge(status, headers, body)
    }

    async fn send_with(
        &self,
        mut request: Request<Bytes>,
        token: &secrecy::SecretString,
    ) -> Result<Answer, UpstreamError> {
        request.extensions_mut().insert(LoginToken(token.clone()));
        self.transport.exchange(request, &self.judge).await
    }
}
