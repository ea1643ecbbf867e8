//! A request whose body has been read, and the ways to take values out of it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::http::uri::PathAndQuery;
use wire::bazaar::check_stock_name;
use wire::json::FromBody;

/// A request that is whole: nothing is decided on half a body.
#[derive(Debug)]
pub struct Request {
    /// Path and query string, undecoded.
    pub target: PathAndQuery,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most as long as the endpoint's bound.
    pub body: Bytes,
}

/// What is wrong with a request; becomes a 400 that names the field and the fix.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadRequest {
    field: String,
    problem: String,
}

impl BadRequest {
    /// Names the field and what is wrong with it.
    pub fn new(field: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self { field: field.into(), problem: problem.to_string() }
    }
}

impl Request {
    /// The JSON body, whatever content type it claims.
    pub fn json<T: FromBody>(&self) -> Result<T, BadRequest> {
        T::from_body(&self.body).map_err(|bad| BadRequest::new(bad.field, bad.problem))
    }

    /// A parameter of the query string, or the path's last segment under the same name.
    pub fn parameter(&self, name: &str) -> Result<Cow<'_, str>, BadRequest> {
        let value = self.optional_parameter(name)?;
        value.ok_or_else(|| BadRequest::new(name, "missing"))
    }

    /// A parameter that may be absent.
    pub fn optional_parameter(&self, name: &str) -> Result<Option<Cow<'_, str>>, BadRequest> {
        let raw = self.target.query().unwrap_or("").split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        });
        raw.map(|raw| decode(raw).map_err(|problem| BadRequest::new(name, problem))).transpose()
    }

    /// The path's last segment if the endpoint has one (`prefix/*`), else the parameter `name`.
    pub fn segment_or_parameter(
        &self,
        prefix: &str,
        name: &str,
    ) -> Result<Cow<'_, str>, BadRequest> {
        match self.target.path().strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')) {
            Some(segment) => decode(segment).map_err(|problem| BadRequest::new(name, problem)),
            None => self.parameter(name),
        }
    }

    /// The parameter `stock_name`, if it is not longer than any stock's (rule S3).
    pub fn stock_name(&self) -> Result<String, BadRequest> {
        let name = self.parameter("stock_name")?;
        check_stock_name(&name).map_err(|bad| BadRequest::new("stock_name", bad))?;
        Ok(name.into_owned())
    }

    /// A parameter, parsed.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<T, BadRequest>
    where
        T::Err: fmt::Display,
    {
        self.parameter(name)?.parse().map_err(|error| BadRequest::new(name, error))
    }

    /// A parameter that may be absent, parsed.
    pub fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>, BadRequest>
    where
        T::Err: fmt::Display,
    {
        let given = self.optional_parameter(name)?;
        let parsed = given.map(|given| given.parse());
        parsed.transpose().map_err(|error| BadRequest::new(name, error))
    }

    /// How many rows of a page are asked for: at least one, at most `most`, which is also the default.
    pub fn limit(&self, most: usize) -> Result<usize, BadRequest> {
        match self.optional("limit")? {
            None => Ok(most),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(BadRequest::new("limit", format!("must be between 1 and {most}"))),
        }
    }

    /// A header that may be absent, parsed.
    pub fn header<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, BadRequest>
    where
        T::Err: fmt::Display,
    {
        let Some(value) = self.headers.get(name) else { return Ok(None) };
        let text = value.to_str().map_err(|error| BadRequest::new(name, error))?;
        text.parse().map(Some).map_err(|error| BadRequest::new(name, error))
    }
}

/// Undoes percent-encoding, and `+` for a space as HTML forms send it. What has neither is not copied.
fn decode(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    let no_text = |_| "is not UTF-8 after percent-decoding";
    if !raw.contains('+') {
        return percent_encoding::percent_decode_str(raw).decode_utf8().map_err(no_text);
    }
    let spaced = raw.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().map_err(no_text)?;
    Ok(Cow::Owned(decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, query: &str) -> Request {
        let target = format!("{path}?{query}").parse().unwrap();
        Request { target, headers: HeaderMap::new(), body: Bytes::new() }
    }

    #[test]
    fn parameters_are_percent_decoded() {
        let request = request("/stocks", "stock_name=Game%20Start+Co&x=1");
        assert_eq!(request.parameter("stock_name").unwrap(), "Game Start Co");
        assert_eq!(request.parsed::<u8>("x").unwrap(), 1);
        assert_eq!(request.parameter("y").unwrap_err().to_string(), "y: missing");
    }

    #[test]
    fn a_bad_field_of_a_body_is_named() {
        let body_error = |body: &'static str| {
            let request = Request { body: Bytes::from_static(body.as_bytes()), ..request("/", "") };
            request.json::<wire::bazaar::TradeRequest>().unwrap_err().to_string()
        };
        let trade = r#"{"stock_name":"A","trade_type":"Buy","quantity":0}"#;
        assert!(body_error(trade).starts_with("quantity: must be a whole number"));
        assert!(body_error("{}").starts_with("body: missing field `stock_name`"));
        assert!(body_error(r#"{"stock_name":"A"} x"#).starts_with("body: "));
    }

    #[test]
    fn the_last_segment_stands_in_for_the_parameter() {
        assert_eq!(
            request("/stocks/A%2FB", "").segment_or_parameter("/stocks", "stock_name").unwrap(),
            "A/B"
        );
        assert_eq!(
            request("/stocks", "stock_name=C")
                .segment_or_parameter("/stocks", "stock_name")
                .unwrap(),
            "C"
        );
    }

    #[test]
    fn bytes_that_are_not_text_are_refused_by_name() {
        let error = request("/stocks", "stock_name=%ff").parameter("stock_name").unwrap_err();
        assert_eq!(error.to_string(), "stock_name: is not UTF-8 after percent-decoding");
    }
}
