//! What the settings come to: decided, checked, with nothing left to look up.

pub mod digest;
