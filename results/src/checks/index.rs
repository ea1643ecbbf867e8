//! Rows by a key that they should not share, and may.
//!
//! A run of a million orders has some four million rows. A map of lists takes a hundred bytes for
//! each; a list of positions, sorted by key, takes four.

/// Positions of rows, in the order of their keys, and of the file for equal ones.
#[derive(Default)]
pub(super) struct Index(Vec<u32>);

impl Index {
    /// An index of `rows`, which must not change any more.
    pub(super) fn new<'r, T, K: Ord>(rows: &'r [T], key: impl Fn(&'r T) -> K) -> Self {
        let count = u32::try_from(rows.len()).expect("rows in memory are less than 2^32");
        let mut positions: Vec<u32> = (0..count).collect();
        positions.sort_by(|one, other| key(&rows[*one as usize]).cmp(&key(&rows[*other as usize])));
        Self(positions)
    }

    /// The positions of the rows with this key.
    pub(super) fn find<'r, T, K: Ord>(
        &self,
        rows: &'r [T],
        wanted: K,
        key: impl Fn(&'r T) -> K,
    ) -> &[u32] {
        let first = self.0.partition_point(|position| key(&rows[*position as usize]) < wanted);
        let from = &self.0[first..];
        let count = from.partition_point(|position| key(&rows[*position as usize]) <= wanted);
        &from[..count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_key_in_the_order_of_the_file() {
        let rows = [("b", 1), ("a", 2), ("b", 3), ("c", 4)];
        let index = Index::new(&rows, |row| row.0);
        let find = |wanted| index.find(&rows, wanted, |row| row.0);
        assert_eq!((find("a"), find("b"), find("c")), (&[1][..], &[0, 2][..], &[3][..]));
        assert!(find("bb").is_empty() && find("").is_empty() && find("d").is_empty());
        assert!(Index::default().find(&[] as &[(&str, u8)], "a", |row| row.0).is_empty());
    }
}
