//! The report of a walk as a text for people, 80 characters wide.
//!
//! The page that is shown in full takes a screen, every other one a line or two.

mod exchange;

mod page;
pub(super) use page::{brief, full, next};

mod related;
pub(super) use related::related;

mod totals;
pub(super) use totals::{completion, summary};

mod failure;
pub(super) use failure::failure;
