//! What becomes of a command's stdout: the event's result.

use enginehouse_client::HandlerOutcome;
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::MAX_PAYLOAD_BYTES;

use super::output::{Keep, Printed};

/// What a command's stdout is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ResultFormat {
    /// JSON if it is one JSON value of at most 256 KiB, else text; nothing if nothing was printed
    #[default]
    Auto,
    /// One JSON value of at most 256 KiB; anything else fails the attempt
    Json,
    /// Text, kept as a JSON string; what is too long is cut, and says so
    Text,
    /// Not kept
    None,
}

impl ResultFormat {
    /// How much of stdout it needs.
    pub(super) const fn keep(self) -> Keep {
        Keep::First(if matches!(self, Self::None) { 0 } else { MAX_PAYLOAD_BYTES })
    }

    /// How an event ends whose command has succeeded.
    pub(super) fn outcome(self, stdout: &Printed) -> HandlerOutcome {
        let result = match self {
            Self::Auto => match json(stdout) {
                Ok(json) => Some(json),
                Err(_) if stdout.kept.trim_ascii().is_empty() => None,
                Err(_) => Some(text(stdout)),
            },
            Self::Json => match json(stdout) {
                Ok(json) => Some(json),
                Err(NotJson { code, why }) => return HandlerOutcome::failed(code, why),
            },
            Self::Text => Some(text(stdout)),
            Self::None => None,
        };
        HandlerOutcome::Complete { result }
    }
}

/// Why an event cannot keep it as JSON.
struct NotJson {
    /// The code of the failure, which retry rules and people search for.
    code: &'static str,
    why: String,
}

fn json(stdout: &Printed) -> Result<RawJson, NotJson> {
    if stdout.is_cut() {
        let why = format!("stdout had {} bytes; a result has at most {MAX_PAYLOAD_BYTES}", stdout.total);
        return Err(NotJson { code: "result_too_large", why });
    }
    let invalid = |why: String| NotJson {
        code: "invalid_result",
        why: format!("stdout is not one JSON value: {why}; run the engine with --result text to keep any text"),
    };
    let json: RawJson = serde_json::from_slice(&stdout.kept).map_err(|error| invalid(error.to_string()))?;
    json.check().map_err(invalid)?;
    Ok(json)
}

/// How many bytes a note on what was cut may take.
const NOTE: usize = 100;

/// As a JSON string, without the ends of its last line, as `$(...)` in a shell has it. What is no UTF-8 becomes U+FFFD.
fn text(stdout: &Printed) -> RawJson {
    let text = String::from_utf8_lossy(&stdout.kept);
    if !stdout.is_cut() {
        let json = serde_json::Value::from(text.trim_end_matches(['\r', '\n'])).to_string();
        if json.len() <= MAX_PAYLOAD_BYTES {
            return RawJson::trusted(json);
        }
    }
    // A character that was cut in two was lost, too.
    let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let mut room = MAX_PAYLOAD_BYTES - NOTE;
    let fits = |letter: &char| {
        room = room.saturating_sub(length_in_json(*letter));
        room > 0
    };
    let kept: String = text.chars().take_while(fits).collect();
    let note = format!("\n[cut: the command printed {} bytes]", stdout.total);
    RawJson::from(&serde_json::Value::from(kept + &note))
}

/// How many bytes a character takes between the quotes of a JSON string.
const fn length_in_json(letter: char) -> usize {
    match letter {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..'\u{20}' => 6,
        _ => letter.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &[u8]) -> Printed {
        Printed { kept: text[..text.len().min(MAX_PAYLOAD_BYTES)].to_vec(), total: text.len() as u64 }
    }

    fn result(format: ResultFormat, stdout: impl AsRef<[u8]>) -> String {
        match format.outcome(&printed(stdout.as_ref())) {
            HandlerOutcome::Complete { result } => result.map_or("-".to_owned(), |json| json.as_str().to_owned()),
            HandlerOutcome::Fail { error, retryable, .. } => {
                assert!(retryable, "another attempt may print something else");
                format!("{}: {}", error.code.unwrap_or_default(), error.message)
            }
            HandlerOutcome::Release { .. } => "released".to_owned(),
        }
    }

    #[test]
    fn auto_takes_json_as_it_is_and_anything_else_as_text() {
        let auto = |stdout: &str| result(ResultFormat::Auto, stdout);
        assert_eq!(auto(" {\"a\": 1.50}\n"), "{\"a\": 1.50}");
        assert_eq!(auto("Fri Nov 27\n"), "\"Fri Nov 27\"");
        assert_eq!(auto("{\"a\":1,\"a\":2}"), r#""{\"a\":1,\"a\":2}""#);
        assert_eq!(auto("1\n2\n"), r#""1\n2""#);
        assert_eq!(auto(" \n"), "-");
        assert_eq!(auto(""), "-");
        assert_eq!(auto("null"), "null");
        assert_eq!(result(ResultFormat::Auto, b"caf\xe9!"), "\"caf\u{fffd}!\"");
        assert_eq!(auto("a\0b"), r#""a\u0000b""#);
    }

    #[test]
    fn what_should_be_json_and_is_not_fails_the_attempt() {
        let json = |stdout: &str| result(ResultFormat::Json, stdout);
        assert_eq!(json("[1]\n"), "[1]");
        for (stdout, want) in [
            ("", "invalid_result: stdout is not one JSON value: EOF while parsing a value at line 1 column 0"),
            ("1 2", "invalid_result: stdout is not one JSON value: trailing characters at line 1 column 3"),
            ("{\"a\":1,\"a\":2}", "invalid_result: stdout is not one JSON value: the key \"a\" is given twice"),
        ] {
            assert_eq!(json(stdout), format!("{want}; run the engine with --result text to keep any text"));
        }
        let huge = format!("\"{}\"", "x".repeat(262_200));
        assert_eq!(json(&huge), "result_too_large: stdout had 262202 bytes; a result has at most 262144");
    }

    #[test]
    fn text_is_always_a_string_and_says_that_it_was_cut() {
        let text = |stdout: &str| result(ResultFormat::Text, stdout);
        assert_eq!(text("{}\r\n\n"), "\"{}\"");
        assert_eq!(text(""), "\"\"");
        let exact = "x".repeat(MAX_PAYLOAD_BYTES - 2);
        assert_eq!(text(&exact), format!("\"{exact}\""));
        for stdout in ["x".repeat(300_000), "\"".repeat(200_000), "\u{1}".repeat(262_144), "é".repeat(131_073)] {
            let kept = text(&stdout);
            assert!((MAX_PAYLOAD_BYTES - NOTE..=MAX_PAYLOAD_BYTES).contains(&kept.len()), "{}", kept.len());
            let kept: String = serde_json::from_str(&kept).unwrap();
            let (beginning, note) = kept.rsplit_once('\n').unwrap();
            assert!(stdout.starts_with(beginning));
            assert_eq!(note, format!("[cut: the command printed {} bytes]", stdout.len()));
        }
    }

    #[test]
    fn none_keeps_nothing() {
        assert_eq!(result(ResultFormat::None, "{}"), "-");
    }
}
