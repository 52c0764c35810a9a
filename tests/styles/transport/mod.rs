//! How upstreams are asked, over real sockets: what is late, too large, elsewhere or broken.

mod bodies;
mod breaker;
mod hedges;
mod logs;
mod origins;
mod redirects;
mod timeouts;
mod turns;
