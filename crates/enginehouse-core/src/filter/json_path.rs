//! A place in a payload, and what is there.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Most names of a path.
const MAX_DEPTH: usize = 16;
/// Longest name of a path.
const MAX_SEGMENT_LENGTH: usize = 100;

/// Names from the outermost object inwards; the number of an element where there is an array: `camera.lens`, `frames.0.file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath(Vec<String>);

/// A text that is not a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be names of letters, digits, '_' and '-' with dots between them, at most 16")]
pub struct NotAJsonPath;

impl FromStr for JsonPath {
    type Err = NotAJsonPath;

    fn from_str(text: &str) -> Result<Self, NotAJsonPath> {
        let segments: Vec<_> = text.split('.').take(MAX_DEPTH + 1).map(str::to_owned).collect();
        let is_name = |name: &String| {
            (1..=MAX_SEGMENT_LENGTH).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        };
        if segments.len() <= MAX_DEPTH && segments.iter().all(is_name) { Ok(Self(segments)) } else { Err(NotAJsonPath) }
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// The members of an object. A name may be written with escapes.
#[derive(Deserialize)]
struct JsonMembers<'a>(#[serde(borrow)] HashMap<Cow<'a, str>, &'a RawValue>);

impl JsonPath {
    /// The text of the value that is at this place; none if nothing is.
    pub fn find<'a>(&self, json: &'a str) -> Option<&'a str> {
        let mut value = json;
        for name in &self.0 {
            value = match value.trim_start().as_bytes().first()? {
                b'{' => serde_json::from_str::<JsonMembers<'_>>(value).ok()?.0.get(name.as_str())?.get(),
                b'[' => elements(value)?.get(name.parse::<usize>().ok()?)?.get(),
                _ => return None,
            };
        }
        Some(value)
    }
}

fn elements(json: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json).ok()
}

/// The values that a condition is about: those of an array, or the one.
pub(super) fn values(json: &str) -> Vec<&str> {
    let elements = if json.trim_start().starts_with('[') { elements(json) } else { None };
    elements.map_or_else(|| vec![json.trim()], |elements| elements.into_iter().map(RawValue::get).collect())
}

/// The text of a JSON string.
pub(super) fn string(json: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct JsonText<'a>(#[serde(borrow)] Cow<'a, str>);
    json.starts_with('"').then(|| serde_json::from_str::<JsonText<'_>>(json).ok()).flatten().map(|text| text.0)
}

/// How two numbers compare: whole ones exactly, however large. None if one is no number.
pub(super) fn compare(one: &str, other: &str) -> Option<Ordering> {
    let whole = |text: &str| text.parse::<i128>().ok();
    if let (Some(one), Some(other)) = (whole(one), whole(other)) {
        return Some(one.cmp(&other));
    }
    number(one)?.partial_cmp(&number(other)?)
}

/// A number as JSON has it, and no word that Rust reads as one.
pub(super) fn number(text: &str) -> Option<f64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_through_objects_and_arrays() {
        let payload =
            r#" {"scene":"alps","camera":{"l\u0065ns":35},"frames":[{"n":1},{"n":2}],"big":12345678901234567890} "#;
        for (path, want) in [
            ("scene", Some(r#""alps""#)),
            ("camera.lens", Some("35")),
            ("frames.1.n", Some("2")),
            ("frames.2.n", None),
            ("frames.n", None),
            ("scene.x", None),
            ("big", Some("12345678901234567890")),
        ] {
            assert_eq!(path.parse::<JsonPath>().unwrap().find(payload), want, "{path}");
        }
        for text in ["", ".", "a.", "a b", "a..b", "é", &"a.".repeat(17)] {
            assert_eq!(text.parse::<JsonPath>(), Err(NotAJsonPath), "{text:?}");
        }
    }

    #[test]
    fn large_numbers_are_compared_exactly() {
        assert_eq!(compare("12345678901234567890", "12345678901234567891"), Some(Ordering::Less));
        assert_eq!(compare("1.0", "1"), Some(Ordering::Equal));
        assert_eq!(compare("1e3", "999.5"), Some(Ordering::Greater));
        assert_eq!(compare("true", "1"), None);
        assert_eq!(compare("inf", "1"), None);
    }
}
