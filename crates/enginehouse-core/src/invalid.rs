//! A refused input: every bad field, by JSON pointer.

use std::fmt;

use serde::{Deserialize, Serialize};

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
        for (index, error) in self.errors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            if error.pointer.is_empty() {
                write!(f, "{separator}{}", error.detail)?;
            } else {
                write!(f, "{separator}{}: {}", error.pointer, error.detail)?;
            }
        }
        Ok(())
    }
}

/// Escapes one key for use in a JSON pointer (RFC 6901 section 3).
pub fn pointer_key(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_escaped_for_a_pointer() {
        assert_eq!(pointer_key("a/b~c"), "a~1b~0c");
    }
}
