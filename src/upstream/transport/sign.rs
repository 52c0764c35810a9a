//! Signs each attempt with the upstream's credentials, right before it is sent.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, Request};
use tower::BoxError;
use tower::filter::Predicate;

use crate::clock::WallClock;
use crate::plan::Auth;
use crate::upstream::auth::LoginToken;
use crate::upstream::extensions::{Sent, carried};

/// Signs requests; one that cannot be signed is not sent.
#[derive(Debug, Clone)]
pub(super) struct Sign {
    auth: Arc<Auth>,
    wall: WallClock,
}

impl Sign {
    pub(super) const fn new(auth: Arc<Auth>, wall: WallClock) -> Self {
        Self { auth, wall }
    }
}

impl Predicate<Request<Bytes>> for Sign {
    type Request = Request<Bytes>;

    fn check(&mut self, mut request: Request<Bytes>) -> Result<Request<Bytes>, BoxError> {
        let token = carried::<LoginToken, _>(&request).cloned();
        let token = token.as_ref().map(|LoginToken(token)| &**token);
        // Only the login itself is sent without the token that it returns.
        if token.is_some() || !self.auth.needs_token() {
            self.auth.sign(&mut request, token, self.wall.now())?;
        }
        set_empty_length(&mut request);
        if let Some(Sent(sent)) = carried(&request) {
            sent.notify_one();
        }
        Ok(request)
    }
}

/// States the length of an empty POST (RFC 9110, section 8.6): hyper omits it, and some servers
/// then answer 411. It is not signed, for a proxy may write it.
fn set_empty_length(request: &mut Request<Bytes>) {
    if request.method() == Method::POST && request.body().is_empty() {
        let headers = request.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}
