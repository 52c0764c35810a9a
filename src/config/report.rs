//! All problems of one reading, shown where they are.

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
    name: String,
    text: String,
    findings: Vec<Finding>,
}

/// One problem and its place in the text.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// In bytes of the text as shown. `None` where the file is not what is wrong.
    pub(super) span: Option<Range<usize>>,
}

/// One problem as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedProblem<'a> {
    /// What is wrong.
    pub message: &'a str,
    /// What would be right.
    pub help: Option<&'a str>,
    /// The faulty line. `None` where the file is not what is wrong.
    pub line: Option<FaultyLine<'a>>,
}

/// A line of the file, and the part of it that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyLine<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// The line as shown: what may be a secret is masked.
    pub text: &'a str,
    /// The part that is wrong, in bytes of `text`.
    pub span: Range<usize>,
}

impl Report {
    /// A report on the file of this name and this text, in which nothing secret is left.
    pub(super) fn new(name: &str, text: String, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.span.as_ref().map(|span| span.start));
        Self {
            name: name.to_owned(),
            text,
            findings,
        }
    }

    /// Every problem, in the order in which they are shown.
    pub fn problems(&self) -> impl Iterator<Item = ReportedProblem<'_>> {
        self.findings.iter().map(|finding| ReportedProblem {
            message: &finding.message,
            help: finding.help.as_deref(),
            line: finding.span.as_ref().map(|span| self.faulty_line(span)),
        })
    }

    fn faulty_line(&self, span: &Range<usize>) -> FaultyLine<'_> {
        let span = self.on_one_line(span);
        let start = self.text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        FaultyLine {
            number: self.text[..start].lines().count() + 1,
            text: self.text[start..].lines().next().unwrap_or_default(),
            span: span.start - start..span.end - start,
        }
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
            // Writing to a string cannot fail.
            let _ = handler.render_report(&mut rendered, self.diagnostic(finding).as_ref());
            rendered.push('\n');
        }
        rendered.push_str(&self.summary());
        rendered
    }

    fn diagnostic(&self, finding: &Finding) -> miette::Report {
        let mut diagnostic =
            MietteDiagnostic::new(finding.message.clone()).with_severity(Severity::Error);
        diagnostic.help.clone_from(&finding.help);
        let Some(span) = &finding.span else {
            return miette::Report::new(diagnostic);
        };
        let span = self.on_one_line(span);
        let label = LabeledSpan::new(None, span.start, span.len());
        miette::Report::new(diagnostic.with_label(label)).with_source_code(OneLine {
            name: self.name.clone(),
            text: self.text.clone(),
        })
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

    fn summary(&self) -> String {
        match self.findings.len() {
            1 => format!("1 problem in {}", self.name),
            count => format!("{count} problems in {}", self.name),
        }
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
            .field("name", &self.name)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Report {}

/// A source that shows the line of a problem and none around it, which may be anyone's business.
#[derive(Debug)]
struct OneLine {
    name: String,
    text: String,
}

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
        let contents = self.text.read_span(&span, 0, 0)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
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
        let start = self.text[..span.offset()]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let end = self.text[span.offset()..]
            .find('\n')
            .map_or(self.text.len(), |length| span.offset() + length);
        (start..end).into()
    }
}
