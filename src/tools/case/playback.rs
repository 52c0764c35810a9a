//! Answers the exchanges of a case, each once, and notes other requests.

use std::sync::Mutex;

use bytes::Bytes;
use http::{Request, Response};

use crate::error::UpstreamError;
use crate::tools::lock::lock;
use crate::upstream::transport::Replay;

use super::exchange::RecordedExchange;

/// The order in which exchanges must be requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeOrder {
    /// As they are written.
    AsWritten,
    /// Any: pages that were announced are fetched at once.
    Any,
}

/// The upstream of a case.
#[derive(Debug)]
pub struct Playback {
    origin: String,
    exchanges: Vec<RecordedExchange>,
    state: Mutex<PlaybackState>,
}

#[derive(Debug)]
struct PlaybackState {
    order: ExchangeOrder,
    used: Vec<bool>,
    differences: Vec<String>,
}

impl Playback {
    /// Answers these exchanges as an upstream at `origin`.
    pub fn new(exchanges: Vec<RecordedExchange>, origin: &str, order: ExchangeOrder) -> Self {
        Self {
            origin: origin.to_owned(),
            state: Mutex::new(PlaybackState {
                order,
                used: vec![false; exchanges.len()],
                differences: Vec::new(),
            }),
            exchanges,
        }
    }

    /// Expects another order from now on.
    pub fn set_order(&self, order: ExchangeOrder) {
        lock(&self.state).order = order;
    }

    /// The answer to a request, if it is one that the case expects now.
    ///
    /// # Errors
    ///
    /// It is not: the text says how it differs.
    pub fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, String> {
        let state = &mut *lock(&self.state);
        let unused = || (0..self.exchanges.len()).filter(|&index| !state.used[index]);
        let mismatches = |index: usize| {
            let expected = &self.exchanges[index].request;
            expected.differences(&self.origin, request)
        };
        let fits = |index: &usize| mismatches(*index).is_empty();
        let next = match state.order {
            ExchangeOrder::AsWritten => unused().next(),
            ExchangeOrder::Any => unused().find(fits).or_else(|| unused().next()),
        };
        let asked = format!("{} {}", request.method(), request.uri());
        let difference = match next {
            None => format!("unexpected request: {asked}"),
            Some(index) => {
                let wrong = mismatches(index);
                if wrong.is_empty() {
                    state.used[index] = true;
                    return self.exchanges[index].response.answer(&self.origin);
                }
                format!(
                    "exchange {} does not match {asked}:\n    {}",
                    index + 1,
                    wrong.join("\n    ")
                )
            }
        };
        state.differences.push(difference.clone());
        Err(difference)
    }

    /// Requests that were not expected, and exchanges that were not requested.
    pub fn differences(&self) -> Vec<String> {
        let state = lock(&self.state);
        let mut differences = state.differences.clone();
        for (index, exchange) in self.exchanges.iter().enumerate() {
            if !state.used[index] {
                let request = &exchange.request;
                let target = request.target.as_deref().unwrap_or("anything");
                differences.push(format!(
                    "exchange {} was not requested: {} {target}",
                    index + 1,
                    request.method,
                ));
            }
        }
        differences
    }
}

impl Replay for Playback {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        self.answer(request).map_err(UpstreamError::ours)
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}
