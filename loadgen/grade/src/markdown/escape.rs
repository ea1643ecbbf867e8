//! Text that means nothing but itself in Markdown.

/// What has a meaning somewhere in a line of Markdown (`CommonMark`, and tables and strikes of GitHub's), and may stand behind a
/// backslash. A full stop, a hyphen and the like have one only at a line's beginning, where no text of strangers stands.
const SPECIAL: &str = "\\`*_[]#|~!@";

/// The text within a line.
pub(super) fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // An address becomes a link by itself.
            '/' if escaped.ends_with(":/") => escaped.push_str("&#47;"),
            '.' if escaped.to_ascii_lowercase().ends_with("www") => escaped.push_str("&#46;"),
            _ if character.is_control() => escaped.push(' '),
            _ => {
                if SPECIAL.contains(character) {
                    escaped.push('\\');
                }
                escaped.push(character);
            }
        }
    }
    escaped
}

/// A command in a block of its own, which no backtick in it ends.
pub(super) fn block(command: &str) -> String {
    let longest = command.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let command: String = command.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{fence}console\n$ {command}\n{fence}\n")
}

/// A relative address in a link.
pub(super) fn address(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    path.chars().filter(|c| plain(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_name_becomes_markup() {
        assert_eq!(text("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
        assert_eq!(
            text("[x](http://y) WWW.z | `z`\n# *"),
            "\\[x\\](http:/&#47;y) WWW&#46;z \\| \\`z\\` \\# \\*"
        );
    }

    #[test]
    fn no_backtick_ends_a_block() {
        assert_eq!(block("a ``` b\n"), "````console\n$ a ``` b \n````\n");
        assert_eq!(block("a"), "```console\n$ a\n```\n");
    }
}
