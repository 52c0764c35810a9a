//! An upstream that answers a case's exchanges.

use std::sync::Arc;

use bytes::Bytes;
use groupgate::tools::case::{ExchangeOrder, Playback, RecordedExchange};
use http::{Response, StatusCode};

use crate::support::server::Server;

/// A running upstream.
pub(crate) struct Upstream {
    server: Server,
    pub(crate) playback: Arc<Playback>,
}

impl Upstream {
    pub(crate) async fn start(exchanges: Vec<RecordedExchange>) -> Self {
        let port = Server::bind().await;
        let playback = Playback::new(exchanges, port.base_url(), ExchangeOrder::AsWritten);
        let playback = Arc::new(playback);
        let played = Arc::clone(&playback);
        let server = port.serve(move |request| {
            played.answer(request).unwrap_or_else(|_| {
                let mut answer = Response::new(Bytes::from("no such exchange"));
                *answer.status_mut() = StatusCode::GONE;
                answer
            })
        });
        Self { server, playback }
    }

    pub(crate) fn origin(&self) -> &str {
        self.server.base_url()
    }
}
