//! JSON text that passes through unparsed: byte for byte what was sent.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::limits::MAX_JSON_DEPTH;

/// One valid JSON value as the text that was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(Arc<str>);

impl RawJson {
    /// The text as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a text that is known to be valid JSON: it came from a `RawJson` and was kept as it is.
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text `{}`.
    pub fn empty_object() -> Self {
        Self("{}".into())
    }

    /// Checks what serde_json itself lets through: nesting deeper than 64, a key given twice in one
    /// object, a number that no double can hold.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let mut parser = serde_json::Deserializer::from_str(&self.0);
        Strict { depth: 0 }.deserialize(&mut parser).and_then(|()| parser.end()).map_err(|error| without_place(&error))
    }
}

/// serde_json's words without its "at line 1 column 7": the place is within the value, not the body.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

impl From<Box<RawValue>> for RawJson {
    fn from(raw: Box<RawValue>) -> Self {
        let text: Box<str> = raw.into();
        Self(text.into())
    }
}

impl From<&serde_json::Value> for RawJson {
    fn from(value: &serde_json::Value) -> Self {
        Self(value.to_string().into())
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A payload never reaches a log.
        write!(f, "RawJson({} bytes)", self.0.len())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}

/// Reads an optional field that is given: `null` is a value like any other, and not the field's absence.
///
/// # Errors
/// What the deserializer refuses.
pub fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RawJson>, D::Error> {
    RawJson::deserialize(deserializer).map(Some)
}

/// Reads words by key, each key once. serde itself would keep the last of two.
///
/// # Errors
/// What the deserializer refuses, and a key that is given twice.
pub fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_map(Words)
}

struct Words;

impl<'de> Visitor<'de> for Words {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose values are strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut words = BTreeMap::new();
        while let Some((key, word)) = fields.next_entry::<String, String>()? {
            if words.contains_key(&key) {
                return Err(A::Error::custom(given_twice(&key)));
            }
            words.insert(key, word);
        }
        Ok(words)
    }
}

fn given_twice(key: &str) -> String {
    format!("the key {key:?} is given twice")
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for RawJson {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::SchemaType::AnyValue)
            .description(Some("Any JSON value; kept and returned byte for byte."))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for RawJson {}

/// Walks a value without keeping it.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_JSON_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_JSON_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut seen = HashSet::new();
        while let Some(key) = fields.next_key::<std::borrow::Cow<'de, str>>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(given_twice(&key)));
            }
            seen.insert(key);
            fields.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        match serde_json::from_str::<RawJson>(text) {
            Ok(json) => json.check().err().unwrap_or_else(|| "fine".to_owned()),
            Err(_) => "not JSON".to_owned(),
        }
    }

    #[test]
    fn a_value_is_kept_byte_for_byte() {
        let text = r#"{ "b": 1.50, "a": "\u00e9",  "n": 123456789012345678901234567890 }"#;
        let json: RawJson = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&json).unwrap(), text);
        assert_eq!(check(text), "fine");
    }

    #[test]
    fn what_serde_lets_through_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check(&nested(64)), "fine");
        assert_eq!(check(&nested(65)), "nested deeper than 64");
        assert_eq!(check(r#"{"a":1,"b":{"a":1},"a":2}"#), r#"the key "a" is given twice"#);
        assert_eq!(check(r#"{"\u0061":1,"a":2}"#), r#"the key "a" is given twice"#);
        assert_eq!(check("[1e999]"), "number out of range");
        assert_eq!(check("{"), "not JSON");
    }

    #[test]
    fn a_payload_is_not_shown_by_debug() {
        assert_eq!(format!("{:?}", RawJson::trusted(r#"{"secret":1}"#)), "RawJson(12 bytes)");
    }
}
