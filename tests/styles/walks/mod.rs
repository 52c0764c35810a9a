//! Whole walks over real HTTP: the shipped configuration against the emulated upstreams, and
//! styles that no shipped upstream has against small ones.

mod bounds;
mod doubts;
mod drift;
mod drift_of_cursors;
mod evidence;
mod faults;
mod lists;
mod next_on_every_page;
mod pace;
mod styles;
mod tokens;
mod whole;
