//! `GET /openapi.json` and `GET /docs`: the description of the data listener, generated from the
//! code that serves it, so that it cannot fall behind.

mod page;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG};
use http::{HeaderValue, StatusCode};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::gateway::query::{PARAMETERS, Parameter};
use crate::group::Group;

use super::caching::EntityTag;
use super::envelope::Envelope;
use super::exchange::RequestContext;
use super::fallback;
use super::negotiate::AnswerFormat;
use super::problem::{self, ProblemDetails};
use super::response::{Response, empty, full};
use super::source_list::SourceList;

/// How long a caller may keep the description: it changes with releases only.
const AN_HOUR: &str = "max-age=3600";

/// The page brings its own style, and nothing else may run or load.
const NOTHING_FROM_ELSEWHERE: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The answer of `GET /groups`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Groups")]
struct DescribedAnswer {
    /// The groups of this page.
    groups: Vec<Group>,
    #[serde(flatten)]
    envelope: Envelope,
}

/// The description, for machines and for people. It stays the same as long as the process runs.
#[derive(Debug)]
pub(crate) struct Description {
    document: TextSchema,
    page: TextSchema,
}

impl Description {
    /// Generates it.
    pub(crate) fn new() -> Self {
        let document = document();
        Self {
            page: TextSchema::new("text/html; charset=utf-8", page::render(&document)),
            document: TextSchema::new(AnswerFormat::Json.content_type(), document.to_string()),
        }
    }

    /// Answers `GET /openapi.json`.
    pub(crate) fn document<S>(
        &self,
        exchange: &RequestContext<S>,
    ) -> Result<Response, ProblemDetails> {
        self.document.answer(exchange)
    }

    /// Answers `GET /docs`.
    pub(crate) fn page<S>(&self, exchange: &RequestContext<S>) -> Result<Response, ProblemDetails> {
        self.page.answer(exchange)
    }
}

#[derive(Debug)]
struct TextSchema {
    content_type: &'static str,
    tag: EntityTag,
    bytes: Bytes,
}

impl TextSchema {
    fn new(content_type: &'static str, text: String) -> Self {
        Self {
            content_type,
            tag: EntityTag::of_text(&text),
            bytes: text.into(),
        }
    }

    fn answer<S>(&self, exchange: &RequestContext<S>) -> Result<Response, ProblemDetails> {
        fallback::no_parameters(&exchange.uri)?;
        let mut response = if self.tag.is_known(&exchange.headers) {
            empty(StatusCode::NOT_MODIFIED)
        } else {
            full(self.content_type, self.bytes.clone())
        };
        response.headers_mut().extend([
            (CACHE_CONTROL, HeaderValue::from_static(AN_HOUR)),
            (
                CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(NOTHING_FROM_ELSEWHERE),
            ),
            (ETAG, self.tag.value().clone()),
        ]);
        Ok(response)
    }
}

/// The OpenAPI 3.1 document of the data listener.
pub fn document() -> Value {
    let mut schemas = SchemaSettings::draft2020_12()
        // As it is sent, every key is there: null stands for what is not known.
        .for_serialize()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let paths = json!({
        "/groups": { "get": list(&mut schemas) },
        "/groups/{id}": { "get": one(&mut schemas) },
        "/sources": { "get": stand(&mut schemas) },
    });
    let problem = schemas.subschema_for::<problem::ProblemDocument<'_>>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "groupgate",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        // Relative to this document, so that path prefixes survive.
        "servers": [{ "url": "." }],
        "paths": paths,
        "components": {
            "responses": { "Problem": {
                "description": "A problem (RFC 9457).",
                "content": { problem::MEDIA_TYPE: { "schema": problem } },
            } },
            "schemas": schemas.take_definitions(true),
        },
    })
}

fn list(schemas: &mut SchemaGenerator) -> Value {
    let mut content = Map::new();
    for format in AnswerFormat::ALL {
        let schema = match format {
            AnswerFormat::Json => schemas.subschema_for::<DescribedAnswer>().to_value(),
            AnswerFormat::Xml | AnswerFormat::Ndjson | AnswerFormat::Csv => json!({
                "type": "string",
                "description": description(*format),
            }),
        };
        content.insert(format.media_type().to_owned(), json!({ "schema": schema }));
    }
    json!({
        "operationId": "listGroups",
        "summary": "One page of groups",
        "description": "The groups of every source, as one filtered and sorted list.",
        "parameters": PARAMETERS
            .iter()
            .map(parameter)
            .chain([strictness()])
            .chain(conditions())
            .collect::<Value>(),
        "responses": responses(
            "A page of groups, and how each source stands.",
            content,
            &[CACHING, PAGING, LIMITS].concat(),
            &[304, 400, 405, 406, 413, 414, 429, 431, 500, 502, 503, 504],
        ),
    })
}

fn one(schemas: &mut SchemaGenerator) -> Value {
    let json = schemas.subschema_for::<Group>().to_value();
    let xml = json!({ "type": "string", "description": "The group's XML element." });
    let content = [(AnswerFormat::Json, json), (AnswerFormat::Xml, xml)]
        .map(|(format, schema)| (format.media_type().to_owned(), json!({ "schema": schema })));
    let id = json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": "The normalized id, percent-encoded once.",
        "schema": { "type": "string" },
        "example": "directory:1001",
    });
    json!({
        "operationId": "getGroup",
        "summary": "One group",
        "parameters": std::iter::once(id).chain(conditions()).collect::<Value>(),
        "responses": responses(
            "The group.",
            content.into_iter().collect(),
            &[CACHING, LIMITS].concat(),
            &[304, 400, 404, 405, 406, 413, 414, 429, 431, 500, 502, 503, 504],
        ),
    })
}

fn stand(schemas: &mut SchemaGenerator) -> Value {
    let schema = schemas.subschema_for::<SourceList>();
    let content = (
        AnswerFormat::Json.media_type().to_owned(),
        json!({ "schema": schema }),
    );
    json!({
        "operationId": "listSources",
        "summary": "How each source stands",
        "responses": responses(
            "Every source.",
            std::iter::once(content).collect(),
            LIMITS,
            &[400, 405, 406, 413, 414, 429, 431, 500],
        ),
    })
}

/// What a format other than JSON looks like.
const fn description(format: AnswerFormat) -> &'static str {
    match format {
        AnswerFormat::Json => "One object.",
        AnswerFormat::Xml => {
            "A `groups` element of `group` elements and a last one, `sources`. Null is \
             `nil=\"true\"`; other fields are `attribute` elements with `name` and `type`."
        }
        AnswerFormat::Ndjson => {
            "One group a line, then a last line `{\"summary\": …}` with the rest of the answer."
        }
        AnswerFormat::Csv => {
            "RFC 4180, one column per field: text quoted, null empty, lists and attributes as \
             JSON. The rest of the answer is in `X-Total-Count`, `X-Complete`, `X-Sources` and \
             `Link`."
        }
    }
}

fn parameter(parameter: &Parameter) -> Value {
    // The table's schemas are JSON text; a test reads every one.
    let schema: Value = serde_json::from_str(parameter.schema).unwrap_or_default();
    let (schema, example) = if parameter.repeatable {
        let schema = json!({ "type": "array", "items": schema });
        (schema, json!([parameter.example]))
    } else {
        (schema, json!(parameter.example))
    };
    json!({
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": schema,
        "example": example,
    })
}

/// The request header that makes an answer whole or none.
fn strictness() -> Value {
    request_header(
        "Prefer",
        "`handling=strict`: an incomplete answer becomes a problem instead.",
        "handling=strict",
    )
}

/// The request headers for what the caller or we have already.
fn conditions() -> [Value; 2] {
    [
        request_header(
            "Cache-Control",
            "`no-cache`: the sources are read anew, as often as they allow.",
            "no-cache",
        ),
        request_header(
            "If-None-Match",
            "The `ETag` of an answer that the caller has: if it is still right, 304 says so.",
            "W/\"6e340b9cffb37a989ca544e6bb780a2c\"",
        ),
    ]
}

fn request_header(name: &str, description: &str, example: &str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "description": description,
        "schema": { "type": "string" },
        "example": example,
    })
}

/// A response header, and what it says.
type Header = (&'static str, &'static str);

/// How an answer may be kept, and what of it was.
const CACHING: &[Header] = &[
    ("ETag", "What the answer says, for `If-None-Match`."),
    ("Cache-Control", "How long the answer stays what it is."),
    (
        "Cache-Status",
        "What the cache of each source did (RFC 9211).",
    ),
    ("Server-Timing", "Where the time went, in milliseconds."),
];

/// The neighbours of a page; of CSV, also the rest of its envelope.
const PAGING: &[Header] = &[
    (
        "Link",
        "The `next` page, where there is one, and the `first` (RFC 8288).",
    ),
    ("X-Total-Count", "CSV only: how many groups match in all."),
    (
        "X-Complete",
        "CSV only: whether every asked source contributed.",
    ),
    (
        "X-Sources",
        "CSV only: how each asked source stands, as JSON. Of many sources it holds name, state \
         and type of error alone, and where that is too long for a header it is left out.",
    ),
];

/// How often the caller may ask.
const LIMITS: &[Header] = &[
    (
        "RateLimit",
        "How many requests are left, and when all are again.",
    ),
    (
        "RateLimit-Policy",
        "How many requests there are, in how many seconds.",
    ),
    (
        "X-Request-Id",
        "The id of the request, made here or taken from it.",
    ),
];

fn response_headers(headers: &[Header]) -> Value {
    let described = headers.iter().map(|(name, description)| {
        let header = json!({ "description": description, "schema": { "type": "string" } });
        ((*name).to_owned(), header)
    });
    Value::Object(described.collect())
}

fn responses(good: &str, content: Map<String, Value>, headers: &[Header], others: &[u16]) -> Value {
    let headers = response_headers(headers);
    let mut responses = Map::new();
    responses.insert(
        "200".to_owned(),
        json!({ "description": good, "headers": headers, "content": content }),
    );
    for status in others {
        let response = if *status == 304 {
            json!({ "description": "The caller has this answer already." })
        } else {
            json!({ "$ref": "#/components/responses/Problem" })
        };
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

#[cfg(test)]
mod tests {
    use super::super::problem::Kind;
    use super::*;
    use crate::error::ErrorKind;
    use crate::gateway::query::FIELDS;

    fn text() -> String {
        document().to_string()
    }

    #[test]
    fn the_document_is_this() {
        let mut document = document();
        document["info"]["version"] = "[version]".into();
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
    }

    #[test]
    fn every_parameter_is_described() {
        let document = document();
        let parameters = document["paths"]["/groups"]["get"]["parameters"]
            .as_array()
            .unwrap();
        for parameter in PARAMETERS {
            let described = parameters.iter().find(|one| one["name"] == parameter.name);
            let described = described.unwrap_or_else(|| panic!("{} is missing", parameter.name));
            assert!(described["schema"].is_object(), "{}", parameter.name);
        }
    }

    #[test]
    fn every_field_of_a_group_is_described_and_required() {
        let document = document();
        let schema = &document["components"]["schemas"]["Group"];
        for field in FIELDS {
            let described = &schema["properties"][field]["description"];
            assert!(described.is_string(), "{field}");
            let required = schema["required"].as_array().unwrap();
            assert!(required.iter().any(|name| name == field), "{field}");
        }
    }

    #[test]
    fn every_operation_names_the_problems_that_any_request_may_meet() {
        let document = document();
        for path in ["/groups", "/groups/{id}", "/sources"] {
            let responses = &document["paths"][path]["get"]["responses"];
            for status in ["405", "406", "413", "414", "429", "431", "500"] {
                assert!(responses[status].is_object(), "{path}: {status}");
            }
        }
    }

    #[test]
    fn every_kind_of_error_is_named() {
        let text = text();
        for kind in ErrorKind::ALL {
            assert!(text.contains(&format!("\"{kind}\"")), "{kind}");
        }
        for kind in Kind::ALL {
            assert!(text.contains(&kind.uri()), "{}", kind.uri());
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let mut references = 0;
        for piece in text.split("\"$ref\":\"#").skip(1) {
            let pointer = piece.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            references += 1;
        }
        assert!(references > 5);
    }
}
