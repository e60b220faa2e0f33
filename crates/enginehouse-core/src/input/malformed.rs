//! What is wrong with a body that is not JSON, and where.

use crate::invalid::{FieldError, Invalid, InvalidKind};

/// What is wrong with a text that serde_json refuses. Where it stopped says enough to tell what stands there.
pub(super) fn not_json(text: &str, error: &serde_json::Error) -> Invalid {
    if text.trim_ascii().is_empty() {
        return malformed(text.as_bytes(), 0, "is empty");
    }
    if error.is_eof() {
        return malformed(text.as_bytes(), text.len(), "ends too early");
    }
    let line_start: usize = text.split_inclusive('\n').take(error.line() - 1).map(str::len).sum();
    let at = text.floor_char_boundary(line_start + error.column().saturating_sub(1));
    let mut found = text[at..].char_indices();
    let stopped_at = found.next();
    // At a control character in a string, serde_json names the place before it.
    let control = found.next().filter(|(next, c)| c.is_ascii_control() && ends_within_string(&text[..at + next]));
    match control.or(stopped_at) {
        Some((offset, c)) => malformed(text.as_bytes(), at + offset, &format!("has {c:?} where it cannot be")),
        None => malformed(text.as_bytes(), at, "ends too early"),
    }
}

/// Whether a text that begins as JSON does ends within a string.
fn ends_within_string(text: &str) -> bool {
    let mut bytes = text.bytes();
    let mut is_within = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_within = !is_within,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    is_within
}

/// A body that is not JSON because of what stands behind its first `at` bytes, which are UTF-8.
pub(super) fn malformed(body: &[u8], at: usize, what: &str) -> Invalid {
    let before = String::from_utf8_lossy(&body[..at]);
    let line = 1 + before.matches('\n').count();
    let column = 1 + before.chars().rev().take_while(|c| *c != '\n').count();
    let detail = format!("not valid JSON: the text {what}, at line {line}, column {column}");
    Invalid { errors: vec![FieldError { pointer: String::new(), detail }], kind: InvalidKind::Malformed }
}
