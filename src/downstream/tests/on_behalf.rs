//! Callers whose source is asked on behalf of each: their answers, ready or not, are nobody else's.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::Service as _;

use crate::app::App;
use crate::caller::{Caller, Credentials, Identity, Verified};
use crate::catalog::Catalog;
use crate::clock::WallClock;
use crate::config::testing::load;
use crate::downstream::generation::{Generation, Live};
use crate::downstream::testing::{exchange_as, get, text};
use crate::downstream::{layers, route};
use crate::observe::Observers;
use crate::reload::Reloads;

/// Where the list is one group that says who asked, and how often somebody did.
async fn upstream() -> (String, Arc<AtomicUsize>) {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            let count = Arc::clone(&count);
            let list = service_fn(move |request: http::Request<Incoming>| {
                count.fetch_add(1, Ordering::SeqCst);
                let owner = request.headers()[AUTHORIZATION].to_str().unwrap();
                let list = json!([{ "id": 1, "name": format!("of {owner}") }]);
                let body = Full::new(Bytes::from(list.to_string()));
                std::future::ready(Ok::<_, Infallible>(http::Response::new(body)))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), list));
        }
    });
    (format!("http://{address}"), asked)
}

fn gateway(base_url: &str) -> Arc<Generation> {
    let loaded = load(
        &format!(
            "cache.ttl = '1h'
            [upstreams.club]
            base_url = '{base_url}'
            request = {{ path = '/' }}
            records = '/'
            limits = {{ retries = 0 }}
            min_refresh = '0s'
            auth = {{ type = 'forward', headers = ['authorization'] }}
            fields = {{ id = 'id', name = 'name' }}
            "
        ),
        &[],
    );
    assert_eq!(loaded.plan.forwarded_headers(), [AUTHORIZATION]);
    let wall = WallClock::fixed(Timestamp::UNIX_EPOCH);
    let compiled = App::compile(&loaded, &wall).unwrap();
    let plan = compiled.plan;
    let catalog = Catalog::new(compiled.adapters, &plan.cache, &wall, Observers::default());
    Live::new(plan, catalog, Arc::default(), Reloads::none()).load()
}

/// One and the same caller, with this credential.
fn with(credential: &str) -> Caller {
    let headers: HeaderMap = [(AUTHORIZATION, credential.parse().unwrap())]
        .into_iter()
        .collect();
    let verified = Verified {
        id: "alice".to_owned(),
        claims: Value::Null,
        token: None,
        forwarded: headers,
    };
    Caller {
        identity: Identity::Authenticated([7; 32]),
        credentials: Credentials::of(verified),
        ..Caller::default()
    }
}

/// Whose group the answer has, and how it came about.
async fn answer(gateway: &Arc<Generation>, caller: Caller, mode: &str) -> (String, &'static str) {
    let request = get("/groups").header("cache-control", mode);
    let exchange = exchange_as(caller, Arc::clone(gateway), request);
    let Ok(mut response) = layers::data(route::route).call(&exchange).await;
    let how = response.body_mut().traits.cache.unwrap_or_default();
    let page: Value = serde_json::from_str(&text(response).await).unwrap();
    let name = page["groups"][0]["name"].as_str().unwrap_or_default();
    (name.to_owned(), how)
}

#[tokio::test]
async fn a_ready_answer_is_for_the_same_credential_alone_and_outlives_walks_for_others() {
    let (base_url, asked) = upstream().await;
    let gateway = gateway(&base_url);
    let of = |credential: &str, how| (format!("of {credential}"), how);
    for credential in ["a", "b"] {
        for how in ["miss", "hit", "ready"] {
            let found = answer(&gateway, with(credential), "max-age=60").await;
            assert_eq!(found, of(credential, how));
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let renewed = answer(&gateway, with("b"), "no-cache").await;
    assert_eq!(renewed, of("b", "miss"));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    // What was read for one changes nothing for another, whose answer stays ready.
    let others = answer(&gateway, with("a"), "max-age=60").await;
    assert_eq!(others, of("a", "ready"));
    let own = answer(&gateway, with("b"), "max-age=60").await;
    assert_eq!(own, of("b", "hit"));
    // Without any credential there is no list, and no ready answer of before.
    let nobody = Caller {
        credentials: Credentials::default(),
        ..with("a")
    };
    assert_eq!(answer(&gateway, nobody, "max-age=60").await.0, "");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}
