//! All problems of one reading, shown where they are.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError,
    MietteSpanContents, Severity, SourceCode, SourceSpan, SpanContents,
};

/// What is wrong with a configuration: every problem with its file, line and column, the line
/// itself with secrets masked, and what would be right.
#[derive(Clone)]
pub struct Report {
    /// The file that was named, and after it those that it includes.
    files: Vec<ShownFile>,
    findings: Vec<Finding>,
    /// Whether the file that was named could not be read.
    is_unread: bool,
}

/// A file as it may be shown: nothing secret is left in its text.
#[derive(Debug, Clone)]
pub(super) struct ShownFile {
    pub(super) name: String,
    pub(super) text: String,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilePlace {
    /// Which of the files, by number.
    pub(super) file: usize,
    /// In bytes of the text as shown.
    pub(super) span: Range<usize>,
}

/// One problem and its place.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// `None` where no file is what is wrong.
    pub(super) place: Option<FilePlace>,
    /// Another place that has to do with it, and what is there.
    pub(super) other: Option<(&'static str, FilePlace)>,
}

impl Finding {
    /// A problem that no line of a file is to blame for.
    pub(super) fn outside(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            place: None,
            other: None,
        }
    }

    /// The same problem, with what would be right.
    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same problem, where it stands.
    pub(super) fn at(mut self, place: FilePlace) -> Self {
        self.place = Some(place);
        self
    }
}

/// One problem as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedProblem<'a> {
    /// What is wrong.
    pub message: &'a str,
    /// What would be right.
    pub help: Option<&'a str>,
    /// The file that it is in, or that could not be read. `None` where no file is what is wrong.
    pub file: Option<&'a str>,
    /// The faulty line. `None` where no line of a file is what is wrong.
    pub line: Option<FaultyLine<'a>>,
}

/// A line of the file, and the part of it that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyLine<'a> {
    /// The file that it is in.
    pub file: &'a str,
    /// Its number, from 1.
    pub number: usize,
    /// The line as shown: what may be a secret is masked.
    pub text: &'a str,
    /// The part that is wrong, in bytes of `text`.
    pub span: Range<usize>,
}

impl FaultyLine<'_> {
    /// Where the part begins, counted from 1.
    pub const fn column(&self) -> usize {
        self.span.start + 1
    }
}

impl Report {
    /// A report on files, of which the first is the one that was named.
    pub(super) fn new(files: Vec<ShownFile>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| {
            let place = finding.place.as_ref();
            place.map(|place| (place.file, place.span.start))
        });
        Self {
            files,
            findings,
            is_unread: false,
        }
    }

    /// A report that the file of this name could not be read.
    pub(super) fn unread(name: &str, finding: Finding) -> Self {
        let file = ShownFile {
            name: name.to_owned(),
            text: String::new(),
        };
        Self {
            is_unread: true,
            ..Self::new(vec![file], vec![finding])
        }
    }

    /// The same with what can be done about the file that was named, if that could not be read.
    #[must_use]
    pub fn with_help_for_unread(mut self, help: &str) -> Self {
        if self.is_unread {
            let findings = self.findings.into_iter();
            self.findings = findings.map(|finding| finding.with_help(help)).collect();
        }
        self
    }

    /// Every problem, in the order in which they are shown.
    pub fn problems(&self) -> impl Iterator<Item = ReportedProblem<'_>> {
        let unread = self.files.first().filter(|_| self.is_unread);
        self.findings.iter().map(move |finding| {
            let line = (finding.place.as_ref()).and_then(|place| self.faulty_line(place));
            let own = line.as_ref().map(|line| line.file);
            ReportedProblem {
                message: &finding.message,
                help: finding.help.as_deref(),
                file: own.or_else(|| unread.map(|file| file.name.as_str())),
                line,
            }
        })
    }

    fn faulty_line(&self, place: &FilePlace) -> Option<FaultyLine<'_>> {
        let file = self.files.get(place.file)?;
        let span = file.on_one_line(&place.span);
        let start = file.line_start(span.start);
        Some(FaultyLine {
            file: &file.name,
            number: file.line_number(span.start),
            text: file.text[start..].lines().next().unwrap_or_default(),
            span: span.start - start..span.end - start,
        })
    }

    /// The report as text: for a terminal with `color`, and else in plain ASCII.
    pub fn render(&self, color: bool) -> String {
        let theme = if color {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::none()
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_context_lines(1)
            .with_links(false)
            // One line each: a terminal wraps by itself, and a log is searched by line.
            .with_wrap_lines(false);
        let mut rendered = String::new();
        for finding in &self.findings {
            let shown = self.diagnostic(finding);
            // Writing to a string cannot fail.
            let _ = handler.render_report(&mut rendered, shown.as_ref());
            rendered.push('\n');
            if let Some((message, place)) = &finding.other {
                let other = MietteDiagnostic::new(*message).with_severity(Severity::Advice);
                let _ = handler.render_report(&mut rendered, self.at(other, place).as_ref());
                rendered.push('\n');
            }
        }
        rendered.push_str(&self.summary());
        rendered
    }

    fn diagnostic(&self, finding: &Finding) -> miette::Report {
        let mut diagnostic =
            MietteDiagnostic::new(finding.message.clone()).with_severity(Severity::Error);
        diagnostic.help.clone_from(&finding.help);
        match &finding.place {
            Some(place) => self.at(diagnostic, place),
            None => miette::Report::new(diagnostic),
        }
    }

    fn at(&self, diagnostic: MietteDiagnostic, place: &FilePlace) -> miette::Report {
        let Some(file) = self.files.get(place.file) else {
            return miette::Report::new(diagnostic);
        };
        let span = file.on_one_line(&place.span);
        let label = LabeledSpan::new(None, span.start, span.len());
        miette::Report::new(diagnostic.with_label(label)).with_source_code(OneLine(file.clone()))
    }

    /// How many problems there are, and in which files. What stands in none is a matter of the first.
    fn summary(&self) -> String {
        let number = |finding: &Finding| finding.place.as_ref().map_or(0, |place| place.file);
        let numbers: BTreeSet<_> = self.findings.iter().map(number).collect();
        let files = numbers
            .into_iter()
            .filter_map(|number| self.files.get(number));
        let names: Vec<_> = files.map(|file| file.name.as_str()).collect();
        let plural = if self.findings.len() == 1 { "" } else { "s" };
        format!(
            "{} problem{plural} in {}",
            self.findings.len(),
            names.join(", ")
        )
    }
}

impl ShownFile {
    /// The number of the line that a byte is in, from 1.
    pub(super) fn line_number(&self, at: usize) -> usize {
        self.text[..self.line_start(at)].lines().count() + 1
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// The part of a span that lies on its first line: a value of many lines need not be shown
    /// whole to be found. At the end of a line it is the last letter, so that there is something
    /// to point at.
    fn on_one_line(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.floor_char_boundary(span.end).max(start);
        let line = self.text[start..end].find('\n');
        let end = line.map_or(end, |length| start + length);
        let before = self.text[..start].chars().next_back();
        match before {
            Some(letter) if start == end && letter != '\n' && self.is_line_end(end) => {
                start - letter.len_utf8()..end
            }
            _ => start..end,
        }
    }

    fn is_line_end(&self, at: usize) -> bool {
        matches!(self.text[at..].chars().next(), None | Some('\n' | '\r'))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Report")
            .field(
                "files",
                &self.files.iter().map(|file| &file.name).collect::<Vec<_>>(),
            )
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Report {}

/// A source that shows the line of a problem and none around it, which may be anyone's business.
#[derive(Debug)]
struct OneLine(ShownFile);

impl SourceCode for OneLine {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // Without lines around it the span is asked for to learn its line and column.
        let span = match lines_before {
            0 => *span,
            _ => self.line_around(span),
        };
        let contents = self.0.text.read_span(&span, 0, 0)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.0.name.clone(),
            contents.data(),
            *contents.span(),
            contents.line(),
            contents.column(),
            contents.line_count(),
        )))
    }
}

impl OneLine {
    fn line_around(&self, span: &SourceSpan) -> SourceSpan {
        let text = &self.0.text;
        let end = text[span.offset()..]
            .find('\n')
            .map_or(text.len(), |length| span.offset() + length);
        (self.0.line_start(span.offset())..end).into()
    }
}
