//! Who sees what, as a table, and what about it is probably not meant.

use std::fmt::Write as _;

use strum::IntoEnumIterator as _;

use crate::authentication::{rate_of, visible_of};
use crate::caller::{HiddenFields, HideableField, VisibleSources};
use crate::did_you_mean::nearest;
use crate::plan::{CallerGrant, CallerValue, Callers, EVERY_SOURCE, OnBehalf, Plan};

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
    for warning in warnings(callers, &sources).chain(shared_names(plan, callers)) {
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
    if let Some(certificates) = &callers.certificates {
        for (name, grants) in &certificates.names {
            let caller = format!("certificate {name}");
            rows.extend(rows_of(&caller, callers, grants, sources));
        }
        rows.extend(rows_of("another certificate", callers, &[], sources));
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
    if callers.jwt.is_some() {
        rows.extend(rows_of("another token", callers, &[], sources));
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

/// Where an upstream cannot tell callers apart whom groupgate does.
fn shared_names<'a>(plan: &'a Plan, callers: &Callers) -> impl Iterator<Item = String> + use<'a> {
    let kinds = [
        !callers.keys.is_empty(),
        callers.jwt.is_some(),
        callers.certificates.is_some(),
    ];
    let are_several = kinds.into_iter().filter(|is_there| *is_there).count() > 1;
    let is_told = |on_behalf: &OnBehalf| on_behalf.values.contains(&CallerValue::Id);
    let told = plan.upstreams.iter();
    let told = told.filter(move |it| are_several && it.on_behalf.as_ref().is_some_and(is_told));
    told.map(|upstream| {
        format!(
            "`{}` is asked with `{{caller.id}}`, which is the same for a key, a token and a certificate of one \
             name: give no name twice",
            upstream.name
        )
    })
}

fn warnings(callers: &Callers, sources: &[&str]) -> impl Iterator<Item = String> {
    let mut warnings = Vec::new();
    for (name, key) in &callers.keys {
        if key.grants.is_empty() {
            warnings.push(format!(
                "the key `{name}` has no grants, so it sees no source"
            ));
        }
    }
    if callers.jwt.is_some() && callers.grants.values().all(|grant| grant.when.is_none()) {
        let warning = "no grant has a `when`, so callers with tokens see no source";
        warnings.push(warning.to_owned());
    }
    let certificates = callers.certificates.iter();
    let certificates = certificates.flat_map(|all| &all.names);
    for (name, _) in certificates.clone().filter(|(_, grants)| grants.is_empty()) {
        warnings.push(format!(
            "the certificate `{name}` has no grants, so it sees no source"
        ));
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
        let is_given = grant.when.is_some()
            || has(&callers.anonymous)
            || keys.any(|key| has(&key.grants))
            || certificates.clone().any(|(_, grants)| has(grants));
        if !is_given {
            warnings.push(format!("nobody has the grant `{name}`"));
        }
    }
    warnings.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{LEAST, load};

    fn explained(callers: &str) -> String {
        explained_with(callers, &[])
    }

    fn explained_with(callers: &str, variables: &[(&str, &str)]) -> String {
        let upstreams = ["publisher", "tallyfy"].map(|name| format!("[upstreams.{name}]{LEAST}"));
        let text = format!("{callers}\n{}", upstreams.concat());
        explain_callers(&load(&text, variables).plan)
    }

    #[test]
    fn an_upstream_that_is_told_names_may_take_two_callers_for_one() {
        let told = |more: &str| {
            let key = "0".repeat(64);
            let text = format!(
                "[callers.keys.a]
                sha256 = '{key}'
                grants = ['all']
                {more}
                [grants.all]
                sources = ['*']
                [upstreams.club]
                base_url = 'http://127.0.0.1:1'
                request = {{ path = '/{{caller.id}}' }}
                records = '/'
                fields = {{ id = 'id', name = 'name' }}"
            );
            explain_callers(&load(&text, &[]).plan)
        };
        let tokens = "[callers.jwt]
            issuer = 'https://id.example.com'
            audience = 'groupgate'
            jwks = { url = 'https://id.example.com/keys' }";
        let warning = "warning: `club` is asked with `{caller.id}`";
        assert!(told(tokens).contains(warning) && !told("").contains(warning));
        let warning = "warning: no grant has a `when`, so callers with tokens see no source";
        assert!(told(tokens).contains(warning) && !told("").contains(warning));
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
    fn callers_of_every_kind_have_a_row() {
        let signed = rcgen::generate_simple_self_signed([]).unwrap();
        let (pem, key_pem) = (signed.cert.pem(), signed.signing_key.serialize_pem());
        let key = "0".repeat(64);
        let text = explained_with(
            &format!(
                "[server.tls]
                certificate = {{ env = 'PEM' }}
                key = {{ env = 'KEY' }}
                client_ca = {{ env = 'PEM' }}
                [callers.keys]
                billing = {{ sha256 = '{key}', grants = ['finance'] }}
                [callers.jwt]
                issuer = 'https://id.example.com'
                audience = 'groupgate'
                jwks = {{ url = 'https://id.example.com/keys' }}
                [callers.certificates]
                identity = 'san_dns'
                names = {{ 'a.example.com' = {{ grants = ['wiki'] }}, 'b.example.com' = {{ grants = [] }} }}
                [grants.finance]
                sources = ['publisher']
                when = {{ claim = '/groups', any = ['finance', 'audit'] }}
                [grants.wiki]
                sources = ['tallyfy']"
            ),
            &[("PEM", &pem), ("KEY", &key_pem)],
        );
        assert_eq!(
            text.lines().skip(2).collect::<Vec<_>>(),
            [
                "  caller                               source     without  rate",
                "  key billing                          publisher",
                "  certificate a.example.com            tallyfy",
                "  certificate b.example.com            nothing",
                "  another certificate                  nothing",
                "  token with /groups finance or audit  publisher",
                "  another token                        nothing",
                "  warning: the certificate `b.example.com` has no grants, so it sees no source",
            ]
        );
    }

    #[test]
    fn nothing_is_said_where_callers_are_not_told_apart() {
        assert_eq!(explained(""), "");
    }
}
