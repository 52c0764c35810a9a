//! The block as text: `[upstreams.NAME]` and its tables, each key below its comments.

use std::fmt::Write as _;

use toml_edit::Key;

use super::guess::{Confidence, LineEntry, ProposedLine};

/// How long a line of a comment may be.
const WIDTH: usize = 98;

/// A table of the block, below `upstreams.NAME`.
#[derive(Debug)]
pub(super) struct BlockSection {
    /// The keys from the block to it. None is the block itself.
    pub(super) path: Vec<&'static str>,
    pub(super) lines: Vec<ProposedLine>,
    /// Whether a walk has read a whole list by it: what is clear is certain then.
    pub(super) is_proven: bool,
    /// Whether all of it is a comment.
    pub(super) is_suggestion: bool,
}

/// Writes the block.
pub(super) fn write(name: &str, heading: &[String], sections: &[BlockSection]) -> String {
    let mut text = String::new();
    for paragraph in heading {
        comment(&mut text, paragraph);
    }
    for (index, section) in sections.iter().enumerate() {
        let is_empty = section.lines.is_empty();
        if is_empty && !section.path.is_empty() {
            continue;
        }
        if index > 0 {
            text.push('\n');
        }
        let keys = ["upstreams", name]
            .into_iter()
            .chain(section.path.iter().copied());
        let keys: Vec<_> = keys.map(|key| Key::new(key).to_string()).collect();
        if section.is_suggestion {
            suggest(&mut text, &keys.join("."), &section.lines);
            continue;
        }
        // Writing into a string does not fail.
        let _ = writeln!(text, "[{}]", keys.join("."));
        for line in &section.lines {
            write_line(&mut text, line, section.is_proven);
        }
    }
    text
}

/// A table as a comment: what is to be said of it, and then a line for each that becomes one of the block.
fn suggest(text: &mut String, table: &str, lines: &[ProposedLine]) {
    for paragraph in lines.iter().flat_map(|line| &line.comments) {
        comment(text, paragraph);
    }
    let _ = writeln!(text, "# [{table}]");
    for line in lines {
        if let LineEntry::Set(key, value) = &line.entry {
            let _ = writeln!(text, "# {} = {value}", Key::new(key.as_str()));
        }
    }
}

fn write_line(text: &mut String, line: &ProposedLine, walked: bool) {
    if let Some((confidence, why)) = &line.reason {
        match confidence {
            Confidence::Clear if walked => comment(text, &format!("certain: {why}")),
            Confidence::Clear | Confidence::Likely | Confidence::NotSure => {
                comment(text, &format!("{confidence}: {why}"));
            }
        }
    }
    for paragraph in &line.comments {
        comment(text, paragraph);
    }
    let _ = match &line.entry {
        LineEntry::Set(key, value) => writeln!(text, "{} = {value}", Key::new(key.as_str())),
        LineEntry::Suggested(key, value) => {
            let entry = format!("{} = {value}", Key::new(key.as_str()));
            comment(text, &entry);
            Ok(())
        }
        LineEntry::Nothing => Ok(()),
    };
}

/// A paragraph of comment. It quotes the samples, and a line break there must not end
/// the comment.
fn comment(text: &mut String, paragraph: &str) {
    let mut line = String::from("#");
    let words =
        paragraph.split(|character: char| character.is_whitespace() || character.is_control());
    for word in words.filter(|word| !word.is_empty()) {
        if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sample_says_stays_inside_of_its_comment() {
        let line = ProposedLine::likely("k\n", "v\n\u{7}", "a\nb = 1\r\u{0}c");
        let sections = [BlockSection {
            path: Vec::new(),
            lines: vec![line],
            is_proven: false,
            is_suggestion: false,
        }];
        let text = write("x", &[], &sections);
        let read: toml::Table = toml::from_str(&text).unwrap();
        let block = read["upstreams"]["x"].as_table().unwrap();
        assert_eq!(block.len(), 1);
        assert_eq!(block["k\n"].as_str(), Some("v\n\u{7}"));
        assert!(text.contains("# likely: a b = 1 c\n"), "{text}");
    }
}
