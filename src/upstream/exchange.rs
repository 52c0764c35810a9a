//! One exchange with an upstream, judged: a page that says that it succeeded, or an error.
//!
//! The login token is obtained up here, by an exchange of its own that passes permits and quota
//! like any other; only the signature is computed at the bottom of the transport, per try.
//! Otherwise, at a concurrency of one, a login would wait for the permit that its own request
//! holds.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use tokio::time::Instant;

use crate::clock::WallClock;
use crate::config::upstream::{Format, Success, Upstream};
use crate::config::{KeyPath, Problems, SecretReader};

use super::adapter::off_thread_if_large;
use super::auth::Auth;
use super::error::{ErrorKind, UpstreamError};
use super::format::Page;
use super::login::Login;
use super::success;
use super::transport::{Deadline, LoginToken, Transport};

/// Makes exchanges with one upstream and judges the answers.
#[derive(Debug)]
pub struct Exchange {
    transport: Transport,
    login: Option<Login>,
    judge: Judge,
}

/// An answer that succeeded.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its header section.
    pub headers: HeaderMap,
    /// Its decoded body.
    pub page: Page,
    /// How large the body was.
    pub bytes: u64,
}

/// How answers are judged.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    pub(super) format: Format,
    pub(super) success: Option<Success>,
    pub(super) wall: WallClock,
}

impl Judge {
    /// Decodes an answer and says whether it succeeded.
    fn judge(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
    ) -> Result<Answer, UpstreamError> {
        let rule = self.success.as_ref();
        let page = Page::decode(self.format, body);
        // An error may be written in another format than a success: its status is enough then.
        let message = match (rule, &page) {
            (Some(rule), Ok(page)) if !status.is_success() => success::message(rule, page),
            _ => None,
        };
        success::check_status(status, &headers, message, self.wall.now())?;
        let page = page?;
        if let Some(rule) = rule {
            success::check_body(rule, &page)
                .map_err(|error| error.with_retry_after(self.retry_after(&headers)))?;
        }
        Ok(Answer {
            status,
            headers,
            page,
            bytes: body.len() as u64,
        })
    }

    fn retry_after(&self, headers: &HeaderMap) -> Option<std::time::Duration> {
        super::quota::retry_after(headers, self.wall.now())
    }
}

/// Sends a request and judges the answer.
pub(super) async fn judged(
    transport: &Transport,
    judge: &Judge,
    request: Request<Bytes>,
) -> Result<Answer, UpstreamError> {
    let (parts, body) = transport.exchange(request).await?.into_parts();
    let judge = judge.clone();
    off_thread_if_large(body.len() as u64, move || {
        judge.judge(parts.status, parts.headers, &body)
    })
    .await
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
            judge: Judge {
                format: upstream.format,
                success: upstream.success.clone(),
                wall: wall.clone(),
            },
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
        let Some(login) = &self.login else {
            return judged(&self.transport, &self.judge, request).await;
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
        judged(&self.transport, &self.judge, request).await
    }
}
