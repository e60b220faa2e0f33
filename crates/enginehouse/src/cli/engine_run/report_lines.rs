//! What a command says of itself, line by line.
//!
//! A line is a JSON object with the fields of a report, or one field as `name=value`, which is what a shell writes most easily and
//! `ffmpeg -progress` by itself. What is neither is logged, and changes nothing.

use enginehouse_client::HandlerContext;
use enginehouse_core::ids::EventId;
use enginehouse_core::input::{Value, read_json};
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::MAX_PAYLOAD_BYTES;
use enginehouse_core::read_fields;
use enginehouse_core::report::{AttemptProgress, AttemptReport, AttemptUsage};

/// Most lines that are complained of, of one command.
const MAX_COMPLAINTS: u32 = 10;
/// What else `ffmpeg -progress` writes.
const OF_FFMPEG: [&str; 8] =
    ["fps", "bitrate", "total_size", "out_time_ms", "out_time", "dup_frames", "drop_frames", "bits_per_raw_sample"];

/// Reads the lines of one command.
#[derive(Debug)]
pub(super) struct ReportLines {
    event_id: EventId,
    context: HandlerContext,
    percent: Option<f64>,
    message: Option<String>,
    /// How long the film of `ffmpeg -progress` is, by the command's own word.
    duration_seconds: Option<f64>,
    /// How much of it is done.
    done_seconds: Option<f64>,
    frame: Option<String>,
    /// The result, if the command has given one.
    pub(super) result: Option<RawJson>,
    complaints: u32,
}

/// The object of one line.
struct LineReport {
    report: AttemptReport,
    result: Option<RawJson>,
}

impl LineReport {
    fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            usage: optional(AttemptUsage::read),
            progress: optional(AttemptProgress::read),
            checkpoint: optional(AttemptReport::read_checkpoint),
            log: or_default(AttemptReport::read_log),
            log_url: optional(AttemptReport::read_log_url),
            result: given(|value| value.json(MAX_PAYLOAD_BYTES)),
        );
        let report = AttemptReport { usage, progress, checkpoint, log: log.unwrap_or_default(), log_url };
        Some(Self { report, result })
    }
}

impl ReportLines {
    pub(super) fn new(event_id: EventId, context: HandlerContext) -> Self {
        Self {
            event_id,
            context,
            percent: None,
            message: None,
            duration_seconds: None,
            done_seconds: None,
            frame: None,
            result: None,
            complaints: 0,
        }
    }

    pub(super) fn line(&mut self, line: &str) {
        let line = line.trim();
        let read = match line.split_once('=') {
            _ if line.is_empty() => Ok(()),
            _ if line.starts_with('{') => self.object(line),
            Some((name, value)) => self.field(name.trim(), value.trim()),
            None => Err("neither a JSON object nor name=value".to_owned()),
        };
        if let Err(why) = read {
            self.complain(line, &why);
        }
    }

    pub(super) fn complain(&mut self, line: &str, why: &str) {
        self.complaints += 1;
        if self.complaints <= MAX_COMPLAINTS {
            let line: String = line.chars().take(100).collect();
            tracing::warn!(event_id = %self.event_id, line, why, "a line of ENGINEHOUSE_REPORT_FILE was left out");
        }
    }

    fn object(&mut self, line: &str) -> Result<(), String> {
        let LineReport { report, result } =
            read_json(line.as_bytes(), LineReport::read).map_err(|error| error.to_string())?;
        let AttemptReport { usage, progress, checkpoint, log, log_url } = report;
        if let Some(usage) = usage {
            self.context.usage(usage);
        }
        if let Some(AttemptProgress { percent, message }) = progress {
            (self.percent, self.message) = (percent, message);
            self.progress();
        }
        if let Some(checkpoint) = checkpoint {
            self.context.checkpoint(checkpoint).map_err(|error| error.to_string())?;
        }
        log.iter().for_each(|line| self.context.log(line));
        if let Some(url) = log_url {
            self.context.log_url(url);
        }
        self.result = result.or(self.result.take());
        Ok(())
    }

    fn field(&mut self, name: &str, value: &str) -> Result<(), String> {
        let number = || value.parse::<f64>().ok().filter(|number| *number >= 0.0).ok_or("not a number of 0 or more");
        match name {
            "percent" => self.percent = Some(number()?),
            "message" => self.message = Some(value.to_owned()),
            "log" => {
                self.context.log(value);
                return Ok(());
            }
            // The same checks as for an object of one field.
            "checkpoint" | "result" => return self.object(&format!("{{\"{name}\":{value}}}")),
            "log_url" => return self.object(&serde_json::json!({ name: value }).to_string()),
            "cpu_seconds" | "gpu_seconds" | "max_memory_mb" => {
                return self.object(&format!("{{\"usage\":{{\"{name}\":{value}}}}}"));
            }
            "duration_seconds" => {
                self.duration_seconds = Some(number()?);
                return Ok(());
            }
            "out_time_us" => {
                self.done_seconds = number().ok().map(|micros| micros / 1e6);
                return Ok(());
            }
            "frame" => {
                self.frame = Some(value.to_owned());
                return Ok(());
            }
            "speed" => {
                self.message = self.frame.take().map(|frame| format!("frame {frame}, speed {value}"));
                return Ok(());
            }
            // The last line of each block of ffmpeg.
            "progress" if value == "continue" || value == "end" => {
                let part = self.done_seconds.zip(self.duration_seconds).filter(|(_, whole)| *whole > 0.0);
                self.percent =
                    if value == "end" { Some(100.0) } else { part.map(|(done, whole)| 100.0 * done / whole) };
            }
            _ if OF_FFMPEG.contains(&name) || name.starts_with("stream_") => return Ok(()),
            _ => return Err(format!("there is no field {name}")),
        }
        self.progress();
        Ok(())
    }

    fn progress(&self) {
        self.context.progress(self.percent, self.message.as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (serde_json::Value, Option<String>, u32) {
        let context = HandlerContext::default();
        let mut lines = ReportLines::new("0193f2a0-0000-7000-8000-000000000000".parse().unwrap(), context.clone());
        text.lines().for_each(|line| lines.line(line));
        let report = serde_json::to_value(context.pending_report()).unwrap();
        (report, lines.result.map(|json| json.as_str().to_owned()), lines.complaints)
    }

    #[test]
    fn objects_and_single_fields_say_the_same() {
        let expected = serde_json::json!({
            "progress": { "percent": 40.0, "message": "frame 7" }, "checkpoint": { "frame": 7 }, "log": ["one"],
            "usage": { "gpu_seconds": 1.5 }, "log_url": "https://logs/1",
        });
        let of_object = read(
            "{\"progress\":{\"percent\":40,\"message\":\"frame 7\"},\"checkpoint\":{\"frame\":7},\"log\":[\"one\"],\
             \"usage\":{\"gpu_seconds\":1.5},\"log_url\":\"https://logs/1\",\"result\":[1.50]}",
        );
        let of_fields = read(
            "percent=40\nmessage=frame 7\ncheckpoint={\"frame\":7}\nlog=one\ngpu_seconds=1.5\n\
             log_url=https://logs/1\n\nresult=[1.50]",
        );
        assert_eq!(of_object, (expected.clone(), Some("[1.50]".to_owned()), 0));
        assert_eq!(of_fields, of_object);
    }

    #[test]
    fn what_ffmpeg_writes_is_progress() {
        let block = "duration_seconds=8\nframe=96\nfps=24.0\nstream_0_0_q=28.0\nbitrate= 1k\ntotal_size=9\n\
                     out_time_us=2000000\nout_time_ms=2000000\nout_time=00:00:02.000000\ndup_frames=0\n\
                     drop_frames=0\nspeed=1.9x\nprogress=continue";
        let (report, _, complaints) = read(block);
        assert_eq!(report["progress"], serde_json::json!({ "percent": 25.0, "message": "frame 96, speed 1.9x" }));
        assert_eq!(complaints, 0);
        assert_eq!(read(&format!("{block}\nprogress=end")).0["progress"]["percent"], 100.0);
    }

    #[test]
    fn what_is_none_is_complained_of_and_changes_nothing() {
        let wrong = "nonsense\nprecent=40\npercent=-1\npercent=forty\ncheckpoint={\n{\"progress\":{\"percent\":140}}\n\
                     {\"nothing\":1}\nlog_url=javascript:alert(1)\n{";
        assert_eq!(read(wrong), (serde_json::json!({}), None, 9));
        let large = format!("checkpoint=\"{}\"", "x".repeat(16 * 1024));
        assert_eq!(read(&large), (serde_json::json!({}), None, 1));
    }
}
