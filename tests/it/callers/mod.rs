//! Callers who are told apart, as each of them sees the gateway.

mod certificates;
mod hidden;
mod keys;
mod limits;
mod on_behalf;
mod tokens;

use groupgate::authentication::hash_of_key;
use groupgate::config::Loaded;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::adapters::{NO_VARIABLES, load};
use crate::support::client::{Reply, each, groups_of};
use crate::support::gateway::{ANY_PORT, Gateway};
use crate::support::server::{Server, json as answer};

/// The names of the groups that an answer shows.
fn names(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let page = reply.json();
    let names = each(groups_of(&page), "name").into_iter();
    names.map(str::to_owned).collect()
}

/// The SHA-256 of a key, as the file has it.
fn sha256(key: &str) -> String {
    let hash = hash_of_key(key.as_bytes());
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where every path `/NAME` is a list of three groups that say so in their names.
async fn upstream() -> Server {
    Server::start(|request| {
        let name = &request.uri().path()[1..];
        let group = |id: u8| {
            let (name, member) = (format!("{name} {id}"), format!("{name}-member-{id}"));
            json!({ "id": id, "name": name, "members": [member] })
        };
        answer(&json!([group(1), group(2), group(3)]))
    })
    .await
}

/// The sources `alpha`, `beta` and `gamma` of one upstream, and what is said of callers.
fn configuration(upstream: &Server, callers: &str) -> Loaded {
    configuration_with("", upstream, callers)
}

/// The same with these keys of `[server]`.
fn configuration_with(server: &str, upstream: &Server, callers: &str) -> Loaded {
    let base_url = upstream.base_url();
    let block = |name: &str| {
        format!(
            "[upstreams.{name}]
            base_url = '{base_url}'
            request = {{ path = '/{name}' }}
            records = '/'
            fields = {{ id = 'id', name = 'name', members = {{ each = 'members', id = '.' }} }}
            "
        )
    };
    let blocks: String = ["alpha", "beta", "gamma"].map(block).concat();
    let settings = "cache.ttl = '1h'\nrate_limit = { per_client = '100000/s', burst = 100000 }\n";
    load(
        &format!("{settings}{ANY_PORT}{server}{blocks}{callers}"),
        NO_VARIABLES,
    )
}

/// What is said of callers with these keys and grants.
fn keys(callers: &[(&str, &str, &[&str])]) -> String {
    let key = |(name, key, grants): &(&str, &str, &[&str])| {
        let hash = sha256(key);
        format!("[callers.keys.{name}]\nsha256 = '{hash}'\ngrants = {grants:?}\n")
    };
    callers.iter().map(key).collect()
}

/// A gateway in front of these sources, once each of them was walked.
async fn started(loaded: &Loaded) -> Gateway {
    let gateway = Gateway::start(loaded).await;
    gateway.ready().await;
    gateway
}

/// What a caller with this key is answered.
async fn asked_with(gateway: &Gateway, key: &str, path: &str) -> Reply {
    let bearer = format!("Bearer {key}");
    gateway.get_with(path, &[("authorization", &bearer)]).await
}
