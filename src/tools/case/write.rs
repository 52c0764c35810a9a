//! A case as its file says it: short values on a line, bodies as they are.

use std::fmt;

use toml::{Table, Value};
use toml_edit::{InlineTable, Key};

use super::exchange::HeaderValues;
use super::{CaseFile, Expectation, ExpectedRequest, RecordedResponse};

impl fmt::Display for CaseFile {
    fn fmt(&self, file: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(file, "title", Some(&self.title))?;
        let covers: toml_edit::Array = self.covers.iter().collect();
        writeln!(file, "covers = {covers}")?;
        line(file, "source", self.source.as_deref())?;
        line(file, "now", Some(&self.now.to_string()))?;
        line(file, "ask", self.ask.as_deref())?;
        if let Some(walks) = self.walks {
            writeln!(file, "walks = {walks}")?;
        }
        if !self.environment.is_empty() {
            writeln!(file, "\n[environment]")?;
        }
        for (name, value) in &self.environment {
            line(file, name, Some(value))?;
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

/// A key with its text, if there is one.
fn line(file: &mut fmt::Formatter<'_>, key: &str, text: Option<&str>) -> fmt::Result {
    match text {
        Some(text) => writeln!(file, "{} = {}", Key::new(key), quoted(text)),
        None => Ok(()),
    }
}

/// A key with an inline table of these entries, if there are any.
fn inline<'a>(
    file: &mut fmt::Formatter<'_>,
    key: &str,
    entries: impl Iterator<Item = (&'a str, toml_edit::Value)>,
) -> fmt::Result {
    let table: InlineTable = entries.collect();
    if table.is_empty() {
        return Ok(());
    }
    writeln!(file, "{key} = {table}")
}

fn request(file: &mut fmt::Formatter<'_>, request: &ExpectedRequest) -> fmt::Result {
    let method = Some(request.method.as_str()).filter(|method| *method != "GET");
    line(file, "method", method)?;
    line(file, "target", request.target.as_deref())?;
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_str().into()));
    inline(file, "headers", headers)?;
    match &request.body {
        Some(body) => writeln!(file, "body = {}", long(body)),
        None => Ok(()),
    }
}

fn response(file: &mut fmt::Formatter<'_>, response: &RecordedResponse) -> fmt::Result {
    writeln!(file, "status = {}", response.status)?;
    line(file, "version", response.version.as_deref())?;
    let headers = response.headers.iter();
    let headers = headers.map(|(name, values)| match values {
        HeaderValues::One(value) => (name.as_str(), value.as_str().into()),
        HeaderValues::Many(values) => (name.as_str(), values.iter().collect()),
    });
    inline(file, "headers", headers)?;
    match &response.body_base64 {
        Some(body) => line(file, "body_base64", Some(body)),
        None => writeln!(file, "body = {}", long(&response.body)),
    }
}

fn expectation(file: &mut fmt::Formatter<'_>, expect: &Expectation) -> fmt::Result {
    line(file, "problem", expect.problem.as_deref())?;
    if let Some(error) = &expect.error {
        let wait = error.retry_after.map(toml_edit::Value::from);
        let keys = [
            ("type", Some(error.kind.as_str().into())),
            ("detail", Some(error.detail.as_str().into())),
            ("retry_after", wait),
        ];
        let keys = keys.into_iter();
        inline(
            file,
            "error",
            keys.filter_map(|(key, value)| Some((key, value?))),
        )?;
    }
    if let Some(groups) = &expect.groups {
        let groups: Vec<_> = groups.iter().map(|group| format!("  {group}")).collect();
        let groups = match groups.as_slice() {
            [] => "[]".to_owned(),
            _ => format!("[\n{}\n]", groups.join(",\n")),
        };
        writeln!(file, "groups = {}", long(&groups))?;
    }
    let counts = &expect.counts;
    let numbers = [
        ("skipped", counts.skipped),
        ("left_out", counts.left_out),
        ("repeated", counts.repeated),
        ("unparsed_timestamps", counts.unparsed_timestamps),
        ("unread_people", counts.unread_people),
        ("unmarked_people", counts.unmarked_people),
        ("repeated_people", counts.repeated_people),
        ("unknown_people", counts.unknown_people),
        ("gone", counts.gone),
        ("partitions_gone", counts.partitions_gone),
        ("partitions_refused", counts.partitions_refused),
        ("changed", counts.changed.unwrap_or_default()),
        ("removed", counts.removed),
        ("differing", counts.differing),
    ];
    let numbers = numbers.into_iter().filter(|(_, count)| *count > 0);
    let numbers = numbers.map(|(key, count)| (key, count.cast_signed().into()));
    let drifted = counts.drifted.then(|| ("drifted", true.into()));
    inline(file, "counts", numbers.chain(drifted))
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
