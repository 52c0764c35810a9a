//! One who asks for very much takes the places of nobody else.

use super::*;

/// Asks as somebody else for as many lists as it likes.
fn portal(number: usize) -> Caller {
    let tenant = format!("user-{number}");
    let headers = [("authorization", "Bearer portal"), ("x-tenant", &*tenant)];
    caller_with("portal", json!({}), &headers)
}

fn is_listed(catalog: &Catalog, caller: &Caller) -> bool {
    let found = catalog.peek_for("club", caller).unwrap();
    found.snapshot.is_some()
}

#[tokio::test]
async fn whoever_has_many_lists_gives_up_its_own_for_one_more() {
    let server = Server::start(by_key).await;
    let catalog = catalog(adapter(&server, &format!("{FORWARDS}\nscopes = 8")));
    let others = ["a", "b", "c", "d", "e", "f"].map(caller);
    for caller in &others {
        ask(&catalog, caller).await;
    }
    for number in 0..30 {
        ask(&catalog, &portal(number)).await;
    }
    for caller in &others {
        assert!(is_listed(&catalog, caller));
    }
    // The last that it asked for are there.
    for (number, is_there) in [(29, true), (28, true), (27, false), (0, false)] {
        assert_eq!(is_listed(&catalog, &portal(number)), is_there, "{number}");
    }
}

#[tokio::test]
async fn whoever_has_long_lists_gives_up_its_own_for_one_more() {
    let padding = "x".repeat(4000);
    let server = Server::start(move |request| {
        if header(request, "authorization") != "Bearer portal" {
            return by_key(request);
        }
        let groups: Vec<_> = (0..30)
            .map(|id| json!({ "id": id, "name": "group of portal", "about": padding }))
            .collect();
        answer(&json!(groups)).map(Bytes::from)
    })
    .await;
    let catalog = catalog_of(adapter(&server, FORWARDS), 8 << 20);
    let others = ["a", "b", "c", "d", "e", "f"].map(caller);
    for caller in &others {
        ask(&catalog, caller).await;
    }
    for number in 0..30 {
        assert_eq!(owner(&ask(&catalog, &portal(number)).await), "portal");
    }
    for caller in &others {
        assert!(is_listed(&catalog, caller));
    }
    let kept = (0..30).filter(|number| is_listed(&catalog, &portal(*number)));
    assert!((2..15).contains(&kept.count()));
    assert!(is_listed(&catalog, &portal(29)));
}

#[tokio::test(start_paused = true)]
async fn what_the_upstream_refuses_takes_nobodys_place() {
    let server = Server::start(|request| match header(request, "x-tenant") {
        "" => by_key(request),
        _ => status(401).map(Bytes::from),
    })
    .await;
    let keys = format!("{FORWARDS}\nlimits.concurrency = 64");
    let catalog = catalog_of(adapter(&server, &keys), 8 << 20);
    let [alice, bob] = ["alice", "bob"].map(caller);
    for caller in [&alice, &bob] {
        ask(&catalog, caller).await;
    }
    // Each guess takes more than a hundred KiB, and all of them several times what there is for callers.
    let padding = "x".repeat(15_000);
    let guesses: Vec<_> = (0..60)
        .map(|number| {
            let (name, tenant) = (format!("m{number}"), format!("{number}{padding}"));
            let headers = [("authorization", "Bearer guess"), ("x-tenant", &*tenant)];
            caller_with(&name, json!({}), &headers)
        })
        .collect();
    let found = join_all(guesses.iter().map(|guess| ask(&catalog, guess))).await;
    for found in &found {
        assert_eq!(error(found).0, ErrorKind::Unauthorized);
    }
    for caller in [&alice, &bob] {
        assert!(is_listed(&catalog, caller));
    }
    let standing = catalog.upstream("club").unwrap().standing_of_scopes();
    let standing = standing.unwrap();
    assert!(standing.bytes <= standing.capacity, "{standing:?}");
}
