//! A chart, drawn into files and held by a page as data, so that the page needs nothing but itself.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use results::charts::{Categorical, ChartError, FOLDER, Figure as _, save};
use results::markdown;

use crate::error::CampaignError;

/// A chart on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) title: String,
    pub(crate) alt: String,
    /// As a data address.
    pub(crate) source: String,
    /// The SVG's path, seen from the page.
    pub(crate) file: String,
}

impl Picture {
    /// Draws the charts that have something to show into a folder `charts` below this one.
    pub(crate) fn draw_all(
        charts: &[Categorical],
        folder: &Path,
    ) -> Result<Vec<Self>, CampaignError> {
        let place = folder.join(FOLDER);
        fs::create_dir_all(&place)
            .map_err(|source| ChartError::Write { path: place.clone(), source })?;
        let drawn = charts.iter().filter(|chart| !chart.is_empty());
        drawn.map(|chart| Self::draw(chart, &place)).collect()
    }

    /// What shows it on a page in Markdown.
    pub(crate) fn to_markdown(&self) -> String {
        format!("![{}]({})\n", markdown::text(&self.alt), self.file)
    }

    fn draw(chart: &Categorical, place: &Path) -> Result<Self, CampaignError> {
        let card = chart.card();
        save(chart, &card, place)?;
        let path = place.join(format!("{}.svg", card.stem));
        let svg = fs::read(&path).map_err(CampaignError::io(&path))?;
        Ok(Self {
            source: format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg)),
            file: format!("{FOLDER}/{}.svg", card.stem),
            title: card.title,
            alt: card.alt,
        })
    }
}
