//! How upstreams are asked, over real sockets: what is late, too large, elsewhere or broken.

mod bodies;
mod breaker;
mod hedges;
mod logs;
mod origins;
mod redirects;
mod timeouts;
mod turns;

use std::sync::Arc;

use groupgate::upstream::Adapter;

use crate::support::{adapter_of, ids};

/// An adapter of these keys, over those that every test has; without retries unless it says so.
fn staff(base_url: &str, keys: &str) -> Arc<Adapter> {
    let request = if keys.contains("request =") {
        ""
    } else {
        "request = { path = '/list' }"
    };
    let retries = if keys.contains("limits.retries") {
        ""
    } else {
        "limits.retries = 0"
    };
    let toml = format!(
        "[upstreams.staff]\n\
         base_url = \"\"\n\
         records = '/items'\n\
         fields = {{ id = 'id', name = 'id' }}\n\
         {request}\n\
         {retries}\n\
         {keys}"
    );
    adapter_of(&toml, base_url, &[("SECRET", "s3cr3t")])
}
