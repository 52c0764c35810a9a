//! Pushdown: which filters of a query are handed to the upstream, and how they are written.
//!
//! A filter is handed on only where the upstream's answer cannot lack a group that the filter lets
//! through. All conditions of a query hold at once, so handing on any part of them is safe, and each
//! is decided on its own. The answer is filtered here again, so it may hold too much.
//!
//! ```text
//! Conditions (what the query demands) ▸ PushdownRules (may it? how is it written?) ▸ Pushed (into the placeholders)
//! ```

pub mod pushed;
pub use pushed::{Pushed, PushedValue};

mod time;
pub(super) use time::text_after;
mod written;

use crate::group::Moment;

use crate::fold::fold;
use crate::plan::pushdown::{Case, Comparison, Quote, Texts};
use crate::plan::{Pushable, PushdownRule, PushdownRules};

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
    pub created_after: Option<Moment>,
    /// The moment before which the group was made.
    pub created_before: Option<Moment>,
    /// The earliest moment that the group may have changed last.
    pub updated_after: Option<Moment>,
    /// The moment before which the group changed last.
    pub updated_before: Option<Moment>,
}

impl PushdownRules {
    /// What of `conditions` is handed on.
    pub fn push(&self, conditions: &Conditions<'_>) -> Pushed {
        let mut lookups = self.0.iter();
        let lookup = lookups.find(|rule| matches!(rule, PushdownRule::Lookup(_)));
        if let Some(id) = lookup.and_then(|rule| rule.value(conditions)) {
            return Pushed(vec![(Pushable::Id, id)]);
        }
        let rules = self.0.iter();
        let pushed = rules.filter_map(|rule| Some((rule.filter(), rule.value(conditions)?)));
        let mut pushed: Vec<_> = pushed.collect();
        let has = |filter: Pushable| pushed.iter().any(|(one, _)| *one == filter);
        let open = self.0.iter().filter_map(|rule| {
            let (open, other) = rule.open()?;
            let is_open = has(other) && !has(rule.filter());
            is_open.then(|| (rule.filter(), PushedValue::Text(open.to_owned())))
        });
        let open: Vec<_> = open.collect();
        pushed.extend(open);
        Pushed(pushed)
    }
}

impl PushdownRule {
    /// What stands for the filter; `None` where the query does not have it, where a group could be
    /// lost by it, or where it cannot be written.
    fn value(&self, conditions: &Conditions<'_>) -> Option<PushedValue> {
        let text = |value: &str, quote: Option<Quote>| written(value, quote).map(PushedValue::Text);
        match self {
            Self::Search {
                comparison,
                min_chars,
                quote,
            } => {
                let sought = conditions.search?;
                let is_long_enough = sought.chars().count() >= *min_chars;
                (is_long_enough && comparison.finds(sought) && is_plain(sought, *quote))
                    .then(|| text(sought, *quote))?
            }
            Self::Id(quote) | Self::Lookup(quote) => text(conditions.id?, *quote),
            Self::Status(words) => text(words.get(conditions.status?)?, None),
            Self::OrganizationId(quote) => text(conditions.organization_id?, *quote),
            Self::ExternalId(quote) => text(conditions.external_id?, *quote),
            Self::Member { emails, quote } => {
                let member = conditions.member?;
                // Ids are compared as they are, addresses are not.
                (emails.is_none_or(|emails| emails.finds(member))).then(|| text(member, *quote))?
            }
            Self::CreatedAfter(time) => time::after(time, conditions.created_after?),
            Self::CreatedBefore(time) => time::before(time, conditions.created_before?),
            Self::UpdatedAfter(time) => time::after(time, conditions.updated_after?),
            Self::UpdatedBefore(time) => time::before(time, conditions.updated_before?),
        }
    }
}

/// Whether an upstream that searches for `text` takes every character of it for itself.
fn is_plain(text: &str, quote: Option<Quote>) -> bool {
    // Upstreams trim what they search for, or join its white space.
    let is_spaced = text.split(char::is_whitespace).any(str::is_empty);
    // In a pattern of SQL's kind it hides the character after it.
    let is_pattern = text.contains('\\') && !matches!(quote, Some(Quote::Backslash | Quote::Ldap));
    !is_spaced && !is_pattern
}

impl Comparison {
    /// Whether an upstream that compares so finds `text` wherever it stands by our fold.
    fn finds(self, text: &str) -> bool {
        let is_found = match (self.case, self.texts) {
            (Case::Folded, _) => return true,
            // `ﬁ`, `Ｗ` and the Kelvin sign fold to ASCII: any text may stand where it is not written.
            (Case::Exact | Case::Ascii, Texts::Any) => false,
            (Case::Ascii, Texts::Ascii) => true,
            (Case::Exact, Texts::Ascii) => !text.bytes().any(|byte| byte.is_ascii_alphabetic()),
        };
        // What is not ASCII and stays so is in no such text, here or there.
        is_found && (text.is_ascii() || !fold(text).is_ascii())
    }
}

#[cfg(test)]
mod tests;
