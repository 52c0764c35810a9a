//! Lines behind labels in a margin, and what they are made of.

/// How wide a line may be. What people copy, such as a URL, is never broken.
pub(super) const WIDTH: usize = 80;

/// Where the text begins, behind its label.
pub(super) const MARGIN: usize = 12;

/// Lines behind labels in a margin.
#[derive(Debug, Default)]
pub(super) struct LabelledLines(pub(super) String);

impl LabelledLines {
    pub(super) fn add(&mut self, label: &str, lines: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut label = label;
        for line in lines {
            let line = format!("  {label:<width$}{}", line.as_ref(), width = MARGIN - 2);
            self.0.push_str(line.trim_end());
            self.0.push('\n');
            label = "";
        }
    }

    /// The text without control characters: upstreams write parts of it.
    pub(super) fn shown(self) -> String {
        let visible = |letter: char| {
            if letter.is_control() && !matches!(letter, '\n' | '\t') {
                char::REPLACEMENT_CHARACTER
            } else {
                letter
            }
        };
        self.0.chars().map(visible).collect()
    }
}

/// The first `most` lines, and how many more there are.
pub(super) fn limited(lines: impl ExactSizeIterator<Item = String>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    let rest = (more > 0).then(|| format!("and {more} more"));
    lines.take(most).chain(rest).collect()
}

/// A number of something.
pub(super) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// A sentence in lines that fit.
pub(super) fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut();
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH - MARGIN => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}
