//! What is handed on, against a model of what an upstream that compares so would find.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::config::resolve::pushdown;
use crate::config::upstream::Pushdown;
use crate::plan::Pushable;

/// The rules of an upstream whose request has every filter that is described.
fn rules(pushdown: &str, fields: &str) -> PushdownRules {
    let described: Pushdown = toml::from_str(pushdown).unwrap();
    let query: String = (described.described().iter())
        .map(|filter| format!("request.query.{filter} = '{{{filter}}}'\n"))
        .collect();
    let upstream = format!(
        "
        base_url = 'http://localhost'
        list = 'by_query'
        request.path = '/groups'
        {query}
        records = '/'
        fields = {{ id = 'id', name = 'name', {fields} }}
        [pushdown]
        {pushdown}
        "
    );
    pushdown::rules(&toml::from_str(&upstream).unwrap()).unwrap()
}

fn searching(case: Case, texts: Texts) -> PushdownRules {
    PushdownRules(vec![PushdownRule::Search {
        comparison: Comparison { case, texts },
        min_chars: 0,
        quote: None,
    }])
}

fn pushed(rules: &PushdownRules, conditions: &Conditions<'_>) -> Vec<(Pushable, String)> {
    let Pushed(values) = rules.push(conditions);
    let texts = values.into_iter().map(|(filter, value)| match value {
        PushedValue::Text(text) => (filter, text),
        PushedValue::Number(number) => (filter, number.to_string()),
    });
    texts.collect()
}

fn search(rules: &PushdownRules, text: &str) -> Option<String> {
    let conditions = Conditions {
        search: Some(text),
        ..Conditions::default()
    };
    pushed(rules, &conditions).pop().map(|(_, text)| text)
}

#[test]
fn of_a_query_only_what_the_upstream_takes_is_handed_on() {
    let rules = rules(
        "
        search = { matches = 'contains', in = ['name'], case = 'folded' }
        status = { values = { active = 'ACTIVE' } }
        created_after = { format = 'epoch' }
        ",
        "",
    );
    let conditions = Conditions {
        search: Some("straße"),
        status: Some("active"),
        organization_id: Some("o"),
        created_after: Some("2024-01-01T00:00:00Z".parse().unwrap()),
        ..Conditions::default()
    };
    assert_eq!(
        pushed(&rules, &conditions),
        [
            (Pushable::Search, "straße".to_owned()),
            (Pushable::Status, "ACTIVE".to_owned()),
            (Pushable::CreatedAfter, "1704067199".to_owned()),
        ]
    );
    let other = Conditions {
        status: Some("archived"),
        ..Conditions::default()
    };
    assert!(rules.push(&other).is_none());
}

#[rstest]
#[case::letters_where_case_counts(Case::Exact, Texts::Ascii, "sales", false)]
#[case::digits_where_case_counts(Case::Exact, Texts::Ascii, "2024-7", true)]
#[case::letters(Case::Ascii, Texts::Ascii, "sales", true)]
#[case::what_no_such_text_holds(Case::Ascii, Texts::Ascii, "straße", true)]
#[case::where_a_wide_letter_may_stand(Case::Ascii, Texts::Any, "w", false)]
#[case::folded(Case::Folded, Texts::Any, "straße", true)]
#[case::doubled_space(Case::Folded, Texts::Any, "a  b", false)]
#[case::space_at_an_end(Case::Folded, Texts::Any, "a ", false)]
#[case::a_pattern(Case::Folded, Texts::Any, r"a\b", false)]
#[case::line_break(Case::Folded, Texts::Any, "a\nb", false)]
fn a_search_is_handed_on_only_where_it_cannot_miss(
    #[case] case: Case,
    #[case] texts: Texts,
    #[case] text: &str,
    #[case] expected: bool,
) {
    let is_pushed = search(&searching(case, texts), &fold(text)).is_some();
    assert_eq!(is_pushed, expected);
}

#[test]
fn a_search_that_is_too_short_for_the_upstream_is_not_handed_on() {
    let rules = rules(
        "search = { matches = 'contains', in = ['name'], case = 'folded', min_chars = 3 }",
        "",
    );
    assert_eq!(search(&rules, "éé"), None);
    assert_eq!(search(&rules, "ééé").as_deref(), Some("ééé"));
}

#[rstest]
#[case::an_id("by = 'id'", false, "U-1", true)]
#[case::an_address(
    "by = 'email', case = 'ascii', texts = 'ascii'",
    true,
    "Ann@example.com",
    true
)]
#[case::an_address_where_case_counts(
    "by = 'email', texts = 'ascii'",
    true,
    "ann@example.com",
    false
)]
#[case::an_id_like_an_address("by = 'either', texts = 'ascii'", true, "1001", true)]
#[case::wide(
    "by = 'email', case = 'ascii', texts = 'ascii'",
    true,
    "\u{ff41}nn@example.com",
    false
)]
fn a_member_is_handed_on_only_where_it_cannot_be_missed(
    #[case] rule: &str,
    #[case] has_emails: bool,
    #[case] member: &str,
    #[case] expected: bool,
) {
    let person = if has_emails {
        "email = 'mail'"
    } else {
        "id = 'id'"
    };
    let rules = rules(
        &format!("member = {{ in = ['members'], {rule} }}"),
        &format!("members = {{ each = 'members', {person} }}"),
    );
    let conditions = Conditions {
        member: Some(member),
        ..Conditions::default()
    };
    assert_eq!(!rules.push(&conditions).is_none(), expected);
}

/// An upstream that searches, and what it does to texts before it compares them.
#[derive(Debug, Clone, Copy)]
struct Model {
    case: Case,
    trims: bool,
    joins_spaces: bool,
    has_patterns: bool,
}

impl Model {
    fn key(self, text: &str) -> String {
        match self.case {
            Case::Exact => text.to_owned(),
            Case::Ascii => text.to_ascii_lowercase(),
            Case::Folded => fold(text).into_owned(),
        }
    }

    fn finds(self, sought: &str, text: &str) -> bool {
        let mut sought = sought.to_owned();
        if self.trims {
            sought = sought.trim().to_owned();
        }
        if self.joins_spaces {
            sought = sought.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        let (sought, text) = (self.key(&sought), self.key(text));
        if !self.has_patterns {
            return text.contains(&sought);
        }
        let text: Vec<char> = text.chars().collect();
        let pattern: Vec<char> = sought.chars().collect();
        (0..=text.len()).any(|start| like(&pattern, &text[start..]))
    }
}

/// Whether a text begins as a pattern of SQL's `LIKE` says.
fn like(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], _) => true,
        (['%', rest @ ..], _) => (0..=text.len()).any(|start| like(rest, &text[start..])),
        (['_', rest @ ..], [_, text @ ..]) => like(rest, text),
        (['\\', escaped, rest @ ..], [first, text @ ..]) => escaped == first && like(rest, text),
        ([character, rest @ ..], [first, text @ ..]) => character == first && like(rest, text),
        ([_, ..], []) => false,
    }
}

/// Texts of letters that fold to each other, of what patterns are made of, and of white space.
fn some_text(texts: Texts) -> BoxedStrategy<String> {
    match texts {
        Texts::Ascii => "[aAkKsS1_%\\\\* '\"]{0,8}".boxed(),
        Texts::Any => {
            "[aAkK\u{212a}sSßſ\u{ff33}éE\u{301}eİi1\u{ff11}_%\\\\ \u{3000}ﬁf]{0,8}".boxed()
        }
    }
}

fn some_case() -> impl Strategy<Value = (Case, Texts)> {
    let cases = [Case::Exact, Case::Ascii, Case::Folded];
    let all = cases
        .into_iter()
        .flat_map(|case| [(case, Texts::Ascii), (case, Texts::Any)]);
    prop::sample::select(all.collect::<Vec<_>>())
}

fn a_search_of_some_texts() -> impl Strategy<Value = (Case, Texts, Vec<String>, String)> {
    some_case().prop_flat_map(|(case, texts)| {
        let lists = prop::collection::vec(some_text(texts), 1..6);
        // What is sought is mostly a part of what is there.
        let sought = prop_oneof![
            some_text(Texts::Any),
            "[aks1]{1,2}",
            some_text(Texts::Ascii)
        ];
        (Just(case), Just(texts), lists, sought)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn no_group_that_we_would_find_is_lost(
        (case, texts, list, sought) in a_search_of_some_texts(),
        trims in any::<bool>(),
        joins_spaces in any::<bool>(),
        has_patterns in any::<bool>(),
    ) {
        let model = Model { case, trims, joins_spaces, has_patterns };
        let sought = fold(&sought).into_owned();
        if let Some(written) = search(&searching(case, texts), &sought) {
            for text in &list {
                let is_ours = fold(text).contains(&sought);
                prop_assert!(!is_ours || model.finds(&written, text), "{text:?} {written:?}");
            }
        }
    }
}
