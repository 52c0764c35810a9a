//! JSON in columns that fit a terminal.

use serde_json::Value;

/// How many items of one list are shown.
const SHOWN_ITEMS: usize = 3;

/// A value in lines of at most `width` characters: short parts on one line, long ones over several.
pub(super) fn json(value: &Value, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    write(value, "", "", 0, width, &mut lines);
    lines
}

fn write(
    value: &Value,
    before: &str,
    after: &str,
    depth: usize,
    width: usize,
    lines: &mut Vec<String>,
) {
    let indent = "  ".repeat(depth);
    let compact = format!("{indent}{before}{}{after}", spaced(value));
    let is_short = compact.chars().count() <= width;
    match value {
        Value::Object(members) if !is_short && !members.is_empty() => {
            lines.push(format!("{indent}{before}{{"));
            let last = members.len() - 1;
            for (index, (key, value)) in members.iter().enumerate() {
                let before = format!("{}: ", Value::from(key.as_str()));
                let after = if index < last { "," } else { "" };
                write(value, &before, after, depth + 1, width, lines);
            }
            lines.push(format!("{indent}}}{after}"));
        }
        Value::Array(items) if !is_short && !items.is_empty() => {
            lines.push(format!("{indent}{before}["));
            for (index, item) in items.iter().take(SHOWN_ITEMS).enumerate() {
                let after = if index + 1 < items.len() { "," } else { "" };
                write(item, "", after, depth + 1, width, lines);
            }
            if items.len() > SHOWN_ITEMS {
                lines.push(format!("{indent}  … {} more", items.len() - SHOWN_ITEMS));
            }
            lines.push(format!("{indent}]{after}"));
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)
        | Value::Array(_) => lines.push(cut(&compact, width)),
    }
}

/// A value on one line.
pub(super) fn spaced(value: &Value) -> String {
    match value {
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members
                .map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), spaced(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items = items.iter().map(spaced).collect::<Vec<_>>();
            format!("[{}]", items.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// A text of at most `width` characters, with a mark where more were left out.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(width - 1).collect();
    shown.push('…');
    shown
}

/// Two texts beside each other, the left one so wide.
pub(super) fn beside(left: &[String], right: &[String], width: usize) -> Vec<String> {
    let line = |index: usize| {
        let (left, right) = (left.get(index), right.get(index));
        let left = left.map_or("", String::as_str);
        let padding = " ".repeat(width.saturating_sub(left.chars().count()));
        let right = right.map_or("", String::as_str);
        format!("{left}{padding} │ {right}").trim_end().to_owned()
    };
    (0..left.len().max(right.len())).map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_stays_on_a_line_and_the_rest_is_broken() {
        let value = json!({
            "id": 1, "none": [], "empty": {}, "name": "a name that is far too long for the column",
            "members": [{ "id": "a" }, { "id": "b" }, { "id": "c" }, { "id": "d" }],
        });
        assert_eq!(
            json(&value, 30),
            [
                "{",
                "  \"id\": 1,",
                "  \"none\": [],",
                "  \"empty\": {},",
                "  \"name\": \"a name that is far…",
                "  \"members\": [",
                "    { \"id\": \"a\" },",
                "    { \"id\": \"b\" },",
                "    { \"id\": \"c\" },",
                "    … 1 more",
                "  ]",
                "}",
            ]
        );
        assert!(
            json(&value, 30)
                .iter()
                .all(|line| line.chars().count() <= 30)
        );
    }

    #[test]
    fn the_shorter_column_is_filled_up() {
        let left = ["é".to_owned(), "b".to_owned()];
        assert_eq!(beside(&left, &["c".to_owned()], 3), ["é   │ c", "b   │"]);
    }
}
