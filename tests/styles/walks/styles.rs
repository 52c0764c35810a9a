//! Upstreams of other styles than the shipped ones, described by TOML alone.

use bytes::Bytes;
use groupgate::error::ErrorKind;
use groupgate::upstream::walk::Walked;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::support::adapters::{adapter_of, failed, ids, walked};
use crate::support::server::{Server, header, json as answer, parameter, status};

/// How many teams every upstream here has, and how many it puts on a page.
const TEAMS: usize = 10;
const PAGE: usize = 3;

fn teams(from: usize) -> Value {
    (from..TEAMS.min(from + PAGE))
        .map(|number| json!({ "key": format!("team-{number}"), "title": format!("Team {number}") }))
        .collect()
}

/// Where the page after the one that begins at `from` begins.
fn after(from: usize) -> Option<usize> {
    Some(from + PAGE).filter(|&next| next < TEAMS)
}

fn number(text: Option<String>) -> usize {
    text.map_or(0, |text| text.parse().unwrap())
}

/// Walks the upstream that `toml` describes, and checks that it is all there and in order.
async fn whole(toml: &str, server: &Server) -> Walked {
    let walked = walked(&adapter_of(toml, server.base_url(), &[("TOKEN", "t0k3n")])).await;
    let all: Vec<_> = (0..TEAMS).map(|number| format!("team-{number}")).collect();
    assert_eq!(ids(&walked), all);
    assert_eq!(server.requests().len(), TEAMS.div_ceil(PAGE));
    walked
}

const LINKED: &str = r#"
    [upstreams.directory]
    base_url = ""
    request = { path = "/v2/teams", query = { per_page = "{limit}" } }
    records = "/"
    pagination = { style = "link", limit = 3 }
    auth = { type = "bearer", token = { env = "TOKEN" } }

    [upstreams.directory.fields]
    id = "key"
    name = "title"
    parent_id = "parent/key"
    members = { each = "people", email = "mail", id = "login" }
    updated_at = "changed"
"#;

/// Link headers as GitHub writes them: a relation for the last page comes first.
fn linked(request: &Request<Bytes>) -> Response<String> {
    if header(request, "authorization") != Some("Bearer t0k3n") {
        return status(401);
    }
    assert_eq!(request.uri().path(), "/v2/teams");
    assert_eq!(parameter(request, "per_page").as_deref(), Some("3"));
    let from = number(parameter(request, "after"));
    let mut teams = teams(from);
    if from == 0 {
        teams[1]["parent"] = json!({ "key": "team-0" });
        teams[1]["people"] = json!([{ "login": 7, "mail": "Ada@example.com" }]);
        teams[1]["changed"] = json!("2026-01-02T03:04:05+01:00");
        teams[1]["stars"] = json!(5);
    }
    let mut response = answer(&teams);
    if let Some(next) = after(from) {
        let host = header(request, "host").unwrap();
        let link = format!(
            "<http://{host}/v2/teams?per_page=3&after=9>; rel=\"last\", \
             </v2/teams?per_page=3&after={next}>; rel=\"next\""
        );
        response.headers_mut().insert("link", link.parse().unwrap());
    }
    response
}

#[tokio::test]
async fn an_upstream_with_link_headers_a_bearer_token_and_a_root_array_is_walked_whole() {
    let server = Server::start(linked).await;
    let walked = whole(LINKED, &server).await;
    insta::assert_snapshot!(serde_json::to_string_pretty(&walked.groups.to_groups()[1]).unwrap());
}

#[tokio::test]
async fn a_link_to_another_origin_is_not_followed() {
    let server = Server::start(|_| {
        let mut response = answer(&teams(0));
        let link = "<http://127.0.0.1:9/v2/teams>; rel=\"next\"";
        response.headers_mut().insert("link", link.parse().unwrap());
        response
    })
    .await;
    let error = failed(&adapter_of(
        LINKED,
        server.base_url(),
        &[("TOKEN", "t0k3n")],
    ))
    .await;
    assert_eq!(
        error.to_string(),
        "pagination: the URL of the next page has another origin, `http://127.0.0.1:9`, \
         which `pagination.origins` does not list: `http://127.0.0.1:9/v2/teams`"
    );
}

const NEXT_URL: &str = r#"
    [upstreams.directory]
    base_url = ""
    request = { path = "/teams", query = { view = "full" } }
    records = "/value"
    pagination = { style = "next_url", next = "/@odata.nextLink" }
    auth = { type = "api_key", key = { env = "TOKEN" }, query = "api_key" }
    fields = { id = "key", name = "title" }
"#;

#[tokio::test]
async fn an_upstream_whose_body_holds_the_next_url_is_walked_whole() {
    let server = Server::start(|request| {
        // The key goes along to every page, also where the next URL leaves it out.
        assert_eq!(parameter(request, "api_key").as_deref(), Some("t0k3n"));
        let from = number(parameter(request, "skip"));
        let next = after(from).map(|next| format!("teams?view=full&skip={next}"));
        answer(&json!({ "value": teams(from), "@odata.nextLink": next }))
    })
    .await;
    whole(NEXT_URL, &server).await;
}

const CURSOR_IN_A_HEADER: &str = r#"
    [upstreams.directory]
    base_url = ""
    request = { path = "/teams", headers = { X-Continue = "{cursor}" } }
    records = "/teams"
    pagination = { style = "cursor", next = { header = "X-Next" } }
    auth = { type = "api_key", key = { env = "TOKEN" }, header = "X-Key" }
    fields = { id = "key", name = "title" }
"#;

#[tokio::test]
async fn an_upstream_whose_cursor_travels_in_headers_is_walked_whole() {
    let server = Server::start(|request| {
        assert_eq!(header(request, "x-key"), Some("t0k3n"));
        let from = number(header(request, "x-continue").map(str::to_owned));
        let mut response = answer(&json!({ "teams": teams(from) }));
        if let Some(next) = after(from) {
            let next = next.to_string().parse().unwrap();
            response.headers_mut().insert("x-next", next);
        }
        response
    })
    .await;
    whole(CURSOR_IN_A_HEADER, &server).await;
}

const PAGE_IN_A_BODY: &str = r#"
    [upstreams.directory]
    base_url = ""
    records = "/hits"
    pagination = { style = "page", first = 0, limit = 3, total = "/found" }
    auth = { type = "basic", username = "groupgate", password = { env = "TOKEN" } }
    fields = { id = "key", name = "title" }

    [upstreams.directory.request]
    method = "POST"
    path = "/search"
    json = { query = "*", window = { page = "{page}", size = "{limit}", label = "page {page}" } }
"#;

#[tokio::test]
async fn an_upstream_whose_page_number_stands_in_a_json_body_is_walked_whole() {
    let server = Server::start(|request| {
        let credentials = "Basic Z3JvdXBnYXRlOnQwazNu";
        assert_eq!(header(request, "authorization"), Some(credentials));
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let page = body["window"]["page"]
            .as_u64()
            .expect("a number, not a text");
        let window = json!({ "page": page, "size": 3, "label": format!("page {page}") });
        assert_eq!(body, json!({ "query": "*", "window": window }));
        answer(&json!({ "hits": teams(page as usize * PAGE), "found": TEAMS }))
    })
    .await;
    whole(PAGE_IN_A_BODY, &server).await;
}

const CURSOR_IN_A_PATH: &str = r#"
    [upstreams.directory]
    base_url = ""
    request = { path = "/teams/after/{cursor}" }
    records = "/teams"
    pagination = { style = "cursor", next = "/more" }
    fields = { id = "key", name = "title" }
"#;

#[tokio::test]
async fn a_cursor_in_a_path_is_one_segment_whatever_it_holds() {
    let server = Server::start(|request| {
        let path = request.uri().path();
        let from = match path.strip_prefix("/teams/after/") {
            None | Some("") => 0,
            Some(segment) => {
                assert!(!segment.contains('/'), "{path}");
                let cursor = percent_encoding::percent_decode_str(segment);
                let cursor = cursor.decode_utf8().unwrap();
                cursor.strip_prefix("a/b?c#").unwrap().parse().unwrap()
            }
        };
        let more = after(from).map(|next| format!("a/b?c#{next}"));
        answer(&json!({ "teams": teams(from), "more": more }))
    })
    .await;
    whole(CURSOR_IN_A_PATH, &server).await;
}

const XML_ATTRIBUTES: &str = r#"
    [upstreams.directory]
    base_url = ""
    request = { path = "/teams.xml", query = { from = "{offset}", max = "{limit}" } }
    format = "xml"
    records = "/teams/team"
    pagination = { style = "offset", first = 1, limit = 3, total = "/teams/@total" }
    fields = { id = "@key", name = "title" }
"#;

#[tokio::test]
async fn an_upstream_whose_total_is_an_xml_attribute_is_walked_whole() {
    let server = Server::start(|request| {
        let accept = header(request, "accept");
        assert!(
            accept.is_some_and(|accept| accept.contains("xml")),
            "{accept:?}"
        );
        let from = number(parameter(request, "from")) - 1;
        let teams: Vec<_> = (from..TEAMS.min(from + PAGE))
            .map(|number| format!("<t:team key='team-{number}'><title>T</title></t:team>"))
            .collect();
        let teams = teams.concat();
        let body = format!("<t:teams xmlns:t='urn:teams' total='{TEAMS}'>{teams}</t:teams>");
        Response::builder()
            .header("content-type", "text/xml")
            .body(body)
            .unwrap()
    })
    .await;
    let walked = whole(XML_ATTRIBUTES, &server).await;
    assert!(
        walked
            .groups
            .to_groups()
            .iter()
            .all(|group| group.attributes.is_empty())
    );
}

#[tokio::test]
async fn a_cursor_that_repeats_ends_the_walk_with_an_error_unless_it_is_known_to() {
    let server = Server::start(|_| answer(&json!({ "teams": teams(0), "more": "again" }))).await;
    let error = failed(&adapter_of(CURSOR_IN_A_PATH, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Pagination, "{error}");
    assert_eq!(server.requests().len(), 2);
    let known = CURSOR_IN_A_PATH.replace("\"/more\"", "\"/more\", on_repeat = \"end\"");
    assert_eq!(
        walked(&adapter_of(&known, server.base_url(), &[]))
            .await
            .groups
            .len(),
        PAGE
    );
}

#[tokio::test]
async fn a_total_that_only_the_first_page_tells_is_no_change_where_that_is_declared() {
    let server = Server::start(|request| {
        let from = number(parameter(request, "from"));
        let total = (from == 0).then_some(TEAMS);
        answer(&json!({ "teams": teams(from), "total": total }))
    })
    .await;
    let toml = r#"
        [upstreams.directory]
        base_url = ""
        request = { path = "/teams", query = { from = "{offset}" } }
        records = "/teams"
        pagination = { style = "offset", total = "/total", absent = "end" }
        fields = { id = "key", name = "title" }
    "#;
    assert!(!whole(toml, &server).await.counts.drifted);
}
