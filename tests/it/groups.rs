//! `GET /groups` and `GET /groups/{id}`, asked as callers ask: every parameter, every format, and
//! what is refused.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::slice;

use groupgate::gateway::query::{FIELDS, PARAMETERS};
use http::{Method, Response, StatusCode};
use quick_xml::escape::unescape;
use serde_json::{Value, json};

use crate::support::client::{each, encoded, groups_of, source};
use crate::support::deployment::{Deployment, SOURCES, Setup};
use crate::support::server::{Server, header, parameter, status};

/// Enough that every trap of the emulated data is among them.
const GROUPS: usize = 64;

async fn gateway() -> Deployment {
    Setup::new(GROUPS).ready().await
}

/// Whether a filter lets a group through.
type Matches = fn(&Value) -> bool;

/// Every group that there is.
async fn all(gateway: &Deployment) -> Vec<Value> {
    let (groups, _) = gateway.follow("limit=1000&deleted=include").await;
    assert_eq!(groups.len(), SOURCES.len() * GROUPS);
    groups
}

#[tokio::test]
async fn every_filter_gives_the_groups_that_match_and_no_others() {
    let gateway = gateway().await;
    let all = all(&gateway).await;
    let filters: [(&str, Matches); 22] = [
        ("search=sales%20TEAM", |group| contains(group, "sales team")),
        ("search=strasse", |group| {
            contains(group, "straße") || contains(group, "strasse")
        }),
        ("search=CAFE%CC%81", |group| {
            contains(group, "café") || contains(group, "cafe\u{301}")
        }),
        ("search=%E9%96%8B%E7%99%BA", |group| contains(group, "開発")),
        ("search=%3Cruns%3E+%22things", |group| {
            contains(group, "<runs> \"things")
        }),
        ("search=there+is+none", |_| false),
        ("source=tallyfy", |group| group["source"] == "tallyfy"),
        ("source=tallyfy,vinyldns", |group| {
            group["source"] == "tallyfy" || group["source"] == "vinyldns"
        }),
        ("status=active", |group| group["status"] == "active"),
        ("status=ACTIVE", |group| group["status"] == "active"),
        ("status=inactive", |_| false),
        (
            "organization_id=123e4567-e89b-12d3-a456-426614174000",
            |group| group["source"] == "onlivesite",
        ),
        ("external_id=TEAM_07", |group| {
            group["external_id"] == "TEAM_07"
        }),
        ("created_after=2015-02-01", |group| {
            at(group, "created_at") >= Some("2015-02-01")
        }),
        ("created_before=2015-02-01", |group| {
            at(group, "created_at") < Some("2015-02-01")
        }),
        ("created_after=2015-02-01T02:00:00+02:00", |group| {
            at(group, "created_at") >= Some("2015-02-01")
        }),
        ("created_after=2015-02-01T02:00:00%2B02:00", |group| {
            at(group, "created_at") >= Some("2015-02-01")
        }),
        (
            "created_after=2015-01-10&created_before=2015-01-20",
            |group| (Some("2015-01-10")..Some("2015-01-20")).contains(&at(group, "created_at")),
        ),
        ("updated_after=2015-03-01", |group| {
            at(group, "updated_at") >= Some("2015-03-01")
        }),
        ("updated_before=2015-03-01", |group| {
            at(group, "updated_at").is_some_and(|at| at < "2015-03-01")
        }),
        ("deleted=only", |group| !group["deleted_at"].is_null()),
        ("deleted=exclude", |group| group["deleted_at"].is_null()),
    ];
    for (filter, matches) in filters {
        let deleted = if filter.contains("deleted") {
            ""
        } else {
            "&deleted=include"
        };
        let page = gateway
            .page(&format!("/groups?limit=1000&{filter}{deleted}"))
            .await;
        let expected: Vec<_> = all.iter().filter(|group| matches(group)).collect();
        let found: Vec<_> = groups_of(&page).iter().collect();
        assert_eq!(found, expected, "{filter}");
        assert_eq!(page["total"], expected.len(), "{filter}");
        let chosen = !expected.is_empty() && expected.len() < all.len();
        assert!(
            chosen || filter.ends_with("none") || filter.ends_with("inactive"),
            "{filter}"
        );
    }
}

/// Whether name or description holds this, which is lower case.
fn contains(group: &Value, text: &str) -> bool {
    ["name", "description"].iter().any(|field| {
        let value = group[*field].as_str().unwrap_or_default();
        value.to_lowercase().contains(text)
    })
}

/// A time as text: in UTC throughout, it compares as an instant does.
fn at<'a>(group: &'a Value, field: &str) -> Option<&'a str> {
    group[field].as_str()
}

#[tokio::test]
async fn members_are_found_by_id_and_by_address_in_any_case() {
    let gateway = gateway().await;
    let all = all(&gateway).await;
    let person = |role: &str, key: &str| {
        let mut people = all.iter().filter_map(|group| group[role].get(0));
        people
            .find_map(|person| person[key].as_str())
            .unwrap()
            .to_owned()
    };
    let guest = person("guests", "email");
    for (asked, key, value) in [
        (person("members", "id"), "id", person("members", "id")),
        (person("admins", "id"), "id", person("admins", "id")),
        (guest.to_uppercase(), "email", guest),
    ] {
        let expected: Vec<_> = all
            .iter()
            .filter(|group| {
                let roles = ["members", "admins", "guests"].iter();
                let mut people = roles.flat_map(|role| group[*role].as_array().unwrap());
                people.any(|person| person[key] == value)
            })
            .collect();
        let path = format!(
            "/groups?limit=1000&deleted=include&member={}",
            encoded(&asked)
        );
        let page = gateway.page(&path).await;
        assert_eq!(
            groups_of(&page).iter().collect::<Vec<_>>(),
            expected,
            "{asked}"
        );
        assert!(!expected.is_empty());
    }
}

#[tokio::test]
async fn every_id_is_found_however_odd_in_a_path_and_in_a_query() {
    let gateway = gateway().await;
    let all = all(&gateway).await;
    for group in &all {
        let id = encoded(group["id"].as_str().unwrap());
        let one = gateway.page(&format!("/groups/{id}")).await;
        assert_eq!(&one, group);
        let page = gateway
            .page(&format!("/groups?deleted=include&id={id}"))
            .await;
        assert_eq!(groups_of(&page), slice::from_ref(group));
    }
}

#[tokio::test]
async fn an_id_in_a_path_is_decoded_once() {
    let gateway = gateway().await;
    for (path, id) in [
        ("/groups/collections:team/3", "collections:team/3"),
        ("/groups/collections%3Ateam%2F3", "collections:team/3"),
        ("/groups/collections:%252F10", "collections:%2F10"),
        ("/groups/collections:group%207", "collections:group 7"),
        ("/groups/collections:urn:group:5", "collections:urn:group:5"),
    ] {
        assert_eq!(gateway.page(path).await["id"], id);
    }
}

#[tokio::test]
async fn several_ids_ask_only_the_sources_that_they_name() {
    let gateway = gateway().await;
    let path = "/groups?id=collections:team/3&id=publisher:1&id=publisher:nobody,publisher:2";
    let page = gateway.page(path).await;
    let ids: BTreeSet<_> = each(groups_of(&page), "id").into_iter().collect();
    assert_eq!(ids, BTreeSet::from(["collections:team/3", "publisher:1"]));
    let sources = page["sources"].as_array().unwrap();
    assert_eq!(each(sources, "name"), ["collections", "publisher"]);
}

#[tokio::test]
async fn every_key_is_always_there() {
    let gateway = gateway().await;
    for group in all(&gateway).await {
        let keys: Vec<_> = group.as_object().unwrap().keys().collect();
        assert_eq!(keys, FIELDS);
    }
    let page = gateway.page("/groups?search=there+is+none").await;
    let keys: Vec<_> = page.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["groups", "total", "next_cursor", "complete", "sources"]
    );
}

#[tokio::test]
async fn only_the_fields_asked_for_come_with_id_and_source() {
    let gateway = gateway().await;
    let (whole, _) = gateway.follow("limit=1000").await;
    let choices: [(&str, &[&str]); 4] = [
        ("name", &["id", "source", "name"]),
        ("created_at,name", &["id", "source", "name", "created_at"]),
        ("id", &["id", "source"]),
        (
            "attributes,members",
            &["id", "source", "members", "attributes"],
        ),
    ];
    for (fields, keys) in choices {
        let page = gateway
            .page(&format!("/groups?limit=1000&fields={fields}"))
            .await;
        assert_eq!(groups_of(&page).len(), whole.len());
        for (group, whole) in groups_of(&page).iter().zip(&whole) {
            assert_eq!(group.as_object().unwrap().keys().collect::<Vec<_>>(), keys);
            assert!(keys.iter().all(|key| group[*key] == whole[*key]));
        }
    }
}

#[tokio::test]
async fn every_format_gives_the_same_groups() {
    let gateway = gateway().await;
    let path = "/groups?limit=1000&deleted=include&sort=-updated_at";
    let json = gateway.page(path).await;
    let groups = groups_of(&json);

    let ndjson = gateway
        .get_with(path, &[("accept", "application/x-ndjson")])
        .await;
    let mut lines: Vec<Value> = ndjson
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let summary = lines.pop().unwrap();
    assert_eq!(lines, groups);
    assert_eq!(summary["summary"]["total"], json["total"]);
    assert_eq!(summary["summary"]["sources"], json["sources"]);

    let csv = gateway.get_with(path, &[("accept", "text/csv")]).await;
    let mut reader = csv::Reader::from_reader(csv.text().as_bytes());
    assert_eq!(reader.headers().unwrap(), FIELDS.to_vec());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), groups.len());
    for (row, group) in rows.iter().zip(groups) {
        for (cell, field) in row.iter().zip(FIELDS) {
            assert_eq!(cell, text_of(&group[*field]), "{field} of {}", group["id"]);
        }
    }
    assert_eq!(csv.header("x-total-count"), json["total"].to_string());
    assert_eq!(csv.header("x-complete"), "true");
    let sources: Value = serde_json::from_str(csv.header("x-sources")).unwrap();
    assert_eq!(sources, json["sources"]);

    let xml = gateway
        .get_with(path, &[("accept", "application/xml")])
        .await;
    assert_eq!(texts_in(xml.text(), "name"), each(groups, "name"));
    let ids = each(groups, "source_id");
    assert_eq!(texts_in(xml.text(), "source_id"), ids);
}

/// A value as a cell of CSV shows it.
fn text_of(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None if value.is_null() => String::new(),
        None => value.to_string(),
    }
}

/// The texts of all elements of this name, of which none has attributes.
fn texts_in(xml: &str, name: &str) -> Vec<String> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&start)
        .skip(1)
        .map(|rest| unescape(rest.split(&end).next().unwrap()).unwrap())
        .map(Cow::into_owned)
        .collect()
}

#[tokio::test]
async fn streamed_formats_may_be_asked_for_everything_at_once() {
    let gateway = Setup::new(250).ready().await;
    let path = "/groups?limit=all&deleted=include&fields=name";
    for accept in ["application/x-ndjson", "text/csv"] {
        let reply = gateway.get_with(path, &[("accept", accept)]).await;
        // And a line of columns before, or of the envelope after them.
        assert_eq!(reply.text().lines().count(), 5 * 250 + 1, "{accept}");
    }
    let refused = gateway.get(path).await.problem(400, "invalid-parameter");
    assert_eq!(refused["parameter"], "limit");
}

#[tokio::test]
async fn a_page_holds_what_the_limit_says_and_no_more_than_a_thousand() {
    let gateway = Setup::new(250).ready().await;
    for (limit, held) in [
        ("limit=1", 1),
        ("limit=1000", 1000),
        ("limit=1001", 1000),
        ("limit=99999999999999999999", 1000),
        ("", 100),
    ] {
        let page = gateway
            .page(&format!("/groups?deleted=include&{limit}"))
            .await;
        assert_eq!(groups_of(&page).len(), held, "{limit}");
        assert_eq!(page["total"], 5 * 250);
    }
}

#[tokio::test]
async fn a_parameter_that_cannot_be_meant_is_named_with_what_is_allowed() {
    let gateway = Setup::new(1).ready().await;
    let refusals = [
        ("serach=x", "serach", "`search`"),
        ("Search=x", "Search", "`search`"),
        ("source=tallify", "source", "`tallyfy`"),
        ("source=tallyfy,", "source", "is empty"),
        ("id=nocolon", "id", "a colon"),
        ("sort=size", "sort", "`created_at`"),
        ("sort=name,id,source,created_at", "sort", "at most 3"),
        ("sort=name,-name", "sort", "twice"),
        ("fields=nam", "fields", "`name`"),
        ("limit=0", "limit", "`0`"),
        ("limit=-1", "limit", "`-1`"),
        ("limit=many", "limit", "`many`"),
        ("limit=1&limit=2", "limit", "only once"),
        ("deleted=yes", "deleted", "`exclude`"),
        ("created_after=yesterday", "created_after", "`yesterday`"),
        (
            "created_before=2024-01-31T09:30:00",
            "created_before",
            "`2024-01-31T09:30:00Z`",
        ),
        ("updated_after=2024-02-30", "updated_after", "`2024-02-30`"),
        ("search=", "search", "empty"),
    ];
    for (query, parameter, said) in refusals {
        let reply = gateway.get(&format!("/groups?{query}")).await;
        let problem = reply.problem(400, "invalid-parameter");
        assert_eq!(problem["parameter"], parameter);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{detail}");
    }
}

#[tokio::test]
async fn a_cursor_suffices_alone_and_what_comes_with_it_must_agree() {
    let gateway = gateway().await;
    let first = gateway
        .page("/groups?search=s&limit=3&sort=-name&fields=name")
        .await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert!(cursor.len() < 2048);
    let next = |more: &str| format!("/groups?cursor={cursor}{more}");

    let second = gateway.page(&next("")).await;
    assert_eq!(groups_of(&second).len(), 3);
    assert_ne!(groups_of(&second), groups_of(&first));
    let agreeing = gateway
        .page(&next("&search=S&sort=-name&fields=name,id"))
        .await;
    assert_eq!(groups_of(&agreeing), groups_of(&second));
    let longer = gateway.page(&next("&limit=5")).await;
    assert_eq!(groups_of(&longer).len(), 5);
    assert_eq!(&groups_of(&longer)[..3], groups_of(&second));

    for other in ["search=t", "sort=name", "source=tallyfy", "fields=email"] {
        let reply = gateway.get(&next(&format!("&{other}"))).await;
        let problem = reply.problem(400, "invalid-parameter");
        let name = other.split('=').next().unwrap();
        assert_eq!(problem["parameter"], name);
    }
}

#[tokio::test]
async fn a_forged_cursor_says_start_over() {
    let gateway = gateway().await;
    let first = gateway.page("/groups?limit=3").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let (most, last) = cursor.split_at(cursor.len() - 1);
    let other = if last == "A" { "B" } else { "A" };
    for forged in [
        &format!("{}{other}{last}", &most[1..]),
        most,
        "x",
        "%00",
        "🚀",
    ] {
        let path = format!("/groups?cursor={}", forged.replace('🚀', "%F0%9F%9A%80"));
        let problem = gateway.get(&path).await.problem(400, "start-over");
        assert_eq!(problem["parameter"], "cursor");
    }
}

#[tokio::test]
async fn an_unknown_group_and_an_unknown_source_are_refused_word_for_word_alike() {
    let gateway = gateway().await;
    let id = [("x-request-id", "the-same")];
    let group = gateway.get_with("/groups/tallyfy:nobody", &id).await;
    let source = gateway.get_with("/groups/nowhere:nobody", &id).await;
    let neither = gateway.get_with("/groups/nobody", &id).await;
    group.problem(404, "not-found");
    assert_eq!(group.body, source.body);
    assert_eq!(group.body, neither.body);
}

#[tokio::test]
async fn what_is_not_served_to_callers_is_not_found() {
    let gateway = Setup::new(1).ready().await;
    for path in [
        "/",
        "/group",
        "/livez",
        "/readyz",
        "/status",
        "/refresh/tallyfy",
    ] {
        gateway.get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_allowed() {
    let gateway = Setup::new(1).ready().await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        for path in ["/groups", "/groups/tallyfy:1", "/sources"] {
            let reply = gateway.ask(method.clone(), path, &[]).await;
            reply.problem(405, "method-not-allowed");
            assert_eq!(reply.header("allow"), "GET,HEAD", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_format_is_the_one_that_the_caller_likes_best() {
    let gateway = Setup::new(1).ready().await;
    for (accept, media_type) in [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/xml", "application/xml; charset=utf-8"),
        ("text/*", "text/csv; charset=utf-8; header=present"),
        (
            "application/x-ndjson, application/json;q=0.9",
            "application/x-ndjson",
        ),
        ("image/png, application/json;q=0.1", "application/json"),
    ] {
        let reply = gateway.get_with("/groups", &[("accept", accept)]).await;
        assert_eq!(reply.status, StatusCode::OK, "{accept}");
        assert_eq!(reply.header("content-type"), media_type, "{accept}");
    }
}

#[tokio::test]
async fn nothing_acceptable_is_a_problem_that_lists_what_there_is() {
    let gateway = Setup::new(1).ready().await;
    for accept in ["image/png", "application/json;q=0, text/html"] {
        let reply = gateway.get_with("/groups", &[("accept", accept)]).await;
        let problem = reply.problem(406, "not-acceptable");
        let detail = problem["detail"].as_str().unwrap();
        for format in [
            "application/json",
            "application/xml",
            "application/x-ndjson",
            "text/csv",
        ] {
            assert!(detail.contains(format), "{detail}");
        }
    }
}

#[tokio::test]
async fn a_large_answer_is_compressed_as_the_caller_accepts() {
    let gateway = gateway().await;
    let plain = gateway.get("/groups").await;
    for encoding in ["gzip", "br", "zstd"] {
        let packed = gateway
            .get_with("/groups", &[("accept-encoding", encoding)])
            .await;
        assert_eq!(packed.header("content-encoding"), encoding);
        assert!(packed.body.len() < plain.body.len() / 2);
        assert_eq!(packed.header("etag"), plain.header("etag"));
    }
}

#[tokio::test]
async fn the_description_lists_every_parameter_and_the_page_needs_nothing_from_elsewhere() {
    let gateway = Setup::new(1).ready().await;
    let document = gateway.page("/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let parameters = &document["paths"]["/groups"]["get"]["parameters"];
    let described = each(parameters.as_array().unwrap(), "name");
    for parameter in PARAMETERS {
        assert!(described.contains(&parameter.name), "{}", parameter.name);
    }
    let page = gateway.get("/docs").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(!page.text().contains("<script"));
    assert!(!page.text().contains("src="));
}

/// The manual's example of an upstream that nobody wrote code for: Link headers, a bearer token,
/// and an array for a page.
#[tokio::test]
async fn a_sixth_upstream_is_added_by_configuration_alone() {
    let server = Server::start(|request| {
        if header(request, "authorization") != Some("Bearer sixth-token") {
            return status(401);
        }
        let page = parameter(request, "page");
        let number: u32 = page.map_or(1, |text| text.parse().unwrap());
        let response = Response::builder().header("content-type", "application/json");
        let response = match number {
            1 | 2 => response.header("link", format!("<?page={}>; rel=\"next\"", number + 1)),
            _ => response,
        };
        let team = |letter: &str| {
            json!({
                "uuid": format!("{number}-{letter}"),
                "title": format!("Team {letter}{number}"),
                "people": [{ "mail": format!("{letter}@example.com") }],
                "floor": number,
            })
        };
        response
            .body(json!([team("x"), team("a")]).to_string())
            .unwrap()
    })
    .await;
    let gateway = Setup::new(5)
        .declare(&format!(
            r#"
            [upstreams.sixth]
            base_url = "{}"
            request = {{ path = "/teams" }}
            records = "/"
            pagination = {{ style = "link" }}
            auth = {{ type = "bearer", token = {{ env = "SIXTH_TOKEN" }} }}
            fields = {{ id = "uuid", name = "title", members = {{ each = "people", email = "mail" }} }}
            "#,
            server.base_url()
        ))
        .variable("SIXTH_TOKEN", "sixth-token")
        .ready()
        .await;
    let page = gateway.page("/groups?source=sixth").await;
    let names = [
        "Team a1", "Team a2", "Team a3", "Team x1", "Team x2", "Team x3",
    ];
    assert_eq!(each(groups_of(&page), "name"), names);
    assert_eq!(source(&page, "sixth")["state"], "fresh");
    let first = &groups_of(&page)[0];
    assert_eq!(first["id"], "sixth:1-a");
    assert_eq!(
        first["members"],
        json!([{ "id": null, "email": "a@example.com" }])
    );
    assert_eq!(first["attributes"], json!({ "floor": 1 }));
    let union = gateway.page("/groups?deleted=include&limit=1000").await;
    assert_eq!(union["total"], 5 * 5 + 6);
}
