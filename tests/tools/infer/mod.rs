//! What `groupgate infer` proposes for samples of many kinds of APIs.
//!
//! A sample is a file `NAME.N.http` in `samples`: where there is one, the line of the request, then
//! headers of the answer, an empty line and the body. Files of one name are pages of one list.

mod command;
mod emulations;
mod gives_groups;
mod odd_servers;
mod people;
mod related;
mod round_trip;
mod samples;
mod snapshots;
mod unsure;
mod vendors;
