//! Which HTTP is spoken.

use groupgate::error::ErrorKind;
use http::Version;
use rstest::rstest;

use super::upstream::{self, adapter, open};
use crate::support::adapters::{failed, ids, walked};
use crate::support::authority::Authority;

#[rstest]
#[case::both_agree("", &["h2", "http/1.1"], Version::HTTP_2)]
#[case::the_server_is_old("", &["http/1.1"], Version::HTTP_11)]
#[case::the_server_does_not_negotiate("", &[], Version::HTTP_11)]
#[case::we_insist_on_one("http = '1'", &["h2", "http/1.1"], Version::HTTP_11)]
#[case::we_insist_on_two("http = '2'", &["h2", "http/1.1"], Version::HTTP_2)]
#[tokio::test]
async fn the_version_is_agreed_on_over_tls(
    #[case] key: &str,
    #[case] protocols: &[&str],
    #[case] version: Version,
) {
    let authority = Authority::new();
    let site = upstream::secure(open(&authority.server(&["127.0.0.1"]), protocols)).await;
    let adapter = adapter(site.base_url(), &(authority.trusted() + key));
    assert_eq!(ids(&walked(&adapter).await), ["a"]);
    assert_eq!(site.requests()[0].version(), version);
}

#[rstest]
#[case::auto("", Version::HTTP_11)]
#[case::one("http = '1'", Version::HTTP_11)]
#[case::two_from_the_first_byte("http = '2'", Version::HTTP_2)]
#[case::two_as_a_number("http = 2", Version::HTTP_2)]
#[tokio::test]
async fn over_plain_tcp_nothing_is_negotiated(#[case] key: &str, #[case] version: Version) {
    let site = upstream::plain().await;
    let adapter = adapter(site.base_url(), key);
    assert_eq!(ids(&walked(&adapter).await), ["a"]);
    assert_eq!(site.requests()[0].version(), version);
}

#[rstest]
#[case::refused(&["http/1.1"], ErrorKind::Tls, "NoApplicationProtocol")]
#[case::passed_over(&[], ErrorKind::Connect, "the server does not speak HTTP/2, and `connection.http` allows nothing else")]
#[tokio::test]
async fn a_server_that_cannot_speak_http2_where_it_must_is_not_asked(
    #[case] protocols: &[&str],
    #[case] kind: ErrorKind,
    #[case] said: &str,
) {
    let authority = Authority::new();
    let site = upstream::secure(open(&authority.server(&["127.0.0.1"]), protocols)).await;
    let error = failed(&adapter(
        site.base_url(),
        &(authority.trusted() + "http = '2'"),
    ))
    .await;
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.detail.contains(said), "{error}");
    assert_eq!(site.requests().len(), 0);
}
