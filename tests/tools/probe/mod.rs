//! What `groupgate probe` shows of a walk, and what it writes down: against emulations, and against
//! upstreams of the tests' own making.

mod command;
mod mistakes;
mod recordings;
mod related;
mod samples;
mod shown;
