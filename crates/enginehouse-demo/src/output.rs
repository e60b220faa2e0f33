//! What the demo prints: bars on a terminal, plain lines elsewhere.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::sync::Mutex;

use enginehouse_api::engines::Engine;
use enginehouse_core::engine::EngineStatus;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::picture::Picture;
use super::proof::Proof;
use super::recovery::{Recovery, locks};
use super::timing::seconds;

/// How large the picture is shown on a terminal, in characters; each shows two colours, one above the other.
const PREVIEW: (u32, u32) = (72, 20);

/// Prints a line on stdout. Whoever has stopped reading misses it, and the demo goes on.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints each step as it happens.
pub(super) struct ProgressOutput {
    began: Instant,
    tiles: u64,
    /// Only where stderr is a terminal.
    bars: Option<Bars>,
    /// How many tenths of the tiles were done when that was last printed, where there are no bars.
    tenths_printed: Mutex<u64>,
}

struct Bars {
    all: MultiProgress,
    tiles: ProgressBar,
    engines: Mutex<Vec<ProgressBar>>,
}

impl ProgressOutput {
    pub(super) fn new(began: Instant, tiles: u32) -> Self {
        let bars = std::io::stderr().is_terminal().then(|| {
            let all = MultiProgress::new();
            let style = ProgressStyle::with_template("  {bar:48.cyan/blue} {pos}/{len} tiles")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let tiles = all.add(ProgressBar::new(u64::from(tiles)).with_style(style));
            Bars { all, tiles, engines: Mutex::new(Vec::new()) }
        });
        Self { began, tiles: u64::from(tiles), bars, tenths_printed: Mutex::new(0) }
    }

    /// Prints a line with the time since the demo began.
    pub(super) fn print(&self, what: &str) {
        let line = format!("{:5.1} s  {what}", seconds(self.began));
        match &self.bars {
            // There is nowhere to report that the terminal cannot be written to.
            Some(bars) => bars.all.println(line).unwrap_or_default(),
            None => say(&line),
        }
    }

    /// Shows how many tiles are done, and what each engine does.
    pub(super) fn progress(&self, completed: u64, engines: &[Engine]) {
        let Some(bars) = &self.bars else {
            let mut printed = self.tenths_printed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let tenth = completed * 10 / self.tiles.max(1);
            if tenth > *printed {
                *printed = tenth;
                self.print(&format!("{completed} of {} tiles are done", self.tiles));
            }
            return;
        };
        bars.tiles.set_position(completed);
        let mut lines = bars.engines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        while lines.len() < engines.len() {
            let style = ProgressStyle::with_template("  {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            lines.push(bars.all.add(ProgressBar::new(1).with_style(style)));
        }
        for (line, engine) in lines.iter().zip(engines) {
            line.set_message(describe(engine));
        }
    }

    pub(super) fn clear_bars(&self) {
        if let Some(bars) = &self.bars {
            bars.all.clear().unwrap_or_default();
        }
    }
}

fn describe(engine: &Engine) -> String {
    let limits = &engine.metadata.static_config.resource_limits;
    let slots = limits.max_concurrent_events.unwrap_or_default();
    let load = &engine.metadata.dynamic_state.resource_utilization;
    let held = "■".repeat(engine.locks_held as usize);
    let mark = if engine.status == EngineStatus::Active { "●" } else { "✗" };
    format!(
        "{mark} {:<10} {:<8} {held:<2} {}/{slots} locks  cpu {:>5.1} %  {:>5.1} MiB",
        engine.engine_id.as_str(),
        engine.status.name(),
        engine.locks_held,
        load.cpu_percent.unwrap_or_default(),
        load.memory_usage_mb.unwrap_or_default(),
    )
}

/// Shows the picture itself, on a terminal.
pub(super) fn preview(picture: &Picture) {
    if !std::io::stdout().is_terminal() || is_without_colours() {
        return;
    }
    let (columns, rows) = PREVIEW;
    let cells = picture.thumbnail(columns, rows * 2);
    let color = |row: u32, column: u32| cells[(row * columns + column) as usize].unwrap_or([0; 3]);
    let mut text = String::new();
    for row in 0..rows {
        text.push_str("  ");
        for column in 0..columns {
            let ([r, g, b], [lower_r, lower_g, lower_b]) = (color(row * 2, column), color(row * 2 + 1, column));
            // A write to a String does not fail.
            let _ = write!(text, "\u{1b}[38;2;{r};{g};{b}m\u{1b}[48;2;{lower_r};{lower_g};{lower_b}m▀");
        }
        text.push_str("\u{1b}[0m\n");
    }
    say(&format!("\n{text}"));
}

/// Whether `NO_COLOR` is set (no-color.org): then there is nothing of a picture that could be shown.
#[expect(clippy::disallowed_methods, reason = "a user's wish about terminals is said there alone")]
fn is_without_colours() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Prints what happened, in numbers.
pub(super) fn summary(recovery: &Recovery, proof: &Proof, began: Instant, picture: &Path) {
    let rate = proof.tiles as f64 / recovery.rendering.as_secs_f64().max(0.001);
    let verdict = if proof.objections.is_empty() {
        "every tile completed exactly once, and the picture has no holes".to_owned()
    } else {
        format!("NO: {}", proof.objections.join("; "))
    };
    say(&format!(
        "
  picture        {picture}
  tiles          {tiles}, at {rate:.1} a second
  attempts       {attempts}: {completed} completed, {failures} failed, {lost} lost with their engine
  engine killed  {killed}, holding {locks}; all with other engines after {took:.1} s
  dead letters   {redrives}, redriven with a corrected payload, and completed
  wall time      {wall:.1} s
  proof          {verdict}
",
        picture = picture.display(),
        tiles = proof.tiles,
        attempts = proof.attempts,
        completed = proof.completed,
        failures = proof.failures,
        lost = proof.locks_lost,
        killed = recovery.killed,
        locks = locks(recovery.locks),
        took = recovery.took.as_secs_f64(),
        redrives = proof.redrives,
        wall = seconds(began),
    ));
}

/// Prints where to look around while the server still runs.
pub(super) fn links(url: &str) {
    say(&format!(
        "  While this is serving:
    Documents    {url}/docs
    statistics   {url}/v1/stats
    engines      {url}/v1/engines
    metrics      {url}/metrics
    command line ENGINEHOUSE_URL={url} enginehouse event list
"
    ));
}
