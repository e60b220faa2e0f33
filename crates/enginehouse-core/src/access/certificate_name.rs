//! The name that the certificate of a client gives it, as a token may be bound to it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::input::Textual;

/// Longest name, in characters. A DNS name may be as long.
pub const MAX_CERTIFICATE_NAME: usize = 255;

/// A URI such as `spiffe://example.org/engine-7`, a DNS name, or the common name of a subject. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CertificateName(Arc<str>);

/// A text that is not the name of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", CertificateName::MUST_BE)]
pub struct NotACertificateName;

impl CertificateName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the name of a URI. No common name may look like one, or whoever may choose that would choose who they are.
    pub fn is_uri(&self) -> bool {
        self.0.contains("://")
    }
}

impl Textual for CertificateName {
    const MUST_BE: &'static str = "the name in a client's certificate, up to 255 characters on one line: its first URI, else its first \
                                   DNS name in lower case, else its common name";
}

impl FromStr for CertificateName {
    type Err = NotACertificateName;

    fn from_str(text: &str) -> Result<Self, NotACertificateName> {
        let is_sane = |one: char| !one.is_control() && one != '\u{fffd}';
        let is_one = (1..=MAX_CERTIFICATE_NAME).contains(&text.chars().count())
            && text.chars().all(is_sane)
            && text.trim() == text;
        if is_one { Ok(Self(text.into())) } else { Err(NotACertificateName) }
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for CertificateName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CertificateName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for CertificateName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX_CERTIFICATE_NAME))
            .pattern(Some("^[^\\s\\u0000-\\u001f\\u007f-\\u009f\\ufffd]([^\\u0000-\\u001f\\u007f-\\u009f\\ufffd]*[^\\s\\u0000-\\u001f\\u007f-\\u009f\\ufffd])?$"))
            .description(Some(
                "The name in a client's certificate: its first URI, else its first DNS name in lower case, else its common name.",
            ))
            .examples(["spiffe://example.org/engine-7"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for CertificateName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_and_is_kept_as_it_is() {
        for text in ["spiffe://example.org/engine-7", "engine-7.example", "Ann Müller", &"é".repeat(255)] {
            assert_eq!(text.parse::<CertificateName>().unwrap().to_string(), text);
        }
        for text in ["", " ann", "ann ", "two\nlines", "\u{fffd}", &"x".repeat(256)] {
            assert_eq!(text.parse::<CertificateName>(), Err(NotACertificateName), "{text:?}");
        }
        let is_uri = |text: &str| text.parse::<CertificateName>().unwrap().is_uri();
        assert!(is_uri("spiffe://a/b") && !is_uri("a.example"));
    }
}
