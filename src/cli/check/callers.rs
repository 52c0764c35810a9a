//! Who sees what, as a table, and what about it is probably not meant.

use std::fmt::Write as _;

use strum::IntoEnumIterator as _;

use crate::authentication::{rate_of, visible_of};
use crate::caller::{HiddenFields, HideableField, VisibleSources};
use crate::did_you_mean::nearest;
use crate::plan::{CallerGrant, Callers, EVERY_SOURCE, Plan};

/// The heads of the columns.
const HEADS: [&str; 4] = ["caller", "source", "without", "rate"];

/// Who sees what. Nothing where callers are not told apart.
pub(super) fn explain_callers(plan: &Plan) -> String {
    let Some(callers) = &plan.callers else {
        return String::new();
    };
    let sources: Vec<&str> = (plan.upstreams.iter())
        .map(|upstream| &*upstream.name)
        .collect();
    let mut text = String::from(if callers.required {
        "\ncallers must authenticate; who sees what:\n"
    } else {
        "\ncallers may authenticate; who sees what:\n"
    });
    text.push_str(&table(&rows(callers, &sources)));
    for warning in warnings(callers, &sources) {
        // Writing into a string does not fail.
        let _ = writeln!(text, "  warning: {warning}");
    }
    text
}

type Row = [String; 4];

fn rows(callers: &Callers, sources: &[&str]) -> Vec<Row> {
    let mut rows = vec![HEADS.map(str::to_owned)];
    if !callers.required {
        rows.extend(rows_of(
            "without credentials",
            callers,
            &callers.anonymous,
            sources,
        ));
    }
    for (name, key) in &callers.keys {
        rows.extend(rows_of(
            &format!("key {name}"),
            callers,
            &key.grants,
            sources,
        ));
    }
    for (name, grant) in &callers.grants {
        if let Some(when) = &grant.when {
            let any = when.any.join(" or ");
            let caller = format!("token with {} {any}", when.claim);
            rows.extend(rows_of(
                &caller,
                callers,
                std::slice::from_ref(name),
                sources,
            ));
        }
    }
    rows
}

/// A row for each source that a caller with these grants sees.
fn rows_of(caller: &str, callers: &Callers, grants: &[String], sources: &[&str]) -> Vec<Row> {
    let given: Vec<&CallerGrant> = callers.granted(grants).collect();
    let visible = visible_of(&given);
    let rate = rate_of(&given).map_or_else(String::new, |rate| rate.to_string());
    let seen = |source: &&str| Some((source.to_string(), hidden(visible.hidden_of(source)?)));
    let mut seen: Vec<_> = sources.iter().filter_map(seen).collect();
    if seen.is_empty() {
        seen.push(("nothing".to_owned(), String::new()));
    } else if visible == VisibleSources::All {
        seen = vec![("every source".to_owned(), String::new())];
    }
    let rows = seen.into_iter().enumerate();
    let rows = rows.map(|(index, (source, hidden))| match index {
        0 => [caller.to_owned(), source, hidden, rate.clone()],
        _ => [String::new(), source, hidden, String::new()],
    });
    rows.collect()
}

fn hidden(fields: HiddenFields) -> String {
    let hidden = HideableField::iter().filter(|field| fields.contains(*field));
    let names: Vec<&str> = hidden.map(HideableField::as_str).collect();
    names.join(", ")
}

/// The rows in columns, without what is empty at their ends.
fn table(rows: &[Row]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..HEADS.len()).filter_map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        // Writing into a string does not fail.
        let _ = writeln!(text, "  {}", line.join("  ").trim_end());
    }
    text
}

fn warnings(callers: &Callers, sources: &[&str]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, key) in &callers.keys {
        if key.grants.is_empty() {
            warnings.push(format!(
                "the key `{name}` has no grants, so it sees no source"
            ));
        }
    }
    for (name, grant) in &callers.grants {
        for source in &grant.sources {
            if source == EVERY_SOURCE || sources.contains(&source.as_str()) {
                continue;
            }
            let known = sources.iter().copied();
            let meant = nearest(source, known).map(|known| format!(": did you mean `{known}`?"));
            let meant = meant.unwrap_or_default();
            warnings.push(format!(
                "the grant `{name}` gives `{source}`, and there is no such upstream{meant}"
            ));
        }
        let has = |grants: &[String]| grants.contains(name);
        let mut keys = callers.keys.values();
        let is_given =
            grant.when.is_some() || has(&callers.anonymous) || keys.any(|key| has(&key.grants));
        if !is_given {
            warnings.push(format!("nobody has the grant `{name}`"));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{LEAST, load};

    fn explained(callers: &str) -> String {
        let upstreams = ["publisher", "tallyfy"].map(|name| format!("[upstreams.{name}]{LEAST}"));
        explain_callers(&load(&format!("{callers}\n{}", upstreams.concat()), &[]).plan)
    }

    #[test]
    fn a_table_says_who_sees_what_and_what_is_probably_not_meant() {
        let hashes = ["0", "1", "2"].map(|digit| digit.repeat(64));
        let [billing, audit, admin] = hashes;
        let text = explained(&format!(
            "[callers]
            required = false
            [callers.keys]
            billing = {{ sha256 = '{billing}', grants = ['finance', 'wiki'] }}
            audit = {{ sha256 = '{audit}' }}
            admin = {{ sha256 = '{admin}', grants = ['all'] }}
            [grants.finance]
            sources = ['publisher', 'talyfy']
            hide = ['members', 'guests']
            rate = '50/s'
            [grants.wiki]
            sources = ['tallyfy']
            rate = '5/s'
            [grants.all]
            sources = ['*']
            [grants.spare]
            sources = ['tallyfy']"
        ));
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "",
                "callers may authenticate; who sees what:",
                "  caller               source        without          rate",
                "  without credentials  nothing",
                "  key admin            every source",
                "  key audit            nothing",
                "  key billing          publisher     members, guests  50/s",
                "                       tallyfy",
                "  warning: the key `audit` has no grants, so it sees no source",
                "  warning: the grant `finance` gives `talyfy`, and there is no such upstream: did you mean \
                 `tallyfy`?",
                "  warning: nobody has the grant `spare`",
            ]
        );
    }

    #[test]
    fn nothing_is_said_where_callers_are_not_told_apart() {
        assert_eq!(explained(""), "");
    }
}
