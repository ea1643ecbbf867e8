//! How the pages look: rules beside the style of a run's page.

use crate::graded::Outcome;

/// The rules that only these pages need.
pub(super) const OWN: &str = include_str!("../../templates/grade.css");

impl Outcome {
    /// The class of its badge.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Held => "pass",
            Self::Broken => "fail",
            Self::Partly | Self::Unsure => "inconclusive",
            Self::NotAsked => "none",
        }
    }

    /// The class of the section that explains it.
    pub(super) fn section_class(self) -> &'static str {
        match self {
            Self::Broken | Self::Partly => "broken",
            Self::Unsure => "doubted",
            Self::Held | Self::NotAsked => "unasked",
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_style_cannot_end_its_element() {
        assert!(!super::OWN.contains("</"));
    }
}
