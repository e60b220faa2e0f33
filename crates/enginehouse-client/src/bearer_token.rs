//! What a client proves with that it may call.

use reqwest::header::HeaderValue;

/// A token that every call carries, as `Authorization: Bearer`. It is never shown.
#[derive(Clone, Debug)]
pub struct BearerToken(HeaderValue);

/// A text that cannot be a token. It is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token is one word of letters, digits and signs of ASCII")]
pub struct NotAToken;

impl BearerToken {
    /// Reads a token; white space around it, such as the end of a line, is no part of it.
    ///
    /// # Errors
    /// It is empty, or holds what a header cannot carry.
    pub fn new(text: &str) -> Result<Self, NotAToken> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NotAToken);
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| NotAToken)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_and_is_never_shown() {
        let token = BearerToken::new("s3cret\n").unwrap();
        assert_eq!(token.header(), "Bearer s3cret");
        assert!(!format!("{token:?}").contains("s3cret"));
        for text in ["", " ", "two words", "line\nline", "é", "\u{7f}"] {
            assert_eq!(BearerToken::new(text).err(), Some(NotAToken), "{text:?}");
        }
    }
}
