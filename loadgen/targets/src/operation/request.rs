//! The request of an operation, with its places filled in.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderName, Method};
use thiserror::Error;

use super::{Operation, Places};
use crate::name;
use crate::template::{RenderError, Setting, Template};

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The whole URL.
    pub url: Cow<'a, str>,
    /// The headers.
    pub headers: Vec<(&'a HeaderName, Cow<'a, str>)>,
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
    pub fn request<'a>(
        &'a self,
        setting: &Setting,
        places: &Places<'_>,
    ) -> Result<Request<'a>, RequestError> {
        for (place, text) in places.names() {
            if let Some(problem) = name::problem(text) {
                return Err(RequestError::Name { place, problem });
            }
        }
        let names = self.kind.places();
        let fill = |template: &'a Template| match template.fill(setting, |name| places.get(name)) {
            Some(text) => Ok(text),
            None => template.render_with(setting, places.rendered(names)),
        };
        let url = sendable("the URL", fill(&self.url)?)?;
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            headers.push((name, sendable(name.as_str(), fill(value)?)?));
        }
        let body = self.body.as_ref().map(fill).transpose()?;
        Ok(Request { method: &self.method, url, headers, body, deadline: self.deadline() })
    }
}

fn sendable<'a>(part: &str, text: Cow<'a, str>) -> Result<Cow<'a, str>, RequestError> {
    match text.chars().any(char::is_control) {
        true => Err(RequestError::Control { part: part.to_owned(), text: name::excerpt(&text) }),
        false => Ok(text),
    }
}
