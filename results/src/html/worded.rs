//! A page in the words of its target's model. Parts of a page speak of trades; a page of a register speaks of writes.

use crate::records::Model;

/// Elements whose contents are for no reader.
const UNREAD: [&str; 2] = ["style", "script"];

/// The same page with its text, and nothing of its tags, in the words of a model.
pub(super) fn page(model: Model, html: &str) -> String {
    if model == Model::Stocks {
        return html.to_owned();
    }
    let mut worded = String::with_capacity(html.len());
    // The element that is not read, while it lasts.
    let mut unread: Option<&str> = None;
    for piece in html.split_inclusive('>') {
        // Text, then the tag that ends it.
        let (text, tag) = piece.split_at(piece.rfind('<').unwrap_or(piece.len()));
        match unread {
            None => worded.push_str(&model.worded(text)),
            Some(_) => worded.push_str(text),
        }
        worded.push_str(tag);
        let name = tag.trim_start_matches('<');
        unread = match unread {
            Some(element) if name.strip_prefix('/').is_some_and(|end| end.starts_with(element)) => {
                None
            }
            Some(element) => Some(element),
            None => UNREAD.into_iter().find(|element| name.starts_with(element)),
        };
    }
    worded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_worded_and_tags_and_styles_are_left_alone() {
        let html =
            "<style>.trade > trade {}</style><p class=\"trade\">3 trades</p><b>a trade</b> trade";
        assert_eq!(page(Model::Stocks, html), html);
        let written =
            "<style>.trade > trade {}</style><p class=\"trade\">3 writes</p><b>a write</b> write";
        assert_eq!(page(Model::Register, html), written);
    }
}
