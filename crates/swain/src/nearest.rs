//! What somebody may have meant.

/// How alike two words have to be, from 0 to 1, for one to be a slip of the other.
const ALIKE_MIN: f64 = 0.7;

/// The known word that is most like this one, if one is alike.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let alike = |other: &str| strsim::normalized_damerau_levenshtein(&word, &other.to_lowercase());
    let scored = known.into_iter().map(|other| (alike(other), other));
    let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(score, _)| *score >= ALIKE_MIN).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        assert_eq!(nearest("lisen", ["listen", "public"]), Some("listen"));
        assert_eq!(nearest("notse", ["notes", "owners"]), Some("notes"));
        assert_eq!(nearest("T", ["t", "v"]), Some("t"));
        assert_eq!(nearest("colour", ["listen", "public"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
