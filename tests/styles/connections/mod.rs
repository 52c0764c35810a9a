//! How an upstream is reached, over real sockets on loopback: certificates, proxies, HTTP versions,
//! and what old servers do on the wire.

mod authority;
mod proxy;
mod upstream;

mod identity;
mod proxies;
mod renewal;
mod settings;
mod trust;
mod versions;
mod wire;

use std::sync::Arc;

use groupgate::upstream::Adapter;

use crate::support::{adapter_of, ids};

/// An adapter of the upstream at `base_url`, with these keys in its table `connection`.
fn adapter(base_url: &str, connection: &str) -> Arc<Adapter> {
    adapter_with(base_url, "", connection)
}

/// The same, with more of its block.
fn adapter_with(base_url: &str, block: &str, connection: &str) -> Arc<Adapter> {
    adapter_of(&config(block, connection), base_url, &VARIABLES)
}

/// The variables that secrets are read from.
const VARIABLES: [(&str, &str); 2] = [
    ("PROXY_PASSWORD", "open sesame"),
    ("CLIENT_SECRET", "a client's secret"),
];

/// A configuration whose `base_url` is still to be set.
fn config(block: &str, connection: &str) -> String {
    format!(
        "[upstreams.staff]\n\
         base_url = \"\"\n\
         request = {{ path = '/list' }}\n\
         records = '/items'\n\
         fields = {{ id = 'id', name = 'id' }}\n\
         limits = {{ retries = 0 }}\n\
         {block}\n\
         [upstreams.staff.connection]\n\
         {connection}\n"
    )
}
