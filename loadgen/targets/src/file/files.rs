//! `[files]`: configuration files that are written for a trial.

use schemars::JsonSchema;
use serde::Deserialize;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FileContent {
    /// This text, with its placeholders filled in.
    Text(String),
    /// Another file's text, with its placeholders filled in.
    Template(TemplateFile),
}

/// A file that is a template for another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// Its path, beside the target's file.
    pub template: String,
}
