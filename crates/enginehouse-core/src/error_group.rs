//! Which failures are of one kind.
//!
//! Two thousand dead letters are a few kinds of failure, each with other numbers, files and names in its message. An
//! [`error_pattern`] is what the messages of one kind share: their last line that says something, where Python and ffmpeg
//! put what went wrong, with `#` for what differs. Codes stay, since they are the difference between two kinds: `550` is
//! another failure than `421`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::ids::EventType;
use crate::input::Textual;

/// Names failures of one event type, error code and [`error_pattern`], whatever became of the event. The same failure has the
/// same id on every server, before and after a redrive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorGroupId([u8; 6]);

impl ErrorGroupId {
    pub fn of(event_type: &EventType, error_code: Option<&str>, pattern: &str) -> Self {
        let mut hash = Sha256::new();
        // Each field with its length, so that no two lists of fields are one text.
        for field in [Some(event_type.as_str()), error_code, Some(pattern)] {
            match field {
                Some(field) => hash.update(format!("{}:{field}", field.len())),
                None => hash.update("-"),
            }
        }
        let mut id = [0; 6];
        id.copy_from_slice(&hash.finalize()[..6]);
        Self(id)
    }
}

impl fmt::Display for ErrorGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ErrorGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not the id of a group of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", ErrorGroupId::MUST_BE)]
pub struct NotAnErrorGroupId;

impl Textual for ErrorGroupId {
    const MUST_BE: &'static str =
        "the id of a group of errors: 12 digits of 0-9 and a-f, as the summary of dead letters shows it";
}

impl FromStr for ErrorGroupId {
    type Err = NotAnErrorGroupId;

    fn from_str(text: &str) -> Result<Self, NotAnErrorGroupId> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 12 || !text.bytes().all(is_digit) {
            return Err(NotAnErrorGroupId);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| NotAnErrorGroupId)?;
        let mut id = [0; 6];
        id.copy_from_slice(&number.to_be_bytes()[2..]);
        Ok(Self(id))
    }
}

impl Serialize for ErrorGroupId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ErrorGroupId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for ErrorGroupId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-f]{12}$")).into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for ErrorGroupId {}

/// The most characters of a pattern.
const MAX_PATTERN_LENGTH: usize = 200;

/// The last line of a message that says something; empty if none does.
pub fn last_line(message: &str) -> &str {
    message.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("")
}

/// What failures of one kind have in common: the last line of their message, with `#` for each number, id, path, address and
/// quoted text. At most 200 characters.
pub fn error_pattern(message: &str) -> String {
    let mut masked = Masked::default();
    let line = last_line(message);
    let mut rest = line;
    while let Some(next) = rest.chars().next() {
        let before = &line[..line.len() - rest.len()];
        let length = if let Some(quoted) = quoted_text(before, rest) {
            masked.quote(quoted);
            quoted.len()
        } else if let Some(path) = path(before, rest) {
            masked.mark();
            path.len()
        } else if next.is_ascii_alphanumeric() {
            let word = &rest[..rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len())];
            masked.word(before, word, &rest[word.len()..]);
            word.len()
        } else {
            masked.push(next);
            next.len_utf8()
        };
        rest = &rest[length..];
    }
    let end = masked.0.char_indices().nth(MAX_PATTERN_LENGTH).map_or(masked.0.len(), |(end, _)| end);
    masked.0.truncate(end);
    masked.0
}

#[derive(Default)]
struct Masked(String);

impl Masked {
    fn push(&mut self, letter: char) {
        // What no line of a list should have.
        self.0.push(if letter.is_control() { ' ' } else { letter });
    }

    /// One mark for what differs, however many pieces it has: `17.5` and `0193f2a0-…` are one each.
    fn mark(&mut self) {
        let joined = self.0.trim_end_matches(['-', '.', '_', ':', '/', ',']);
        if joined.len() < self.0.len() && joined.ends_with('#') {
            self.0.truncate(joined.len());
        } else if !self.0.ends_with('#') {
            self.0.push('#');
        }
    }

    /// Quoted text is somebody's name for something, but a code that it begins with is none: `'404 Not Found'`.
    fn quote(&mut self, quoted: &str) {
        let (open, text) = (&quoted[..1], &quoted[1..quoted.len() - 1]);
        let code = text.split(' ').next().unwrap_or("");
        self.0.push_str(open);
        if is_status_code(code) && code.len() < text.len() {
            self.0.push_str(code);
            self.0.push(' ');
        }
        self.0.push('#');
        self.0.push_str(open);
    }

    fn word(&mut self, before: &str, word: &str, after: &str) {
        if is_code(before, word, after) {
            self.0.push_str(word);
        } else if is_hexadecimal_id(word) {
            self.mark();
        } else {
            for letter in word.chars() {
                if letter.is_ascii_digit() { self.mark() } else { self.0.push(letter) }
            }
        }
    }
}

/// Text in quotes at the beginning of `rest`, with its quotes. An apostrophe within a word is none.
fn quoted_text<'a>(before: &str, rest: &'a str) -> Option<&'a str> {
    let quote = rest.chars().next().filter(|letter| matches!(letter, '"' | '\'' | '`'))?;
    if before.ends_with(char::is_alphanumeric) {
        return None;
    }
    let ends = |end: &usize| !rest[end + 1..].starts_with(char::is_alphanumeric) && !rest[..*end].ends_with('\\');
    let end = rest.match_indices(quote).map(|(at, _)| at).skip(1).find(ends)?;
    (end > 1).then(|| &rest[..=end])
}

/// A path or an address at the beginning of `rest`: `/data/7.exr`, `C:\data`, `scenes/alps.blend`, `https://…`.
fn path<'a>(before: &str, rest: &'a str) -> Option<&'a str> {
    if before.ends_with(|letter: char| letter.is_alphanumeric() || matches!(letter, '/' | '\\')) {
        return None;
    }
    let end =
        rest.find(|letter: char| letter.is_whitespace() || "\"'`()[]{}<>,;|".contains(letter)).unwrap_or(rest.len());
    let text = rest[..end].trim_end_matches(['.', ':', '!', '?']);
    let bytes = text.as_bytes();
    let begins = ["/", "./", "../", "~/", "\\\\"].iter().any(|root| text.starts_with(root) && text.len() > root.len())
        || (bytes.first().is_some_and(u8::is_ascii_alphabetic) && matches!(bytes.get(1..3), Some(b":\\" | b":/")));
    let has_scheme = text.split_once("://").is_some_and(|(scheme, host)| {
        !host.is_empty()
            && !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
    });
    // `I/O`, `HTTP/1.1` and `km/h` are words: a relative path ends with the name of a file.
    let is_relative = text.rsplit_once('/').is_some_and(|(folder, file)| {
        let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
        !folder.is_empty() && extension.starts_with(|letter: char| letter.is_ascii_alphabetic())
    });
    (begins || has_scheme || is_relative).then_some(text)
}

/// Eight or more hexadecimal digits, not all of them letters: part of a UUID, a hash, an address in memory.
fn is_hexadecimal_id(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let is_prefixed = digits.len() < word.len();
    (digits.len() >= 8 || is_prefixed)
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        && digits.bytes().any(|byte| byte.is_ascii_digit())
}

/// Three digits as SMTP, FTP and HTTP have them.
fn is_status_code(word: &str) -> bool {
    word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()) && matches!(word.as_bytes()[0], b'1'..=b'5')
}

/// Words that a code follows.
const CODE_WORDS: [&str; 14] = [
    "status", "code", "error", "errno", "exit", "signal", "http", "https", "smtp", "ftp", "answered", "returned",
    "response", "sqlstate",
];

/// Whether a number is a code: a part of what kind of failure it is, and not of where it happened.
///
/// It is one behind a word such as `status` or `errno`; and one of three digits is at the beginning, or behind a colon or a
/// bracket: `550 5.1.1 no such mailbox`, `(550, b'no such mailbox')`. The 17 of `tile 17 of 256` is none.
fn is_code(before: &str, word: &str, after: &str) -> bool {
    if word.len() > 5 || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    // Part of a longer number or of a name: `3.50`, `frame_550`, `550.exr`.
    let joins = |letter: char| matches!(letter, '.' | '_' | '-' | '/' | '%');
    if before.ends_with(joins) && !before.ends_with(": -") && !before.to_ascii_lowercase().ends_with("status -") {
        return false;
    }
    if after.starts_with(['.', '_', '/', '%', ':']) && after[1..].starts_with(|letter: char| letter.is_alphanumeric()) {
        return false;
    }
    let lead = before.trim_end();
    let last = lead.trim_end_matches([':', '=', '#', '(', '[']).trim_end();
    let word_before =
        last.rsplit(|letter: char| letter.is_whitespace() || "([{\"':=,".contains(letter)).next().unwrap_or("");
    // `HTTP/1.1 550` is behind `HTTP`.
    let word_before = word_before.split('/').next().unwrap_or("").to_ascii_lowercase();
    if CODE_WORDS.contains(&word_before.trim_end_matches(['.', '#'])) {
        return true;
    }
    is_status_code(word) && (lead.is_empty() || lead.ends_with([':', '(', '[', '=', '<']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_says_something_is_the_one_of_the_cause() {
        for (message, want) in [
            ("broke", "broke"),
            ("", ""),
            ("\n \n", ""),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 3\nValueError: no such scene\n\n",
                "ValueError: no such scene",
            ),
            (
                "ffmpeg version 6\r\n  built with gcc\r\nout.mp4: No space left on device\r\n",
                "out.mp4: No space left on device",
            ),
        ] {
            assert_eq!(last_line(message), want);
        }
    }

    #[test]
    fn failures_of_one_kind_have_one_pattern() {
        for (message, want) in [
            ("tile 17 of 256 broke", "tile # of # broke"),
            ("took 17.5 s, at most 3.25 s", "took # s, at most # s"),
            ("worker-3 lost event 0193f2a0-0000-7000-8000-00000000000a", "worker-# lost event #"),
            ("commit deadbeef1 is gone, 0x7ffe is null", "commit # is gone, # is null"),
            ("cannot open /data/frames/0001.exr: disk is gone", "cannot open #: disk is gone"),
            (r"cannot open C:\data\frames\1.exr.", "cannot open #."),
            ("GET https://example.com/a?b=7 was refused", "GET # was refused"),
            ("scenes/alps.blend has no camera", "# has no camera"),
            ("KeyError: 'tile_17'", "KeyError: '#'"),
            ("can't find \"a \\\"b\\\" c\" or 'd'", "can't find \"#\" or '#'"),
            ("I/O error: and/or", "I/O error: and/or"),
            ("no such file\ttab", "no such file tab"),
            ("", ""),
            ("one\ntwo 2\n", "two #"),
            ("größe 17 größer als 'ü'", "größe # größer als '#'"),
        ] {
            assert_eq!(error_pattern(message), want, "{message}");
        }
        assert_eq!(error_pattern(&"é ".repeat(300)).chars().count(), 200);
    }

    #[test]
    fn a_code_stays_in_the_pattern() {
        for (message, want) in [
            ("550 5.1.1 no such mailbox 77", "550 # no such mailbox #"),
            ("smtp: 550 mailbox 77 unavailable", "smtp: 550 mailbox # unavailable"),
            ("smtp 421 try again in 30 s", "smtp 421 try again in # s"),
            ("smtplib.SMTPDataError: (550, b'no mailbox 9')", "smtplib.SMTPDataError: (550, b'no mailbox #')"),
            ("HTTP/1.1 503 Service Unavailable", "HTTP/# 503 Service Unavailable"),
            ("Client error '404 Not Found' for url 'https://a.b/7'", "Client error '404 #' for url '#'"),
            (
                "requests.exceptions.HTTPError: 502 Server Error: Bad Gateway for url: http://a/7",
                "requests.exceptions.HTTPError: 502 Server Error: Bad Gateway for url: #",
            ),
            ("render.sh returned non-zero exit status 137.", "render.sh returned non-zero exit status 137."),
            ("OSError: [Errno 28] No space left on device: '/a/b'", "OSError: [Errno 28] No space left on device: '#'"),
            ("the server answered 500 after 12 s", "the server answered 500 after # s"),
            ("frame 550 of 1000 is black", "frame # of # is black"),
            ("took: 550.3 s", "took: # s"),
        ] {
            assert_eq!(error_pattern(message), want, "{message}");
        }
    }

    #[test]
    fn a_group_has_one_id_however_often_it_is_computed() {
        let id = |event_type: &str, code: Option<&str>, pattern: &str| {
            ErrorGroupId::of(&event_type.parse().unwrap(), code, pattern)
        };
        let one = id("mail", Some("smtp"), "550 no mailbox");
        assert_eq!(one, id("mail", Some("smtp"), "550 no mailbox"));
        assert_eq!(one.to_string().parse(), Ok(one));
        assert_eq!(one.to_string(), "bab4bc2805ea", "it is stored, and never changes");
        for other in
            [id("mails", Some("mtp"), "550 no mailbox"), id("mail", None, "550 no mailbox"), id("mail", Some(""), "")]
        {
            assert_ne!(one, other);
        }
        for bad in ["", "9f3a", "C5D1C1FF4BD5", "+5d1c1ff4bd5", "c5d1c1ff4bd5 "] {
            assert_eq!(bad.parse::<ErrorGroupId>(), Err(NotAnErrorGroupId), "{bad:?}");
        }
    }
}
