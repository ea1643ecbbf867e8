//! Plain text for people: columns that line up, and numbers with a sensible number of digits.

/// Lays `rows` out under `header`, every column as wide as its widest cell, two spaces apart.
/// The first `left` columns are aligned left, the rest, numbers, right. Every line ends with a
/// newline.
#[must_use]
pub fn aligned(header: &[&str], left: usize, rows: &[Vec<String>]) -> String {
    let header: Vec<(&str, bool)> =
        header.iter().enumerate().map(|(column, &title)| (title, column < left)).collect();
    lined_up(&header, rows)
}

/// The same, with the side of each column beside its title: `true` is left.
#[must_use]
pub(crate) fn lined_up(header: &[(&str, bool)], rows: &[Vec<String>]) -> String {
    let cells = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let widths: Vec<usize> = header
        .iter()
        .enumerate()
        .map(|(column, (title, _))| {
            let widest = rows.iter().map(|row| cells(row, column).chars().count()).max();
            widest.unwrap_or(0).max(title.chars().count())
        })
        .collect();
    let line = |row: &[String]| {
        let padded: Vec<String> = widths
            .iter()
            .zip(header)
            .enumerate()
            .map(|(column, (&width, (_, is_left)))| {
                let cell = cells(row, column);
                if *is_left { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            })
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let titles: Vec<String> = header.iter().map(|(title, _)| (*title).to_owned()).collect();
    let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    let body: String = rows.iter().map(|row| line(row)).collect();
    line(&titles) + &line(&rule) + &body
}

/// A number with three significant digits or all of its whole ones: `0.213`, `4.56`, `38.1`,
/// `1204`.
#[must_use]
pub fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// A count with commas: `148,230`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Microseconds as milliseconds with a unit: `0.213 ms`.
#[must_use]
pub fn ms(latency_us: u64) -> String {
    format!("{} ms", three_digits(latency_us as f64 / 1000.0))
}

/// `singular` or `plural`, with the number: `1 operation`, `7 operations`.
#[must_use]
pub fn counted(number: u64, singular: &str, plural: &str) -> String {
    format!("{number} {}", if number == 1 { singular } else { plural })
}

/// `a`, `a and b`, `a, b and c`; nothing of nothing.
#[must_use]
pub fn listed<S: AsRef<str>>(parts: &[S]) -> String {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    match parts.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        few => few.concat(),
    }
}

/// The first letter in upper case, unless the first word is the name of a file or of a request, which keep theirs.
pub(crate) fn capitalised(text: &str) -> String {
    let is_name = text.split_whitespace().next().is_some_and(|word| word.contains(['.', '/']));
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if !is_name => first.to_uppercase().chain(characters).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
        let text = aligned(&["name", "n"], 1, &[row("a", "1000"), row("longer", "7")]);
        assert_eq!(text, "name       n\n------  ----\na       1000\nlonger     7\n");
    }

    #[test]
    fn the_last_of_several_stands_behind_an_and() {
        let listed = |parts: &[&str]| super::listed(parts);
        assert_eq!(listed(&[]), "");
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn large_numbers_are_grouped() {
        let shown = [0, 999, 1000, 148_230, 1_000_000].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "148,230", "1,000,000"]);
    }

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [0.0, 0.2134, 0.9996, 9.994, 9.996, 38.14, 99.96, 1204.4].map(three_digits);
        assert_eq!(shown, ["0.000", "0.213", "1.00", "9.99", "10.0", "38.1", "100", "1204"]);
    }

    #[test]
    fn names_of_files_and_requests_keep_their_letters_at_the_beginning_of_a_sentence() {
        assert_eq!(capitalised("trades go on"), "Trades go on");
        assert_eq!(capitalised("final.csv does not say"), "final.csv does not say");
        assert_eq!(capitalised("s1/p0.5/1/1/9 was done"), "s1/p0.5/1/1/9 was done");
        assert_eq!(capitalised(""), "");
    }
}
