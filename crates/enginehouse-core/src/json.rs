//! JSON text that passes through unparsed: byte for byte what was sent.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
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
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a text that is known to be valid JSON: it came from a `RawJson` and was kept as it is.
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    pub fn empty_object() -> Self {
        Self("{}".into())
    }

    /// Checks what serde_json lets through in a text that it only passes on: nesting deeper than 64, a key given twice in
    /// one object, a number that no double can hold, half of a surrogate pair.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let mut parser = serde_json::Deserializer::from_str(&self.0);
        let fault = RefCell::default();
        let walk = Walk { depth: 0, fault: &fault };
        walk.deserialize(&mut parser).and_then(|()| parser.end()).map_err(|error| {
            let is_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
            // What is neither of ours is a number that ends where the parser stopped, or an escape.
            fault.take().unwrap_or_else(|| {
                let line_start: usize = self.0.split_inclusive('\n').take(error.line() - 1).map(str::len).sum();
                let read = &self.0.as_bytes()[..(line_start + error.column()).min(self.0.len())];
                let number: Vec<u8> = read.iter().rev().copied().take_while(is_number).collect();
                let is_exponent = number.iter().any(|byte| b"eE".contains(byte));
                let is_out_of_range = is_exponent || number.len() > MAX_DOUBLE_DIGITS;
                let why =
                    if is_out_of_range { "number out of range" } else { "an escape that is half of a surrogate pair" };
                why.to_owned()
            })
        })
    }
}

/// A valid JSON text in which no escape is half of a surrogate pair: U+FFFD stands for each that is.
pub fn without_lone_surrogates(json: &str) -> Cow<'_, str> {
    let mut changed = String::new();
    let (mut copied, mut at) = (0, 0);
    let unit = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    while let Some(found) = json.get(at..).and_then(|rest| memchr::memchr(b'\\', rest.as_bytes())) {
        at += found;
        let pair = (unit(at), unit(at + 6));
        match pair {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => at += 12,
            (Some(0xd800..0xe000), _) => {
                changed.push_str(&json[copied..at]);
                changed.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            // What is escaped is no backslash that begins something; it may be longer than a byte in no valid text.
            _ => at += 2,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    changed.push_str(&json[copied..]);
    Cow::Owned(changed)
}

/// The longest double, written without exponent: 1.8e308.
const MAX_DOUBLE_DIGITS: usize = 308;

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

/// A key, which is copied only if it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Walks a value without keeping it.
#[derive(Clone, Copy)]
struct Walk<'f> {
    depth: usize,
    /// Why it stopped, if it did so by itself: serde would add where, in its own words.
    fault: &'f RefCell<Option<String>>,
}

impl Walk<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_JSON_DEPTH {
            return Err(self.stop(format!("nested deeper than {MAX_JSON_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn stop<E: Error>(self, why: String) -> E {
        self.fault.replace(Some(why));
        E::custom("stopped")
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
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
        let mut seen = BTreeSet::new();
        while let Some(Key(key)) = fields.next_key::<Key<'de>>()? {
            if seen.contains(&key) {
                return Err(self.stop(format!("the key {key:?} is given twice")));
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
        assert_eq!(check(&format!("[1, {}]", "9".repeat(400))), "number out of range");
        assert_eq!(check(&format!("[1, {}]", "9".repeat(308))), "fine");
        assert_eq!(check(r#"["e1", "\ud800"]"#), "an escape that is half of a surrogate pair");
        assert_eq!(check(r#"{"\udc00": 1}"#), "an escape that is half of a surrogate pair");
        assert_eq!(check("{"), "not JSON");
    }

    #[test]
    fn half_of_a_surrogate_pair_becomes_the_replacement_character() {
        let check = |json: &str, want: &str| assert_eq!(without_lone_surrogates(json), want);
        check(r#""\ud800""#, r#""\ufffd""#);
        check(
            r#"["\ud83d\ude00","\ude00\ud83d","\ud83d\ud83d\ude00"]"#,
            r#"["\ud83d\ude00","\ufffd\ufffd","\ufffd\ud83d\ude00"]"#,
        );
        check(r#"{"\uDBFF":"\\ud800 \\\uD800 é"}"#, r#"{"\ufffd":"\\ud800 \\\ufffd é"}"#);
        for same in ["", "\\", "\"\\", "\"\\u", "\"\\ué", r#""\n\" plain é""#] {
            check(same, same);
        }
    }

    #[test]
    fn a_payload_is_not_shown_by_debug() {
        assert_eq!(format!("{:?}", RawJson::trusted(r#"{"secret":1}"#)), "RawJson(12 bytes)");
    }
}
