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
            prose(&parameter["description"]),
            format!("<code>{}</code>", example(&parameter["example"])),
        ]
    });
    write_table(page, ["Parameter", "In", "Meaning", "Example"], rows);
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
    page.push_str("</section>\n");
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
    let fields = members(&schema["properties"]).map(|(name, property)| {
        [
            format!("<code>{}</code>", escape(name)),
            kind_of(property),
            prose(&property["description"]),
        ]
    });
    write_table(page, ["Field", "Type", "Meaning"], fields);
    let values = schema["oneOf"].as_array().into_iter().flatten();
    let values = values.map(|value| {
        [
            format!("<code>{}</code>", text(&value["const"])),
            prose(&value["description"]),
        ]
    });
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

/// An example value; of several, the first.
fn example(value: &Value) -> String {
    text(value.get(0).unwrap_or(value))
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
    use crate::gateway::query::{FIELDS, PARAMETERS};

    #[test]
    fn the_page_shows_every_parameter_field_and_problem() {
        let page = render(&document());
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
    fn the_page_loads_nothing() {
        let page = render(&document());
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
