//! Kept connections that the server closes as they are used again.

use groupgate::error::ErrorKind;
use rstest::rstest;

use crate::support::adapters::{NO_VARIABLES, adapter_of, failed, ids, walked};
use crate::support::server::{Server, Step, head};

/// Pages of one item, without retries and with a breaker that one failure opens.
fn toml(request: &str) -> String {
    format!(
        "[upstreams.u]
         base_url = \"\"
         request = {{ path = '/g', query = {{ page = '{{page}}' }}, {request} }}
         records = '/items'
         pagination = {{ style = 'page', first = 1, pages = '/pages' }}
         limits = {{ retries = 0, concurrency = 1 }}
         breaker = {{ failures = 1 }}
         fields = {{ id = 'id', name = 'id' }}"
    )
}

/// A page out of so many, after which the connection stays open.
fn page(number: usize, pages: usize) -> Vec<Step> {
    let body = format!("{{\"items\":[{{\"id\":{number}}}],\"pages\":{pages}}}");
    vec![
        head(&format!("content-length: {}\r\n", body.len())),
        Step::Send(body.into_bytes()),
        Step::KeepAlive,
    ]
}

#[rstest]
#[case::get("method = 'GET'")]
#[case::idempotent_post("method = 'POST', idempotent = true")]
#[tokio::test]
async fn twelve_pages_come_over_connections_that_are_closed_at_their_second_request(
    #[case] request: &str,
) {
    // Answered, closed, repeated on a new connection, and so on.
    let server = Server::play(|number| match number % 3 {
        1 => vec![],
        _ => page(number, 12),
    })
    .await;
    let adapter = adapter_of(&toml(request), server.base_url(), &NO_VARIABLES);
    assert_eq!(ids(&walked(&adapter).await).len(), 12);
    assert_eq!((server.requests().len(), server.connections()), (18, 12));
}

#[rstest]
#[case::that_may_not_be_repeated("method = 'POST'", vec![], 2)]
#[case::of_which_an_answer_has_begun("method = 'GET'", vec![Step::Send(b"HTTP/1.1 200 O".to_vec())], 2)]
#[tokio::test]
async fn a_request_is_sent_once(
    #[case] request: &str,
    #[case] answer: Vec<Step>,
    #[case] requests: usize,
) {
    let server = Server::play(move |number| match number {
        0 => page(0, 2),
        _ => answer.clone(),
    })
    .await;
    let adapter = adapter_of(&toml(request), server.base_url(), &NO_VARIABLES);
    let error = failed(&adapter).await;
    assert_eq!(error.kind, ErrorKind::Connect, "{error}");
    assert_eq!(server.requests().len(), requests);
}

#[tokio::test]
async fn a_new_connection_that_is_closed_without_an_answer_is_a_failure() {
    let server = Server::play(|_| vec![]).await;
    let adapter = adapter_of(&toml("method = 'GET'"), server.base_url(), &NO_VARIABLES);
    let error = failed(&adapter).await;
    assert_eq!(error.kind, ErrorKind::Connect, "{error}");
    assert_eq!(server.requests().len(), 1);
}
