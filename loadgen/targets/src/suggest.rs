//! "Did you mean": what somebody probably wanted to write.

/// How alike two words must be, from 0 to 1 (Jaro and Winkler). "catalgo" and "catalog" are at 0.98; "port" and
/// "text" at 0.67.
const LIKENESS: f64 = 0.8;

/// The word that is most like `wrong`, if any is like it at all.
pub(crate) fn closest<'a>(
    wrong: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let likeness = |word: &str| strsim::jaro_winkler(&wrong.to_lowercase(), &word.to_lowercase());
    words
        .into_iter()
        .map(|word| (likeness(word), word))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_a_slip_is_recognized_and_another_word_is_not() {
        let words = ["command", "catalog", "environment"];
        assert_eq!(closest("catalgo", words), Some("catalog"));
        assert_eq!(closest("Comand", words), Some("command"));
        assert_eq!(closest("port", words), None);
    }
}
