//! How an upstream is asked, and what its answers lead to, over real HTTP: bodies, continuations,
//! counts, retries that a body asks for, logins.

mod answers;
mod depth;
mod logins;
mod requests;

use crate::support::ids;

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
