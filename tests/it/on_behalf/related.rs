//! What a scope keeps of its last walk to ask for less in the next one is nobody else's, and goes with it.

use super::*;

/// Whether a request says what was answered before.
fn is_conditional(request: &Request<Bytes>) -> bool {
    request.headers().contains_key("if-none-match")
}

/// How many requests an upstream got for this path, or with this condition.
fn count(server: &Server, wanted: impl Fn(&Request<Bytes>) -> bool) -> usize {
    server.requests().iter().filter(|it| wanted(it)).count()
}

#[tokio::test]
async fn members_are_used_again_by_the_scope_that_they_were_read_for() {
    let server = Server::start(|request| {
        let owner = header(request, "authorization").to_owned();
        if request.uri().path() == "/members/1" {
            return answer(&json!([{ "id": format!("of {owner}") }])).map(Bytes::from);
        }
        let group = json!({ "id": "1", "name": "group", "changed": "2024-01-01T00:00:00Z" });
        answer(&json!([group])).map(Bytes::from)
    })
    .await;
    let keys = format!(
        "min_refresh = '0s'
        scopes = 1
        request = {{ path = '/groups' }}
        {FORWARDS}
        fields.updated_at = 'changed'
        members = {{ request = {{ path = '/members/{{group.id}}' }}, records = '/', reuse = 'updated_at', fields = {{ id = 'id' }} }}"
    );
    let catalog = catalog(adapter(&server, &keys));
    let read = |found: &SourceLookup| {
        let snapshot = found.snapshot.as_ref().expect("a list");
        let group: Value = serde_json::from_slice(&snapshot.row(0).json()).unwrap();
        group["members"][0]["id"].as_str().unwrap().to_owned()
    };
    let are_members = |request: &Request<Bytes>| request.uri().path() == "/members/1";
    let [alice, bob] = ["alice", "bob"].map(caller);
    assert_eq!(read(&ask(&catalog, &alice).await), "of Bearer alice-key");
    let again = ask_as(&catalog, &alice, CacheMode::Revalidate).await;
    assert_eq!(read(&again), "of Bearer alice-key");
    assert_eq!(
        (server.requests().len(), count(&server, are_members)),
        (3, 1)
    );
    // The groups of another are the same, and so is when they changed. There is room for one of the two.
    assert_eq!(read(&ask(&catalog, &bob).await), "of Bearer bob-key");
    assert_eq!(count(&server, are_members), 2);
    assert_eq!(read(&ask(&catalog, &alice).await), "of Bearer alice-key");
    assert_eq!(count(&server, are_members), 3);
}

#[tokio::test]
async fn what_is_known_of_pages_is_asked_with_by_the_scope_that_they_were_read_for() {
    let server = Server::start(|request| {
        // The same for everybody, as of an upstream that forgets who asks.
        if is_conditional(request) {
            return status(304).map(Bytes::from);
        }
        let mut list = by_key(request);
        list.headers_mut()
            .insert("etag", "\"same\"".parse().unwrap());
        list
    })
    .await;
    let keys = format!("min_refresh = '0s'\nscopes = 1\nconditional = true\n{FORWARDS}");
    let catalog = catalog(adapter(&server, &keys));
    let [alice, bob] = ["alice", "bob"].map(caller);
    assert_eq!(owner(&ask(&catalog, &alice).await), "alice-key");
    let again = ask_as(&catalog, &alice, CacheMode::Revalidate).await;
    assert_eq!(owner(&again), "alice-key");
    assert_eq!(count(&server, is_conditional), 1);
    assert_eq!(owner(&ask(&catalog, &bob).await), "bob-key");
    assert_eq!(owner(&ask(&catalog, &alice).await), "alice-key");
    assert_eq!(
        (server.requests().len(), count(&server, is_conditional)),
        (4, 1)
    );
}

#[tokio::test]
async fn what_a_failed_walk_has_read_is_used_again_by_its_own_scope_alone() {
    let server = Server::start(|request| {
        let owner = header(request, "authorization").to_owned();
        match request.uri().path() {
            "/members/2" if owner == key("alice") => status(500).map(Bytes::from),
            "/groups" => {
                let group =
                    |id| json!({ "id": id, "name": "group", "changed": "2024-01-01T00:00:00Z" });
                answer(&json!([group("1"), group("2")])).map(Bytes::from)
            }
            _ => answer(&json!([{ "id": format!("of {owner}") }])).map(Bytes::from),
        }
    })
    .await;
    let keys = format!(
        "limits.concurrency = 1
        request = {{ path = '/groups' }}
        {FORWARDS}
        fields.updated_at = 'changed'
        members = {{ request = {{ path = '/members/{{group.id}}' }}, records = '/', reuse = 'updated_at', fields = {{ id = 'id' }} }}"
    );
    let catalog = catalog(adapter(&server, &keys));
    let failed = ask(&catalog, &caller("alice")).await;
    assert_eq!(error(&failed).0, ErrorKind::HttpStatus);
    let are_members = |request: &Request<Bytes>| request.uri().path() == "/members/1";
    assert_eq!(count(&server, are_members), 1);
    let found = ask(&catalog, &caller("bob")).await;
    let snapshot = found.snapshot.as_ref().expect("a list");
    for number in 0..2 {
        let group: Value = serde_json::from_slice(&snapshot.row(number).json()).unwrap();
        assert_eq!(group["members"][0]["id"], "of Bearer bob-key");
    }
    assert_eq!(count(&server, are_members), 2);
}
