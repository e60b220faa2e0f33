//! The load of a bench: who calls, how often, and when it ends.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::Args;
use enginehouse_core::ids::QueueName;
use enginehouse_core::limits::{MAX_BATCH_BODY_BYTES, MAX_PAYLOAD_BYTES};
use serde::Serialize;

use super::super::cli_error::CliError;
use super::numbers::thousands;
use super::payload::MIN_PAYLOAD_BYTES;
use crate::exit_codes::Exit;

/// How long it lasts if neither --duration nor --events says so.
const DEFAULT_DURATION: Duration = Duration::from_secs(10);
/// The longest --duration and --warm-up.
const MAX_DURATION: Duration = Duration::from_secs(7 * 86_400);

#[derive(Clone, Debug, Args, Serialize)]
pub(super) struct LoadShape {
    /// How many connections enqueue; 0 measures engines alone, on events that are enqueued before
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(0..=1000), help_heading = "Load")]
    pub(super) producers: u32,
    /// How many connections claim and complete, each an engine; 0 measures producers alone
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(0..=1000), help_heading = "Load")]
    pub(super) engines: u32,
    /// How many events a call enqueues, and claims and completes at most
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Load")]
    pub(super) batch: u32,
    /// The size of each event's payload, as JSON
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(MIN_PAYLOAD_BYTES as i64..=MAX_PAYLOAD_BYTES as i64), help_heading = "Load")]
    pub(super) payload_bytes: u32,
    /// Complete and claim in one call, as the loop of an engine does, instead of one call each
    #[arg(long, help_heading = "Load")]
    pub(super) exchange: bool,
    /// Enqueue so many events a second, at planned instants; as fast as the server answers if left out
    #[arg(long = "rate", value_name = "N", value_parser = rate, help_heading = "Load")]
    #[serde(rename = "rate_per_second")]
    pub(super) rate: Option<f64>,
    /// How long to measure, such as 500ms, 10s, 5m or 1h; 10s if left out
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "events", help_heading = "Load")]
    #[serde(rename = "duration_seconds", serialize_with = "in_seconds")]
    duration: Option<Duration>,
    /// Measure until so many events are enqueued and completed, instead of for a time
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub(super) events: Option<NonZeroU64>,
    /// How long to run before anything is measured
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Load")]
    #[serde(rename = "warm_up_seconds", serialize_with = "in_seconds")]
    warm_up: Option<Duration>,
    /// The queue of the events; one of the run's own if left out
    #[arg(long, value_name = "QUEUE", help_heading = "Load")]
    #[serde(skip)]
    pub(super) queue: Option<QueueName>,
}

impl LoadShape {
    /// Refuses what cannot work.
    pub(super) fn check(&self) -> Result<(), CliError> {
        let refused =
            |why: &str, hint: &str| Err(CliError::new(Exit::Invalid, "nothing was measured", why, hint.to_owned()));
        if self.producers == 0 {
            if self.engines == 0 {
                return refused("with neither producers nor engines there is nobody to measure", "raise one of them");
            }
            if self.rate.is_some() {
                return refused(
                    "--rate is that of producers, and there are none",
                    "leave it out, or raise --producers",
                );
            }
            if self.warm_up.is_some() {
                return refused(
                    "without producers, a warm-up would take the events that are to be measured",
                    "leave --warm-up out, or raise --producers",
                );
            }
            if self.events.is_none() {
                return refused(
                    "without producers, engines have only what is enqueued before they begin",
                    "say how much that is with --events, or raise --producers",
                );
            }
        }
        if self.engines == 0 && self.exchange {
            return refused(
                "an exchange is a call of engines, and there are none",
                "leave --exchange out, or raise --engines",
            );
        }
        if u64::from(self.batch) * u64::from(self.payload_bytes) > MAX_BATCH_BODY_BYTES as u64 {
            let why = format!(
                "a call with {} events of {} bytes is larger than the {} bytes that a server takes",
                thousands(self.batch.into()),
                thousands(self.payload_bytes.into()),
                thousands(MAX_BATCH_BODY_BYTES as u64)
            );
            return refused(&why, "lower --batch or --payload-bytes");
        }
        Ok(())
    }

    /// How long to measure; none if a number of events ends it.
    pub(super) fn duration(&self) -> Option<Duration> {
        if self.events.is_some() { None } else { Some(self.duration.unwrap_or(DEFAULT_DURATION)) }
    }

    pub(super) fn warm_up(&self) -> Duration {
        self.warm_up.unwrap_or_default()
    }

    /// In a line for people.
    pub(super) fn in_words(&self) -> String {
        let count = |number: u32, one: &str| {
            format!("{} {one}{}", thousands(number.into()), if number == 1 { "" } else { "s" })
        };
        let how = match self.rate {
            Some(rate) => format!("{rate} events/s offered"),
            None if self.producers == 0 => "all enqueued before".to_owned(),
            None => "as fast as answers come".to_owned(),
        };
        let exchange = if self.exchange { " by exchange" } else { "" };
        format!(
            "{}, {}{exchange}, {} of {} bytes a call, {how}",
            count(self.producers, "producer"),
            count(self.engines, "engine"),
            count(self.batch, "event"),
            thousands(self.payload_bytes.into())
        )
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let within = |rate: &f64| *rate > 0.0 && *rate <= 10_000_000.0;
    text.parse()
        .ok()
        .filter(within)
        .ok_or_else(|| "must be a number of events, above 0 and at most 10000000".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    let number = &text[..text.len() - unit.len()];
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err("must be a number with its unit: 500ms, 10s, 5m or 1h".to_owned()),
    };
    let parsed = number.parse().ok().and_then(|number: f64| Duration::try_from_secs_f64(number * seconds).ok());
    parsed
        .filter(|parsed| !parsed.is_zero() && *parsed <= MAX_DURATION)
        .ok_or_else(|| "must be longer than nothing, and at most 168h".to_owned())
}

fn in_seconds<S: serde::Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        for (text, milliseconds) in
            [("500ms", 500), ("10s", 10_000), ("1.5s", 1_500), ("5m", 300_000), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "10", "s", "0s", "-1s", "1 s", "1e3s", "..s", "1000h", "10 minutes"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "NaN", "inf", "1e9", "ten"] {
            assert!(rate(text).is_err(), "{text}");
        }
        assert_eq!(rate("0.5"), Ok(0.5));
    }
}
