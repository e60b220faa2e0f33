//! Takes JSON apart, without reading what is in the parts.
//!
//! serde_json reads a body once, from end to end, and takes its outermost object apart on the way ([`Outermost`]). What lies
//! deeper is known to be valid from then on, so that finding where a value ends is all that is left to do.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::without_lone_surrogates;
use crate::limits::MAX_FIELD_ERRORS;

/// A body that was found to be JSON.
pub(super) enum Outermost<'a> {
    /// An object with these members. Of very many, the first; the others would be refused like these.
    Object(Vec<(&'a str, &'a str)>),
    Other,
}

impl<'a> Outermost<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self, serde_json::Error> {
        if text.trim_ascii_start().starts_with('{') {
            serde_json::from_str(text).map(|Members(members)| Self::Object(members))
        } else {
            serde_json::from_str(text).map(|IgnoredAny| Self::Other)
        }
    }
}

struct Members<'a>(Vec<(&'a str, &'a str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            if members.len() < 2 * MAX_FIELD_ERRORS {
                members.push((key.get(), value.get()));
            }
        }
        Ok(Members(members))
    }
}

/// The members of an object, in their order; none if it is no object. The text may go on behind the object: `length` tells
/// how long that was once the last member was handed out.
pub(super) fn members<'a>(
    object: &'a str,
    length: &Cell<usize>,
) -> Option<impl Iterator<Item = (Cow<'a, str>, &'a str)>> {
    let mut inside = object.strip_prefix('{')?.trim_ascii_start();
    Some(std::iter::from_fn(move || {
        let Some((key, rest)) = first_value(inside) else {
            length.set(object.len() - inside.len() + 1);
            return None;
        };
        let (value, rest) = first_value(after(rest, ':'))?;
        inside = after(rest, ',');
        Some((key_text(key), value))
    }))
}

/// What a key says. One with half of a surrogate pair is no text, and no field has its name: it stays as it is.
pub(super) fn key_text(key: &str) -> Cow<'_, str> {
    string(key).unwrap_or(Cow::Borrowed(key))
}

/// Hands out the elements of an array, in their order; none if it is no array. `each` gets an element with
/// all that follows it, since reading it finds its end too, and answers how long it was, or 0 if it does not know.
pub(super) fn elements(array: &str, mut each: impl FnMut(&str) -> usize) -> Option<()> {
    let mut rest = array.strip_prefix('[')?.trim_ascii_start();
    while !rest.starts_with(']') {
        let known = each(rest);
        let length = if known == 0 { first_value(rest)?.0.len() } else { known };
        rest = after(rest.get(length..)?, ',');
    }
    Some(())
}

/// What a JSON string says; none if it is none, or if it has half of a surrogate pair.
pub(super) fn string(json: &str) -> Option<Cow<'_, str>> {
    let inside = json.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') { serde_json::from_str(json).ok().map(Cow::Owned) } else { Some(inside.into()) }
}

/// What a JSON string says, with U+FFFD for half of a surrogate pair; none if it is no string.
pub(super) fn lossy_string(json: &str) -> Option<String> {
    if let Some(decoded) = string(json) {
        return Some(decoded.into_owned());
    }
    json.strip_prefix('"')?.strip_suffix('"')?;
    serde_json::from_str(&without_lone_surrogates(json)).ok()
}

/// What follows the next separator, without space before it.
fn after(text: &str, separator: char) -> &str {
    let text = text.trim_ascii_start();
    text.strip_prefix(separator).unwrap_or(text).trim_ascii_start()
}

/// The value that a text begins with, and the rest; none at the end of an object or array.
pub(super) fn first_value(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let end = match bytes.first()? {
        b']' | b'}' => return None,
        b'"' => string_end(bytes, 0),
        b'[' | b'{' => container_end(bytes),
        _ => bytes.iter().position(|byte| b",]} \t\r\n".contains(byte)).unwrap_or(bytes.len()),
    };
    text.split_at_checked(end)
}

/// Where the string ends that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

/// Where the object or array ends that the text begins with.
fn container_end(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
