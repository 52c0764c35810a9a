//! The document: every path, what may be asked of it, and all that it may answer.

use http::StatusCode;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use crate::caller::VisibleSources;
use crate::downstream::negotiate::AnswerFormat;
use crate::downstream::problem;
use crate::downstream::source_list::SourceList;
use crate::gateway::FilterableAttributes;

use super::responses::{
    CONFINED, DescribedHeader, KEPT, MADE, PAGED, PRESENT, TABULAR, good, not_modified, of_status,
};
use super::schemas::{DescribedAnswer, WHOLE_GROUP, reference};
use super::{HTML, parameters, responses, schemas};

/// What any request may be answered, whatever it asks for.
const ANYWHERE: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::NOT_ACCEPTABLE,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::URI_TOO_LONG,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// The OpenAPI 3.1 document of the data listener, with examples that name these sources, and without the parameters
/// that look at what is hidden in all of them.
pub fn document(
    sources: &[&str],
    attributes: &FilterableAttributes,
    visible: &VisibleSources,
) -> Value {
    let mut schemas = schemas::generator();
    let paths = json!({
        "/groups": { "get": list(&mut schemas, sources, attributes, visible) },
        "/groups/{id}": { "get": one(sources) },
        "/sources": { "get": stand(&mut schemas) },
        "/openapi.json": { "get": machine() },
        "/docs": { "get": person() },
    });
    let problem = schemas.subschema_for::<problem::ProblemDocument<'_>>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "groupgate",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "description": "Every path answers `HEAD` as it does `GET`, without the body.",
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        // Relative to this document, so that path prefixes survive.
        "servers": [{ "url": "." }],
        "paths": paths,
        "components": {
            "responses": responses::problems(&problem.to_value()),
            "schemas": schemas::definitions(schemas),
        },
    })
}

fn list(
    schemas: &mut SchemaGenerator,
    sources: &[&str],
    attributes: &FilterableAttributes,
    visible: &VisibleSources,
) -> Value {
    let content = AnswerFormat::ALL.iter().map(|format| {
        let schema = match format {
            AnswerFormat::Json => schemas.subschema_for::<DescribedAnswer>().to_value(),
            AnswerFormat::Xml | AnswerFormat::Ndjson | AnswerFormat::Csv => text(look(*format)),
        };
        (format.media_type(), schema)
    });
    let content = contents(content);
    let mut asked = parameters::of_list(sources, visible);
    asked.extend(parameters::of_attributes(attributes, visible));
    asked.extend([
        parameters::strictness(),
        parameters::revalidation(),
        parameters::condition(),
    ]);
    let kept = [KEPT, MADE, PAGED];
    let kept_or_table = [KEPT, MADE, PAGED, TABULAR];
    json!({
        "operationId": "listGroups",
        "summary": "One page of groups",
        "description": "The groups of every source, as one filtered and sorted list.",
        "parameters": asked,
        "responses": answers(
            good("A page of groups, and how each source stands.", content, &kept_or_table),
            Some(&kept),
            &[StatusCode::BAD_GATEWAY],
        ),
    })
}

fn one(sources: &[&str]) -> Value {
    let content = contents([
        (AnswerFormat::Json.media_type(), reference(WHOLE_GROUP)),
        (
            AnswerFormat::Xml.media_type(),
            text("The group's XML element."),
        ),
    ]);
    let id = json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": "The normalized id, percent-encoded once.",
        "schema": { "type": "string", "minLength": 1 },
        "example": parameters::group_id(sources),
    });
    let kept = [KEPT, MADE];
    json!({
        "operationId": "getGroup",
        "summary": "One group",
        "parameters": [id, parameters::revalidation(), parameters::condition()],
        "responses": answers(
            good("The group.", content, &kept),
            Some(&kept),
            &[StatusCode::NOT_FOUND, StatusCode::BAD_GATEWAY],
        ),
    })
}

fn stand(schemas: &mut SchemaGenerator) -> Value {
    let schema = schemas.subschema_for::<SourceList>().to_value();
    let content = contents([(AnswerFormat::Json.media_type(), schema)]);
    json!({
        "operationId": "listSources",
        "summary": "How each source stands",
        "responses": answers(good("Every source.", content, &[PRESENT]), None, &[]),
    })
}

fn machine() -> Value {
    let schema = json!({ "type": "object", "description": "An OpenAPI 3.1 document." });
    described(
        "getDescription",
        "This description, for machines",
        AnswerFormat::Json.media_type(),
        schema,
    )
}

fn person() -> Value {
    let summary = "This description, for people";
    described("getDocs", summary, HTML, text("A page."))
}

fn described(id: &str, summary: &str, media_type: &str, schema: Value) -> Value {
    let kept = [KEPT, CONFINED];
    let good = good("The description.", contents([(media_type, schema)]), &kept);
    json!({
        "operationId": id,
        "summary": summary,
        "parameters": [parameters::condition()],
        "responses": answers(good, Some(&kept), &[]),
    })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// What a format other than JSON looks like.
const fn look(format: AnswerFormat) -> &'static str {
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

fn contents<'a>(schemas: impl IntoIterator<Item = (&'a str, Value)>) -> Map<String, Value> {
    let schemas = schemas.into_iter();
    let contents =
        schemas.map(|(media_type, schema)| (media_type.to_owned(), json!({ "schema": schema })));
    contents.collect()
}

/// A good answer, all that any request may be answered, and what else this one may be.
fn answers(
    good: Value,
    not_changed: Option<&[&[DescribedHeader]]>,
    others: &[StatusCode],
) -> Value {
    let mut answers = Map::new();
    answers.insert("200".to_owned(), good);
    if let Some(headers) = not_changed {
        answers.insert("304".to_owned(), not_modified(headers));
    }
    let mut statuses = [ANYWHERE, others].concat();
    statuses.sort();
    for status in statuses {
        answers.insert(status.as_str().to_owned(), of_status(status));
    }
    Value::Object(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::downstream::problem::Kind;
    use crate::error::ErrorKind;
    use crate::gateway::query::{FIELDS, FIXED_FIELDS, PARAMETERS};

    const SOURCES: &[&str] = &["alpha", "beta", "gamma"];

    #[test]
    fn the_document_is_this() {
        let mut document = document(
            SOURCES,
            &FilterableAttributes::default(),
            &VisibleSources::All,
        );
        document["info"]["version"] = "[version]".into();
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
    }

    fn parameter(document: &Value, name: &str) -> Value {
        let parameters = &document["paths"]["/groups"]["get"]["parameters"];
        let mut parameters = parameters.as_array().unwrap().iter();
        let found = parameters.find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is missing")).clone()
    }

    #[test]
    fn every_parameter_is_described() {
        let document = document(
            SOURCES,
            &FilterableAttributes::default(),
            &VisibleSources::All,
        );
        for described in PARAMETERS {
            let schema = &parameter(&document, described.name)["schema"];
            assert!(schema.is_object(), "{}", described.name);
        }
    }

    #[test]
    fn the_examples_name_sources_that_there_are_and_none_is_a_cursor() {
        let document = document(
            SOURCES,
            &FilterableAttributes::default(),
            &VisibleSources::All,
        );
        assert_eq!(parameter(&document, "source")["example"], "alpha,beta");
        assert_eq!(parameter(&document, "id")["example"], json!(["alpha:1001"]));
        assert_eq!(parameter(&document, "cursor").get("example"), None);
        let without = super::document(&[], &FilterableAttributes::default(), &VisibleSources::All);
        assert_eq!(parameter(&without, "source").get("example"), None);
    }

    #[test]
    fn a_default_is_prose_because_generated_clients_would_send_it_beside_a_cursor() {
        let document = document(
            SOURCES,
            &FilterableAttributes::default(),
            &VisibleSources::All,
        );
        for (name, default) in [("deleted", "exclude"), ("sort", "name"), ("limit", "100")] {
            let parameter = parameter(&document, name);
            assert_eq!(parameter["schema"].get("default"), None, "{name}");
            let description = parameter["description"].as_str().unwrap();
            assert!(
                description.ends_with(&format!(" By default `{default}`.")),
                "{description}"
            );
        }
    }

    #[test]
    fn every_field_of_a_group_is_described_and_those_are_required_that_fields_cannot_leave_out() {
        let document = document(
            SOURCES,
            &FilterableAttributes::default(),
            &VisibleSources::All,
        );
        let schemas = &document["components"]["schemas"];
        for field in FIELDS {
            let described = &schemas["Group"]["properties"][field];
            let is_named = described["$ref"].is_string();
            assert!(is_named || described["description"].is_string(), "{field}");
        }
        assert_eq!(schemas["Group"]["required"], json!(FIXED_FIELDS));
        assert_eq!(schemas["WholeGroup"]["required"], json!(FIELDS));
    }

    #[test]
    fn a_state_is_an_enum_and_no_choice_between_constants_is_left() {
        let document = document(
            SOURCES,
            &FilterableAttributes::default(),
            &VisibleSources::All,
        );
        let state = &document["components"]["schemas"]["State"];
        assert_eq!(
            state["enum"],
            json!(["fresh", "stale", "pending", "failed"])
        );
        assert!(!document.to_string().contains("\"oneOf\""));
    }

    #[test]
    fn every_kind_of_error_is_named() {
        let text = document(
            SOURCES,
            &FilterableAttributes::default(),
            &VisibleSources::All,
        )
        .to_string();
        for kind in ErrorKind::ALL {
            assert!(text.contains(&format!("\"{kind}\"")), "{kind}");
        }
        for kind in Kind::ALL {
            assert!(text.contains(&kind.uri()), "{}", kind.uri());
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(
            SOURCES,
            &FilterableAttributes::default(),
            &VisibleSources::All,
        );
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
