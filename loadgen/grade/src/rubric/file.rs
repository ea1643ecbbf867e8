//! A rubric's file, as it is written. What every field is for stands in `rubric.toml`.

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RubricFile {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) properties: Vec<PropertyFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PropertyFile {
    pub(super) name: Spanned<String>,
    pub(super) title: Spanned<String>,
    #[serde(default)]
    pub(super) about: String,
    pub(super) points: Spanned<f64>,
    #[serde(default)]
    pub(super) checks: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) figures: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) runs: Vec<Spanned<String>>,
    pub(super) partial: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) required: bool,
}
