//! What is refused for one caller costs no other.

use super::*;

fn with_status(code: u16, body: &Value) -> Response<Bytes> {
    let mut response = answer(body).map(Bytes::from);
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
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

#[tokio::test(start_paused = true)]
async fn what_fails_for_another_reason_says_nothing_of_what_a_caller_sends() {
    let server = Server::start(|request| {
        let guess = header(request, "authorization");
        let is_refused = guess.ends_with(['0', '2', '4', '6', '8']);
        status(if is_refused { 401 } else { 500 }).map(Bytes::from)
    })
    .await;
    let catalog = catalog(adapter(&server, FORWARDS));
    let mut kinds = Vec::new();
    for number in 0..10 {
        kinds.push(error(&ask(&catalog, &guess(number)).await).0);
    }
    // Five are refused before no more is tried, and what fails between them neither counts nor makes up for one.
    let mut expected = [ErrorKind::Unauthorized, ErrorKind::HttpStatus].repeat(5);
    expected[9] = ErrorKind::RateLimited;
    assert_eq!(kinds, expected);
}

/// Who guesses, and what it sends.
fn guess(number: usize) -> Caller {
    let value = format!("Bearer guess-{number}");
    caller_with("mallory", json!({}), &[("authorization", &value)])
}

#[tokio::test(start_paused = true)]
async fn guesses_that_are_sent_at_once_are_not_tried_all_the_same() {
    let server = Server::start(|request| match header(request, "authorization") {
        "Bearer bob-key" => by_key(request),
        _ => status(401).map(Bytes::from),
    })
    .await;
    let keys = format!("{FORWARDS}\nlimits.concurrency = 2");
    let catalog = catalog(adapter(&server, &keys));
    let guesses: Vec<_> = (0..60).map(guess).collect();
    let found = join_all(guesses.iter().map(|guess| ask(&catalog, guess))).await;
    let of_kind = |kind| {
        let kinds = found.iter().map(|found| error(found).0);
        kinds.filter(|found| *found == kind).count()
    };
    // One that was under way when the fifth was refused, besides. Each is refused twice.
    let tried = of_kind(ErrorKind::Unauthorized);
    assert!((5..=6).contains(&tried), "{tried}");
    assert_eq!(of_kind(ErrorKind::RateLimited), 60 - tried);
    assert_eq!(server.requests().len(), 2 * tried);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_again_with_the_same_does_not_keep_others_of_its_key_from_being_tried() {
    let server = Server::start(|request| match header(request, "authorization") {
        "Bearer guess-0" => status(401).map(Bytes::from),
        _ => by_key(request),
    })
    .await;
    let catalog = catalog(adapter(&server, FORWARDS));
    // A portal asks for all its users with one key, and one of them has an ended session.
    for _ in 0..5 {
        // Longer than a walk that failed keeps others from being begun, and shorter than refusals are remembered.
        tokio::time::advance(Duration::from_secs(110)).await;
        let (kind, _) = error(&ask_as(&catalog, &guess(0), CacheMode::Insist).await);
        assert_eq!(kind, ErrorKind::Unauthorized);
    }
    assert_eq!(server.requests().len(), 10);
    assert_eq!(owner(&ask(&catalog, &guess(1)).await), "guess-1");
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_of_one_caller_make_no_other_wait_unless_all_share_an_account() {
    let server = Server::start(|request| match header(request, "x-tenant") {
        "slow" => {
            let mut response = status(429).map(Bytes::from);
            let headers = response.headers_mut();
            headers.insert("retry-after", "300".parse().unwrap());
            response
        }
        _ => list_of("somebody"),
    })
    .await;
    let by_claim = "request = { path = '/groups', headers = { x-tenant = '{caller.claims/tenant}' } }\n\
                    auth = { type = 'bearer', token = { env = 'SECRET' } }";
    for (keys, is_shared) in [(FORWARDS, false), (by_claim, true)] {
        let catalog = catalog(adapter(&server, keys));
        let of = |tenant: &str| {
            let headers = [("authorization", "Bearer a"), ("x-tenant", tenant)];
            caller_with(tenant, json!({ "tenant": tenant }), &headers)
        };
        let slow = ask(&catalog, &of("slow")).await;
        assert_eq!(error(&slow).0, ErrorKind::RateLimited);
        let wait = slow.error.unwrap().retry_after.unwrap();
        assert!(wait > Duration::from_mins(4), "{wait:?}");
        let other = ask(&catalog, &of("other")).await;
        assert_eq!(other.snapshot.is_none(), is_shared, "{other:?}");
        // It is left alone for as long as it was told.
        let asked = server.requests().len();
        let again = ask(&catalog, &of("slow")).await;
        assert_eq!(error(&again).0, ErrorKind::RateLimited);
        assert_eq!(server.requests().len(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_one_caller_leave_the_breaker_closed_and_those_of_two_do_not() {
    let server = Server::start(|request| match header(request, "authorization") {
        "Bearer alice-key" => by_key(request),
        _ => status(500).map(Bytes::from),
    })
    .await;
    let keys = format!("{FORWARDS}\nbreaker = {{ failures = 2 }}\nmin_refresh = '0s'");
    let catalog = catalog(adapter(&server, &keys));
    let state = || catalog.circuit("club").unwrap().state;
    for _ in 0..8 {
        let (kind, _) = error(&ask_as(&catalog, &caller("mallory"), CacheMode::Insist).await);
        assert_eq!(kind, ErrorKind::HttpStatus);
    }
    assert_eq!(state(), CircuitState::Closed);
    let renewed = ask_as(&catalog, &caller("alice"), CacheMode::Insist).await;
    assert_eq!(owner(&renewed), "alice-key");
    ask_as(&catalog, &caller("mallory"), CacheMode::Insist).await;
    ask_as(&catalog, &caller("bob"), CacheMode::Insist).await;
    ask_as(&catalog, &caller("mallory"), CacheMode::Insist).await;
    assert_eq!(state(), CircuitState::Open);
}
