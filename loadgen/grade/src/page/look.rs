//! How the pages look: the style of a run's page, and a few rules of their own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use results::html::STYLE;
use sha2::{Digest, Sha256};

use crate::graded::Outcome;

/// The rules that only these pages need. No template: the policy names it by its hash.
const OWN: &str = include_str!("../../templates/grade.css");

/// The style, and the hashes under which a browser takes it.
pub(super) struct Look {
    pub(super) style: &'static str,
    pub(super) style_hash: String,
    pub(super) own: &'static str,
    pub(super) own_hash: String,
}

impl Look {
    pub(super) fn new() -> Self {
        let hash = |style: &str| STANDARD.encode(Sha256::digest(style));
        Self { style: STYLE, style_hash: hash(STYLE), own: OWN, own_hash: hash(OWN) }
    }
}

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
