//! How an upstream is asked, and what its answers lead to, over real HTTP: bodies, continuations,
//! counts, retries that a body asks for, logins.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod depth;
mod logins;
mod requests;

use support::ids;

/// An adapter of these keys, over those that every test has.
fn config(keys: &str) -> String {
    format!(
        "[upstreams.staff]\n\
         base_url = \"\"\n\
         records = '/items'\n\
         fields = {{ id = 'id', name = 'id' }}\n\
         {keys}"
    )
}
