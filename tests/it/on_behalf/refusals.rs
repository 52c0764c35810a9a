//! What is refused for one caller costs neither the others nor the account that all share.

use super::*;

fn with_status(code: u16, body: &Value) -> Response<Bytes> {
    let mut response = answer(body).map(Bytes::from);
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

#[tokio::test]
async fn a_refused_caller_does_not_log_the_shared_account_out() {
    let server = Server::start(|request| match header(request, "x-on-behalf-of") {
        _ if request.uri().path() == "/token" => {
            answer(&json!({ "access_token": "t", "token_type": "Bearer" })).map(Bytes::from)
        }
        "mallory" => status(403).map(Bytes::from),
        owner => list_of(owner),
    })
    .await;
    let keys = format!(
        "request = {{ path = '/groups', headers = {{ x-on-behalf-of = '{{caller.id}}' }} }}\n\
         auth = {{ type = 'oauth2_client_credentials', token_url = '{}/token', client_id = 'c', \
         client_secret = {{ env = 'SECRET' }} }}",
        server.base_url()
    );
    let catalog = catalog(adapter(&server, &keys));
    assert_eq!(owner(&ask(&catalog, &caller("alice")).await), "alice");
    let (kind, _) = error(&ask(&catalog, &caller("mallory")).await);
    assert_eq!(kind, ErrorKind::Unauthorized);
    let asked = server.asked();
    let logins = asked.iter().filter(|path| *path == "/token").count();
    assert_eq!((logins, asked.len()), (1, 4), "{asked:?}");
}

#[tokio::test]
async fn what_a_token_endpoint_says_of_our_settings_is_no_refusal_of_a_caller() {
    let server = Server::start(|request| {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        if request.uri().path() != "/token" {
            return by_key(request);
        }
        match body.rsplit("jwt-of-").next() {
            Some("ended") => with_status(400, &json!({ "error": "invalid_grant" })),
            Some("target") => with_status(400, &json!({ "error": "invalid_target" })),
            Some("client") => with_status(401, &json!({ "error": "invalid_client" })),
            _ => with_status(500, &json!({})),
        }
    })
    .await;
    let keys = format!("{}\nbreaker = {{ failures = 1 }}", exchanges(&server));
    let catalog = catalog(adapter(&server, &keys));
    for (name, kind, word) in [
        ("ended", ErrorKind::Unauthorized, "invalid_grant"),
        ("target", ErrorKind::HttpStatus, "invalid_target"),
        ("client", ErrorKind::HttpStatus, "invalid_client"),
        ("broken", ErrorKind::HttpStatus, "500"),
    ] {
        let found = error(&ask(&catalog, &caller(name)).await);
        assert_eq!(found.0, kind, "{found:?}");
        assert!(found.1.contains(word), "{found:?}");
    }
    let circuit = catalog.circuit("club").unwrap();
    assert_eq!(circuit.state, CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_makes_up_credentials_is_left_alone_with_them_and_no_other_is() {
    let server = Server::start(|request| match header(request, "authorization") {
        "Bearer bob-key" => by_key(request),
        _ => status(401).map(Bytes::from),
    })
    .await;
    let catalog = catalog(adapter(&server, FORWARDS));
    let guess = |number: usize| {
        let value = format!("Bearer guess-{number}");
        caller_with("mallory", json!({}), &[("authorization", &value)])
    };
    for number in 0..5 {
        let (kind, _) = error(&ask(&catalog, &guess(number)).await);
        assert_eq!(kind, ErrorKind::Unauthorized);
    }
    let asked = server.requests().len();
    let found = ask(&catalog, &guess(5)).await;
    assert_eq!(error(&found).0, ErrorKind::RateLimited);
    assert!(found.error.unwrap().retry_after.is_some());
    assert_eq!(server.requests().len(), asked);
    assert_eq!(owner(&ask(&catalog, &caller("bob")).await), "bob-key");
}
