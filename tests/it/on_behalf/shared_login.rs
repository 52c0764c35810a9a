//! Callers who are asked for with the gateway's own login: what is refused for one costs neither the others nor the
//! account that all share.

use super::*;

/// An upstream that takes the last token that it gave, and the path that logs in.
struct Club {
    server: Server,
    /// The token that it takes.
    valid: Arc<AtomicUsize>,
}

impl Club {
    /// Answers whom it knows; `refuses` says with which status it refuses others.
    async fn start(refuses: impl Fn(&str) -> Option<u16> + Send + Sync + 'static) -> Self {
        let valid = Arc::new(AtomicUsize::new(0));
        let (given, current) = (Arc::clone(&valid), Arc::clone(&valid));
        let count = AtomicUsize::new(0);
        let token = move || {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            given.store(number, Ordering::SeqCst);
            Ok(format!("t{number}"))
        };
        let list = move |request: &Request<Bytes>| {
            let owner = header(request, "x-on-behalf-of");
            let current = format!("Bearer t{}", current.load(Ordering::SeqCst));
            if header(request, "authorization") != current {
                return status(401).map(Bytes::from);
            }
            refuses(owner).map_or_else(|| list_of(owner), |code| status(code).map(Bytes::from))
        };
        Self {
            valid,
            ..Self::of(token, list).await
        }
    }

    /// Logs in with what `token` makes, or refuses to with a status, and answers all else with `list`.
    async fn of(
        token: impl Fn() -> Result<String, u16> + Send + Sync + 'static,
        list: impl Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        let server = Server::start(move |request| {
            if request.uri().path() != "/token" {
                return list(request);
            }
            match token() {
                Ok(token) => {
                    let body = json!({ "access_token": token, "token_type": "Bearer" });
                    answer(&body).map(Bytes::from)
                }
                Err(code) => status(code).map(Bytes::from),
            }
        })
        .await;
        let valid = Arc::default();
        Self { server, valid }
    }

    fn catalog(&self) -> Catalog {
        let keys = format!(
            "request = {{ path = '/groups', headers = {{ x-on-behalf-of = '{{caller.id}}' }} }}\n\
             min_refresh = '0s'\nlimits.concurrency = 8\n\
             auth = {{ type = 'oauth2_client_credentials', token_url = '{}/token', client_id = 'c', \
             client_secret = {{ env = 'SECRET' }} }}",
            self.server.base_url()
        );
        catalog(adapter(&self.server, &keys))
    }

    fn logins(&self) -> usize {
        let asked = self.server.asked();
        asked.iter().filter(|path| *path == "/token").count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_revoked_under_several_walks_costs_no_caller_its_list() {
    let club = Club::start(|_| None).await;
    let catalog = club.catalog();
    let callers = ["alice", "bob", "carol", "dave"].map(caller);
    for caller in &callers {
        ask(&catalog, caller).await;
    }
    assert_eq!(club.logins(), 1);
    club.valid.store(usize::MAX, Ordering::SeqCst);
    let walks = callers.iter();
    let renewed = join_all(walks.map(|caller| ask_as(&catalog, caller, CacheMode::Insist))).await;
    for (found, name) in renewed.iter().zip(["alice", "bob", "carol", "dave"]) {
        assert!(found.error.is_none(), "{found:?}");
        assert_eq!(owner(found), name);
    }
    assert_eq!(club.logins(), 2);
}

/// The second login takes the session whether or not it is revoked; who lists groups does not.
#[tokio::test(start_paused = true)]
async fn a_session_behind_the_login_of_all_is_renewed_with_it() {
    let (given, valid) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(1)));
    let taken = Arc::clone(&valid);
    let login = |text: &str| answer(&json!({ "token": text })).map(Bytes::from);
    let server = Server::start(move |request: &Request<Bytes>| match request.uri().path() {
        "/session" => login(&format!("s{}", given.fetch_add(1, Ordering::SeqCst) + 1)),
        "/login" => login("t1"),
        _ if header(request, "x-session") == format!("s{}", taken.load(Ordering::SeqCst)) => {
            list_of(header(request, "x-on-behalf-of"))
        }
        _ => status(401).map(Bytes::from),
    })
    .await;
    let catalog = catalog(adapter(
        &server,
        "request = { path = '/groups', headers = { x-on-behalf-of = '{caller.id}', \
         x-session = '{login.session.token}' } }\n\
         min_refresh = '0s'\n\
         [upstreams.club.auth]\ntype = 'token_exchange'\ntoken = '/token'\n\
         request = { path = '/login', query = { session = '{login.session.token}' } }\n\
         [upstreams.club.auth.chain.session]\ntype = 'token_exchange'\ntoken = '/token'\n\
         request = { path = '/session' }",
    ));
    for session in [1, 2, 3] {
        valid.store(session, Ordering::SeqCst);
        tokio::time::advance(Duration::from_mins(1)).await;
        let found = ask_as(&catalog, &caller("alice"), CacheMode::Insist).await;
        assert!(found.error.is_none(), "{found:?}");
        assert_eq!(owner(&found), "alice");
    }
}

#[tokio::test(start_paused = true)]
async fn callers_who_are_refused_renew_the_login_of_all_now_and_then() {
    for (code, seconds) in [(401, 10), (403, 60)] {
        let club = Club::start(move |owner| owner.starts_with("mallory").then_some(code)).await;
        let catalog = club.catalog();
        let refused = async |name| {
            let (kind, _) = error(&ask(&catalog, &caller(name)).await);
            assert_eq!(kind, ErrorKind::Unauthorized);
        };
        assert_eq!(owner(&ask(&catalog, &caller("alice")).await), "alice");
        refused("mallory1").await;
        refused("mallory2").await;
        assert_eq!(club.logins(), 2, "{code}");
        tokio::time::advance(Duration::from_secs(seconds)).await;
        refused("mallory3").await;
        assert_eq!(club.logins(), 3, "{code}");
        // Whatever is refused to others, its list stays, and can be read again.
        let alice = ask_as(&catalog, &caller("alice"), CacheMode::Insist).await;
        assert_eq!(owner(&alice), "alice");
        assert_eq!(club.logins(), 3, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_is_renewed_although_the_upstream_says_403() {
    let is_ended = Arc::new(AtomicBool::new(false));
    let (renews, refuses) = (Arc::clone(&is_ended), Arc::clone(&is_ended));
    let token = move || {
        Ok(if renews.load(Ordering::SeqCst) {
            "t2"
        } else {
            "t1"
        }
        .to_owned())
    };
    let list = move |request: &Request<Bytes>| {
        let is_old = header(request, "authorization") == "Bearer t1";
        if is_old && refuses.load(Ordering::SeqCst) {
            status(403).map(Bytes::from)
        } else {
            list_of("alice")
        }
    };
    let club = Club::of(token, list).await;
    let catalog = club.catalog();
    ask(&catalog, &caller("alice")).await;
    is_ended.store(true, Ordering::SeqCst);
    let renewed = ask_as(&catalog, &caller("alice"), CacheMode::Insist).await;
    assert!(renewed.error.is_none(), "{renewed:?}");
    assert_eq!((owner(&renewed), club.logins()), ("alice".to_owned(), 2));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_fails_for_one_leaves_the_others_the_token_that_there_is() {
    let is_down = Arc::new(AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let token = move || {
        (!down.load(Ordering::SeqCst))
            .then(|| "t".to_owned())
            .ok_or(503)
    };
    let list = |request: &Request<Bytes>| match header(request, "x-on-behalf-of") {
        "mallory" => status(401).map(Bytes::from),
        owner => list_of(owner),
    };
    let club = Club::of(token, list).await;
    let catalog = club.catalog();
    ask(&catalog, &caller("alice")).await;
    is_down.store(true, Ordering::SeqCst);
    // Whether it is refused is not known as long as nobody can log in.
    let (kind, _) = error(&ask(&catalog, &caller("mallory")).await);
    assert_eq!(kind, ErrorKind::HttpStatus);
    let alice = ask_as(&catalog, &caller("alice"), CacheMode::Insist).await;
    assert!(alice.error.is_none(), "{alice:?}");
    // A moment later it is tried with the token that there is.
    let (kind, _) = error(&ask_as(&catalog, &caller("mallory"), CacheMode::Insist).await);
    assert_eq!(kind, ErrorKind::Unauthorized);
}
