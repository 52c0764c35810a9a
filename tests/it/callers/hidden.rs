//! Fields that a grant hides, and the records of who asked.

use serde_json::Value;

use crate::support::client::groups_of;

use groupgate::app::App;
use groupgate::clock::WallClock;

use super::*;

/// One caller from whom members are hidden, and one who sees them of one source.
fn two_callers() -> String {
    let grants = "[grants.names]\nsources = ['*']\nhide = ['members', 'member_count']\n\
                  [grants.people]\nsources = ['alpha']\n";
    grants.to_owned()
        + &keys(&[
            ("one", "key-one", &["names"]),
            ("two", "key-two", &["names", "people"]),
        ])
}

#[tokio::test]
async fn what_a_grant_hides_is_hidden_unless_another_grant_shows_it() {
    let upstream = upstream().await;
    let gateway = started(&configuration(&upstream, &two_callers())).await;
    for (key, shown) in [("key-one", &[][..]), ("key-two", &["alpha"])] {
        for path in ["/groups", "/groups", "/groups?fields=members"] {
            let page = asked_with(&gateway, key, path).await.json();
            for group in groups_of(&page) {
                let source = group["source"].as_str().unwrap();
                let members = group["members"].as_array().unwrap().len();
                assert_eq!(
                    members,
                    usize::from(shown.contains(&source)),
                    "{key} {group}"
                );
            }
            assert_eq!(page["total"], 9);
        }
        let one = asked_with(&gateway, key, "/groups/beta:1").await.json();
        assert_eq!(
            (&one["members"], &one["member_count"]),
            (&json!([]), &Value::Null)
        );
        let problem = asked_with(&gateway, key, "/groups?member=alpha-member-1").await;
        let problem = problem.problem(400, "invalid-parameter");
        assert_eq!(problem["parameter"], "member");
        let of_alpha =
            asked_with(&gateway, key, "/groups?member=alpha-member-1&source=alpha").await;
        let expected = if shown.is_empty() { 400 } else { 200 };
        assert_eq!(of_alpha.status.as_u16(), expected);
    }
    let described = |key| {
        let gateway = &gateway;
        async move {
            asked_with(gateway, key, "/openapi.json")
                .await
                .text()
                .to_owned()
        }
    };
    assert!(!described("key-one").await.contains(r#""name":"member""#));
    assert!(described("key-two").await.contains(r#""name":"member""#));
}

#[tokio::test]
async fn records_name_callers_and_their_grants_also_of_those_who_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log");
    let audit = format!("[audit]\nenabled = true\nfile = '{}'\n", file.display());
    let upstream = upstream().await;
    let gateway = started(&configuration(&upstream, &(audit + &two_callers()))).await;
    for key in ["key-two", "key-two", "wrong"] {
        asked_with(&gateway, key, "/groups?source=alpha").await;
    }
    gateway.stop().await;
    let written = std::fs::read_to_string(&file).unwrap();
    let records: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said = records.iter().map(|record| {
        json!([
            record["caller"],
            record["authentication"],
            record["grants"],
            record["status"],
            record["sources"],
            record["groups"],
            record["address"]
        ])
    });
    let known = json!([
        "two",
        "key",
        ["names", "people"],
        200,
        ["alpha"],
        3,
        "127.0.0.1"
    ]);
    let refused = json!([null, null, [], 401, null, null, "127.0.0.1"]);
    assert_eq!(said.collect::<Vec<_>>(), [known.clone(), known, refused]);
    assert!(!written.contains("key-two") && !written.contains("member"));
}

#[tokio::test]
async fn a_file_for_records_that_cannot_be_written_is_an_error_at_the_start() {
    let upstream = upstream().await;
    let audit = "[audit]\nenabled = true\nfile = '/nowhere/audit.log'\n";
    let loaded = configuration(&upstream, audit);
    let wall = WallClock::system();
    let compiled = App::compile(&loaded, &wall).unwrap();
    let Err(error) = App::start(&loaded, compiled, &wall).await else {
        panic!("it started");
    };
    let error = format!("{error:?}");
    assert!(
        error.contains("`/nowhere/audit.log` cannot be written to"),
        "{error}"
    );
}
