//! The one locale-free fold under which names sort and searches match.
//!
//! Unicode NFKC casefold, compared by code point: it never depends on a locale, so every replica
//! and every upstream agree on the order. UTF-8 keeps code point order, so folded strings compare
//! as bytes.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// Folds `text` for sorting and searching: compatibility caseless matching (Unicode 16, D146),
/// recomposed to NFKC, without what nobody sees (Default_Ignorable_Code_Point), such as soft hyphens,
/// joiners and variation selectors.
///
/// ASCII, the common case, is lower-cased without any table, and common letters by a small one.
pub fn fold(text: &str) -> Cow<'_, str> {
    if is_folded_ascii(text) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    push_fold(&mut folded, text);
    Cow::Owned(folded)
}

/// Whether a text is ASCII alone and its own fold, as most are.
pub(crate) fn is_folded_ascii(text: &str) -> bool {
    let is_folded = |letters: &[u8; 8]| {
        let letters = u64::from_le_bytes(*letters);
        letters & BEYOND_ASCII == 0 && lowercase_of_ascii(letters) == letters
    };
    let (words, rest) = text.as_bytes().as_chunks();
    if !words.iter().all(is_folded) {
        return false;
    }
    // The last word overlaps those before it.
    match text.as_bytes().last_chunk() {
        Some(last) => is_folded(last),
        None => rest
            .iter()
            .all(|letter| letter.is_ascii() && !letter.is_ascii_uppercase()),
    }
}

/// One in each byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;

/// What no eight letters of ASCII have.
pub(crate) const BEYOND_ASCII: u64 = 0x80 * EACH;

/// Eight letters of ASCII in lower case, which must not be asked of others: only because none is above 0x7f, no
/// addition carries into the next one.
pub(crate) const fn lowercase_of_ascii(letters: u64) -> u64 {
    let from_a = letters + (0x80 - b'A' as u64) * EACH;
    let behind_z = letters + (0x7f - b'Z' as u64) * EACH;
    letters | (from_a & !behind_z & BEYOND_ASCII) >> 2
}

/// Writes what [`fold`] makes of a text.
pub fn push_fold(out: &mut String, text: &str) {
    let start = out.len();
    let mut rest = text;
    while !rest.is_ascii() {
        let ascii = rest.bytes().take_while(u8::is_ascii).count();
        let (ascii, others) = rest.split_at(ascii);
        out.push_str(ascii);
        let mut others = others.chars();
        let Some(letter) = others.next() else {
            break;
        };
        rest = others.as_str();
        if is_its_own_fold(letter) {
            out.push(letter);
        } else if let Some(folded) = fold_of_letter(letter) {
            out.push_str(folded);
        } else {
            // A letter whose fold depends on what stands around it, or which is rare.
            out.truncate(start);
            out.push_str(&fold_in_full(text));
            return;
        }
    }
    out.push_str(rest);
    out[start..].make_ascii_lowercase();
}

/// The fold by the tables of Unicode.
fn fold_in_full(text: &str) -> String {
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
    composed.normalize(&seen).into_owned()
}

/// Whether a letter is its own fold wherever it stands among letters that [`push_fold`] knows: Chinese
/// characters, kana, syllables of hangul.
const fn is_its_own_fold(letter: char) -> bool {
    matches!(
        letter,
        '\u{4e00}'..='\u{9fff}'
            | '\u{3041}'..='\u{3096}'
            | '\u{30a1}'..='\u{30fa}'
            | '\u{ac00}'..='\u{d7a3}'
    )
}

/// The letters of Latin, Greek, Cyrillic and Armenian. But for the marks among them, nothing that stands
/// before or behind one of them changes its fold, for none combines with another.
const LETTERS: RangeInclusive<u32> = 0x80..=0x58f;

/// The fold of one letter, if it is known and always the same.
fn fold_of_letter(letter: char) -> Option<&'static str> {
    static FOLDS: LazyLock<Vec<Option<Box<str>>>> = LazyLock::new(|| {
        let folds = LETTERS.map(|letter| {
            let letter = char::from_u32(letter)?;
            if matches!(letter, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}') {
                return None;
            }
            Some(fold_in_full(letter.encode_utf8(&mut [0; 4])).into())
        });
        folds.collect()
    });
    let place = u32::from(letter).checked_sub(*LETTERS.start())?;
    FOLDS.get(place as usize)?.as_deref()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{fold, fold_in_full};

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
        fn what_is_known_of_letters_is_what_the_tables_say(
            text in "([ -~]|[\u{80}-\u{5ff}]|[\u{1100}-\u{11ff}]|[\u{3000}-\u{312f}]|[一-龥가-힣]|\\PC){0,20}|[ -~]{0,40}",
        ) {
            proptest::prop_assert_eq!(fold(&text).into_owned(), fold_in_full(&text));
        }

        #[test]
        fn folding_a_fold_changes_nothing(text in ".*") {
            let once = fold(&text).into_owned();
            proptest::prop_assert_eq!(fold(&once).into_owned(), once);
        }
    }
}
