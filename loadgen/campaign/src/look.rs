//! How the pages look: the style of a run's page, and a few rules of their own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use results::html::STYLE;
use sha2::{Digest, Sha256};

/// The rules that only these pages need. No template: the policy names it by its hash.
const OWN: &str = include_str!("../templates/campaign.css");

/// The style, and the hashes under which a browser takes it.
pub(crate) struct Look {
    pub(crate) style: &'static str,
    pub(crate) style_hash: String,
    pub(crate) own: &'static str,
    pub(crate) own_hash: String,
}

impl Look {
    pub(crate) fn new() -> Self {
        let hash = |style: &str| STANDARD.encode(Sha256::digest(style));
        Self { style: STYLE, style_hash: hash(STYLE), own: OWN, own_hash: hash(OWN) }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_style_cannot_end_its_element() {
        assert!(!super::OWN.contains("</"));
    }
}
