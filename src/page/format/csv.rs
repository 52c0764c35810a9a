//! Decodes a table (RFC 4180): a list of objects, one for each row but the first, which names the columns.
//!
//! Every value is a text, and an empty cell is null. Whether it is a table of groups or a message in place of
//! one is told by its columns, which the mapping looks at.

use std::collections::HashMap;

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::error::{ENDS_EARLY, FormatError};
use super::limits::Bounds;
use super::tape::{EntryKind, OpenEntry, RepeatRule, Tape, TapeBuilder, TapeEntry, TapeFull};
use super::text;
use crate::plan::Format;

/// Decodes one table within `bounds`.
pub(super) fn decode(
    format: Format,
    body: &[u8],
    charset: Option<&str>,
    bounds: Bounds,
) -> Result<Tape, FormatError> {
    let unreadable = |problem| FormatError::unreadable(format.title(), body, problem);
    let text = text::of(body, charset, None).map_err(|error| unreadable(error.to_string()))?;
    if text.trim_start().starts_with(['<', '{', '[']) {
        return Err(unreadable("it is in another format".to_owned()));
    }
    let separator = format.separator().unwrap_or(b',');
    let broken = |looks: &str, problem| FormatError::Unreadable {
        expected: format.title(),
        looks: looks.to_owned(),
        problem,
    };
    let (tape, names) = table(&text, separator, bounds).map_err(|flaw| match flaw {
        TableFlaw::Unread(problem) => unreadable(problem),
        TableFlaw::Uneven(problem) => broken("has rows of different lengths", problem),
        TableFlaw::Cut => broken(ENDS_EARLY, "it ends within quotes".to_owned()),
        TableFlaw::Full(at) => {
            let (line, column) = text::position(text.as_bytes(), at);
            let room = bounds.room;
            FormatError::Swollen { room, line, column }
        }
    })?;
    let mut tape = tape.finish(text, false);
    tape.columns = Some(names.into());
    Ok(tape)
}

/// Why a text was not read.
enum TableFlaw {
    /// It is no table, for this reason.
    Unread(String),
    /// A row has more or fewer columns than the first.
    Uneven(String),
    /// It was cut off.
    Cut,
    /// It takes more memory than there is from a byte on.
    Full(usize),
}

impl TableFlaw {
    fn of(error: &csv::Error, text: &str) -> Self {
        let ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } = error.kind()
        else {
            return Self::Unread(error.to_string());
        };
        let before = text.get(..pos.as_ref().map_or(0, |pos| start_of_row(text, pos)));
        let before = before.unwrap_or_default();
        let ends = |end: &str| before.matches(end).count();
        let line = ends("\n") + ends("\r") - ends("\r\n") + 1;
        let columns = if *len == 1 { "column" } else { "columns" };
        Self::Uneven(format!(
            "line {line} has {len} {columns}, and the first row {expected_len}"
        ))
    }
}

/// A column: its name, and its places in a row.
struct TableColumn {
    name: TapeEntry,
    cells: Vec<usize>,
}

fn table(
    text: &str,
    separator: u8,
    bounds: Bounds,
) -> Result<(TapeBuilder, Vec<String>), TableFlaw> {
    let tape = TapeBuilder::new(text, bounds);
    let mut tape =
        tape.ok_or_else(|| TableFlaw::Unread("it is too long for one page".to_owned()))?;
    let mut rows = ReaderBuilder::new()
        .delimiter(separator)
        .from_reader(text.as_bytes());
    let flawed = |error: csv::Error| TableFlaw::of(&error, text);
    let names = rows.headers().map_err(flawed)?;
    let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    if names.is_empty() {
        return Err(TableFlaw::Unread("no row names its columns".to_owned()));
    }
    let full = |at| move |TapeFull| TableFlaw::Full(at);
    let columns = columns(&names, &mut tape).map_err(full(0))?;
    let mut list = tape.open(EntryKind::List, 0, None).map_err(full(0))?;
    let mut row = StringRecord::new();
    let mut offset = 0;
    while rows.read_record(&mut row).map_err(flawed)? {
        offset = row
            .position()
            .map_or(offset, |position| start_of_row(text, position));
        tape.reach(offset);
        push_row(&columns, &row, &mut tape, &mut list, text).map_err(full(offset))?;
    }
    if is_cut(text.get(offset..).unwrap_or_default(), separator) {
        return Err(TableFlaw::Cut);
    }
    tape.close(&mut list, None, text, RepeatRule::Last)
        .map_err(full(offset))?;
    Ok((tape, names))
}

/// Where a row begins: its position may be that of the end of a line before it.
fn start_of_row(text: &str, position: &csv::Position) -> usize {
    let at = position.byte() as usize;
    let rest = text.get(at..).unwrap_or_default();
    at + rest.len() - rest.trim_start_matches(['\r', '\n']).len()
}

fn columns(names: &[String], tape: &mut TapeBuilder) -> Result<Vec<TableColumn>, TapeFull> {
    let mut columns: Vec<TableColumn> = Vec::new();
    let mut known = HashMap::new();
    for (cell, name) in names.iter().enumerate() {
        let column = *known.entry(name).or_insert(columns.len());
        if let Some(column) = columns.get_mut(column) {
            column.cells.push(cell);
            continue;
        }
        let start = tape.beside_start();
        tape.write_beside(name)?;
        columns.push(TableColumn {
            name: tape.beside_since(start),
            cells: vec![cell],
        });
    }
    Ok(columns)
}

fn push_row(
    columns: &[TableColumn],
    row: &StringRecord,
    tape: &mut TapeBuilder,
    list: &mut OpenEntry,
    text: &str,
) -> Result<(), TapeFull> {
    let mut object = tape.open(EntryKind::Object, 0, None)?;
    for TableColumn { name, cells } in columns {
        tape.push(*name)?;
        object.count += 1;
        let mut filled =
            (cells.iter()).filter_map(|cell| row.get(*cell).filter(|it| !it.is_empty()));
        if cells.len() == 1 {
            match filled.next() {
                Some(value) => push_text(value, tape)?,
                None => tape.push(TapeEntry::NULL)?,
            }
            continue;
        }
        let mut values = tape.open(EntryKind::List, 0, None)?;
        for value in filled {
            push_text(value, tape)?;
            values.count += 1;
        }
        tape.close(&mut values, None, text, RepeatRule::Last)?;
    }
    tape.close(&mut object, None, text, RepeatRule::Last)?;
    list.count += 1;
    Ok(())
}

fn push_text(value: &str, tape: &mut TapeBuilder) -> Result<(), TapeFull> {
    let start = tape.beside_start();
    tape.write_beside(value)?;
    tape.push(tape.beside_since(start))
}

/// Whether a row ends within quotes, which readers pass over: it was cut off.
fn is_cut(row: &str, separator: u8) -> bool {
    let mut is_quoted = false;
    let mut is_start = true;
    for byte in row.bytes() {
        match byte {
            // Two quotes within quotes close and open them again.
            b'"' if is_quoted || is_start => is_quoted = !is_quoted,
            _ if is_quoted => {}
            _ => is_start = byte == separator || matches!(byte, b'\n' | b'\r'),
        }
    }
    is_quoted
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::page::format::Page;

    fn read(format: Format, body: &str) -> Result<Value, String> {
        let page = Page::decode(format, body.as_bytes()).map_err(|error| error.to_string())?;
        Ok(page.root().to_value())
    }

    #[rstest]
    #[case::plain("id,name\n1,a\n2,b\n", json!([{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]))]
    #[case::no_line_feed_at_the_end("id\r\n1", json!([{"id": "1"}]))]
    #[case::quotes("id,name\n1,\"a, \"\"b\"\"\nc\"\n", json!([{"id": "1", "name": "a, \"b\"\nc"}]))]
    #[case::empty_cells("id,name\n1,\n,\"\"\n", json!([{"id": "1", "name": null}, {"id": null, "name": null}]))]
    #[case::columns_of_one_name("id,tag,tag,tag\n1,a,,b\n", json!([{"id": "1", "tag": ["a", "b"]}]))]
    #[case::space_around_names(" id , name\n1, a\n", json!([{"id": "1", "name": " a"}]))]
    #[case::no_rows("id,name\n", json!([]))]
    #[case::a_byte_order_mark("\u{feff}id\n1\n", json!([{"id": "1"}]))]
    #[case::blank_lines("id,name\n\n1,a\n\n", json!([{"id": "1", "name": "a"}]))]
    fn rows_become_objects(#[case] body: &str, #[case] expected: Value) {
        assert_eq!(read(Format::Csv, body), Ok(expected));
    }

    #[test]
    fn columns_are_separated_as_declared() {
        let expected = Ok(json!([{"id": "1,5", "name": "a"}]));
        assert_eq!(read(Format::CsvSemicolon, "id;name\n1,5;a\n"), expected);
        assert_eq!(read(Format::Tsv, "id\tname\n1,5\ta\n"), expected);
    }

    #[rstest]
    #[case::a_short_row(
        "id,name\n1\n",
        "has rows of different lengths: line 2 has 1 column, and the first row 2"
    )]
    #[case::a_long_row("id\n1\n2,b\n", "line 3 has 2 columns, and the first row 1")]
    #[case::a_row_after_ends_of_windows("id,name\r\n1,a\r\n2,two\r\n3\r\n", "line 4 has 1 column,")]
    #[case::a_row_after_old_ends("id,name\r1,a\r2\r", "line 3 has 1 column,")]
    #[case::a_row_after_blank_lines("id,name\r\n\r\n1,a\r\n\r\n2\r\n", "line 5 has 1 column,")]
    #[case::a_row_after_one_of_two_lines(
        "id,name\r\n1,\"a\r\nb\"\r\n2\r\n",
        "line 4 has 1 column,"
    )]
    #[case::cut_in_a_quote("id,name\n1,a\n2,\"b, c", "the body ends early: it ends within quotes")]
    #[case::cut_in_the_first_row("id,\"na", "it ends within quotes")]
    #[case::nothing("", "is empty")]
    #[case::html("<html><body>Sign in</body></html>", "looks like an HTML page")]
    #[case::json("{\"error\": \"busy\"}", "it is in another format")]
    fn what_is_no_table_is_refused(#[case] body: &str, #[case] expected: &str) {
        let error = read(Format::Csv, body).unwrap_err();
        assert!(error.starts_with("expected CSV"), "{error}");
        assert!(error.contains(expected), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_decoder_panic(body in "[a,;\"\r\n \t\\PC]{0,60}") {
            for format in [Format::Csv, Format::CsvSemicolon, Format::Tsv, Format::Ndjson] {
                if let Err(error) = Page::decode(format, body.as_bytes()) {
                    proptest::prop_assert!(error.to_string().len() < 1024);
                }
            }
        }
    }
}
