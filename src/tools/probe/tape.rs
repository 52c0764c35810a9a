//! The recorder: keeps all exchanges with one upstream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use secrecy::ExposeSecret as _;

use crate::observe::{Event, Observer};
use crate::upstream::extensions::{LoginToken, Purpose, SignedText};

use super::veil::Veil;

/// One try of one request.
#[derive(Debug, Clone)]
pub(super) struct Try {
    exchange: u64,
    pub(super) purpose: Option<Purpose>,
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// What was sent; values that carry credentials are marked sensitive.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What was signed, where the adapter says what that is.
    pub(super) signed: Option<String>,
    /// What came back, if anything did.
    pub(super) answer: Option<Heard>,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) taken: Duration,
}

/// Listens, and keeps what it hears.
#[derive(Debug)]
pub(super) struct Tape {
    veil: Arc<Veil>,
    tries: Mutex<Tries>,
    /// Whether what was looked at is kept all the same.
    keeps_all: bool,
}

#[derive(Debug, Default)]
struct Tries {
    all: Vec<Try>,
    /// Up to which of those that are kept somebody has looked.
    looked: Vec<bool>,
}

impl Tape {
    pub(super) fn new(veil: Arc<Veil>, keeps_all: bool) -> Self {
        Self {
            veil,
            tries: Mutex::default(),
            keeps_all,
        }
    }

    /// The tries that nobody has looked at and that these are the purposes of, in order.
    pub(super) fn take(&self, is_meant: impl Fn(&Purpose) -> bool) -> Vec<Try> {
        let mut tries = self.lock();
        let mut taken = Vec::new();
        for index in 0..tries.all.len() {
            let is_new = !tries.looked[index];
            if is_new && tries.all[index].purpose.as_ref().is_some_and(&is_meant) {
                taken.push(tries.all[index].clone());
                tries.looked[index] = true;
            }
        }
        if !self.keeps_all {
            // The walk's own bound holds for what is under way, not for what was.
            let done = tries.looked.iter().take_while(|looked| **looked).count();
            tries.all.drain(..done);
            tries.looked.drain(..done);
        }
        taken
    }

    /// Everything, in the order of time.
    pub(super) fn all(&self) -> Vec<Try> {
        self.lock().all.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Tries> {
        // The list is whole between any two statements that hold the lock.
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Tape {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::RequestSent { exchange, request } => self.sent(*exchange, request),
            Event::ResponseReceived {
                exchange,
                response,
                elapsed,
            } => self.received(*exchange, response, *elapsed),
            Event::RecordsCounted(_)
            | Event::PageRead(_)
            | Event::NextDecided { .. }
            | Event::Repeated { .. }
            | Event::PageFailed { .. }
            | Event::WalkRestarted(_)
            | Event::TotalChecked { .. } => {}
        }
    }
}

impl Tape {
    fn sent(&self, exchange: u64, request: &Request<Bytes>) {
        if let Some(LoginToken(token)) = request.extensions().get() {
            self.veil.hide(token.expose_secret(), "LOGIN_TOKEN");
        }
        for value in request.headers().get_all(AUTHORIZATION) {
            // An upstream that shows what it was asked shows the pair as it was sent.
            let pair = value
                .to_str()
                .ok()
                .and_then(|value| value.strip_prefix("Basic "));
            if let Some(pair) = pair {
                self.veil.hide(pair, "BASIC_CREDENTIALS");
            }
        }
        let mut tries = self.lock();
        tries.all.push(Try {
            exchange,
            purpose: request.extensions().get().cloned(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            body: request.body().clone(),
            signed: request
                .extensions()
                .get()
                .map(|SignedText(text)| text.clone()),
            answer: None,
        });
        tries.looked.push(false);
    }

    fn received(&self, exchange: u64, response: &Response<Bytes>, elapsed: Duration) {
        let mut tries = self.lock();
        let mut sent = tries.all.iter_mut().rev();
        if let Some(one) = sent.find(|one| one.exchange == exchange) {
            one.answer = Some(Heard {
                status: response.status(),
                headers: response.headers().clone(),
                body: response.body().clone(),
                taken: elapsed,
            });
        }
    }
}
