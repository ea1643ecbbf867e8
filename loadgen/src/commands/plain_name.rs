//! Folders that are called after what somebody's file says: a stranger chose the name.

use std::collections::BTreeSet;

/// The longest of them: a file system has room for more, and a table does not.
const MAX_CHARS: usize = 40;

/// A plain name that nobody of `taken` has yet: letters, digits and hyphens. `otherwise` stands for a name that has none.
pub(super) fn plain_name(name: &str, otherwise: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: String = name.chars().map(plain).collect();
    let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
    let mut base: String = words.join("-").chars().take(MAX_CHARS).collect();
    if base.is_empty() {
        base.push_str(otherwise);
    }
    let mut folder = base.clone();
    // Ends: there are fewer names than numbers.
    let mut number = 2_u64;
    while !taken.insert(folder.clone()) {
        folder = format!("{base}-{number}");
        number += 1;
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_plain_and_no_two_are_the_same() {
        let mut taken = BTreeSet::new();
        let mut named = |name| plain_name(name, "submission", &mut taken);
        assert_eq!(named("Toy Store"), "toy-store");
        assert_eq!(named("../toy/store"), "toy-store-2");
        assert_eq!(named("<script>"), "script");
        assert_eq!(
            (named("日本"), named("..")),
            ("submission".to_owned(), "submission-2".to_owned())
        );
        assert!(named(&"x".repeat(300)).len() == MAX_CHARS);
    }
}
