//! Who we are to a server that asks for a certificate.

use groupgate::error::ErrorKind;
use rstest::rstest;

use super::upstream::{self, adapter, mutual, open};
use crate::support::adapters::{failed, ids, walked};
use crate::support::authority::Authority;

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_asks() {
    let authority = Authority::new();
    let tls = mutual(&authority.server(&["127.0.0.1"]), &authority);
    let site = upstream::secure(tls).await;
    let connection = authority.trusted() + &authority.shown(&authority.client());
    assert_eq!(
        ids(&walked(&adapter(site.base_url(), &connection)).await),
        ["a"]
    );
}

#[tokio::test]
async fn a_server_that_does_not_ask_is_served_all_the_same() {
    let authority = Authority::new();
    let site = upstream::secure(open(&authority.server(&["127.0.0.1"]), &[])).await;
    let connection = authority.trusted() + &authority.shown(&authority.client());
    assert_eq!(
        ids(&walked(&adapter(site.base_url(), &connection)).await),
        ["a"]
    );
}

#[rstest]
#[case::none(false)]
#[case::of_another_authority(true)]
#[tokio::test]
async fn without_the_right_client_certificate_there_is_no_connection(#[case] shows_another: bool) {
    let [authority, other] = [Authority::new(), Authority::new()];
    let tls = mutual(&authority.server(&["127.0.0.1"]), &authority);
    let site = upstream::secure(tls).await;
    let mut connection = authority.trusted();
    if shows_another {
        connection += &other.shown(&other.client());
    }
    let error = failed(&adapter(site.base_url(), &connection)).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(error.detail.contains("received fatal alert"), "{error}");
    assert_eq!(site.requests().len(), 0);
}
