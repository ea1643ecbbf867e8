//! Text that means nothing but itself in Markdown.
//!
//! Names, reasons and commands come from strangers' files, so every page in Markdown asks here: nobody's name becomes a link, a heading, a
//! mention or a tag. Escaping is for one line: what breaks a line becomes a space.

/// What has a meaning somewhere in a line of Markdown (`CommonMark`, and tables and strikes of GitHub's), and may stand behind a
/// backslash. A full stop, a hyphen and the like have one only at a line's beginning, where no text of strangers stands.
const SPECIAL: &str = "\\`*_[]#|~!@";

/// The text within a line.
#[must_use]
pub fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // An address becomes a link by itself.
            '/' if escaped.ends_with(":/") => escaped.push_str("&#47;"),
            '.' if ends_with_www(&escaped) => escaped.push_str("&#46;"),
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

fn ends_with_www(text: &str) -> bool {
    text.as_bytes().last_chunk::<3>().is_some_and(|last| last.eq_ignore_ascii_case(b"www"))
}

/// A command in a block of its own, which no backtick in it ends.
#[must_use]
pub fn block(command: &str) -> String {
    let fence = "`".repeat(longest_fence(command).max(2) + 1);
    format!("{fence}console\n$ {}\n{fence}\n", on_one_line(command))
}

/// A name, as code within a line, which no backtick in it ends. In a table it must not stand: a bar would end its field.
#[must_use]
pub fn code(name: &str) -> String {
    let fence = "`".repeat(longest_fence(name) + 1);
    // Of a space at both ends one is taken away again; a backtick at an end needs one.
    let space = if name.starts_with('`') || name.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", on_one_line(name))
}

/// The length of the longest row of backticks.
fn longest_fence(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A relative address in a link.
#[must_use]
pub fn address(path: &str) -> String {
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
    fn nobody_is_mentioned_struck_out_or_shown_as_a_picture() {
        assert_eq!(text("~~a~~ ![b](c) @team"), "\\~\\~a\\~\\~ \\!\\[b\\](c) \\@team");
    }

    #[test]
    fn no_backtick_ends_code_within_a_line() {
        assert_eq!(code("round-1/etcd\n"), "`round-1/etcd `");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
    }

    #[test]
    fn no_backtick_ends_a_block() {
        assert_eq!(block("a ``` b\n"), "````console\n$ a ``` b \n````\n");
        assert_eq!(block("a"), "```console\n$ a\n```\n");
    }
}
