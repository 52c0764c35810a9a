//! The upstream of tests that are about one key: `/list` holds `items`, each of which has an id.

use std::sync::Arc;

use groupgate::upstream::Adapter;

use crate::support::adapters::adapter_of;

/// The variables that secrets are read from.
pub(crate) const VARIABLES: [(&str, &str); 5] = [
    ("SECRET", "s3cr3t"),
    ("TOKEN", "s3cret"),
    ("PASSWORD", "pass word"),
    ("PROXY_PASSWORD", "open sesame"),
    ("CLIENT_SECRET", "a client's secret"),
];

/// Its adapter, with these keys in its block.
pub(crate) fn adapter(base_url: &str, keys: &str) -> Arc<Adapter> {
    adapter_of(&config(keys), base_url, &VARIABLES)
}

/// The same without retries, unless the keys say how many.
pub(crate) fn impatient(base_url: &str, keys: &str) -> Arc<Adapter> {
    if keys.contains("limits.retries") {
        return adapter(base_url, keys);
    }
    adapter(base_url, &format!("limits.retries = 0\n{keys}"))
}

/// Its configuration, whose `base_url` is still to be set. Without a request among the keys, it is
/// asked for `/list`.
pub(crate) fn config(keys: &str) -> String {
    let mut own = keys.lines().take_while(|line| !line.starts_with('['));
    let request = if own.any(|line| line.trim_start().starts_with("request")) {
        ""
    } else {
        "request = { path = '/list' }\n"
    };
    format!(
        "[upstreams.staff]\n\
         base_url = \"\"\n\
         records = '/items'\n\
         fields = {{ id = 'id', name = 'id' }}\n\
         {request}{keys}"
    )
}
