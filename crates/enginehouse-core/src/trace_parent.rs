//! Where an event stands in its producer's trace: the `traceparent` of W3C Trace Context.
//!
//! The server keeps it and hands it out with the event. It starts no spans of its own, so it changes nothing in it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::input::Textual;

/// How many characters one has.
const LENGTH: usize = 55;

/// The span that enqueued an event, as [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header) writes
/// it: a version, the id of the trace, the id of the span, and flags, in lower-case hexadecimal digits.
///
/// Versions behind 00 may say more after the flags; this has none of it, as such a version allows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent([u8; LENGTH]);

/// A text that is not a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", TraceParent::MUST_BE)]
pub struct NotATraceParent;

impl TraceParent {
    /// Its 55 characters.
    pub fn as_str(&self) -> &str {
        // Digits and hyphens only: that was checked.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Textual for TraceParent {
    const MUST_BE: &'static str = "a W3C traceparent, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, whose ids are not all zeros";
}

impl FromStr for TraceParent {
    type Err = NotATraceParent;

    fn from_str(text: &str) -> Result<Self, NotATraceParent> {
        let characters: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| NotATraceParent)?;
        let is_zero = |part: &str| part.bytes().all(|digit| digit == b'0');
        let mut parts = text.split('-');
        let mut part = |length: usize| {
            parts.next().filter(|part| {
                part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            })
        };
        match (part(2), part(32), part(16), part(2)) {
            (Some(version), Some(trace), Some(span), Some(_))
                if version != "ff" && !is_zero(trace) && !is_zero(span) =>
            {
                Ok(Self(characters))
            }
            _ => Err(NotATraceParent),
        }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for TraceParent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TraceParent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for TraceParent {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$"))
            .description(Some("Where an event stands in its producer's trace: the `traceparent` of W3C Trace Context."))
            .examples(["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for TraceParent {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_read_as_it_is_written() {
        for text in [
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000001-0000000000000001-00",
            "fe-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff",
        ] {
            assert_eq!(text.parse::<TraceParent>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_no_span_is_none() {
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0-",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-000f067aa0ba902b7-01",
            "00 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(bad.parse::<TraceParent>(), Err(NotATraceParent), "{bad}");
        }
    }
}
