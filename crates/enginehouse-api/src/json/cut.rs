//! Cuts one member out of a JSON text, and leaves the rest byte for byte.

use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// One step down a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To the field of an object; to the last one, if it is given twice.
    Key(String),
    /// To the element of an array.
    Index(usize),
}

/// `text` without the member at `path`; none if there is no such member.
pub(super) fn cut(text: &str, path: &[Step]) -> Option<String> {
    let (last, parents) = path.split_last()?;
    let mut around = 0..text.len();
    for step in parents {
        around = member(text, around, step)?.value;
    }
    let found = member(text, around, last)?;
    let whole = with_comma(text.as_bytes(), found.start..found.value.end);
    Some([&text[..whole.start], &text[whole.end..]].concat())
}

/// A member of an object or array.
struct Member {
    /// Where it begins: at its key, if it has one.
    start: usize,
    value: Range<usize>,
}

/// The member `step` of the object or array at `around`.
fn member(text: &str, around: Range<usize>, step: &Step) -> Option<Member> {
    let mut parser = serde_json::Deserializer::from_str(&text[around]);
    let (key, value) = Find(step).deserialize(&mut parser).ok()??;
    // serde_json hands out parts of its input, so that their addresses say where they are.
    let place = |part: &str| {
        let start = part.as_ptr() as usize - text.as_ptr() as usize;
        start..start + part.len()
    };
    let value = place(value.get());
    Some(Member { start: key.map_or(value.start, |key| place(key.get()).start), value })
}

/// The range, and the comma that would be one too many without it.
fn with_comma(text: &[u8], range: Range<usize>) -> Range<usize> {
    let after = text[range.end..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|skip| range.end + skip);
    if let Some(comma) = after.filter(|at| text[*at] == b',') {
        return range.start..comma + 1;
    }
    match text[..range.start].iter().rposition(|byte| !byte.is_ascii_whitespace()) {
        Some(comma) if text[comma] == b',' => comma..range.end,
        _ => range,
    }
}

/// Looks for one member, and passes over all others.
struct Find<'a>(&'a Step);

type Found<'de> = Option<(Option<&'de RawValue>, &'de RawValue)>;

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = Found<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Found<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Found<'de>, A::Error> {
        let mut found = None;
        while let Some(key) = fields.next_key::<&RawValue>()? {
            if is_key(key, self.0) {
                found = Some((Some(key), fields.next_value()?));
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Found<'de>, A::Error> {
        let Step::Index(index) = self.0 else { return Ok(None) };
        for _ in 0..*index {
            if elements.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = elements.next_element::<&RawValue>()?;
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found.map(|value| (None, value)))
    }
}

fn is_key(raw: &RawValue, step: &Step) -> bool {
    let Step::Key(wanted) = step else { return false };
    let mut parser = serde_json::Deserializer::from_str(raw.get());
    std::borrow::Cow::<str>::deserialize(&mut parser).is_ok_and(|key| key == wanted.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_at(text: &str, path: &[Step]) -> String {
        cut(text, path).unwrap_or_else(|| "nothing there".to_owned())
    }

    fn key(name: &str) -> Step {
        Step::Key(name.to_owned())
    }

    #[test]
    fn a_member_is_cut_with_one_comma() {
        assert_eq!(cut_at(r#"{ "a" : 1 , "b" : 2 }"#, &[key("a")]), r#"{  "b" : 2 }"#);
        assert_eq!(cut_at(r#"{ "a" : 1 , "b" : 2 }"#, &[key("b")]), r#"{ "a" : 1  }"#);
        assert_eq!(cut_at(r#"{"a":1}"#, &[key("a")]), "{}");
        assert_eq!(cut_at("[1,[2,3],4]", &[Step::Index(1), Step::Index(1)]), "[1,[2],4]");
        assert_eq!(cut_at("[1]", &[Step::Index(0)]), "[]");
    }

    #[test]
    fn a_key_is_compared_by_what_it_says() {
        assert_eq!(cut_at(r#"{"\u0061\n":1,"b":2}"#, &[key("a\n")]), r#"{"b":2}"#);
    }

    #[test]
    fn of_a_field_given_twice_the_last_is_cut() {
        assert_eq!(cut_at(r#"{"a":1,"b":2,"a":3}"#, &[key("a")]), r#"{"a":1,"b":2}"#);
    }

    #[test]
    fn what_is_not_there_is_not_cut() {
        for path in [vec![], vec![key("x")], vec![Step::Index(0)], vec![key("a"), key("b")]] {
            assert_eq!(cut_at(r#"{"a":1}"#, &path), "nothing there", "{path:?}");
        }
        assert_eq!(cut_at("[1]", &[Step::Index(1)]), "nothing there");
    }
}
