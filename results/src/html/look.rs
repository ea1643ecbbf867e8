//! How pages look that others make: the style of a run's page, and rules of their own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// All of the page's looks, light, dark and in print. It is no template: the policy names it by its hash. Other pages about
/// runs look the same.
pub const STYLE: &str = include_str!("../../templates/report.css");

/// The style of a page, and the hashes under which a browser takes it: no template, the page's policy names it by them.
#[derive(Clone, Debug)]
pub struct Look {
    /// That of all pages.
    pub style: &'static str,
    /// Its hash.
    pub style_hash: String,
    /// The rules that only these pages need.
    pub own: &'static str,
    /// Their hash.
    pub own_hash: String,
}

impl Look {
    /// With rules of one's own.
    #[must_use]
    pub fn new(own: &'static str) -> Self {
        Self { style: STYLE, style_hash: hash(STYLE), own, own_hash: hash(own) }
    }
}

pub(super) fn hash(style: &str) -> String {
    STANDARD.encode(Sha256::digest(style))
}
