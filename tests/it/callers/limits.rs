//! How often callers may ask, each by its grants, and how often an address may guess.

use tokio::time::Instant;

use super::*;

/// Two callers who may ask seldom, and two who have a second grant that allows more.
fn limited() -> String {
    let grants = "[grants.slow]\nsources = ['alpha']\nrate = '1/h'\n\
                  [grants.quick]\nsources = ['beta']\nrate = '2/s'\n\
                  [grants.free]\nsources = ['gamma']\n";
    let callers = [
        ("slow", "key-slow", &["slow"][..]),
        ("as_slow", "key-as-slow", &["slow"]),
        ("quick", "key-quick", &["slow", "quick"]),
        ("free", "key-free", &["slow", "free"]),
    ];
    grants.to_owned() + &keys(&callers)
}

#[tokio::test]
async fn a_caller_may_ask_as_often_as_its_most_generous_grant_allows() {
    let upstream = upstream().await;
    let gateway = started(&configuration(&upstream, &limited())).await;
    let first = asked_with(&gateway, "key-slow", "/groups").await;
    assert_eq!(first.status, StatusCode::OK);
    let policies: Vec<_> = first.headers.get_all("ratelimit-policy").iter().collect();
    assert_eq!(
        policies,
        ["\"client\";q=100000;w=1", "\"caller\";q=1;w=3600"]
    );
    let second = asked_with(&gateway, "key-slow", "/groups").await;
    let problem = second.problem(429, "too-many-requests");
    assert_eq!(
        problem["detail"],
        "the rate limit of this caller is exceeded"
    );
    let wait: u64 = second.header("retry-after").parse().unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    let left: Vec<_> = second.headers.get_all("ratelimit").iter().collect();
    assert_eq!(left[1], "\"caller\";r=0;t=3600");
    // Others go on, from the same address.
    let as_slow = asked_with(&gateway, "key-as-slow", "/groups").await;
    assert_eq!(as_slow.status, StatusCode::OK);
    let quick = asked_with(&gateway, "key-quick", "/groups").await;
    let policies: Vec<_> = quick.headers.get_all("ratelimit-policy").iter().collect();
    assert_eq!(policies[1], "\"caller\";q=4;w=2");
    for _ in 0..5 {
        let free = asked_with(&gateway, "key-free", "/groups").await;
        assert_eq!(free.status, StatusCode::OK);
        assert_eq!(free.headers.get_all("ratelimit-policy").iter().count(), 1);
    }
    // What was used counts after a reload that changes something else.
    let more = limited().replace("'gamma'", "'gamma', 'beta'");
    gateway.swap(&configuration(&upstream, &more)).await;
    let third = asked_with(&gateway, "key-slow", "/groups").await;
    third.problem(429, "too-many-requests");
}

#[tokio::test]
async fn whoever_guesses_keys_is_slowed_and_those_who_know_theirs_are_not() {
    let upstream = upstream().await;
    let gateway = started(&configuration(&upstream, &limited())).await;
    let (mut told, begun) = (Vec::new(), Instant::now());
    for guess in 0..40 {
        let reply = asked_with(&gateway, &format!("guess-{guess}"), "/groups").await;
        told.push(reply.status.as_u16());
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            let problem = reply.problem(429, "too-many-requests");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("not accepted"), "{detail}");
            assert_ne!(reply.header("retry-after"), "");
        }
    }
    assert_eq!(told[..20], [401; 20]);
    let slowed = told.iter().filter(|status| **status == 429).count();
    // One comes back in five seconds.
    let back = begun.elapsed().as_secs() / 5 + 1;
    assert!(slowed as u64 + back >= 20, "{told:?}");
    let known = asked_with(&gateway, "key-free", "/groups").await;
    assert_eq!(known.status, StatusCode::OK);
    let metrics = gateway.admin(Method::GET, "/metrics", &[]).await;
    let count = |outcome: &str| {
        let series = format!("groupgate_authentications_total{{outcome=\"{outcome}\"}} ");
        let mut lines = metrics.text().lines();
        lines.find_map(|line| line.strip_prefix(&series).map(str::to_owned))
    };
    assert_eq!(count("invalid").as_deref(), Some("40"));
    assert_eq!(count("key").as_deref(), Some("1"));
}
