//! What a server says of itself, in the format that is configured: the log on stderr, the line on stdout that says where it
//! listens, and why it has ended.

use std::io::{IsTerminal, Write};

use enginehouse_server::config::{Config, LogFormat, environment};
use enginehouse_server::http::ACCESS_LOG;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::cli_error::CliError;
use super::json_lines::{JsonLine, JsonLines};
use super::log_output::LogOutput;

/// The target of lines that the program itself writes, rather than one of its parts.
const TARGET: &str = "enginehouse";

/// Begins to log.
pub(crate) fn start(config: &Config, log: &LogOutput) {
    let output = log.clone();
    let lines = fmt::layer().log_internal_errors(false).with_writer(move || output.clone());
    let lines = match config.log_format {
        LogFormat::Text => lines.with_ansi(stderr_has_colours()).boxed(),
        LogFormat::Json => lines.event_format(JsonLines).fmt_fields(JsonFields::new()).boxed(),
    };
    registry().with(lines).with(filter(config)).init();
}

fn filter(config: &Config) -> Targets {
    // The configuration has checked it.
    let filter: Targets = config.log.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    filter.with_target(ACCESS_LOG, if config.log_requests { LevelFilter::INFO } else { LevelFilter::OFF })
}

/// Says where the server is, once it is there: the first line of stdout, for people and for programs that wait for it.
pub(crate) fn announce(format: LogFormat, url: &str) {
    // No browser opens a Unix socket.
    let docs = (!url.starts_with("unix:")).then(|| format!("{url}/docs"));
    let line = match format {
        LogFormat::Text => {
            let docs = docs.map(|docs| format!("  (docs at {docs})"));
            format!("listening on {url}{}\n", docs.unwrap_or_default())
        }
        LogFormat::Json => {
            let mut line = JsonLine::new("INFO", TARGET);
            line.add("message", &format!("listening on {url}"));
            line.add("url", url);
            if let Some(docs) = docs {
                line.add("docs", &docs);
            }
            line.end()
        }
    };
    let mut out = std::io::stdout();
    // A server is of use even if its stdout is closed.
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

/// Why the server did not start, or has ended by itself, as the last line of the log: a reader who has stopped reading must not keep
/// the process from its end.
pub(crate) fn write_error(format: LogFormat, error: &CliError, mut log: LogOutput) {
    let text = match format {
        LogFormat::Text => format!("{}\n", error.text()),
        LogFormat::Json => {
            let mut line = JsonLine::new("ERROR", TARGET);
            line.add("message", &error.what);
            line.add("why", &error.why);
            line.add("try", &error.hint);
            line.end()
        }
    };
    let _ = log.write_all(text.as_bytes());
}

/// Whether lines for people on stderr may have colours: on a terminal, unless `NO_COLOR` is set (no-color.org).
pub(crate) fn stderr_has_colours() -> bool {
    std::io::stderr().is_terminal() && colours_are_wanted()
}

/// Whether `NO_COLOR` does not take colours away.
pub(crate) fn colours_are_wanted() -> bool {
    environment("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn requests_are_logged_if_and_only_if_they_are_asked_for() {
        for log in ["info", "trace", "off", "enginehouse=debug", "enginehouse::requests=trace"] {
            for log_requests in [false, true] {
                let filter = filter(&Config { log: log.to_owned(), log_requests, ..Config::default() });
                assert_eq!(filter.would_enable(ACCESS_LOG, &Level::INFO), log_requests, "{log}");
            }
        }
    }
}
