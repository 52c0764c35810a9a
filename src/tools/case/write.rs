//! A case as its file says it: short values on a line, bodies as they are.

use std::fmt;

use toml::{Table, Value};
use toml_edit::{InlineTable, Key};

use super::exchange::HeaderValues;
use super::{CaseFile, Expectation, ExpectedCounts, ExpectedRequest, RecordedResponse};

impl fmt::Display for CaseFile {
    fn fmt(&self, file: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(file, "title = {}", quoted(&self.title))?;
        let covers: toml_edit::Array = self.covers.iter().collect();
        writeln!(file, "covers = {covers}")?;
        if let Some(source) = &self.source {
            writeln!(file, "source = {}", quoted(source))?;
        }
        writeln!(file, "now = {}", quoted(&self.now.to_string()))?;
        if let Some(ask) = &self.ask {
            writeln!(file, "ask = {}", quoted(ask))?;
        }
        if !self.environment.is_empty() {
            writeln!(file, "\n[environment]")?;
        }
        for (name, value) in &self.environment {
            writeln!(file, "{} = {}", Key::new(name), quoted(value))?;
        }
        write!(file, "\n{}", block("upstream", &self.upstream))?;
        for exchange in &self.exchanges {
            writeln!(file, "\n[[exchange]]\n[exchange.request]")?;
            request(file, &exchange.request)?;
            writeln!(file, "[exchange.response]")?;
            response(file, &exchange.response)?;
        }
        writeln!(file, "\n[expect]")?;
        expectation(file, &self.expect)
    }
}

fn request(file: &mut fmt::Formatter<'_>, request: &ExpectedRequest) -> fmt::Result {
    if request.method != "GET" {
        writeln!(file, "method = {}", quoted(&request.method))?;
    }
    if let Some(target) = &request.target {
        writeln!(file, "target = {}", quoted(target))?;
    }
    let headers = request.headers.iter();
    header_line(
        file,
        headers.map(|(name, value)| (name, value.as_str().into())),
    )?;
    match &request.body {
        Some(body) => writeln!(file, "body = {}", long(body)),
        None => Ok(()),
    }
}

fn response(file: &mut fmt::Formatter<'_>, response: &RecordedResponse) -> fmt::Result {
    writeln!(file, "status = {}", response.status)?;
    if let Some(version) = &response.version {
        writeln!(file, "version = {}", quoted(version))?;
    }
    let headers = response.headers.iter();
    let headers = headers.map(|(name, values)| match values {
        HeaderValues::One(value) => (name, value.as_str().into()),
        HeaderValues::Many(values) => (name, values.iter().collect()),
    });
    header_line(file, headers)?;
    match &response.body_base64 {
        Some(body) => writeln!(file, "body_base64 = {}", quoted(body)),
        None => writeln!(file, "body = {}", long(&response.body)),
    }
}

fn header_line<'a>(
    file: &mut fmt::Formatter<'_>,
    headers: impl Iterator<Item = (&'a String, toml_edit::Value)>,
) -> fmt::Result {
    let headers: InlineTable = headers.collect();
    if headers.is_empty() {
        return Ok(());
    }
    writeln!(file, "headers = {headers}")
}

fn expectation(file: &mut fmt::Formatter<'_>, expect: &Expectation) -> fmt::Result {
    if let Some(problem) = &expect.problem {
        writeln!(file, "problem = {}", quoted(problem))?;
    }
    if let Some(error) = &expect.error {
        let mut keys = InlineTable::new();
        keys.insert("type", error.kind.as_str().into());
        keys.insert("detail", error.detail.as_str().into());
        if let Some(seconds) = error.retry_after {
            keys.insert("retry_after", seconds.into());
        }
        writeln!(file, "error = {keys}")?;
    }
    if let Some(groups) = &expect.groups {
        let groups: Vec<_> = groups.iter().map(|group| format!("  {group}")).collect();
        let groups = match groups.as_slice() {
            [] => "[]".to_owned(),
            _ => format!("[\n{}\n]", groups.join(",\n")),
        };
        writeln!(file, "groups = {}", long(&groups))?;
    }
    counts(file, &expect.counts)
}

fn counts(file: &mut fmt::Formatter<'_>, counts: &ExpectedCounts) -> fmt::Result {
    let mut keys = InlineTable::new();
    for (name, count) in [
        ("skipped", counts.skipped),
        ("repeated", counts.repeated),
        ("unparsed_timestamps", counts.unparsed_timestamps),
    ] {
        if count > 0 {
            keys.insert(name, count.cast_signed().into());
        }
    }
    if counts.drifted {
        keys.insert("drifted", true.into());
    }
    if keys.is_empty() {
        return Ok(());
    }
    writeln!(file, "counts = {keys}")
}

/// A text on one line, or however TOML has to write it.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// A text over several lines, as it is wherever TOML allows.
fn long(text: &str) -> String {
    let is_plain = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t');
    if text.contains("'''") || text.ends_with('\'') || !text.chars().all(is_plain) {
        return quoted(text);
    }
    // TOML drops a line feed right after the quotes.
    let begin = if text.starts_with('\n') { "\n" } else { "" };
    format!("'''{begin}{text}'''")
}

/// A block as TOML: its plain keys, and a table for each that is one.
fn block(name: &str, block: &Table) -> String {
    let line = |(key, value): (&String, &Value)| format!("{} = {}\n", Key::new(key), edit(value));
    let (tables, plain): (Vec<_>, Vec<_>) = block.iter().partition(|(_, value)| value.is_table());
    let mut text = format!("[{name}]\n");
    text.extend(plain.into_iter().map(line));
    for (key, table) in tables {
        text.push_str(&format!("\n[{name}.{}]\n", Key::new(key)));
        text.extend(table.as_table().into_iter().flatten().map(line));
    }
    text
}

fn edit(value: &Value) -> toml_edit::Value {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(bool) => (*bool).into(),
        Value::Datetime(time) => time.to_string().into(),
        Value::Array(items) => items.iter().map(edit).collect(),
        Value::Table(table) => {
            let members = table
                .iter()
                .map(|(key, value)| (Key::new(key), edit(value)));
            toml_edit::Value::InlineTable(members.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_reads_as_it_was_written() {
        let text = r#"title = 'a "case"'
covers = ["one", "two"]
source = "https://vendor.example/docs"
now = "2026-11-28T01:02:03Z"
ask = "limit=1"

[environment]
KEY = "k"

[upstream]
records = "/"

[upstream.fields]
id = "id"
members = { each = "users", id = ["id", "."] }

[[exchange]]
[exchange.request]
method = "POST"
target = "/groups?limit=2"
headers = { accept = "a", x-tenant = "b" }
body = '''

{"after": null}'''
[exchange.response]
status = 200
version = "1.0"
headers = { link = ["<a>; rel=prev", "<b>; rel=next"], x-total = "2" }
body = "it's '''"

[[exchange]]
[exchange.request]
[exchange.response]
status = 503
body_base64 = "AAEC"

[expect]
groups = '''[
  {"source_id":"1","name":"a"},
  {"source_id":"2","name":"b"}
]'''
counts = { skipped = 1, drifted = true }
"#;
        let case: CaseFile = text.parse().unwrap();
        assert_eq!(case.to_string(), text);
        let failing = text.split("groups = ").next().unwrap().to_owned()
            + "error = { type = \"mapping\", detail = \"d\", retry_after = 1.5 }\n";
        let case: CaseFile = failing.parse().unwrap();
        assert_eq!(case.to_string(), failing);
    }
}
