//! What a page of somebody else may have a browser ask here: nothing.
//!
//! Without `server.admin_token`, whoever reaches the admin listener is an operator, and a browser on this machine reaches
//! it for any page: with a form of the page's (CSRF), or by the page's own name, which is led to this address once
//! the page is there (DNS rebinding), so that its script reads answers, too.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Uri};
use url::Url;

use crate::downstream::problem::{Kind, ProblemDetails};

/// Where a browser says how the page that asks and the one that is asked are related (Fetch Metadata, section 2.4).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// That a request names a host which may be a page's own: any but an address, or a name that browsers lead nowhere else
/// (RFC 6761, section 6.3).
pub(super) fn check_host(uri: &Uri, headers: &HeaderMap) -> Result<(), ProblemDetails> {
    // Browsers always name one.
    let Some(named) = named_host(uri, headers) else {
        return Ok(());
    };
    let is_own = named.parse().is_ok_and(|named: Authority| {
        let host = named.host().to_ascii_lowercase();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        address.parse::<IpAddr>().is_ok() || host == "localhost" || host.ends_with(".localhost")
    });
    if is_own {
        return Ok(());
    }
    Err(ProblemDetails::new(
        Kind::Forbidden,
        format!(
            "without `server.admin_token`, the admin listener is asked by an IP address or as `localhost`, and not as \
             `{}`: a page of that name could read the answer",
            named.escape_default()
        ),
    ))
}

/// That a request which changes something comes from a page of another origin.
pub(super) fn check_origin(uri: &Uri, headers: &HeaderMap) -> Result<(), ProblemDetails> {
    let sites = headers.get_all(SEC_FETCH_SITE);
    let origins = headers.get_all(ORIGIN);
    let named = named_host(uri, headers).and_then(|named| named.parse::<Authority>().ok());
    let is_own = |origin: &str| {
        let origin = origin.parse::<Url>().ok();
        origin.zip(named.as_ref()).is_some_and(|(origin, named)| {
            let port = named.port_u16().or_else(|| default_port(&origin));
            let host = origin.host_str().unwrap_or_default();
            host.eq_ignore_ascii_case(named.host()) && origin.port_or_known_default() == port
        })
    };
    let is_foreign = sites
        .iter()
        // `none`: its user typed the address.
        .any(|site| site != "same-origin" && site != "none")
        || origins
            .iter()
            .any(|origin| !origin.to_str().is_ok_and(is_own));
    if !is_foreign {
        return Ok(());
    }
    let detail = "a page of another origin had a browser send this (`Origin`, `Sec-Fetch-Site`), and none may";
    Err(ProblemDetails::new(Kind::Forbidden, detail))
}

/// The host that a request names, with its port.
fn named_host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let target = uri.authority().map(Authority::as_str);
    // What is not text is no name of ours.
    target.or_else(|| Some(headers.get(HOST)?.to_str().unwrap_or_default()))
}

/// The port that an origin has if it says none.
fn default_port(origin: &Url) -> Option<u16> {
    match origin.scheme() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Builder;
    use rstest::rstest;

    use super::*;

    fn asked(
        check: fn(&Uri, &HeaderMap) -> Result<(), ProblemDetails>,
        request: Builder,
    ) -> Option<Kind> {
        let (head, ()) = request.body(()).unwrap().into_parts();
        let problem = check(&head.uri, &head.headers).err()?;
        Some(problem.kind())
    }

    #[rstest]
    #[case::an_address("127.0.0.1:9090", true)]
    #[case::another_address("192.0.2.1", true)]
    #[case::an_address_of_version_6("[::1]:9090", true)]
    #[case::the_machine("localhost:9090", true)]
    #[case::in_capitals("LocalHost", true)]
    #[case::a_name_of_the_machine("gate.localhost:9090", true)]
    #[case::a_page("evil.example:9090", false)]
    #[case::a_page_that_looks_local("localhost.evil.example", false)]
    #[case::a_page_with_an_address_in_its_name("127.0.0.1.evil.example", false)]
    #[case::another_end("notlocalhost", false)]
    #[case::nothing("", false)]
    fn a_request_names_this_machine(#[case] host: &str, #[case] is_taken: bool) {
        let expected = (!is_taken).then_some(Kind::Forbidden);
        assert_eq!(
            asked(check_host, Request::get("/").header(HOST, host)),
            expected
        );
        if !host.is_empty() {
            let whole = Request::get(format!("http://{host}/")).header(HOST, "localhost");
            assert_eq!(asked(check_host, whole), expected, "the target counts");
        }
    }

    #[test]
    fn what_names_no_host_is_no_browser() {
        assert_eq!(asked(check_host, Request::get("/")), None);
    }

    #[rstest]
    #[case::no_browser("127.0.0.1:9090", &[], true)]
    #[case::its_own_page("127.0.0.1:9090", &[("origin", "http://127.0.0.1:9090"), ("sec-fetch-site", "same-origin")], true)]
    #[case::its_own_page_behind_a_proxy("ops.example", &[("origin", "https://ops.example")], true)]
    #[case::its_own_page_with_the_usual_port("ops.example:443", &[("origin", "https://OPS.example")], true)]
    #[case::a_user("localhost:9090", &[("sec-fetch-site", "none")], true)]
    #[case::another_host("127.0.0.1:9090", &[("origin", "http://evil.example")], false)]
    #[case::another_port("127.0.0.1:9090", &[("origin", "http://127.0.0.1:8080")], false)]
    #[case::the_usual_port("127.0.0.1:9090", &[("origin", "http://127.0.0.1")], false)]
    #[case::another_name("127.0.0.1:9090", &[("origin", "http://localhost:9090")], false)]
    #[case::a_hidden_origin("127.0.0.1:9090", &[("origin", "null")], false)]
    #[case::two_origins("127.0.0.1:9090", &[("origin", "http://127.0.0.1:9090"), ("origin", "http://evil.example")], false)]
    #[case::no_name("127.0.0.1:9090", &[("origin", "")], false)]
    #[case::another_site("127.0.0.1:9090", &[("sec-fetch-site", "cross-site")], false)]
    #[case::another_origin_of_the_site("localhost:9090", &[("sec-fetch-site", "same-site")], false)]
    fn a_request_that_acts_comes_from_no_other_page(
        #[case] host: &str,
        #[case] sent: &[(&str, &str)],
        #[case] is_taken: bool,
    ) {
        let request = Request::post("/reload").header(HOST, host);
        let request = sent.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let expected = (!is_taken).then_some(Kind::Forbidden);
        assert_eq!(asked(check_origin, request), expected);
    }
}
