//! Texts that come from a service. They end up in requests, files and pages, so what may be a name is bounded here, and
//! what is quoted in a message is cut short and cleaned.

/// The longest name that a service may give to anything, in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// How much of what a service said a message quotes, in characters.
const EXCERPT_CHARS: usize = 80;

/// What is wrong with `name`; nothing if it may be one.
#[must_use]
pub fn problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("an empty text is no name".to_owned());
    }
    if name.chars().any(char::is_control) {
        return Some(format!("`{}` has a control character", excerpt(name)));
    }
    if name.chars().nth(MAX_NAME_CHARS).is_some() {
        return Some(format!("`{}...` is longer than {MAX_NAME_CHARS} characters", excerpt(name)));
    }
    None
}

/// The name, if it may be one.
///
/// # Errors
/// What is wrong with it.
pub fn checked(name: String) -> Result<String, String> {
    match problem(&name) {
        Some(problem) => Err(problem),
        None => Ok(name),
    }
}

/// The beginning of `text` in one line, for a message.
#[must_use]
pub fn excerpt(text: &str) -> String {
    shortened(text, EXCERPT_CHARS)
}

/// The same of another length, in characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    text.trim().chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_have_no_control_characters() {
        assert_eq!(checked("Größe 7".to_owned()), Ok("Größe 7".to_owned()));
        assert!(problem(&"ü".repeat(MAX_NAME_CHARS)).is_none());
        assert!(problem(&"ü".repeat(MAX_NAME_CHARS + 1)).is_some());
        for bad in ["", "a\r\nb", "a\u{0}", "\u{7f}"] {
            assert!(problem(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt(" a\nb\u{1b}[0m "), "a b [0m");
        assert_eq!(excerpt(&"x".repeat(500)).len(), EXCERPT_CHARS);
    }
}
