//! How an upstream is asked, and what its answers lead to, over real HTTP: bodies, continuations,
//! counts, retries that a body asks for, logins.

mod answers;
mod depth;
mod logins;
mod requests;
