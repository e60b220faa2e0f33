//! Moments on the command line: read as people say them, and shown as people want them.

use std::time::Duration;

use clap::{Args, ValueEnum};
use enginehouse_core::time::Timestamp;
use enginehouse_store::clock::{Clock, SystemClock};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ZonedDateTime};

use super::cli_error::CliError;
use super::server_and_output::OutputArgs;
use crate::exit_codes::Exit;

/// How moments are shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeFormat {
    /// How long ago it was, or how soon it will be
    Relative,
    /// In the time zone of this machine
    Local,
    /// In UTC, with milliseconds, as in JSON
    Utc,
}

/// How moments are shown of something that is shown by itself.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct TimeArgs {
    /// How to show moments to people [default: utc]
    #[arg(long, value_enum, value_name = "FORMAT")]
    time: Option<TimeFormat>,
}

impl TimeArgs {
    /// Programs are shown moments in one way only: for them, nothing may be said.
    pub(crate) fn times(self, output: &OutputArgs) -> Result<Times, CliError> {
        if self.time.is_some() && !output.format().is_table() {
            return Err(CliError::new(
                Exit::Invalid,
                "nothing was shown",
                "--time is for people",
                "leave it out, or show it with -o table or -o wide",
            ));
        }
        Ok(Times::new(self.time.unwrap_or(TimeFormat::Utc)))
    }
}

/// Shows moments in one way, as of one moment.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    format: TimeFormat,
    now: Timestamp,
    zone: TimeZone,
}

impl Times {
    pub(crate) fn new(format: TimeFormat) -> Self {
        Self { format, now: now(), zone: TimeZone::system() }
    }

    pub(crate) fn show(&self, at: Timestamp) -> String {
        match self.format {
            TimeFormat::Utc => at.to_string(),
            TimeFormat::Local => {
                let local = zoned(at, self.zone.clone());
                local.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
            }
            TimeFormat::Relative if at > self.now => format!("in {}", short(at.since(self.now))),
            TimeFormat::Relative => format!("{} ago", short(self.now.since(at))),
        }
    }

    pub(crate) fn or_dash(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(|| "-".to_owned(), |at| self.show(at))
    }
}

/// A duration in its two largest units, or one if that says enough: `4s`, `3m12s`, `12m`, `2h05m`, `3d`.
pub(crate) fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (seconds, minutes, hours, days) {
        (_, 0, ..) => format!("{seconds}s"),
        (_, 1..10, ..) => format!("{minutes}m{:02}s", seconds % 60),
        (_, _, 0, _) => format!("{minutes}m"),
        (_, _, 1..10, _) => format!("{hours}h{:02}m", minutes % 60),
        (_, _, _, 0..=1) => format!("{hours}h"),
        _ => format!("{days}d"),
    }
}

pub(crate) fn now() -> Timestamp {
    SystemClock::new().wall()
}

fn zoned(at: Timestamp, zone: TimeZone) -> ZonedDateTime {
    // The range of the type lies within jiff's, so the fallback is never taken.
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned_datetime(zone)
}

/// What a moment may look like, for help texts.
pub(crate) const MOMENT: &str = "such as 1h, 2026-11-01 or 2026-11-01T10:00:00Z";

/// Reads a moment of the past: `1h` is an hour ago.
pub(crate) fn past(text: &str) -> Result<Timestamp, String> {
    moment(text, now(), &TimeZone::system(), |now, by| now - by)
}

/// Reads a moment to come: `1h` is in an hour.
pub(crate) fn future(text: &str) -> Result<Timestamp, String> {
    moment(text, now(), &TimeZone::system(), |now, by| now + by)
}

fn moment(
    text: &str,
    now: Timestamp,
    zone: &TimeZone,
    from: impl Fn(Timestamp, Duration) -> Timestamp,
) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    // A day or a time without an offset is one of this machine's zone.
    let is_date = text.len() >= 10 && text.as_bytes()[4] == b'-';
    if let (true, Ok(civil)) = (is_date, text.parse::<DateTime>()) {
        let at = civil.to_zoned_datetime(zone.clone()).map_err(|error| error.to_string())?;
        return Ok(Timestamp::from_millis(at.timestamp().as_millisecond()));
    }
    let by = duration(text).map_err(|_| format!("must be a moment, {MOMENT}"))?;
    Ok(from(now, by))
}

/// Reads a duration: `30s`, `1h 30m`, `2d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let must = || "must be a duration, such as 30s, 1h30m or 2d".to_owned();
    // Days are 24 hours here: `1d` is as much as `24h`.
    let span: jiff::Span = text.parse().map_err(|_| must())?;
    let relative = jiff::SpanRelativeTo::days_are_24_hours();
    let exact: SignedDuration = span.to_duration(relative).map_err(|_| must())?;
    Duration::try_from(exact).map_err(|_| must())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_moment_is_read_as_people_say_it() {
        let (now, zone) = (at("2026-11-27T12:00:00Z"), TimeZone::fixed(jiff::tz::offset(2)));
        for (text, want) in [
            ("1h", "2026-11-27T11:00:00.000Z"),
            ("1h30m", "2026-11-27T10:30:00.000Z"),
            ("90 minutes", "2026-11-27T10:30:00.000Z"),
            ("2d", "2026-11-25T12:00:00.000Z"),
            ("2w", "2026-11-13T12:00:00.000Z"),
            ("2026-11-01", "2026-10-31T22:00:00.000Z"),
            ("2026-11-01T10:00", "2026-11-01T08:00:00.000Z"),
            ("2026-11-01 10:00:00", "2026-11-01T08:00:00.000Z"),
            ("2026-11-01T10:00:00Z", "2026-11-01T10:00:00.000Z"),
            ("2026-11-01T10:00:00+01:00", "2026-11-01T09:00:00.000Z"),
            ("yesterday", ""),
            ("", ""),
            ("5", ""),
            ("-1h", ""),
        ] {
            let read = moment(text, now, &zone, |now, by| now - by).map(|at| at.to_string());
            assert_eq!(read.unwrap_or_default(), want, "{text}");
        }
        assert_eq!(moment("1h", now, &zone, |now, by| now + by), Ok(at("2026-11-27T13:00:00Z")));
        assert_eq!(past("soon").unwrap_err(), "must be a moment, such as 1h, 2026-11-01 or 2026-11-01T10:00:00Z");
    }

    #[test]
    fn a_moment_is_shown_as_people_want_it() {
        let mut times = Times {
            format: TimeFormat::Relative,
            now: at("2026-11-27T12:00:00Z"),
            zone: TimeZone::fixed(jiff::tz::offset(1)),
        };
        for (moment, want) in [
            ("2026-11-27T12:00:00Z", "0s ago"),
            ("2026-11-27T11:59:18Z", "42s ago"),
            ("2026-11-27T11:56:48Z", "3m12s ago"),
            ("2026-11-27T11:46:48Z", "13m ago"),
            ("2026-11-27T09:55:00Z", "2h05m ago"),
            ("2026-11-26T01:00:00Z", "35h ago"),
            ("2026-11-01T01:00:00Z", "26d ago"),
            ("2026-11-27T12:00:30Z", "in 30s"),
        ] {
            assert_eq!(times.show(at(moment)), want);
        }
        times.format = TimeFormat::Local;
        assert_eq!(times.show(at("2026-11-27T12:00:00.123Z")), "2026-11-27 13:00:00 +01:00");
        times.format = TimeFormat::Utc;
        assert_eq!(times.show(at("2026-11-27T12:00:00.123Z")), "2026-11-27T12:00:00.123Z");
    }
}
