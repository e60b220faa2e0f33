//! Whether an answer has what a scenario expects of it.

use serde_json::Value;

/// Whether `value` has all of `expected`: of an object the fields that are named, of a list as many entries, each as expected; and a
/// text that begins with `~` is to be found within the text.
pub(crate) fn has(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(fields), Value::Object(expected)) => {
            expected.iter().all(|(name, expected)| has(fields.get(name).unwrap_or(&Value::Null), expected))
        }
        (Value::Array(entries), Value::Array(expected)) => {
            entries.len() == expected.len()
                && entries.iter().zip(expected).all(|(entry, expected)| has(entry, expected))
        }
        (Value::String(text), Value::String(expected)) => match expected.strip_prefix('~') {
            Some(part) => text.contains(part),
            None => text == expected,
        },
        (Value::Number(number), Value::Number(expected)) => number.as_f64() == expected.as_f64(),
        _ => value == expected,
    }
}
