//! How the data listener meets strangers, in words.

use std::fmt::Write as _;

use crate::clock::WallClock;
use crate::plan::Server;
use crate::tls;

/// What a plan says of TLS, proxies and scripts: a line each, where it says anything.
pub(super) fn explain_edge(server: &Server) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    if let Some(tls) = &server.tls {
        let _ = writeln!(
            text,
            "speaks TLS 1.2 and 1.3 with the certificate of {}",
            tls.certificate
        );
        if let Some(client_ca) = &tls.client_ca {
            let _ = writeln!(
                text,
                "callers may show certificates that {client_ca} vouches for"
            );
        }
        if tls::server::has_expired(tls, WallClock::system().now()) {
            let _ = writeln!(
                text,
                "warning: the certificate of {} has expired",
                tls.certificate
            );
        }
    }
    let listed = |items: Vec<String>| items.join(", ");
    if !server.trusted_proxies.is_empty() {
        let proxies = listed(
            server
                .trusted_proxies
                .iter()
                .map(ToString::to_string)
                .collect(),
        );
        let how = if server.proxy_protocol {
            ", over connections that begin with the PROXY protocol"
        } else {
            ""
        };
        let _ = writeln!(text, "proxies at {proxies} say for whom they ask{how}");
    }
    if !server.cors_origins.is_empty() {
        let origins = listed(
            server
                .cors_origins
                .iter()
                .map(ToString::to_string)
                .collect(),
        );
        let _ = writeln!(text, "scripts of {origins} may read answers");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::plan;

    #[test]
    fn what_strangers_meet_is_said_where_anything_is_set() {
        assert_eq!(explain_edge(&plan("").server), "");
        let server = plan(
            "[server]\ntrusted_proxies = ['10.0.0.0/8', '::1']\nproxy_protocol = true\n\
             cors = { origins = ['https://a.example'] }",
        );
        assert_eq!(
            explain_edge(&server.server),
            "proxies at 10.0.0.0/8, ::1/128 say for whom they ask, over connections that begin with the PROXY \
             protocol\nscripts of https://a.example may read answers\n"
        );
    }
}
