//! Pushdown: which filters of a query are handed to the upstream, and how they are written.
//!
//! A filter is handed on only where the upstream's answer cannot lack a group that the filter lets
//! through. All conditions of a query hold at once, so handing on any part of them is safe, and each
//! is decided on its own. The answer is filtered here again, so it may hold too much.
//!
//! ```text
//! Conditions (what the query demands) ▸ Rules (may it? how is it written?) ▸ Pushed (into the placeholders)
//! ```

pub mod pushed;
pub use pushed::{Pushed, Written};

mod time;
mod written;

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::upstream::Upstream;
use crate::fold::fold;
use crate::plan::pushdown::{Case, PushedTime, Quote, Texts};
use crate::plan::{Fields, List, Pushable, Pushdown, TimeFormat};
use crate::problem::{KeyPath, Problem, Problems};

use written::written;

/// What a query demands of the groups of one upstream, all of it at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conditions<'a> {
    /// Folded text that the name or description contains.
    pub search: Option<&'a str>,
    /// The source's id of the only group that is asked for.
    pub id: Option<&'a str>,
    /// The status, lower-cased.
    pub status: Option<&'a str>,
    /// The organization's id.
    pub organization_id: Option<&'a str>,
    /// The id in a third system.
    pub external_id: Option<&'a str>,
    /// The id, or the e-mail address whatever its case, of an account in the group.
    pub member: Option<&'a str>,
    /// The earliest moment that the group may have been made.
    pub created_after: Option<Timestamp>,
    /// The moment before which the group was made.
    pub created_before: Option<Timestamp>,
    /// The earliest moment that the group may have changed last.
    pub updated_after: Option<Timestamp>,
    /// The moment before which the group changed last.
    pub updated_before: Option<Timestamp>,
}

/// What may be handed to one upstream.
#[derive(Debug, Clone)]
pub struct Rules {
    filters: Vec<Pushable>,
    pushdown: Arc<Pushdown>,
    /// Whether groups tell the e-mail addresses of accounts, so that a member may be one.
    has_emails: bool,
}

impl Rules {
    /// The rules of an upstream that is asked by query. `None`: it is not, or
    /// something is wrong with how.
    pub(super) fn compile(
        upstream: &Upstream,
        at: &KeyPath,
        problems: &mut Problems,
    ) -> Option<Self> {
        if upstream.list == List::Whole {
            return None;
        }
        let pushes = upstream.request.filters();
        let filters = Pushable::ALL.into_iter();
        let filters: Vec<_> = filters.filter(|filter| pushes.contains(filter)).collect();
        for &filter in &filters {
            let time = upstream.pushdown.time(filter);
            if let Some(time) = time.filter(|time| !time::can_write(time)) {
                problems.push(coarse(&at.join("pushdown").join(filter.as_str()), time));
            }
        }
        Some(Self {
            filters,
            pushdown: Arc::new(upstream.pushdown.clone()),
            has_emails: has_emails(&upstream.fields),
        })
    }

    /// The filters that may be handed on.
    pub fn filters(&self) -> &[Pushable] {
        &self.filters
    }

    /// What of `conditions` is handed on.
    pub fn push(&self, conditions: &Conditions<'_>) -> Pushed {
        let pushed = self.filters.iter();
        Pushed(
            pushed
                .filter_map(|&filter| Some((filter, self.value(filter, conditions)?)))
                .collect(),
        )
    }

    /// What stands for one filter; `None` where the query does not have it, where a group could be
    /// lost by it, or where it cannot be written.
    fn value(&self, filter: Pushable, conditions: &Conditions<'_>) -> Option<Written> {
        let plain = |value: &str| written(value, self.pushdown.quote(filter)).map(Written::Text);
        match filter {
            Pushable::Search => plain(self.search(conditions.search?)?),
            Pushable::Id => plain(conditions.id?),
            Pushable::Status => {
                let words = &self.pushdown.status.as_ref()?.values;
                plain(words.get(conditions.status?)?)
            }
            Pushable::OrganizationId => plain(conditions.organization_id?),
            Pushable::ExternalId => plain(conditions.external_id?),
            Pushable::Member => plain(self.member(conditions.member?)?),
            Pushable::CreatedAfter => time::after(&self.time(filter), conditions.created_after?),
            Pushable::CreatedBefore => time::before(&self.time(filter), conditions.created_before?),
            Pushable::UpdatedAfter => time::after(&self.time(filter), conditions.updated_after?),
            Pushable::UpdatedBefore => time::before(&self.time(filter), conditions.updated_before?),
        }
    }

    fn search<'a>(&self, text: &'a str) -> Option<&'a str> {
        let search = self.pushdown.search.as_ref()?;
        // Upstreams trim what they search for, or join its white space.
        let is_spaced = text.split(char::is_whitespace).any(str::is_empty);
        // In a pattern of SQL's kind it hides the character after it.
        let is_pattern =
            text.contains('\\') && !matches!(search.quote, Some(Quote::Backslash | Quote::Ldap));
        let is_long_enough = text.chars().count() >= search.min_chars;
        (is_long_enough && !is_spaced && !is_pattern && finds(search.case, search.texts, text))
            .then_some(text)
    }

    fn member<'a>(&self, member: &'a str) -> Option<&'a str> {
        let rule = self.pushdown.member.as_ref()?;
        // Ids are compared as they are, addresses are not.
        (!self.has_emails || finds(rule.case, rule.texts, member)).then_some(member)
    }

    fn time(&self, filter: Pushable) -> PushedTime {
        self.pushdown.time(filter).cloned().unwrap_or_default()
    }
}

/// Whether an upstream that compares so finds `text` wherever it stands by our fold.
fn finds(case: Case, texts: Texts, text: &str) -> bool {
    let is_found = match (case, texts) {
        (Case::Folded, _) => return true,
        // `ﬁ`, `Ｗ` and the Kelvin sign fold to ASCII: any text may stand where it is not written.
        (Case::Exact | Case::Ascii, Texts::Any) => false,
        (Case::Ascii, Texts::Ascii) => true,
        (Case::Exact, Texts::Ascii) => !text.bytes().any(|byte| byte.is_ascii_alphabetic()),
    };
    // What is not ASCII and stays so is in no such text, here or there.
    is_found && (text.is_ascii() || !fold(text).is_ascii())
}

/// Whether groups tell the e-mail addresses of accounts.
fn has_emails(fields: &Fields) -> bool {
    [&fields.members, &fields.admins, &fields.guests]
        .into_iter()
        .flatten()
        .any(|each| each.email.is_some())
}

fn coarse(at: &KeyPath, time: &PushedTime) -> Problem {
    let problem = Problem::new(
        at.join("round"),
        format!(
            "this way of writing a moment cannot tell two apart that are {} from each other, so \
             groups between them would be missed",
            time.round
        ),
    );
    match time.format {
        TimeFormat::Date => problem.with_help("set `round = \"24h\"`, or whole days more"),
        TimeFormat::Rfc3339
        | TimeFormat::Epoch
        | TimeFormat::EpochMs
        | TimeFormat::DateTime
        | TimeFormat::Ldap
        | TimeFormat::Rfc1123
        | TimeFormat::Pattern(_) => problem
            .with_help("set `round` to the finest step that the format shows, as in `\"1s\"`"),
    }
}

#[cfg(test)]
mod tests;
