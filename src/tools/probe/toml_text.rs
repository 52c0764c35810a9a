//! TOML as a recording writes it: short values on a line, bodies as they are.

use toml::{Table, Value};
use toml_edit::Key;

/// A text on one line, or however TOML has to write it.
pub(super) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// A text over several lines, as it is wherever TOML allows.
pub(super) fn long(text: &str) -> String {
    let is_plain = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t');
    if text.contains("'''") || text.ends_with('\'') || !text.chars().all(is_plain) {
        return quoted(text);
    }
    // TOML drops a line feed right after the quotes.
    let begin = if text.starts_with('\n') { "\n" } else { "" };
    format!("'''{begin}{text}'''")
}

/// A block as TOML: its plain keys, and a table for each that is one.
pub(super) fn toml_of(at: &[&str], block: &Table) -> String {
    let heading = |keys: &[&str]| {
        let keys: Vec<_> = keys.iter().map(|key| Key::new(*key).to_string()).collect();
        format!("[{}]\n", keys.join("."))
    };
    let line = |(key, value): (&String, &Value)| format!("{} = {}\n", Key::new(key), edit(value));
    let (tables, plain): (Vec<_>, Vec<_>) = block.iter().partition(|(_, value)| value.is_table());
    let mut text = heading(at);
    text.extend(plain.into_iter().map(line));
    for (name, table) in tables {
        let at = [at, &[name]].concat();
        text.push('\n');
        text.push_str(&heading(&at));
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
