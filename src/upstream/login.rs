//! The login call: an exchange of its own that brings the token of the others.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use tokio::time::Instant;

use crate::clock::WallClock;
use crate::config::SecretReader;
use crate::config::resolve::block::Block;
use crate::config::resolve::request::resolve_unpaged;
use crate::config::upstream::{Auth as WrittenAuth, TokenExchangeAuth, Upstream};
use crate::plan::{self, Absence, Expiry, Format, Location, Success};
use crate::problem::{KeyPath, Problems};

use super::auth::oauth2::{ClientCredentials, token_from_reply};
use super::auth::{Token, TokenCell};
use super::classify::{BodyFormat, ClassifiedResponse, Classifier, ClassifyRules, paths};
use super::extensions::{Deadline, Purpose, Repeatable};
use super::requests::render_error;
use super::template::Variables;
use super::transport::Transport;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::Observers;
use crate::page::format::{Bounds, Page};

/// Logs in, and keeps the token until it ends or is refused.
#[derive(Debug)]
pub(super) struct Login {
    call: Arc<LoginCall>,
    cell: TokenCell,
}

/// The exchange that logs in. Shared with those under way, which outlive whoever asked first.
#[derive(Debug)]
struct LoginCall {
    transport: Transport,
    style: LoginStyle,
    classifier: Classifier,
}

/// What a login sends, and where its answer holds the token.
#[derive(Debug)]
enum LoginStyle {
    Declared {
        request: plan::Request,
        token: Location,
        expires: Option<Expiry>,
    },
    ClientCredentials(ClientCredentials),
}

impl Login {
    /// Compiles the login of `upstream`, if its auth has one.
    pub(super) fn compile(
        upstream: &Upstream,
        transport: &Transport,
        wall: &WallClock,
        at: &KeyPath,
        secrets: &SecretReader<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let (style, rules) = match &upstream.auth {
            WrittenAuth::TokenExchange(auth) => {
                let format = login_format(auth);
                let request = resolve_unpaged(
                    &upstream.base_url,
                    &auth.request,
                    accept(format),
                    &mut Block::new(at.join("request"), secrets, problems),
                )?;
                let style = LoginStyle::Declared {
                    request,
                    token: auth.token.clone(),
                    expires: auth.expires.clone(),
                };
                let rules = ClassifyRules {
                    format,
                    bounds: Bounds::new(upstream.limits.depth, upstream.limits.page_bytes),
                    prefix: upstream.strip_prefix.clone(),
                    rules: auth.answers.clone(),
                    success: login_success(upstream, auth),
                    message: paths(upstream.message.as_ref()),
                    wall: wall.clone(),
                };
                (style, rules)
            }
            WrittenAuth::Oauth2ClientCredentials(auth) => {
                let client = ClientCredentials::compile(auth, at, secrets, problems)?;
                let rules = ClassifyRules {
                    format: BodyFormat::Decoded(Format::Json),
                    bounds: Bounds::new(upstream.limits.depth, upstream.limits.page_bytes),
                    prefix: None,
                    rules: Vec::new(),
                    success: None,
                    message: ClientCredentials::message(),
                    wall: wall.clone(),
                };
                (LoginStyle::ClientCredentials(client), rules)
            }
            WrittenAuth::None
            | WrittenAuth::Bearer(_)
            | WrittenAuth::Basic(_)
            | WrittenAuth::ApiKey(_)
            | WrittenAuth::AwsSigv4(_)
            | WrittenAuth::Hmac(_) => return None,
        };
        let call = LoginCall {
            transport: transport.clone(),
            style,
            classifier: Classifier::new(rules),
        };
        Some(Self {
            call: Arc::new(call),
            cell: TokenCell::default(),
        })
    }

    /// The current token, after a login if there is none. However many ask, one login runs.
    pub(super) async fn token(
        &self,
        deadline: Instant,
        observers: &Observers,
    ) -> Result<Arc<Token>, UpstreamError> {
        let call = Arc::clone(&self.call);
        let observers = observers.clone();
        let login = async move { call.log_in(deadline, observers).await };
        self.cell.get(login).await
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
    ) -> Result<Token, UpstreamError> {
        let mut request = self.request()?;
        request.extensions_mut().insert(Deadline(deadline));
        // A login makes a token and changes nothing else, so it may be sent twice.
        request.extensions_mut().insert(Repeatable);
        request.extensions_mut().insert(Purpose::Login);
        if !observers.is_empty() {
            request.extensions_mut().insert(observers);
        }
        let answer = self
            .transport
            .exchange(request, &self.classifier)
            .await
            .map_err(refused)?;
        self.read(&answer)
    }

    fn request(&self) -> Result<Request<Bytes>, UpstreamError> {
        match &self.style {
            LoginStyle::Declared { request, .. } => {
                request.render(&Variables::NONE).map_err(render_error)
            }
            LoginStyle::ClientCredentials(client) => Ok(client.token_request()),
        }
    }

    fn read(&self, answer: &ClassifiedResponse) -> Result<Token, UpstreamError> {
        let now = self.classifier.now();
        match &self.style {
            LoginStyle::Declared { token, expires, .. } => {
                let text = token_at(token, &answer.page, &answer.headers).ok_or_else(|| {
                    UpstreamError::new(ErrorKind::Mapping, "the login's answer holds no token")
                })?;
                Token::from_answer(&text, expires.as_ref(), Some(&answer.page), now)
            }
            LoginStyle::ClientCredentials(_) => token_from_reply(&answer.page, now),
        }
    }
}

/// How a login's answer is read. Where only headers matter, its body may be anything, or empty.
fn login_format(auth: &TokenExchangeAuth) -> BodyFormat {
    let reads_body = matches!(auth.token, Location::Body(_))
        || matches!(auth.expires, Some(Expiry::At(_)))
        || auth.success.is_some();
    match auth.answer {
        Some(format) => format.into(),
        None if reads_body => BodyFormat::Decoded(Format::Json),
        None => BodyFormat::Text,
    }
}

/// What a login asks to be answered in, unless it says so itself.
const fn accept(format: BodyFormat) -> &'static str {
    match format {
        BodyFormat::Decoded(format) => format.media_type(),
        BodyFormat::Text => "*/*",
    }
}

/// The rule for a login's answer. Upstreams that report errors under 200 do so for logins too, but
/// their logins need not say that they succeeded: the token is there or it is not.
fn login_success(upstream: &Upstream, auth: &TokenExchangeAuth) -> Option<Success> {
    auth.success.clone().or_else(|| {
        upstream.success.clone().map(|success| Success {
            absent: Absence::Ok,
            ..success
        })
    })
}

/// A login that the upstream understood and refused means that our credentials are wrong. Besides
/// 401 and 403, which always say so, these are the words of RFC 6749, section 5.2, and of servers
/// that check a form. Any other status blames no credentials: 404 may be a deployment.
fn refused(mut error: UpstreamError) -> UpstreamError {
    let is_refusal = matches!(
        error.status,
        Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
    );
    if error.kind == ErrorKind::HttpStatus && !error.is_transient() && is_refusal {
        error.kind = ErrorKind::Unauthorized;
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
