//! What stands at a network edge: TLS, proxies, scripts, and strangers who mean no good.

mod crowds;
mod floods;
mod half_open;
mod headers;
mod heads;
mod proxies;
pub(crate) mod secured;
mod tls;

use http::{Method, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

use crate::reload::folder::{block, groups_list};
use crate::support::adapters::{NO_VARIABLES, load};
use crate::support::client::ask;
use crate::support::gateway::{ANY_PORT, Gateway};
use crate::support::process::Process;
use crate::support::server::Server;
use crate::support::wait::PATIENCE;

/// The configuration of a gateway over one list, with these keys of `[server]`.
fn config(server: &str, upstream: &Server) -> String {
    format!("{ANY_PORT}{server}\n{}", block("list", upstream, ""))
}

/// As many requests as anybody likes.
const UNLIMITED: &str = "[rate_limit]\nper_client = '100000/s'\nburst = 100000\n";

async fn list() -> Server {
    Server::start(|_| groups_list(2)).await
}

/// A gateway over one list, with these keys of `[server]`.
async fn gateway(server: &str) -> (Gateway, Server) {
    let upstream = list().await;
    let gateway = Gateway::start(&load(&config(server, &upstream), NO_VARIABLES)).await;
    gateway.ready().await;
    (gateway, upstream)
}

/// The same as a process of its own, which limits no rate.
async fn process(server: &str) -> (Process, Server) {
    let upstream = list().await;
    let config = config(&format!("{server}\n{UNLIMITED}"), &upstream);
    (Process::start(&config).await, upstream)
}

/// Whether a caller is served who does no harm.
async fn serves_others(process: &Process) {
    let url = format!("http://{}/groups", process.data);
    let reply = timeout(PATIENCE, ask(Method::GET, &url, &[])).await;
    assert_eq!(reply.expect("others are served").status, StatusCode::OK);
}

/// All that comes until the other side ends the connection, however it does.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = async {
        // A reset ends it as well.
        while stream
            .read_buf(&mut rest)
            .await
            .is_ok_and(|count| count > 0)
        {}
    };
    timeout(PATIENCE, read)
        .await
        .expect("the connection is closed");
    rest
}

/// The same as text.
async fn answers(stream: &mut (impl AsyncRead + Unpin)) -> String {
    String::from_utf8_lossy(&rest(stream).await).into_owned()
}
