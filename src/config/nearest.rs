//! Guesses what a misspelt word was meant to be, in `gateway.toml` and in requests alike.

/// The known word nearest to `word`, if one is near enough to be a misspelling of it.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters wrong is another word, not a slip.
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

/// What to say of a word that is not among the known ones: the nearest, or else all of them.
pub(super) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(nearest) = nearest(word, known.clone()) {
        return format!("did you mean `{nearest}`?");
    }
    match list(known) {
        Some(all) => format!("one of: {all}"),
        None => "no other key may stand here".to_owned(),
    }
}

/// Words in backticks, with commas between them; `None` of no words.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    (!quoted.is_empty()).then(|| quoted.join(", "))
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
}
