//! Where a filter stands: what callers send must stay a value there.

use crate::config::upstream::{Pushdown, Request};
use crate::plan::Pushable;
use crate::plan::placeholder::{Piece, scan};
use crate::plan::pushdown::Quote;
use crate::problem::{KeyPath, Problem, Problems};

use super::filters_in;
use crate::config::resolve::texts::texts;

/// Checks every text of one request.
pub(super) fn check(at: &KeyPath, request: &Request, pushdown: &Pushdown, problems: &mut Problems) {
    let (path, body) = (at.join("path"), at.join("body"));
    for (at, text) in texts(at, request) {
        let is_path = at == path;
        // The values of a path are segments, each for itself.
        let parts: Vec<&str> = if is_path {
            text.split('/').collect()
        } else {
            vec![text]
        };
        for text in parts {
            let place = FilterText {
                at: &at,
                text,
                is_raw: at == body,
            };
            place.check(pushdown, problems);
        }
    }
}

/// Whether filters are the two ends of one range, each of which says what it is where it is open.
fn is_range(filters: &[Pushable], pushdown: &Pushdown) -> bool {
    let is_open = |filter: &Pushable| {
        pushdown
            .time(*filter)
            .is_some_and(|time| time.open.is_some())
    };
    let created = [Pushable::CreatedAfter, Pushable::CreatedBefore];
    let updated = [Pushable::UpdatedAfter, Pushable::UpdatedBefore];
    [created, updated]
        .iter()
        .any(|ends| filters.iter().all(|filter| ends.contains(filter)))
        && filters.iter().all(is_open)
}

/// One text with filters in it.
struct FilterText<'a> {
    at: &'a KeyPath,
    text: &'a str,
    /// Whether values are inserted as they are, without the escapes of a URL or of JSON.
    is_raw: bool,
}

impl FilterText<'_> {
    fn check(&self, pushdown: &Pushdown, problems: &mut Problems) {
        let filters = filters_in(self.text);
        if let Some(problem) = self.shared(&filters, pushdown) {
            problems.push(problem);
            return;
        }
        let Some(&filter) = filters.first() else {
            return;
        };
        let is_alone = !self.is_raw && self.text == format!("{{{filter}}}");
        let problem = match (pushdown.quote(filter), filter) {
            // Words and figures of the adapter's own.
            (
                _,
                Pushable::Status
                | Pushable::CreatedAfter
                | Pushable::CreatedBefore
                | Pushable::UpdatedAfter
                | Pushable::UpdatedBefore,
            )
            | (Some(Quote::Word), _) => None,
            (None, _) if is_alone => None,
            (None, _) => Some(self.unquoted(filter)),
            (Some(Quote::Backslash), _) => self.outside(filter, '"', "double"),
            (Some(Quote::Doubled), _) => self.outside(filter, '\'', "single"),
            (Some(Quote::Ldap), _) => is_alone.then(|| {
                Problem::new(
                    self.at.clone(),
                    format!(
                        "`{{{filter}}}` is the whole text here, but `quote = \"ldap\"` escapes it \
                         for an LDAP filter"
                    ),
                )
                .with_help(format!(
                    "remove `quote`, or write the filter, as in `(cn={{{filter}}})`"
                ))
            }),
        };
        problems.extend(problem);
    }

    /// A text is left out as soon as one of its placeholders has no value.
    fn shared(&self, filters: &[Pushable], pushdown: &Pushdown) -> Option<Problem> {
        let &first = filters.first()?;
        let other = filters.iter().find(|&&filter| filter != first);
        if let Some(other) = other.filter(|_| !is_range(filters, pushdown)) {
            let problem = Problem::new(
                self.at.clone(),
                format!(
                    "`{{{first}}}` and `{{{other}}}` are in one text, which is left out unless a query \
                     has both"
                ),
            );
            let is_time = first.is_time() && other.is_time();
            return Some(problem.with_help(if is_time {
                "say under `pushdown` what each is where a query has only the other one, as in `open = \"*\"`"
            } else {
                "write each in a parameter of its own, or keep one"
            }));
        }
        let cursor = Piece::Placeholder("cursor".to_owned());
        scan(self.text)
            .unwrap_or_default()
            .contains(&cursor)
            .then(|| {
                Problem::new(
                    self.at.clone(),
                    format!(
                        "`{{{first}}}` and `{{cursor}}` are in one text, which is left out of the \
                     first page"
                    ),
                )
                .with_help("write each in a parameter of its own")
            })
    }

    fn unquoted(&self, filter: Pushable) -> Problem {
        let what = if self.is_raw {
            "inserted into the body without escaping"
        } else {
            "part of a longer text"
        };
        Problem::new(
            self.at.clone(),
            format!("`{{{filter}}}` is {what}, so callers could change its meaning"),
        )
        .with_help(format!(
            "say how it is escaped: `pushdown.{filter}.quote` is `backslash`, `doubled`, `ldap` or \
             `word`"
        ))
    }

    /// What is wrong where a value is not in the quotes that its escapes are for.
    fn outside(&self, filter: Pushable, quote: char, name: &str) -> Option<Problem> {
        let mut is_open = false;
        for piece in scan(self.text).unwrap_or_default() {
            match piece {
                Piece::Literal(text) => is_open ^= text.matches(quote).count() % 2 == 1,
                Piece::Placeholder(placeholder) => {
                    if placeholder == filter.as_str() && !is_open {
                        return Some(self.unprotected(filter, quote, name));
                    }
                }
            }
        }
        None
    }

    fn unprotected(&self, filter: Pushable, quote: char, name: &str) -> Problem {
        Problem::new(
            self.at.clone(),
            format!("`{{{filter}}}` is not in {name} quotes, for which its `quote` escapes it"),
        )
        .with_help(format!(
            "write `{quote}{{{filter}}}{quote}`, or set another `quote`"
        ))
    }
}
