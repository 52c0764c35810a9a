//! The foreign host that a redirect or a link leads to: this machine under its other name.
//!
//! Whoever follows comes back to the same port, where the request is counted and answered normally: a
//! gateway that follows looks healthy, and the count gives it away.

use http::header::HOST;
use url::Url;

use crate::tools::demo::message::{Request, header};

/// The loopback host under another name than the one that emulations are reached by.
const FOREIGN_HOST: &str = "localhost";

/// `url` at the foreign host.
pub(in crate::tools::demo) fn at_foreign_host(url: &str) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    url.set_host(Some(FOREIGN_HOST)).ok()?;
    Some(url.into())
}

/// Whether a request came to the foreign host.
pub(in crate::tools::demo) fn is_foreign(request: &Request) -> bool {
    header(request, HOST.as_str())
        .and_then(|host| host.split(':').next())
        .is_some_and(|host| host.eq_ignore_ascii_case(FOREIGN_HOST))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn the_foreign_host_has_the_same_port_and_path() {
        let there = at_foreign_host("http://127.0.0.1:81/groups?page=2").unwrap();
        assert_eq!(there, "http://localhost:81/groups?page=2");
        let to = |host: &str| {
            let request = http::Request::builder().header(HOST, host);
            is_foreign(&request.body(Bytes::new()).unwrap())
        };
        assert!(to("localhost:81"));
        assert!(!to("127.0.0.1:81"));
    }
}
