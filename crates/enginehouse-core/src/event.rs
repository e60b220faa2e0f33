//! What an event is, its five statuses, and what is asked at enqueue.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

mod draft;

#[cfg(feature = "openapi")]
pub use self::draft::labels_schema;
pub use self::draft::{EventDraft, NewEvent, Start};
pub(crate) use self::draft::{read_capabilities, read_label};
use crate::input::Value;
use crate::json::RawJson;
use crate::limits::{MAX_ERROR_CODE_LENGTH, MAX_ERROR_DETAILS_BYTES, MAX_ERROR_MESSAGE_BYTES};
use crate::read_fields;

/// Where an event is in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventStatus {
    /// Waits to be claimed, now or from `available_at` on.
    Queued,
    /// An engine holds its lock.
    Processing,
    /// Done; its result is kept.
    Completed,
    /// Finally failed; a dead letter too, if a person should look.
    Failed,
    Cancelled,
}

impl EventStatus {
    /// The word that stands in JSON, columns and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the event rests for good, unless it is redriven.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl std::fmt::Display for EventStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a finally failed event waits for a person.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeadLetterReason {
    /// Its last retry failed.
    RetriesExhausted,
    /// An engine said that no retry can help, after it had failed often enough.
    Rejected,
    /// The engine asked for it.
    Requested,
    /// The engines that held it were lost, one after the other.
    LostTooOften,
    /// Nobody could run it for as long as its event type or queue allows.
    Blocked,
}

impl DeadLetterReason {
    /// The word that stands in JSON, columns and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl std::fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong in one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptError {
    /// A stable word for programs, such as `timed_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A sentence for people, or what a program has printed. Of one that is longer than 8 KiB, the beginning and the end
    /// are kept.
    pub message: String,
    /// Anything more, as JSON of at most 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<RawJson>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AttemptOutcome {
    /// The event is completed.
    Completed,
    /// The engine reported a failure.
    Failed,
    /// The engine took longer than `max_processing_seconds`.
    TimedOut,
    /// The engine reported no progress for `progress_timeout_seconds`.
    Stuck,
    /// The lock was lost: it expired, its engine was lost or superseded, or the event was cancelled by force.
    Lost,
    /// The engine released it after it had reported on it; it is not counted.
    Released,
}

impl AttemptOutcome {
    /// The word that stands in JSON, columns and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl AttemptError {
    /// Reads what an engine reports. It is often what a crashed program has printed, and an engine that reports a failure
    /// must get through with it: what is too long is cut, what no text may have becomes U+FFFD, and in the place of
    /// details that cannot be kept stands why.
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            code: optional(|value| value.lossy_line(MAX_ERROR_CODE_LENGTH)),
            message: required(|value| value.lossy_text()),
            details: optional(|value| Some(value.lossy_json(MAX_ERROR_DETAILS_BYTES).unwrap_or_else(not_kept))),
        );
        let code = code.filter(|code| !code.is_empty());
        let mut message = message?;
        cut_in_the_middle(&mut message, MAX_ERROR_MESSAGE_BYTES);
        Some(Self { code, message, details })
    }
}

/// Leaves out as much of the middle as it must. The first lines say what was done, the last ones what went wrong.
fn cut_in_the_middle(message: &mut String, max_bytes: usize) {
    /// Room for the note.
    const NOTE: usize = 64;
    if message.len() <= max_bytes {
        return;
    }
    let half = (max_bytes - NOTE) / 2;
    let begin = message.floor_char_boundary(half);
    let end = message.ceil_char_boundary(message.len() - half);
    message.replace_range(begin..end, &format!("\n[{} bytes are left out]\n", end - begin));
}

fn not_kept(why: String) -> RawJson {
    RawJson::from(&serde_json::json!({ "details_not_kept": why }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::read_json;

    #[test]
    fn an_engine_gets_through_with_what_it_reports() {
        let read = |json: &str| read_json(json.as_bytes(), AttemptError::read).unwrap();
        let error = read(r#"{"code":"a\u0000b\ud800","message":"\ud800 \ud83d\ude00 \udc00\n"}"#);
        assert_eq!(error.code.as_deref(), Some("a\u{fffd}b\u{fffd}"));
        assert_eq!(error.message, "\u{fffd} 😀 \u{fffd}\n");
        let long = format!(r#"{{"code":"{0}","message":"{0}"}}"#, "é".repeat(20_000));
        let error = read(&long);
        assert_eq!(error.code.unwrap().chars().count(), MAX_ERROR_CODE_LENGTH);
        assert!((MAX_ERROR_MESSAGE_BYTES - 64..=MAX_ERROR_MESSAGE_BYTES).contains(&error.message.len()));
        assert_eq!(read(r#"{"code":"","message":""}"#).code, None);
        let details = |json: &str| read(&format!(r#"{{"message":"","details":{json}}}"#)).details.unwrap();
        assert_eq!(details(r#"["\ud800"]"#).as_str(), r#"["\ufffd"]"#);
        assert_eq!(details(r#"{"a":1,"a":2}"#).as_str(), r#"{"details_not_kept":"the key \"a\" is given twice"}"#);
        let large = format!("\"{}\"", "x".repeat(MAX_ERROR_DETAILS_BYTES));
        assert_eq!(details(&large).as_str(), r#"{"details_not_kept":"at most 16384 bytes, was 16386"}"#);
        // What is no text at all is a mistake of the engine's author, who has to see it.
        assert!(read_json(br#"{"message":7}"#, AttemptError::read).is_err());
    }

    #[test]
    fn a_long_message_keeps_its_beginning_and_its_end() {
        let body = format!(r#"{{"message":"began {}\nValueError: 7"}}"#, "é".repeat(MAX_ERROR_MESSAGE_BYTES));
        let message = read_json(body.as_bytes(), AttemptError::read).unwrap().message;
        assert!((MAX_ERROR_MESSAGE_BYTES - 64..=MAX_ERROR_MESSAGE_BYTES).contains(&message.len()), "{}", message.len());
        assert!(message.starts_with("began éé") && message.ends_with("éé\nValueError: 7"));
        let left_out = 2 * MAX_ERROR_MESSAGE_BYTES + 20 - (message.len() - "\n[8278 bytes are left out]\n".len());
        assert!(message.contains(&format!("\n[{left_out} bytes are left out]\n")), "{left_out}: {message}");
    }
}
