//! The headers of an answer as expressions see them: by their names in lower case, several of one name as one with commas
//! between. They are looked up where they are; only what needs all of them at once makes a map of them.

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::{Map, Value as Json};

/// The header `name`, which is in lower case.
pub(super) fn get<'h>(headers: &'h HeaderMap, name: &str) -> Option<Cow<'h, str>> {
    // The map would find it, and a map of JSON would not.
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut values = headers.get_all(name).iter();
    let first = String::from_utf8_lossy(values.next()?.as_bytes());
    Some(values.fold(first, |joined, value| {
        let value = String::from_utf8_lossy(value.as_bytes());
        Cow::Owned(format!("{joined}, {value}"))
    }))
}

/// All of them.
pub(super) fn json(headers: &HeaderMap) -> Json {
    let each = headers.keys().filter_map(|name| {
        let value = get(headers, name.as_str())?;
        Some((name.as_str().to_owned(), value.into_owned().into()))
    });
    Json::Object(each.collect::<Map<_, _>>())
}
