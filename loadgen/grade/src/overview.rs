//! Several submissions side by side, and how their points are spread.

use crate::graded::Graded;

/// How many per cent each group of the distribution spans.
const WIDTH: u32 = 10;
/// How many groups there are: the last has 100 per cent in it as well.
const GROUPS: usize = 10;

/// A submission in the overview.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it was given.
    pub graded: Graded,
    /// Where its page is, seen from the overview.
    pub page: String,
}

/// Several submissions, graded by one rubric.
#[derive(Clone, Debug)]
pub struct Overview {
    /// When they were graded, as it is to be shown.
    pub graded_at: String,
    /// Each of them, in the order in which they were named.
    pub entries: Vec<Entry>,
}

/// How many submissions are between two percentages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// From so many per cent.
    pub from: u32,
    /// To less than so many; the last to 100 per cent.
    pub to: u32,
    /// How many there are.
    pub count: usize,
}

impl Overview {
    /// How the submissions' percentages are spread, from the best.
    #[must_use]
    pub fn distribution(&self) -> Vec<Group> {
        let percents = self.percents();
        let group = |place: usize| {
            let from = WIDTH * u32::try_from(place).unwrap_or(u32::MAX);
            let in_it = |percent: &&u32| (**percent / WIDTH) as usize == place;
            let is_last = place + 1 == GROUPS;
            let full = percents.iter().filter(|percent| is_last && **percent == 100).count();
            Group { from, to: from + WIDTH, count: percents.iter().filter(in_it).count() + full }
        };
        (0..GROUPS).rev().map(group).collect()
    }

    /// The percentage in the middle; nothing if there is none.
    #[must_use]
    pub fn median_percent(&self) -> Option<u32> {
        let mut percents = self.percents();
        percents.sort_unstable();
        let middle = percents.len() / 2;
        match percents.len() {
            0 => None,
            odd if !odd.is_multiple_of(2) => Some(percents[middle]),
            _ => Some(percents[middle - 1].midpoint(percents[middle])),
        }
    }

    fn percents(&self) -> Vec<u32> {
        self.entries.iter().filter_map(|entry| entry.graded.total().percent()).collect()
    }
}

impl Group {
    /// `90 to 100 %`.
    #[must_use]
    pub fn words(&self) -> String {
        let last = WIDTH * u32::try_from(GROUPS).unwrap_or(u32::MAX);
        let to = if self.to == last { self.to } else { self.to - 1 };
        format!("{} to {to} %", self.from)
    }
}
