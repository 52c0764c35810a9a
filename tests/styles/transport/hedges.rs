//! A page that is late is asked for twice, and the first answer counts.

use groupgate::error::ErrorKind;
use rstest::rstest;

use crate::staff::impatient;
use crate::support::adapters::{failed, ids, walked};
use crate::support::server::{Server, Step, whole};

const PAGE: &str = r#"{"items":[{"id":1}]}"#;

#[tokio::test]
async fn a_page_that_hangs_is_asked_for_again_and_the_second_answer_counts() {
    let upstream = Server::play(|number| match number {
        0 => vec![Step::Hang],
        _ => whole(PAGE),
    })
    .await;
    let adapter = impatient(upstream.base_url(), "hedge = { after = '50ms' }");
    assert_eq!(ids(&walked(&adapter).await), ["1"]);
    assert_eq!(upstream.requests().len(), 2);
}

#[rstest]
#[case::without_hedging("")]
#[case::a_post("request = { method = 'POST', path = '/list', json = {} }")]
#[tokio::test]
async fn what_is_not_hedged_is_asked_for_once(#[case] keys: &str) {
    let upstream = Server::play(|_| vec![Step::Hang]).await;
    let keys = format!("limits.timeout = '300ms'\n{keys}");
    let error = failed(&impatient(upstream.base_url(), &keys)).await;
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_login_is_never_sent_twice_at_once() {
    let upstream = Server::play(|_| vec![Step::Hang]).await;
    let keys = "limits.timeout = '300ms'\n\
                request = { path = '/list' }\n\
                hedge = { after = '50ms' }\n\
                [upstreams.staff.auth]\ntype = 'token_exchange'\ntoken = '/token'\n\
                request = { path = '/login' }";
    let error = failed(&impatient(upstream.base_url(), keys)).await;
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert_eq!(upstream.requests().len(), 1);
}
