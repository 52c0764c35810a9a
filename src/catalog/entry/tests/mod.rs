//! What an entry serves and when it walks, over walks that a test scripts.

mod background;
mod epochs;
mod failing;
mod observed;
mod restarting;
mod reused;
mod scripted;
mod serving;
mod shrinking;
mod superseded;
mod terms;
mod turns;
