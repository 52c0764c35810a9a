//! The downstream layer: HTTP in, HTTP out.
//!
//! ```text
//! listener ▸ request_id ▸ trace ▸ problem ▸ catch panic ▸ deadline ▸ caller ▸ admission ▸ limits
//!   ▸ compression ▸ negotiate ▸ (groups | sources | openapi) ▸ render, caching
//! ```
//!
//! There are two listeners. The data listener serves groups to callers; the admin listener serves
//! health and status, and is apart so that it answers however busy the other one is.

mod listener;
mod request_id;
mod trace;

mod problem;

mod admission;
mod caller;
mod deadline;
mod limits;
mod refusal;

mod negotiate;
mod prefer;

mod groups;
mod sources;

mod openapi;

mod body;
mod caching;
mod envelope;
mod pages;
mod render;
mod timing;

mod admin;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod visibility;

pub use openapi::document;

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use secrecy::SecretString;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use crate::config::Settings;
use crate::gateway::Gateway;

use admin::Admin;
use admission::Admission;
use groups::{Groups, Lists};
use listener::{Answers, Listener};
use pages::Pages;
use problem::{Kind, Problem};
use sources::Holdings;

/// How long the admin listener's open requests may go on: they are short.
const ADMIN_DRAIN: Duration = Duration::from_secs(1);

/// Smaller answers are sent as they are: compressed, they would not be smaller on the wire.
const WORTH_COMPRESSING: u64 = 860;

/// Both listeners, serving.
#[derive(Debug)]
pub struct Server {
    data: Listener,
    admin: Listener,
    draining: Arc<AtomicBool>,
    shutdown_delay: Duration,
    drain: Duration,
}

/// Why the server could not start.
#[derive(Debug, Error)]
#[error("cannot listen on {address}, as `{key}` asks")]
pub struct StartError {
    key: &'static str,
    address: SocketAddr,
    source: io::Error,
}

impl Server {
    /// Binds both listeners and begins to serve `gateway`. The admin listener demands
    /// `admin_token` where there is one.
    pub async fn start(
        settings: &Settings,
        admin_token: Option<SecretString>,
        gateway: Gateway,
    ) -> Result<Self, StartError> {
        let server = &settings.server;
        // Both before either serves: a process that cannot have both starts with neither.
        let data = bind("server.listen", server.listen).await?;
        let admin = bind("server.admin", server.admin).await?;
        let draining = Arc::new(AtomicBool::new(false));
        let holdings = gateway.live().clone();
        let groups = Groups {
            sources: holdings.names().into(),
            keys: gateway.keys().clone(),
            pages: Pages::new(settings.cache.shares().pages),
            lists: gateway,
        };
        let data_routes = data_routes(groups, holdings.clone());
        let admin_routes = admin::routes(
            Admin {
                holdings,
                begun: Instant::now(),
                draining: Arc::clone(&draining),
                settings: Arc::new(settings.clone()),
            },
            admin_token,
        );
        Ok(Self {
            data: Listener::start(data, data_stack(settings, data_routes)),
            admin: Listener::start(admin, admin_stack(settings, admin_routes)),
            draining,
            shutdown_delay: server.shutdown_delay.get(),
            drain: server.drain.get(),
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
        self.draining.store(true, Ordering::Relaxed);
        // Whoever balances load learns of it by asking: until then, a closed port refuses callers.
        tokio::time::sleep(self.shutdown_delay).await;
        self.data.stop(self.drain).await;
        self.admin.stop(ADMIN_DRAIN).await;
    }
}

/// A socket at `address`, and where it listens indeed: port 0 takes any free port.
async fn bind(
    key: &'static str,
    address: SocketAddr,
) -> Result<(SocketAddr, TcpListener), StartError> {
    let bound = async {
        let socket = TcpListener::bind(address).await?;
        Ok((socket.local_addr()?, socket))
    };
    bound.await.map_err(|source| StartError {
        key,
        address,
        source,
    })
}

fn data_routes(groups: Groups<impl Lists>, holdings: impl Holdings) -> Router {
    let routes = groups::routes(groups)
        .merge(sources::routes(holdings))
        .merge(openapi::routes());
    refusal::elsewhere(
        routes,
        "`/groups`, `/groups/{id}`, `/sources`, `/openapi.json` and `/docs`, which explains them",
    )
}

/// What every request to the data listener passes, from the outside in.
fn data_stack(settings: &Settings, routes: Router) -> impl Answers + use<> {
    let deadline = settings.server.deadline.get();
    let admission = Admission::new(&settings.rate_limit);
    ServiceBuilder::new()
        // Outermost: whatever is logged or answered from here on carries the id.
        .layer(from_fn(request_id::assign))
        // Next, so that the log line has the time and status of all that happens below.
        .layer(from_fn(trace::trace))
        // Above all that can refuse, and below the id that it writes into the body.
        .layer(from_fn(problem::render))
        // A panic further down costs one request, not the connection.
        .layer(CatchPanicLayer::custom(panicked))
        // The clock starts before admission: time spent there is the caller's time too.
        .layer(from_fn_with_state(deadline, deadline::set))
        // Who asks, for admission to count and the gateway to ask for.
        .layer(from_fn(caller::identify))
        // As soon as the caller is known, and before anything expensive.
        .layer(from_fn_with_state(admission, admission::admit))
        // Below admission, so that too large a request counts like any other.
        .layer(from_fn(limits::check))
        // Innermost: problems, written above, are too small to gain anything.
        .layer(compression())
        .service(routes)
}

/// What every request to the admin listener passes: as above, without what is for callers.
fn admin_stack(settings: &Settings, routes: Router) -> impl Answers + use<> {
    let deadline = settings.server.deadline.get();
    ServiceBuilder::new()
        .layer(from_fn(request_id::assign))
        .layer(from_fn(trace::trace))
        .layer(from_fn(problem::render))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(limits::check))
        .layer(from_fn_with_state(deadline, deadline::set))
        .service(routes)
}

fn compression() -> CompressionLayer<SizeAbove> {
    CompressionLayer::new().compress_when(SizeAbove::new(WORTH_COMPRESSING))
}

/// What a request is answered whose handler panicked.
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(message, "a handler panicked");
    Problem::new(Kind::Internal, "the request could not be answered").into_response()
}
