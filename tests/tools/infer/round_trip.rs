//! What `groupgate infer --url` prints for a server loads, and walks its whole list.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use groupgate::app;
use groupgate::clock::WallClock;
use groupgate::group::Group;
use groupgate::observe::Observers;
use groupgate::problem::Problems;
use groupgate::tls::Tls;
use groupgate::upstream::walk::walk;
use http::{Request, Response, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use super::samples::load;
use crate::support::command::{Outcome, groupgate, run};
use crate::support::server::{Server, header, parameter};

/// How many groups each server has: some pages of ten, and a shorter one.
const GROUPS: usize = 34;

type Reply = Response<String>;

fn group(index: usize) -> Value {
    json!({ "id": format!("g-{index}"), "name": format!("Group {index}"), "description": "of some" })
}

/// The groups after so many, at most ten or as many as are asked for.
fn some(after: usize, most: usize) -> Vec<Value> {
    (0..GROUPS)
        .skip(after)
        .take(most.min(10))
        .map(group)
        .collect()
}

fn number(request: &Request<Bytes>, name: &str, default: usize) -> usize {
    parameter(request, name).map_or(default, |text| text.parse().unwrap())
}

fn reply(body: &Value) -> Reply {
    Response::new(body.to_string())
}

fn with(mut reply: Reply, name: &'static str, value: &str) -> Reply {
    reply.headers_mut().insert(name, value.parse().unwrap());
    reply
}

fn refused() -> Reply {
    let mut reply = Response::new("{}".to_owned());
    *reply.status_mut() = StatusCode::BAD_REQUEST;
    reply
}

fn origin(request: &Request<Bytes>) -> String {
    format!("http://{}", header(request, "host").unwrap())
}

fn sent(request: &Request<Bytes>) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

fn form(request: &Request<Bytes>, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(request.body());
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// The token of the page after so many groups.
fn token(after: usize) -> Option<String> {
    (after < GROUPS).then(|| format!("tok-{after}"))
}

fn after(token: Option<&str>) -> usize {
    token.map_or(0, |token| token.trim_start_matches("tok-").parse().unwrap())
}

fn numbered(request: &Request<Bytes>) -> Reply {
    let (page, size) = (number(request, "page", 1), number(request, "per_page", 5));
    let groups = some((page - 1) * size, size);
    reply(
        &json!({ "groups": groups, "page": page, "per_page": size, "total_pages": GROUPS.div_ceil(size), "total": GROUPS }),
    )
}

fn numbered_until_empty(request: &Request<Bytes>) -> Reply {
    let (page, size) = (number(request, "page", 1), number(request, "per_page", 5));
    reply(&json!({ "groups": some((page - 1) * size, size) }))
}

fn spring(request: &Request<Bytes>) -> Reply {
    let (page, size) = (number(request, "page", 0), number(request, "size", 5));
    reply(&json!({
        "content": some(page * size, size), "number": page, "size": size,
        "totalElements": GROUPS, "totalPages": GROUPS.div_ceil(size), "last": (page + 1) * size >= GROUPS,
    }))
}

fn offset(request: &Request<Bytes>) -> Reply {
    let (offset, limit) = (number(request, "offset", 0), number(request, "limit", 5));
    reply(&json!({ "items": some(offset, limit), "total": GROUPS }))
}

fn content_range(request: &Request<Bytes>) -> Reply {
    let (offset, limit) = (number(request, "offset", 0), number(request, "limit", 5));
    let groups = some(offset, limit);
    let range = format!("groups {offset}-{}/{GROUPS}", offset + groups.len());
    with(reply(&Value::from(groups)), "content-range", &range)
}

fn scim(request: &Request<Bytes>) -> Reply {
    let (start, count) = (
        number(request, "startIndex", 1),
        number(request, "count", 5),
    );
    reply(&json!({
        "totalResults": GROUPS, "startIndex": start, "itemsPerPage": count,
        "Resources": some(start - 1, count),
    }))
}

/// It pages by cursor only where it is asked to.
fn scim_cursor(request: &Request<Bytes>) -> Reply {
    let count = number(request, "count", 5);
    let Some(cursor) = parameter(request, "cursor") else {
        return reply(&json!({ "totalResults": GROUPS, "Resources": some(0, count) }));
    };
    let start = after((!cursor.is_empty()).then_some(&cursor));
    let mut page = json!({ "totalResults": GROUPS, "Resources": some(start, count) });
    if let Some(next) = token(start + count) {
        page["nextCursor"] = next.into();
    }
    reply(&page)
}

fn cursor_in_body(request: &Request<Bytes>) -> Reply {
    let start = after(parameter(request, "cursor").as_deref());
    let size = number(request, "limit", 5);
    reply(&json!({ "groups": some(start, size), "meta": { "next_cursor": token(start + size) } }))
}

fn cursor_in_header(request: &Request<Bytes>) -> Reply {
    let start = after(parameter(request, "cursor").as_deref());
    let page = reply(&Value::from(some(start, 10)));
    match token(start + 10) {
        Some(next) => with(page, "x-next-cursor", &next),
        None => page,
    }
}

/// As json-server does: without `_page` there are no links, and only the first groups.
fn json_server(request: &Request<Bytes>) -> Reply {
    let limit = number(request, "_limit", 5);
    let Some(page) = parameter(request, "_page") else {
        return with(
            reply(&Value::from(some(0, limit))),
            "x-total-count",
            &GROUPS.to_string(),
        );
    };
    let page: usize = page.parse().unwrap();
    let url = |page: usize| format!("{}/groups?_page={page}&_limit={limit}", origin(request));
    let mut link = format!("<{}>; rel=\"first\"", url(1));
    if page * limit < GROUPS {
        let _ = write!(link, ", <{}>; rel=\"next\"", url(page + 1));
    }
    let groups = some((page - 1) * limit, limit);
    let page = with(reply(&Value::from(groups)), "link", &link);
    with(page, "x-total-count", &GROUPS.to_string())
}

fn next_url(request: &Request<Bytes>) -> Reply {
    let start = number(request, "from_id", 0);
    let next =
        (start + 10 < GROUPS).then(|| format!("{}/groups?from_id={}", origin(request), start + 10));
    reply(&json!({ "count": GROUPS, "next": next, "results": some(start, 10) }))
}

fn hal(request: &Request<Bytes>) -> Reply {
    let start = number(request, "x", 0);
    let mut links = json!({ "self": { "href": "/groups" } });
    if start + 10 < GROUPS {
        links["next"] = json!({ "href": format!("/groups?x={}", start + 10) });
    }
    reply(&json!({ "_embedded": { "groups": some(start, 10) }, "_links": links }))
}

fn odata(request: &Request<Bytes>) -> Reply {
    let start = after(parameter(request, "$skiptoken").as_deref());
    let mut page = json!({ "@odata.count": GROUPS, "value": some(start, 10) });
    if let Some(next) = token(start + 10) {
        page["@odata.nextLink"] = format!("{}/groups?$skiptoken={next}", origin(request)).into();
    }
    reply(&page)
}

fn json_api(request: &Request<Bytes>) -> Reply {
    let start = after(parameter(request, "page[after]").as_deref());
    let data: Vec<_> = some(start, 10)
        .into_iter()
        .map(|group| json!({ "type": "groups", "id": group["id"], "attributes": { "name": group["name"] } }))
        .collect();
    let next = token(start + 10).map(|next| {
        format!(
            "{}/groups?page[size]=10&page[after]={next}",
            origin(request)
        )
    });
    reply(&json!({ "data": data, "links": { "next": next }, "meta": { "total": GROUPS } }))
}

fn dynamo(request: &Request<Bytes>) -> Reply {
    let sent = sent(request);
    if sent["TableName"] != "groups" {
        return refused();
    }
    let start = after(sent["ExclusiveStartKey"].as_str());
    let mut page = json!({ "Items": some(start, 10), "Count": 10 });
    if let Some(next) = token(start + 10) {
        page["LastEvaluatedKey"] = next.into();
    }
    reply(&page)
}

fn envelope(request: &Request<Bytes>) -> Reply {
    let sent = sent(request);
    let (Some(page), Some(size)) = (
        sent["paging"]["page"].as_u64(),
        sent["paging"]["pageSize"].as_u64(),
    ) else {
        return refused();
    };
    let (page, size) = (page as usize, size as usize);
    reply(&json!({ "code": 0, "data": { "list": some((page - 1) * size, size), "total": GROUPS } }))
}

fn null_cursor(request: &Request<Bytes>) -> Reply {
    let start = after(sent(request)["cursor"].as_str());
    reply(&json!({ "groups": some(start, 10), "nextCursor": token(start + 10) }))
}

fn xml_groups(groups: &[Value], name: &str) -> String {
    groups
        .iter()
        .map(|group| {
            let (id, title) = (
                group["id"].as_str().unwrap(),
                group["name"].as_str().unwrap(),
            );
            format!("<{name}><GroupId>{id}</GroupId><GroupName>{title}</GroupName></{name}>")
        })
        .collect()
}

fn xml(body: String) -> Reply {
    with(Response::new(body), "content-type", "text/xml")
}

fn xml_list(request: &Request<Bytes>) -> Reply {
    let (offset, limit) = (number(request, "offset", 0), number(request, "limit", 5));
    let groups = xml_groups(&some(offset, limit), "group");
    xml(format!("<groups><total>{GROUPS}</total>{groups}</groups>"))
}

fn form_post(request: &Request<Bytes>) -> Reply {
    if form(request, "Action").as_deref() != Some("ListGroups") {
        return refused();
    }
    let start = after(form(request, "Marker").as_deref());
    let groups = xml_groups(&some(start, 10), "member");
    let next = token(start + 10);
    let marker = next
        .as_ref()
        .map_or_else(String::new, |next| format!("<Marker>{next}</Marker>"));
    xml(format!(
        "<ListGroupsResponse><ListGroupsResult><Groups>{groups}</Groups><IsTruncated>{}</IsTruncated>{marker}\
         </ListGroupsResult></ListGroupsResponse>",
        next.is_some()
    ))
}

fn soap(request: &Request<Bytes>) -> Reply {
    let start = after(parameter(request, "PageToken").as_deref());
    let groups = xml_groups(&some(start, 10), "Group");
    let next = token(start + 10).map_or_else(String::new, |next| {
        format!("<NextPageToken>{next}</NextPageToken>")
    });
    xml(format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><R><Result><Payload><Directory>\
         <Page><Paging><Cursor>{next}</Cursor></Paging><Groups>{groups}</Groups></Page>\
         </Directory></Payload></Result></R></s:Body></s:Envelope>"
    ))
}

fn secured(request: &Request<Bytes>) -> Reply {
    let is_known = header(request, "authorization") == Some("Bearer hunter2")
        && header(request, "x-tenant") == Some("acme")
        && parameter(request, "api_key").as_deref() == Some("hunter2");
    if is_known { offset(request) } else { refused() }
}

pub(super) async fn infer(server: &Server, path: &str, arguments: &[&str]) -> Outcome {
    let url = format!("{}{path}", server.base_url());
    let mut all = vec!["infer", "--name", "api", "--url", &url];
    all.extend(arguments);
    run(groupgate(&all, [("PATH", "/")])).await
}

/// The ids that a walk by the block finds.
pub(super) async fn walked(block: &str) -> Vec<String> {
    let groups = walked_groups(block).await.into_iter();
    groups.map(|group| group.source_id).collect()
}

/// The groups that a walk by the block brings.
pub(super) async fn walked_groups(block: &str) -> Vec<Group> {
    let loaded = load(block);
    let mut problems = Problems::default();
    let (wall, tls) = (WallClock::system(), Tls::default());
    let adapter = app::adapter(&loaded, "api", &wall, &tls, &mut problems).unwrap();
    let walked = walk(&Arc::new(adapter), &Observers::default()).await;
    let walked = walked.unwrap_or_else(|error| panic!("{error}\n{block}"));
    walked.groups.to_groups()
}

const JSON: &str = "--json";

#[rstest]
#[case::numbered(numbered, "/groups?page=1&per_page=10", &[])]
#[case::numbered_until_empty(numbered_until_empty, "/groups?page=1&per_page=10", &[])]
#[case::spring(spring, "/groups?page=0&size=10&sort=name", &[])]
#[case::offset(offset, "/groups?offset=0&limit=10", &[])]
#[case::content_range(content_range, "/groups?offset=0&limit=10", &[])]
#[case::scim(scim, "/Groups?startIndex=1&count=10", &[])]
#[case::scim_cursor_whose_first_one_is_empty(scim_cursor, "/Groups?cursor=&count=10", &[])]
#[case::cursor_in_body(cursor_in_body, "/groups?limit=10", &[])]
#[case::cursor_in_header(cursor_in_header, "/groups", &[])]
#[case::link_header_that_needs_page_one(json_server, "/groups?_page=1&_limit=10", &[])]
#[case::link_header_of_a_later_page(json_server, "/groups?_page=2&_limit=10", &[])]
#[case::next_url(next_url, "/groups", &[])]
#[case::hal(hal, "/groups", &[])]
#[case::odata(odata, "/groups?$count=true", &[])]
#[case::json_api(json_api, "/groups?page[size]=10", &[])]
#[case::dynamo(dynamo, "/", &[JSON, r#"{"TableName": "groups", "Limit": 10}"#])]
#[case::post_envelope(envelope, "/list", &[JSON, r#"{"filter": {"active": true}, "paging": {"page": 1, "pageSize": 10}}"#])]
#[case::post_with_a_null_cursor(null_cursor, "/list", &[JSON, r#"{"cursor": null}"#])]
#[case::form(form_post, "/", &["--form", "Action=ListGroups", "--form", "MaxItems=10"])]
#[case::xml(xml_list, "/groups?offset=0&limit=10", &[])]
#[case::soap_below_six_levels(soap, "/groups", &[])]
#[case::with_credentials(secured, "/groups?offset=0&limit=10&api_key=hunter2", &["--header", "Authorization: Bearer hunter2", "--header", "X-Tenant: acme"])]
#[tokio::test]
async fn what_is_printed_for_a_server_loads_and_walks_its_whole_list(
    #[case] answer: fn(&Request<Bytes>) -> Reply,
    #[case] path: &str,
    #[case] arguments: &[&str],
) {
    let server = Server::start(answer).await;
    let outcome = infer(&server, path, arguments).await;
    let block = &outcome.stdout;
    assert_eq!(outcome.code, 0, "{block}\n{}", outcome.stderr);
    assert!(!block.contains("hunter2"), "{block}");
    assert!(
        block.contains("# Certain: this block was walked to the end"),
        "{block}"
    );
    assert!(block.contains("# certain: "), "{block}");
    let mut ids = walked(block).await;
    ids.sort();
    let mut expected: Vec<_> = (0..GROUPS).map(|index| format!("g-{index}")).collect();
    expected.sort();
    assert_eq!(ids, expected, "{block}");
}

/// It says how many there are, and shows the first ten whatever is asked for.
fn ten_and_no_way_on(_: &Request<Bytes>) -> Reply {
    with(
        reply(&Value::from(some(0, 10))),
        "x-total-count",
        &GROUPS.to_string(),
    )
}

/// Nothing of the block is called certain.
fn is_not_certain(block: &str) {
    assert!(block.contains("# Not certain: "), "{block}");
    assert!(!block.contains("# certain: "), "{block}");
}

#[tokio::test]
async fn a_block_that_reads_less_than_a_header_says_is_not_certain() {
    let server = Server::start(ten_and_no_way_on).await;
    let outcome = infer(&server, "/groups?n=10", &[]).await;
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    is_not_certain(&outcome.stdout);
    assert!(
        outcome.stderr.contains("this block was walked"),
        "{}",
        outcome.stderr
    );
}

#[tokio::test]
async fn a_list_on_one_page_is_not_certain_where_nothing_says_that_it_is_whole() {
    let server = Server::start(|_| reply(&Value::from(some(0, 7)))).await;
    let outcome = infer(&server, "/groups", &[]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    is_not_certain(&outcome.stdout);
}

#[tokio::test]
async fn no_more_pages_are_read_than_was_said() {
    let server = Server::start(cursor_in_body).await;
    let outcome = infer(&server, "/groups?limit=10", &["--pages", "2"]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let flat = outcome.stdout.replace("\n# ", " ");
    assert!(
        flat.contains("there are more pages than `--pages` allows"),
        "{flat}"
    );
    assert!(server.requests().len() <= 4, "{:?}", server.asked());
    let outcome = infer(&server, "/groups?limit=10", &["--pages", "0"]).await;
    assert!(
        outcome.stdout.contains("this block was not walked"),
        "{}",
        outcome.stdout
    );
}

#[rstest]
#[case::two_names("--json", "{")]
#[case::no_pair("--form", "hunter2")]
#[case::scalar("--json", "7")]
#[case::method("--method", "DELETE")]
#[tokio::test]
async fn a_request_that_cannot_be_sent_is_refused(#[case] option: &str, #[case] value: &str) {
    let server = Server::start(offset).await;
    let outcome = infer(&server, "/groups", &[option, value]).await;
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    assert!(outcome.stderr.starts_with("error: "), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    assert_eq!(server.requests().len(), 0);
}
