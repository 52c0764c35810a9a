//! The answer cache: pages of `/groups` as they go over the wire, headers and compression included.
//!
//! An entry answers `GET`, `HEAD` and conditional requests for exactly one question: who may see
//! what, the query as it was written, the format and the coding. It holds until the catalog's epoch
//! moves or a source in it passes into another state; its two fields that count seconds are written
//! again when they count otherwise. What is asked often stays, by moka's W-TinyLFU: one-off queries
//! do not push it out.
//!
//! moka takes 0.2 µs for a hit, of some 10 µs for the whole request, most of them in the kernel. So a connection
//! that asks the same again is given the same again for a moment, if it is still there and still holds.

mod answer;
mod cache;
mod held;
mod key;
mod wishes;

#[cfg(test)]
mod tests;

pub(crate) use answer::{Answer, Made, is_steady, lasts};
pub(crate) use cache::AnswerCache;
pub(crate) use held::HeldAnswer;
pub(crate) use key::{AnswerKey, AskedAnswer, AskedAnswerRef};
pub(crate) use wishes::HeldWishes;
