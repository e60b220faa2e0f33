//! What an engine reports of an attempt: what it uses, how far it is, what the next attempt may continue from, what it logs.

use serde::{Deserialize, Serialize};

use crate::event::AttemptError;
use crate::ids::EngineId;
use crate::input::Value;
use crate::json::RawJson;
use crate::limits::{
    MAX_CHECKPOINT_BYTES, MAX_LOG_BYTES, MAX_LOG_TEXTS, MAX_LOG_URL_LENGTH, MAX_MEMORY_MB, MAX_PROGRESS_MESSAGE_LENGTH,
    MAX_USAGE_SECONDS,
};
use crate::read_fields;

/// What an engine reports of one attempt. What is absent stays as it was reported before.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptReport {
    /// What the attempt has used since it began. A field that is given replaces what was reported before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<AttemptUsage>,
    /// How far the attempt is; replaces what was reported before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<AttemptProgress>,
    /// What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to
    /// the next attempt as `previous.checkpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<RawJson>))]
    pub checkpoint: Option<RawJson>,
    /// Lines of its log, appended to those before: up to 1,000 texts of one or more lines, and at most 64 KiB, of which each line has
    /// one byte for its end. The last 64 KiB of an attempt are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(schema_with = log_schema))]
    pub log: Vec<String>,
    /// Where the whole log is: a URL that begins with `http://` or `https://`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(format = "uri", max_length = 2_000, pattern = "^https?://[^\\u0000-\\u001f\\u007f-\\u009f]*$")
    )]
    pub log_url: Option<String>,
}

/// How a description of the API shows a log.
#[cfg(feature = "openapi")]
fn log_schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
    let line = ObjectBuilder::new().schema_type(Type::String).examples(["frame 7 of 56"]);
    let log = ArrayBuilder::new().items(line).max_items(Some(MAX_LOG_TEXTS));
    Schema::Array(log.build()).into()
}

/// What an attempt has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptUsage {
    /// Processor time in seconds, kept to the millisecond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1e9))]
    pub cpu_seconds: Option<f64>,
    /// The most memory it has had at once, in MiB, kept to the KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_073_741_824))]
    pub max_memory_mb: Option<f64>,
    /// Time on graphics processors in seconds, kept to the millisecond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1e9))]
    pub gpu_seconds: Option<f64>,
}

/// How far an attempt is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptProgress {
    /// From 0 to 100, kept to the hundredth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub percent: Option<f64>,
    /// In words; cut after 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What the attempts before have left for the one that begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviousAttempt {
    /// The newest checkpoint, of whichever attempt it is; null if there is none.
    #[cfg_attr(feature = "openapi", schema(required = true, value_type = Option<RawJson>))]
    pub checkpoint: Option<RawJson>,
    /// What went wrong last; null if nothing has.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub error: Option<AttemptError>,
    /// The engine that had claimed the event before.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub engine_id: Option<EngineId>,
}

impl AttemptReport {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        let Self { usage, progress, checkpoint, log, log_url } = self;
        usage.is_none() && progress.is_none() && checkpoint.is_none() && log.is_empty() && log_url.is_none()
    }

    /// Adds what was reported later.
    pub fn merge(&mut self, later: Self) {
        let Self { usage, progress, checkpoint, log, log_url } = later;
        self.usage = match (self.usage, usage) {
            (Some(before), Some(later)) => Some(before.replaced_by(later)),
            (before, later) => later.or(before),
        };
        self.progress = progress.or(self.progress.take());
        self.checkpoint = checkpoint.or(self.checkpoint.take());
        self.log.extend(log);
        self.log_url = log_url.or(self.log_url.take());
    }

    /// Lines of a log, each on one line and without control characters.
    pub fn read_log(value: Value<'_>) -> Option<Vec<String>> {
        let read = value.list(0..=MAX_LOG_TEXTS, |value| value.lossy_text())?;
        let lines: Vec<_> = read.iter().flat_map(|text| text.split('\n')).map(log_line).collect();
        let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
        if bytes > MAX_LOG_BYTES {
            value.too_large(MAX_LOG_BYTES, bytes);
            return None;
        }
        Some(lines)
    }

    pub fn read_checkpoint(value: Value<'_>) -> Option<RawJson> {
        value.json(MAX_CHECKPOINT_BYTES)
    }

    pub fn read_log_url(value: Value<'_>) -> Option<String> {
        let url = value.line(1..=MAX_LOG_URL_LENGTH)?;
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            value.refuse("must begin with http:// or https://");
            return None;
        }
        Some(url)
    }
}

/// A line as it is kept: what would move a cursor or speak to a terminal becomes U+FFFD, and a carriage return at its end goes.
pub fn log_line(text: &str) -> String {
    let visible = |character: char| match character {
        '\t' => '\t',
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    };
    text.trim_end_matches('\r').chars().map(visible).collect()
}

impl AttemptUsage {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            cpu_seconds: optional(|value| value.number(0.0..=MAX_USAGE_SECONDS)),
            max_memory_mb: optional(|value| value.number(0.0..=MAX_MEMORY_MB as f64)),
            gpu_seconds: optional(|value| value.number(0.0..=MAX_USAGE_SECONDS)),
        );
        Some(Self { cpu_seconds, max_memory_mb, gpu_seconds })
    }

    /// Of the same attempt, as it was reported later.
    #[must_use]
    pub fn replaced_by(self, later: Self) -> Self {
        Self {
            cpu_seconds: later.cpu_seconds.or(self.cpu_seconds),
            max_memory_mb: later.max_memory_mb.or(self.max_memory_mb),
            gpu_seconds: later.gpu_seconds.or(self.gpu_seconds),
        }
    }

    /// Of two attempts together: times add up, and of memory the larger one counts.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let both = |one: Option<f64>, other: Option<f64>, of: fn(f64, f64) -> f64| match (one, other) {
            (Some(one), Some(other)) => Some(of(one, other)),
            (one, other) => one.or(other),
        };
        // Whole milliseconds: a sum of many stays one of those that are shown.
        let sum = |one: f64, other: f64| ((one + other) * 1_000.0).round() / 1_000.0;
        Self {
            cpu_seconds: both(self.cpu_seconds, other.cpu_seconds, sum),
            max_memory_mb: both(self.max_memory_mb, other.max_memory_mb, f64::max),
            gpu_seconds: both(self.gpu_seconds, other.gpu_seconds, sum),
        }
    }
}

impl AttemptProgress {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            percent: optional(|value| value.number(0.0..=100.0)),
            message: optional(|value| value.lossy_line(MAX_PROGRESS_MESSAGE_LENGTH)),
        );
        Some(Self { percent, message })
    }
}

/// The last part of the log of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogTail {
    /// Lines, each with its end.
    pub text: String,
    /// How many bytes the log has had so far: what a reader has seen already can be told from what is new.
    pub bytes: u64,
}

impl LogTail {
    /// Appends lines, and keeps the last of them that have room.
    pub fn append(&mut self, lines: &[String]) {
        for line in lines {
            self.text.push_str(line);
            self.text.push('\n');
            self.bytes += line.len() as u64 + 1;
        }
        if let Some(excess) = self.text.len().checked_sub(MAX_LOG_BYTES).filter(|excess| *excess > 0) {
            // From the beginning of a line on. A line end is a byte of its own in UTF-8.
            let cut = self.text.as_bytes()[excess - 1..].iter().position(|byte| *byte == b'\n');
            self.text.drain(..cut.map_or(self.text.len(), |at| excess + at));
        }
    }

    /// What follows the first `seen` bytes of the log, as far as it is kept.
    pub fn since(&self, seen: u64) -> &str {
        let new = self.bytes.saturating_sub(seen);
        let new = usize::try_from(new).unwrap_or(usize::MAX).min(self.text.len());
        self.text.get(self.text.len() - new..).unwrap_or(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::read_json;

    #[test]
    fn a_tail_keeps_whole_lines_and_counts_all() {
        let mut tail = LogTail::default();
        let line = "é".repeat(49);
        let lines = vec![line.clone(); 1_000];
        tail.append(&lines);
        assert_eq!(tail.bytes, 99_000);
        assert_eq!(tail.text.len(), MAX_LOG_BYTES / 99 * 99, "as many lines as have room");
        assert!(tail.text.lines().all(|kept| kept == line));
        let seen = tail.bytes;
        tail.append(&["new".to_owned(), String::new()]);
        assert_eq!(tail.since(seen), "new\n\n");
        assert_eq!(tail.since(0), tail.text);
        assert_eq!(tail.since(u64::MAX), "");
        // One line that fills it all.
        tail.append(&["x".repeat(MAX_LOG_BYTES - 1)]);
        assert_eq!(tail.text.len(), MAX_LOG_BYTES);
    }

    #[test]
    fn lines_are_lines_and_have_a_limit_together() {
        let read = |json: &str| {
            read_json(json.as_bytes(), AttemptReport::read_log).map_err(|refused| format!("{:?}", refused.errors))
        };
        assert_eq!(read(r#"["a\tb\r","c\nd\u001b[31m",""]"#).unwrap(), ["a\tb", "c", "d\u{fffd}[31m", ""]);
        let line = "x".repeat(MAX_LOG_BYTES - 1);
        assert!(read(&format!("[{line:?}]")).is_ok());
        assert!(read(&format!("[{line:?},\"\"]")).unwrap_err().contains("at most 65536 bytes, was 65537"));
    }

    #[test]
    fn usage_is_replaced_within_an_attempt_and_added_up_over_many() {
        let usage = |cpu, memory| AttemptUsage { cpu_seconds: cpu, max_memory_mb: memory, gpu_seconds: None };
        assert_eq!(usage(Some(1.0), Some(9.0)).replaced_by(usage(Some(0.5), None)), usage(Some(0.5), Some(9.0)));
        assert_eq!(usage(Some(0.1), Some(9.0)).plus(usage(Some(0.2), Some(3.0))), usage(Some(0.3), Some(9.0)));
        assert_eq!(usage(None, None).plus(usage(Some(0.2), None)), usage(Some(0.2), None));
    }
}
