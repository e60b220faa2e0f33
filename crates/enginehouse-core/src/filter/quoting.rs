//! How values are written: in quotes where they have to be.

use std::borrow::Cow;

/// A text as a value is written: in quotes if it could be read as something else without.
pub(super) fn written(text: &str, in_quotes: bool) -> Cow<'_, str> {
    let is_bare = !text.is_empty()
        && !text.starts_with(['>', '<', '~'])
        && !text.ends_with('*')
        && !text.contains(|character: char| ends_value(character) || character == '"');
    if is_bare && !in_quotes {
        return text.into();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")).into()
}

/// Whether a value without quotes ends before it.
pub(super) fn ends_value(character: char) -> bool {
    character == ',' || character.is_whitespace()
}
