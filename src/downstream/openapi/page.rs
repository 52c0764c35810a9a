//! The description as a page to read. It renders the document, and loads nothing.

use std::fmt::Write as _;

use serde_json::Value;

use crate::downstream::problem::Kind;

const STYLE: &str = include_str!("page.css");

/// The page of an OpenAPI document.
pub(super) fn render(document: &Value) -> String {
    let version = text(&document["info"]["version"]);
    let summary = text(&document["info"]["summary"]);
    let mut body = String::new();
    for (path, item) in members(&document["paths"]) {
        for (method, operation) in members(item) {
            write_operation(&mut body, method, path, operation);
        }
    }
    write_problems(&mut body);
    for (name, schema) in members(&document["components"]["schemas"]) {
        write_schema(&mut body, name, schema);
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>groupgate</title><style>{STYLE}</style></head>\n<body>\n\
         <header><h1>groupgate <small>{version}</small></h1><p>{summary}.</p>\
         <p>For machines: <a href=\"openapi.json\">openapi.json</a></p></header>\n{body}</body></html>\n"
    )
}

fn write_operation(page: &mut String, method: &str, path: &str, operation: &Value) {
    let method = method.to_uppercase();
    let path = escape(path);
    let summary = text(&operation["summary"]);
    push(
        page,
        format_args!(
            "<section><h2><b>{method}</b> <code>{path}</code></h2>\n<p>{summary}. {}</p>\n",
            text(&operation["description"])
        ),
    );
    let rows = operation["parameters"].as_array().into_iter().flatten();
    let rows = rows.map(|parameter| {
        [
            format!("<code>{}</code>", text(&parameter["name"])),
            text(&parameter["in"]),
            meaning_of(parameter),
        ]
    });
    write_table(page, ["Parameter", "In", "Meaning"], rows);
    let content = &operation["responses"]["200"]["content"];
    let formats = members(content).map(|(media_type, content)| {
        let schema = &content["schema"];
        let meaning = match schema["$ref"]
            .as_str()
            .and_then(|link| link.rsplit('/').next())
        {
            Some(name) => format!("<a href=\"#{0}\">{0}</a>", escape(name)),
            None => prose(&schema["description"]),
        };
        [format!("<code>{}</code>", escape(media_type)), meaning]
    });
    write_table(page, ["Accept", "Answer"], formats);
    let headers = members(&operation["responses"]["200"]["headers"]).map(|(name, header)| {
        [
            format!("<code>{}</code>", escape(name)),
            prose(&header["description"]),
        ]
    });
    write_table(page, ["Header", "Meaning"], headers);
    let statuses: Vec<_> = members(&operation["responses"])
        .map(|(status, _)| format!("<code>{}</code>", escape(status)))
        .collect();
    push(
        page,
        format_args!("<p>Statuses: {}.</p>\n</section>\n", statuses.join(", ")),
    );
}

/// What a parameter means, what it may be, and an example.
fn meaning_of(parameter: &Value) -> String {
    let schema = &parameter["schema"];
    let mut meaning = prose(&parameter["description"]);
    let mut say = |what: &str, values: &[String]| {
        if !values.is_empty() {
            push(
                &mut meaning,
                format_args!("<br><small>{what}: {}</small>", values.join(", ")),
            );
        }
    };
    say("Allowed", &allowed_by(schema));
    let example = parameter
        .get("example")
        .map(|value| code(value.get(0).unwrap_or(value)));
    say("Example", example.as_slice());
    meaning
}

/// The values that a schema allows, where it says it in a few words.
fn allowed_by(schema: &Value) -> Vec<String> {
    let mut allowed: Vec<_> = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .map(code)
        .collect();
    allowed.extend(schema.get("const").map(code));
    allowed.extend(
        schema
            .get("minimum")
            .map(|least| format!("{} and above", code(least))),
    );
    allowed.extend(
        schema["format"]
            .as_str()
            .filter(|format| format.starts_with("date"))
            .map(escape),
    );
    let choices = schema["anyOf"].as_array().into_iter().flatten();
    allowed.extend(choices.flat_map(allowed_by));
    allowed
}

fn code(value: &Value) -> String {
    let shown = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    format!("<code>{}</code>", escape(&shown))
}

fn write_problems(page: &mut String) {
    page.push_str("<section><h2>Problems</h2>\n");
    let rows = Kind::ALL.into_iter().map(|kind| {
        [
            kind.status().as_u16().to_string(),
            format!("<code>{}</code>", escape(&kind.uri())),
            escape(kind.title()),
        ]
    });
    write_table(page, ["Status", "Type", "Title"], rows);
    page.push_str("</section>\n");
}

fn write_schema(page: &mut String, name: &str, schema: &Value) {
    push(
        page,
        format_args!(
            "<section id=\"{0}\"><h2>{0}</h2>\n<p>{1}</p>\n",
            escape(name),
            prose(&schema["description"])
        ),
    );
    let parts = schema["allOf"].as_array().into_iter().flatten();
    for name in parts.filter_map(|part| part["$ref"].as_str()?.rsplit('/').next()) {
        let name = escape(name);
        push(
            page,
            format_args!("<p>As <a href=\"#{name}\">{name}</a>.</p>\n"),
        );
    }
    let fields = members(&schema["properties"]).map(|(name, property)| {
        [
            format!("<code>{}</code>", escape(name)),
            kind_of(property),
            prose(&property["description"]),
        ]
    });
    write_table(page, ["Field", "Type", "Meaning"], fields);
    let meanings = &schema["x-enum-descriptions"];
    let values = schema["enum"].as_array().into_iter().flatten();
    let values = values
        .enumerate()
        .map(|(place, value)| [code(value), prose(&meanings[place])]);
    write_table(page, ["Value", "Meaning"], values);
    page.push_str("</section>\n");
}

/// A table, where there is anything to show.
fn write_table<const N: usize>(
    page: &mut String,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    page.push_str("<table><thead><tr>");
    for cell in head {
        push(page, format_args!("<th>{cell}</th>"));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            push(page, format_args!("<td>{cell}</td>"));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table>\n");
}

/// The type of a property in a word or two, with a link where it is a schema of its own.
fn kind_of(property: &Value) -> String {
    if let Some(link) = property["$ref"].as_str() {
        let name = escape(link.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(choices) = property["anyOf"].as_array() {
        let choices: Vec<_> = choices.iter().map(kind_of).collect();
        return choices.join(" or ");
    }
    if property["type"] == "array" {
        return format!("list of {}", kind_of(&property["items"]));
    }
    let kind = &property["type"];
    let Some(kinds) = kind.as_array() else {
        return text(kind);
    };
    kinds.iter().map(text).collect::<Vec<_>>().join(" or ")
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

/// A text with `code` in it.
fn prose(value: &Value) -> String {
    let mut prose = String::new();
    for (number, piece) in text(value).split('`').enumerate() {
        if number > 0 {
            prose.push_str(if number % 2 == 1 { "<code>" } else { "</code>" });
        }
        prose.push_str(piece);
    }
    prose
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

fn push(page: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing into a string does not fail.
    let _ = page.write_fmt(piece);
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;
    use crate::caller::VisibleSources;
    use crate::gateway::FilterableAttributes;
    use crate::gateway::query::{FIELDS, PARAMETERS};

    #[test]
    fn the_page_shows_every_parameter_field_and_problem() {
        let page = render(&document(
            &["alpha", "beta"],
            &FilterableAttributes::default(),
            &VisibleSources::All,
        ));
        for parameter in PARAMETERS {
            assert!(page.contains(&format!("<td><code>{}</code></td>", parameter.name)));
        }
        for field in FIELDS {
            assert!(page.contains(&format!("<td><code>{field}</code></td>")));
        }
        for kind in Kind::ALL {
            assert!(page.contains(&kind.uri()));
        }
    }

    #[test]
    fn the_page_shows_defaults_allowed_values_and_examples() {
        let page = render(&document(
            &["alpha", "beta"],
            &FilterableAttributes::default(),
            &VisibleSources::All,
        ));
        for shown in [
            "By default <code>exclude</code>.",
            "<small>Allowed: <code>exclude</code>, <code>include</code>, <code>only</code></small>",
            "By default <code>100</code>.",
            "<small>Allowed: <code>1</code> and above, <code>all</code></small>",
            "By default <code>name</code>.",
            "<small>Allowed: date-time, date</small>",
            "<small>Example: <code>alpha,beta</code></small>",
            "<tr><td><code>stale</code></td><td>Past its time to live",
            "<tr><td><code>ETag</code></td>",
        ] {
            assert!(page.contains(shown), "{shown}");
        }
    }

    #[test]
    fn the_page_breaks_no_name_in_mid_word() {
        // The first column holds names. Only a value in prose may be broken, where it is too long for
        // any line.
        assert!(STYLE.contains("td:first-child { white-space: nowrap; }"));
        assert!(!STYLE.contains("overflow-wrap: anywhere"));
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = render(&document(
            &["alpha", "beta"],
            &FilterableAttributes::default(),
            &VisibleSources::All,
        ));
        for loader in ["<script", "<link", "<img", "src=", "@import", "url("] {
            assert!(!page.contains(loader), "{loader}");
        }
    }

    #[test]
    fn what_the_document_says_is_no_markup() {
        assert_eq!(
            prose(&"a `<b>` & `c`".into()),
            "a <code>&lt;b&gt;</code> &amp; <code>c</code>"
        );
    }
}
