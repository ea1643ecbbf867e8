//! The natural order of names, as people count: order-2 before order-10.

/// What a name is sorted by: its texts and numbers in turns.
pub(crate) fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts: Vec<(String, u64)> = vec![(String::new(), 0)];
    let mut in_number = false;
    for character in name.chars() {
        match (character.to_digit(10), in_number) {
            (None, true) => parts.push((character.to_string(), 0)),
            (None, false) => {
                if let Some((text, _)) = parts.last_mut() {
                    text.push(character);
                }
            }
            (Some(digit), _) => {
                if let Some((_, number)) = parts.last_mut() {
                    *number = number.saturating_mul(10).saturating_add(u64::from(digit));
                }
            }
        }
        in_number = character.is_ascii_digit();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_counted() {
        let mut names = ["order-10", "catalog", "order-2", "order-2-b", "a1b2", "a1b10"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["a1b2", "a1b10", "catalog", "order-2", "order-2-b", "order-10"]);
    }
}
