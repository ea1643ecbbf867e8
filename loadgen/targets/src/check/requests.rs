//! Requests other than those of clients: of probes, of state, of who leads, and of what a target tells besides.

use std::collections::BTreeMap;

use super::checker::Checker;
use crate::document::join;
use crate::target::Request;
use crate::template::{Scope, Template};

/// The methods of HTTP, and PATCH.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

impl Checker<'_> {
    /// Notes what is no URL that can be asked.
    pub(super) fn is_url(&mut self, field: &str, text: &str) {
        let is_http = text.starts_with("http://") || text.trim_start().starts_with("{{");
        if !is_http {
            let fix = "it begins with http://, as http://127.0.0.1:{{ port['front-end'] }}/";
            self.add(field, format!("`{text}` is no URL that can be asked"), fix);
        } else if text.contains(char::is_control) {
            self.add(field, "has a control character", "write it in one line");
        }
    }

    /// A URL with placeholders.
    pub(super) fn url(&mut self, field: &str, text: &str, scope: &Scope) -> Template {
        self.is_url(field, text);
        self.template(field, text, scope)
    }

    /// A request.
    pub(super) fn request(
        &mut self,
        field: &str,
        method: Option<&str>,
        url: &str,
        headers: &BTreeMap<String, String>,
        body: Option<&str>,
        scope: &Scope,
    ) -> Request {
        let method = method.unwrap_or("GET").to_owned();
        if !METHODS.contains(&method.as_str()) {
            let fix = format!("there are {}", METHODS.join(", "));
            self.add(&join(field, "method"), format!("`{method}` is no method"), fix);
        }
        let url = self.url(&join(field, "url"), url, scope);
        let headers = self.headers(field, headers, scope);
        let body = body.map(|body| self.template(&join(field, "body"), body, scope));
        Request { method, url, headers, body }
    }

    /// What is sent with a request.
    pub(super) fn headers(
        &mut self,
        field: &str,
        headers: &BTreeMap<String, String>,
        scope: &Scope,
    ) -> BTreeMap<String, Template> {
        let field = join(field, "headers");
        for (name, value) in headers {
            let field = join(&field, name);
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(is_token) {
                self.add(
                    &field,
                    format!("`{name}` is no header's name"),
                    "letters, digits and - are taken",
                );
            }
            if value.contains(|c: char| c.is_control() && c != '\t') {
                self.add(&field, "has a control character", "write it in one line");
            }
        }
        self.templates(&field, headers, scope)
    }
}
