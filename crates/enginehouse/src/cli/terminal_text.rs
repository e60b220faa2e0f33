//! Text of others, such as the message of an error, made safe to show on a terminal.
//!
//! What an engine reports may hold anything: newlines that forge lines of a list, sequences that move the cursor, marks that
//! turn the direction of writing, and characters that nobody sees. All of them are shown as what they are: `\u{202e}`.

use std::borrow::Cow;
use std::fmt::Write;

/// A text as one line: newlines are escaped, too.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| matches!(letter, '\n').then_some("\\n"))
}

/// A text of any number of lines. All but the first are indented, so that none looks like a line of its own.
pub(crate) fn indented(text: &str, by: usize) -> String {
    let mut shown = String::new();
    for (number, line) in text.trim_end().split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if number > 0 {
            shown.push('\n');
            if !line.is_empty() {
                shown.extend(std::iter::repeat_n(' ', by));
            }
        }
        shown.push_str(&escaped(line, |letter| (letter == '\t').then_some("    ")));
    }
    shown
}

/// JSON for a terminal: what JSON leaves as it is, and a terminal does not, becomes `\u202e`. It means the same.
pub(crate) fn json(text: String) -> String {
    let may_stay = |letter: char| letter == '\n' || is_visible(letter);
    if text.chars().all(may_stay) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if may_stay(letter) {
            shown.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
    }
    shown
}

fn escaped(text: &str, special: impl Fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    if text.chars().all(is_visible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match special(letter) {
            Some(instead) => shown.push_str(instead),
            None if is_visible(letter) => shown.push(letter),
            None => shown.extend(letter.escape_default()),
        }
    }
    Cow::Owned(shown)
}

/// Whether a terminal shows a character and does nothing else. Rust's own list of what cannot be printed has control
/// characters (C0, DEL and C1), format characters (bidirectional marks, those without a width), line separators, spaces of
/// other kinds, and what is not assigned.
fn is_visible(letter: char) -> bool {
    // Letters that are blank.
    if matches!(letter, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}') {
        return false;
    }
    // Behind a letter, for accents are escaped where a text begins with one.
    let mut bytes = [b'a'; 5];
    let length = letter.encode_utf8(&mut bytes[1..]).len();
    let Ok(pair) = std::str::from_utf8(&bytes[..=length]) else { return false };
    matches!(letter, '"' | '\'' | '\\') || pair.escape_debug().eq(pair.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_or_hide_is_escaped() {
        for (text, want) in [
            ("plain, größe, 日本, e\u{301}, 😀 \"'\\", "plain, größe, 日本, e\u{301}, 😀 \"'\\"),
            ("a\nb", "a\\nb"),
            ("a\tb\r", "a\\tb\\r"),
            ("\u{1b}[31mred\u{7f}", "\\u{1b}[31mred\\u{7f}"),
            ("\u{9b}31m\u{85}", "\\u{9b}31m\\u{85}"),
            ("a\u{202e}b\u{2066}\u{200f}\u{61c}", "a\\u{202e}b\\u{2066}\\u{200f}\\u{61c}"),
            ("a\u{200b}b\u{200d}\u{feff}\u{2060}\u{ad}", "a\\u{200b}b\\u{200d}\\u{feff}\\u{2060}\\u{ad}"),
            ("a\u{2028}b\u{e0041}\u{3164}", "a\\u{2028}b\\u{e0041}\\u{3164}"),
        ] {
            assert_eq!(one_line(text), want);
        }
    }

    #[test]
    fn lines_behind_the_first_are_indented() {
        assert_eq!(indented("one\r\ntwo\n\n\tthree\u{1b}\n\n", 4), "one\n    two\n\n        three\\u{1b}");
        assert_eq!(indented("", 4), "");
    }

    #[test]
    fn json_for_a_terminal_means_the_same() {
        let text = "{\"a\": \"é\u{9b}31m\u{202e}\u{e0041}\"}\n";
        let shown = json(text.to_owned());
        assert_eq!(shown, "{\"a\": \"é\\u009b31m\\u202e\\udb40\\udc41\"}\n");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&shown), read(text));
    }
}
