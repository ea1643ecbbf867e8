//! How the pages look.

/// The rules that only these pages need, beside the style of a run's page.
pub(crate) const OWN: &str = include_str!("../templates/campaign.css");

#[cfg(test)]
mod tests {
    #[test]
    fn the_style_cannot_end_its_element() {
        assert!(!super::OWN.contains("</"));
    }
}
