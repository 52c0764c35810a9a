//! What is said of a word that is not among the known ones, in `gateway.toml` and in requests alike.

use std::fmt::Write as _;

/// The known word nearest to `word`, if one is near enough to be a misspelling of it.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // With a third of the letters wrong it is another word, not a slip.
    let letters = word.chars().count();
    let slips = letters.div_ceil(3);
    known
        .into_iter()
        // A distance costs the product of the lengths, and whoever asks chooses one of them.
        .filter(|candidate| candidate.chars().count().abs_diff(letters) <= slips)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, candidate)| candidate)
}

/// A hint at the word that was meant: the nearest, or else all known ones.
pub(crate) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(nearest) = nearest(word, known.clone()) {
        return format!("did you mean `{nearest}`?");
    }
    match list(known) {
        Some(all) => format!("one of: {all}"),
        None => "no other key may stand here".to_owned(),
    }
}

/// Words in backticks, with commas between them; `None` of no words.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    (!quoted.is_empty()).then(|| quoted.join(", "))
}

/// The known word that `word` is, or a sentence that refuses it. A `noun` is what the words name.
pub(crate) fn choose<'a>(noun: &str, word: &str, known: &[&'a str]) -> Result<&'a str, String> {
    let mut listed = known.iter().copied();
    listed
        .find(|listed| *listed == word)
        .ok_or_else(|| refusal(noun, word, known))
}

/// Says that `word` is unknown, which one was probably meant, and which there are.
pub(crate) fn refusal(noun: &str, word: &str, known: &[&str]) -> String {
    let mut message = if word.is_empty() {
        format!("a {noun} name is empty")
    } else {
        format!("unknown {noun} `{word}`")
    };
    // Writing into a string does not fail.
    if let Some(nearest) = nearest(word, known.iter().copied()) {
        let _ = write!(message, " (did you mean `{nearest}`?)");
    }
    if let Some(all) = list(known.iter().copied()) {
        let _ = write!(message, "; expected one of {all}");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognized() {
        assert_eq!(nearest("curser", ["offset", "cursor"]), Some("cursor"));
        assert_eq!(nearest("lisen", ["listen", "admin"]), Some("listen"));
    }

    #[test]
    fn another_word_is_not_taken_for_a_slip() {
        assert_eq!(nearest("colour", ["listen", "admin"]), None);
        assert_eq!(
            suggest("colour", ["listen", "admin"]),
            "one of: `listen`, `admin`"
        );
    }

    fn refused(noun: &str, word: &str, known: &[&str]) -> String {
        choose(noun, word, known).unwrap_err()
    }

    #[test]
    fn a_known_word_is_chosen_and_a_slip_met_with_the_nearest() {
        let colours = ["red", "green"];
        assert_eq!(choose("colour", "red", &colours), Ok("red"));
        assert_eq!(
            refused("colour", "gren", &colours),
            "unknown colour `gren` (did you mean `green`?); expected one of `red`, `green`"
        );
        assert_eq!(
            refused("colour", "ultramarine", &colours),
            "unknown colour `ultramarine`; expected one of `red`, `green`"
        );
    }

    #[test]
    fn a_word_that_was_left_out_is_not_quoted() {
        assert_eq!(
            refused("colour", "", &["red"]),
            "a colour name is empty; expected one of `red`"
        );
    }

    #[test]
    fn an_empty_choice_lists_nothing() {
        assert_eq!(refused("source", "x", &[]), "unknown source `x`");
    }
}
