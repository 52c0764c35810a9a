//! One who asks for very much takes the places of nobody else.

use rstest::rstest;

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
async fn whoever_has_few_lists_keeps_them_and_the_least_recently_used_goes() {
    let server = Server::start(by_key).await;
    let catalog = catalog(adapter(&server, &format!("{FORWARDS}\nscopes = 16")));
    let others: Vec<_> = (0..15)
        .map(|number| caller(&format!("c{number}")))
        .collect();
    for caller in &others {
        ask(&catalog, caller).await;
    }
    for number in 0..2 {
        ask(&catalog, &portal(number)).await;
    }
    assert!(is_listed(&catalog, &portal(0)) && is_listed(&catalog, &portal(1)));
    let listed: Vec<_> = (others.iter())
        .map(|caller| is_listed(&catalog, caller))
        .collect();
    assert!(!listed[0] && listed[1..].iter().all(|is_listed| *is_listed));
}

#[tokio::test]
async fn whoever_asks_for_many_lists_at_once_lets_others_have_their_turn() {
    let server = Server::start(by_key).await;
    let keys = format!("{FORWARDS}\nlimits.concurrency = 1");
    let catalog = catalog(adapter(&server, &keys));
    let callers: Vec<_> = (0..10).map(portal).chain([caller("alice")]).collect();
    join_all(callers.iter().map(|caller| ask(&catalog, caller))).await;
    let mut asked = server.requests().into_iter();
    let place = asked.position(|request| header(&request, "authorization") == key("alice"));
    assert!(place.is_some_and(|place| place <= 2), "{place:?}");
}

#[rstest]
#[case::each_takes_much(8 << 20, 30)]
#[case::all_together_take_much(32 << 20, 80)]
#[tokio::test]
async fn whoever_has_long_lists_gives_up_its_own_for_one_more(
    #[case] capacity: u64,
    #[case] lists: usize,
) {
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
    let catalog = catalog_of(adapter(&server, FORWARDS), capacity);
    let others = ["a", "b", "c", "d", "e", "f"].map(caller);
    for caller in &others {
        ask(&catalog, caller).await;
    }
    for number in 0..lists {
        assert_eq!(owner(&ask(&catalog, &portal(number)).await), "portal");
    }
    for caller in &others {
        assert!(is_listed(&catalog, caller));
    }
    let kept = (0..lists).filter(|number| is_listed(&catalog, &portal(*number)));
    assert!((2..lists / 2).contains(&kept.count()));
    assert!(is_listed(&catalog, &portal(lists - 1)));
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
