//! The request of an operation, with its places filled in.

use std::borrow::Cow;
use std::time::Duration;

use thiserror::Error;

use super::Places;
use crate::name;
use crate::target::Operation;
use crate::template::{RenderError, Setting, Template};

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct FilledRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The whole URL.
    pub url: Cow<'a, str>,
    /// The headers.
    pub headers: Vec<(&'a str, Cow<'a, str>)>,
    /// The body, if it has one.
    pub body: Option<Cow<'a, str>>,
    /// After how long without an answer the outcome is unknown.
    pub deadline: Duration,
}

/// Why a request cannot be sent. Nothing was: the operation has failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// A name that came from the service cannot be put in.
    #[error("{place}: {problem}")]
    Name {
        /// Which place.
        place: &'static str,
        /// What is wrong with the name.
        problem: String,
    },
    /// A control character would be sent, which could begin another header or request.
    #[error("{part} would have a control character: `{text}`")]
    Control {
        /// The URL, or the header's name.
        part: String,
        /// The beginning of what it would be.
        text: String,
    },
    /// A template cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Operation {
    /// The request with `places`, in a trial with `setting`.
    ///
    /// # Errors
    /// If a value may not be put in, or the result could not be sent.
    pub fn fill<'a>(
        &'a self,
        setting: &Setting,
        places: &Places<'_>,
    ) -> Result<FilledRequest<'a>, RequestError> {
        for (place, text) in places.names() {
            if let Some(problem) = name::problem(text) {
                return Err(RequestError::Name { place, problem });
            }
        }
        let fill = |template: &'a Template| match template.literal() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => template.render_with(setting, places.for_template(template)),
        };
        let url = sendable("the URL", fill(&self.request.url)?)?;
        let mut headers = Vec::with_capacity(self.request.headers.len());
        for (name, value) in &self.request.headers {
            headers.push((name.as_str(), sendable(name, fill(value)?)?));
        }
        let body = self.request.body.as_ref().map(fill).transpose()?;
        let (method, deadline) = (self.request.method.as_str(), self.deadline);
        Ok(FilledRequest { method, url, headers, body, deadline })
    }
}

fn sendable<'a>(part: &str, text: Cow<'a, str>) -> Result<Cow<'a, str>, RequestError> {
    match text.chars().any(char::is_control) {
        true => Err(RequestError::Control { part: part.to_owned(), text: name::excerpt(&text) }),
        false => Ok(text),
    }
}
