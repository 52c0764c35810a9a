//! How an upstream is reached, over real sockets on loopback: certificates, proxies, HTTP versions,
//! and what old servers do on the wire.

mod proxy;
mod upstream;

mod identity;
mod kept;
mod proxies;
mod renewal;
mod settings;
mod trust;
mod versions;
mod wire;
