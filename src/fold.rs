//! The one locale-free fold under which names sort and searches match.
//!
//! Unicode NFKC casefold, compared by code point: it never depends on a locale, so every replica
//! and every upstream agree on the order. UTF-8 keeps code point order, so folded strings compare
//! as bytes.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// Folds `text` for sorting and searching: compatibility caseless matching (Unicode 16, D146),
/// recomposed to NFKC, without what nobody sees (Default_Ignorable_Code_Point), such as soft hyphens,
/// joiners and variation selectors.
///
/// ASCII, the common case, is lower-cased without any table.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    let mapper = CaseMapper::new();
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let canonical = DecomposingNormalizerBorrowed::new_nfd();
    let compatible = DecomposingNormalizerBorrowed::new_nfkd();
    let composed = ComposingNormalizerBorrowed::new_nfkc();
    // Folding twice with a compatibility decomposition between makes the fold idempotent: a
    // compatibility character may decompose into one that still has a case.
    let once = compatible
        .normalize(&mapper.fold_string(&canonical.normalize(text)))
        .into_owned();
    let twice = mapper.fold_string(&once);
    // After the decompositions, some of which bring ignorable characters; before the composition,
    // because what stood between a letter and its mark no longer does.
    let seen: String = twice
        .chars()
        .filter(|&letter| !ignorable.contains(letter))
        .collect();
    Cow::Owned(composed.normalize(&seen).into_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::fold;

    #[test]
    fn names_that_look_alike_fold_alike() {
        assert_eq!(fold("Straße"), "strasse");
        assert_eq!(fold("STRASSE"), "strasse");
        assert_eq!(fold("İstanbul"), "i\u{307}stanbul");
        assert_eq!(fold("caf\u{e9}"), fold("CAFE\u{301}"));
        assert_eq!(fold("ﬁne"), "fine");
        assert_eq!(fold("Ω"), fold("ω"));
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
        assert_eq!(fold("ＷＩＤＥ"), "wide");
        assert_eq!(fold("plain"), "plain");
    }

    #[rstest]
    #[case::soft_hyphen("sa\u{ad}les", "sales")]
    #[case::zero_width_space("sa\u{200b}LES", "sales")]
    #[case::joiners("a\u{200d}b\u{200c}c\u{2060}d", "abcd")]
    #[case::variation_selector("\u{2764}\u{fe0f}", "\u{2764}")]
    #[case::a_mark_behind_one("e\u{ad}\u{301}", "\u{e9}")]
    #[case::byte_order_mark("\u{feff}Team", "team")]
    #[case::hangul_filler("a\u{3164}", "a")]
    #[case::direction("\u{202e}ab\u{202c}", "ab")]
    #[case::nothing_else("\u{ad}", "")]
    fn a_search_finds_a_name_with_characters_that_nobody_sees(
        #[case] name: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(fold(name), expected);
        assert_eq!(fold(&fold(name)), expected);
    }

    proptest::proptest! {
        #[test]
        fn folding_a_fold_changes_nothing(text in ".*") {
            let once = fold(&text).into_owned();
            proptest::prop_assert_eq!(fold(&once).into_owned(), once);
        }
    }
}
