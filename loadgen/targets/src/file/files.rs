//! `[files]`: configuration files that are written for a trial.

use schemars::JsonSchema;
use serde::Deserialize;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FileContent {
    /// This text, with its placeholders filled in.
    Text(String),
    /// A text from here or from another file.
    Described(DescribedFile),
}

/// What a file holds, and who may read it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribedFile {
    /// The path of another file, beside the target's, whose text it has with its placeholders filled in.
    #[serde(default)]
    pub template: Option<String>,
    /// Or its text.
    #[serde(default)]
    pub text: Option<String>,
    /// Whether nobody but its owner may read it, as is right for what holds {{ token }}.
    #[serde(default)]
    pub private: bool,
}
