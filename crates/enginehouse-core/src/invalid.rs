//! A refused input: every bad field, by JSON pointer.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_ECHO_LENGTH;

/// How many bad fields the sentence about all of them names.
const IN_ONE_SENTENCE: usize = 10;

/// One bad field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// Where the field is: a JSON pointer (RFC 6901); empty for the whole body. In a query, `/` and the
    /// parameter's name.
    pub pointer: String,
    /// What is wrong with it, and what would be right.
    pub detail: String,
}

/// An input that was refused as a whole. Nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    /// Never empty.
    pub errors: Vec<FieldError>,
    pub kind: InvalidKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidKind {
    /// It is not JSON at all.
    Malformed,
    /// Fields are wrong.
    Fields,
    /// Fields are wrong, and only because of their size.
    TooLarge,
}

impl Invalid {
    /// A refusal because of these fields, of which there is at least one.
    pub const fn fields(errors: Vec<FieldError>) -> Self {
        Self { errors, kind: InvalidKind::Fields }
    }

    /// A refusal because of one field.
    pub fn field(pointer: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self::fields(vec![FieldError { pointer: pointer.into(), detail: detail.to_string() }])
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().take(IN_ONE_SENTENCE).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            if error.pointer.is_empty() {
                write!(f, "{separator}{}", error.detail)?;
            } else {
                write!(f, "{separator}{}: {}", error.pointer, error.detail)?;
            }
        }
        match self.errors.len().saturating_sub(IN_ONE_SENTENCE) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Escapes one key for use in a JSON pointer (RFC 6901 section 3).
pub fn pointer_key(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// What a caller has sent, as an answer repeats it: not all of it, however long it is.
pub fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_ECHO_LENGTH) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_is_cut_at_a_character() {
        assert_eq!(shortened("short"), "short");
        let long = shortened(&"é".repeat(1_000)).into_owned();
        assert_eq!((long.chars().count(), long.chars().last()), (MAX_ECHO_LENGTH + 1, Some('…')));
    }

    #[test]
    fn a_sentence_names_the_first_fields_and_counts_the_others() {
        let error = |n: usize| FieldError { pointer: format!("/{n}"), detail: "wrong".to_owned() };
        let text = |count: usize| Invalid::fields((0..count).map(error).collect()).to_string();
        assert_eq!(text(2), "/0: wrong; /1: wrong");
        assert!(text(10).ends_with("; /9: wrong"));
        assert!(text(1_000).ends_with("; /9: wrong; and 990 more"));
    }

    #[test]
    fn a_key_is_escaped_for_a_pointer() {
        assert_eq!(pointer_key("a/b~c"), "a~1b~0c");
    }
}
