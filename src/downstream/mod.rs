//! The downstream layer: HTTP in, HTTP out.
//!
//! ```text
//! listener ▸ layers (… admission ▸ limits ▸ answer cache …) ▸ route ▸ (groups | sources | openapi)
//!   ▸ render ▸ compress
//! ```
//!
//! There are two listeners, each served by hyper through tower layers. The data listener serves
//! groups to callers; the admin listener serves health and status, and has a thread of its own so
//! that it answers however busy the other one is.

mod connections;
pub mod entrance;
mod listener;

mod audit;
mod audited_answer;
mod caller;
mod caller_gate;
mod deadline;
mod exchange;
mod host;
mod layers;
mod rate_limiter;
mod request_id;
mod request_places;
mod sent_fields;

mod problem;
mod response;

mod services;

mod varies_by;

mod generation;
pub use generation::{Generation, Live};

mod fallback;
mod route;
mod templates;

mod coding;
mod negotiate;
mod prefer;

mod answers;
mod bodies;
mod groups;
mod stream;

mod source_list;
mod sources;

mod openapi;

mod caching;
mod compress;
mod envelope;
mod render;
mod server_timing;

mod admin;
mod process_state;
pub use process_state::show_state;
mod status;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use openapi::document;
pub use response::{Body, BrokenOff, Content};

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Request;
use thiserror::Error;

use caller::Client;
use connections::ConnectionTable;
use entrance::Entrance;
use layers::Stack;
use listener::{Bound, Edge, Listener};

/// How long the admin listener's open requests may go on: they are short.
const ADMIN_DRAIN: Duration = Duration::from_secs(1);

/// Both listeners, serving.
#[derive(Debug)]
pub struct Listeners {
    data: Listener,
    admin: Listener,
    live: Live,
}

/// Why the server could not start.
#[derive(Debug, Error)]
#[error("cannot listen on {address}, as `{key}` asks")]
pub struct ListenError {
    key: &'static str,
    address: SocketAddr,
    source: io::Error,
}

impl Listeners {
    /// Binds both listeners, as the plan in force says, and begins to serve.
    pub async fn start(live: Live) -> Result<Self, ListenError> {
        let generation = live.load();
        let server = &generation.plan().server;
        // Both before either serves: a process that cannot have both starts with neither.
        let data = bind("server.listen", server.listen).await?;
        let admin = bind("server.admin", server.admin).await?;
        let connections = Arc::clone(&generation.process.connections);
        let entrance = Arc::clone(&generation.process.entrance);
        let met = Entrance::of(server).map_err(io::Error::other);
        entrance.store(Arc::new(met.map_err(failed("server.tls", server.listen))?));
        let operators = Arc::new(ConnectionTable::new(server.connections));
        let admin_edge = Edge::new(Arc::clone(live.present()), layers::admin(admin::route));
        Ok(Self {
            data: Listener::start(data, data_edge(&live), entrance, connections)
                .map_err(failed("server.listen", server.listen))?,
            admin: Listener::start_apart("admin", admin, admin_edge, operators)
                .map_err(failed("server.admin", server.admin))?,
            live,
        })
    }

    /// Where groups are served.
    pub const fn data_addr(&self) -> SocketAddr {
        self.data.address()
    }

    /// Where health and status are served.
    pub const fn admin_addr(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Stops: says so on `/readyz`, takes callers for `server.shutdown_delay` longer, and then lets open
    /// requests end for as long as `server.drain` says. The admin listener goes last, so that it
    /// can be seen draining.
    pub async fn shutdown(self) {
        let generation = self.live.load();
        let server = &generation.plan().server;
        generation.process.draining.store(true, Ordering::Relaxed);
        // Whoever balances load learns of it by asking: until then, a closed port refuses callers.
        tokio::time::sleep(server.shutdown_delay).await;
        self.data.stop(server.drain).await;
        self.admin.stop(ADMIN_DRAIN).await;
    }
}

/// What answers the data listener's requests, as a tower service without a socket. All of them come
/// from `peer`.
pub fn service(
    live: &Live,
    peer: SocketAddr,
) -> impl tower::Service<
    Request<()>,
    Response = http::Response<Body>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ use<> {
    let edge = data_edge(live);
    let client = Arc::new(Client::at(peer.ip()));
    tower::service_fn(move |request: Request<()>| {
        let (head, ()) = request.into_parts();
        edge.answer(head, Arc::clone(&client))
    })
}

fn data_edge(live: &Live) -> Edge<Generation, impl Stack<Generation> + use<>> {
    Edge::new(Arc::clone(live.present()), layers::data(route::route))
}

async fn bind(key: &'static str, address: SocketAddr) -> Result<Bound, ListenError> {
    Bound::to(address).await.map_err(failed(key, address))
}

fn failed(key: &'static str, address: SocketAddr) -> impl FnOnce(io::Error) -> ListenError {
    move |source| ListenError {
        key,
        address,
        source,
    }
}
