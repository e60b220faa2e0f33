//! One text for all JSON texts that say the same: what a repeat of a request is compared by.
//!
//! A program that sends a request again may build its JSON anew, with the keys in another order, other spaces or other
//! escapes. In the canonical text there are no spaces, the keys of an object are in the order of their code points, and
//! in a string only quotation marks, backslashes and control characters are escaped, in the shortest way. That is RFC 8785
//! in spirit, but for two things that the database builds more simply, too: the order, which is that of UTF-16 there, and
//! numbers, which stay as they are written, since `1.0` and `1` may mean different things to who reads them. And U+FFFF,
//! which is no character, is written as U+0000 is: no text of PostgreSQL has that one.

use std::fmt::Write;

/// The canonical text of a valid JSON value.
pub fn canonical(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut reader = Reader { rest: json };
    reader.value(&mut text);
    text
}

/// Reads JSON that is known to be valid, nested no deeper than a payload may be. It never fails: of what is not valid it
/// makes some text or other.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Reads one value, and writes its canonical text.
    fn value(&mut self, text: &mut String) {
        self.skip_space();
        match self.rest.as_bytes().first() {
            Some(b'{') => self.object(text),
            Some(b'[') => self.array(text),
            Some(b'"') => write_string(self.string(), text),
            _ => text.push_str(self.word()),
        }
    }

    fn object(&mut self, text: &mut String) {
        let mut members = Vec::new();
        self.skip(1);
        while self.has_more(b'}') {
            let mut key = String::new();
            let decoded = unescaped(self.string());
            self.has_more(b':');
            write_text(&decoded, &mut key);
            key.push(':');
            self.value(&mut key);
            members.push((decoded, key));
        }
        members.sort_unstable();
        text.push('{');
        for (index, (_, member)) in members.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "," });
            text.push_str(member);
        }
        text.push('}');
    }

    fn array(&mut self, text: &mut String) {
        self.skip(1);
        text.push('[');
        let mut separator = "";
        while self.has_more(b']') {
            text.push_str(separator);
            separator = ",";
            self.value(text);
        }
        text.push(']');
    }

    /// Steps over a separator, or over the end of a container. Answers whether something follows in it.
    fn has_more(&mut self, end: u8) -> bool {
        self.skip_space();
        match self.rest.as_bytes().first() {
            Some(found) if *found == end => {
                self.skip(1);
                false
            }
            Some(b',') => {
                self.skip(1);
                self.skip_space();
                true
            }
            found => found.is_some(),
        }
    }

    /// A string with its quotes.
    fn string(&mut self) -> &'a str {
        let bytes = self.rest.as_bytes();
        let mut at = 1;
        while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
            at += found;
            if bytes[at] == b'"' {
                break;
            }
            at += 2;
        }
        self.take(at + 1)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> &'a str {
        let is_end = |byte: &u8| b",]} \t\r\n".contains(byte);
        self.take(self.rest.as_bytes().iter().position(is_end).unwrap_or(self.rest.len()).max(1))
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn skip(&mut self, length: usize) {
        self.take(length);
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }
}

/// What a string says, with U+FFFF in the place of U+0000.
fn unescaped(string: &str) -> String {
    let decoded: String = serde_json::from_str(string).unwrap_or_else(|_| string.to_owned());
    if decoded.contains('\0') { decoded.replace('\0', "\u{ffff}") } else { decoded }
}

fn write_string(string: &str, text: &mut String) {
    // Nearly every string is written in the one way that there is without escapes.
    if string.contains('\\') || string.contains('\u{ffff}') {
        write_text(&unescaped(string), text);
    } else {
        text.push_str(string);
    }
}

fn write_text(decoded: &str, text: &mut String) {
    text.push('"');
    for character in decoded.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{ffff}' => text.push_str("\\u0000"),
            // Writing to a string does not fail.
            control if control < ' ' => drop(write!(text, "\\u{:04x}", u32::from(control))),
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_says_the_same_has_one_text() {
        check(r#" { "b" : [ 1 , 2.50, {} ,[ ] ] , "a":null } "#, r#"{"a":null,"b":[1,2.50,{},[]]}"#);
        check(r#"{"\u0062":1,"a":"\u00e9\/\ud83d\ude00"}"#, r#"{"a":"é/😀","b":1}"#);
        check(r#"["\"\\\b\f\n\r\t\u0000\u001F\u007f",""]"#, "[\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\u{7f}\",\"\"]");
        check("{\"\u{ffff}\":1,\"\u{10000}\":2,\"z\":3}", "{\"z\":3,\"\\u0000\":1,\"\u{10000}\":2}");
        check(r#"{"a":{"d":1,"c":[{"f":1,"e":2}]}}"#, r#"{"a":{"c":[{"e":2,"f":1}],"d":1}}"#);
        for same in ["1", "-0", "1.0", "1e5", "1E+5", "true", "null", "\"\"", "[]", "{}", r#""a b: [1, 2]""#] {
            check(&format!("\n\t{same} "), same);
        }
    }

    #[track_caller]
    fn check(json: &str, want: &str) {
        assert_eq!(canonical(json), want);
    }

    proptest! {
        /// The canonical text says the same, and is its own canonical text.
        #[test]
        fn nothing_else_changes(json in any_json()) {
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            let text = canonical(&json);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value.clone());
            prop_assert_eq!(canonical(&text), text.clone());
            prop_assert_eq!(canonical(&serde_json::to_string_pretty(&value).unwrap()), text);
        }

        /// Whatever text it is given, it comes to an end.
        #[test]
        fn no_text_stops_it(text in ".{0,200}") {
            canonical(&text);
        }
    }

    fn any_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<i64>().prop_map(serde_json::Value::from),
            "[a-c\"\\\\\u{0}-\u{1f}\u{e000}\u{1f600}]{0,6}".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                proptest::collection::hash_map("[a-c\"\u{1}\u{e000}\u{1f600}]{0,3}", inner, 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
        .prop_map(|value| value.to_string())
    }
}
