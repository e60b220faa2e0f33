//! Loads a file of events, chunk by chunk.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal};
use std::path::Path;

use enginehouse_api::enqueue::{BatchRequest, EnqueueRequest, LineError, Warning};
use enginehouse_client::{Client, Error, Repeat};
use enginehouse_core::invalid::FieldError;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::sync::mpsc;

use super::super::cli_error::CliError;
use super::super::output::{note, one};
use super::super::server_and_output::Common;
use super::lines::{EventLine, LineChunk, LineChunks, LineFormat};
use crate::exit_codes::Exit;

/// How often a chunk is repeated: long enough for a server to restart.
const MAX_REPEATS: u32 = 10;
/// How many errors are shown one by one.
const MAX_SHOWN: usize = 20;
/// How many errors the summary keeps.
const MAX_KEPT: usize = 1_000;

/// What became of the file.
#[derive(Debug, Default, Serialize)]
struct LoadSummary {
    enqueued: u64,
    duplicates: u64,
    rejected: u64,
    errors: Vec<LineError>,
    warnings: Vec<Warning>,
}

pub(super) async fn run(common: &Common, file: &Path, format: LineFormat, keep_going: bool) -> Result<(), CliError> {
    let unreadable = |error: io::Error| {
        CliError::new(
            Exit::Invalid,
            "nothing was enqueued",
            format_args!("could not read {}: {error}", file.display()),
            "check the name of the file, and that you may read it",
        )
    };
    let (chunks, size) = open(file, format).map_err(unreadable)?;
    let mut load = FileLoad {
        client: Client::clone(&common.client).with_max_repeats(MAX_REPEATS),
        bar: bar(common, size),
        summary: LoadSummary::default(),
    };
    let result = load.all(chunks, keep_going).await;
    load.bar.finish_and_clear();
    let summary = load.summary;
    for warning in &summary.warnings {
        note(&format!("warning: {}", warning.detail));
    }
    let stored = summary.enqueued + summary.duplicates;
    if let Err(error) = result {
        let exit = if stored > 0 { Exit::Partly } else { error.exit };
        return Err(CliError { exit, what: format!("{}; {stored} events were loaded before", error.what), ..error });
    }
    if !common.quiet {
        let fields = [
            ("enqueued", summary.enqueued.to_string()),
            ("there before", summary.duplicates.to_string()),
            ("refused", summary.rejected.to_string()),
        ];
        one(common, &summary, "", &fields)?;
    }
    if summary.rejected > 0 {
        return Err(CliError::new(
            if stored > 0 { Exit::Partly } else { Exit::Invalid },
            format!("{} lines were not enqueued", summary.rejected),
            "they were refused, as named above",
            "correct them, and enqueue them alone",
        ));
    }
    Ok(())
}

/// Reads the file in a thread of its own, a little ahead of the server. The program does not wait for it at the
/// end, as it may be reading from a terminal.
fn open(file: &Path, format: LineFormat) -> io::Result<(mpsc::Receiver<io::Result<LineChunk>>, Option<u64>)> {
    let (sender, receiver) = mpsc::channel(2);
    if file.as_os_str() == "-" {
        std::thread::spawn(move || send_all(LineChunks::new(io::stdin().lock(), format), &sender));
        return Ok((receiver, None));
    }
    let opened = File::open(file)?;
    let metadata = opened.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let size = metadata.is_file().then_some(metadata.len());
    std::thread::spawn(move || send_all(LineChunks::new(BufReader::new(opened), format), &sender));
    Ok((receiver, size))
}

fn send_all(chunks: impl Iterator<Item = io::Result<LineChunk>>, sender: &mpsc::Sender<io::Result<LineChunk>>) {
    for chunk in chunks {
        let failed = chunk.is_err();
        if sender.blocking_send(chunk).is_err() || failed {
            return;
        }
    }
}

fn bar(common: &Common, size: Option<u64>) -> ProgressBar {
    if !common.format().is_table() || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, shape) = match size {
        Some(size) => (ProgressBar::new(size), "{bar:30} {bytes}/{total_bytes} {msg}, {eta} to go"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} {msg}"),
    };
    // The templates are right, or the default one shows.
    ProgressStyle::with_template(shape).map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}

struct FileLoad {
    client: Client,
    bar: ProgressBar,
    summary: LoadSummary,
}

impl FileLoad {
    async fn all(
        &mut self,
        mut chunks: mpsc::Receiver<io::Result<LineChunk>>,
        keep_going: bool,
    ) -> Result<(), CliError> {
        while let Some(chunk) = chunks.recv().await {
            let chunk = chunk.map_err(|error| {
                CliError::new(Exit::Failed, "the load stopped", error, "check the file, and load the rest of it")
            })?;
            let bytes = chunk.bytes;
            if keep_going {
                self.good_lines(chunk).await?
            } else {
                self.whole(chunk).await?
            }
            self.bar.inc(bytes as u64);
            self.bar.set_message(format!("{} events", self.summary.enqueued + self.summary.duplicates));
        }
        Ok(())
    }

    /// Stores a chunk, or nothing of it.
    async fn whole(&mut self, chunk: LineChunk) -> Result<(), CliError> {
        let mut events = Vec::new();
        let mut numbers = Vec::new();
        for EventLine { number, event } in chunk.lines {
            match event {
                Ok(event) => {
                    numbers.push(number);
                    events.push(event);
                }
                Err(errors) => self.note_all(number, errors.into_iter()),
            }
        }
        if self.summary.errors.is_empty() && !events.is_empty() {
            match self.client.enqueue_batch(&BatchRequest { events, atomic: None }).await {
                Ok(answer) => {
                    self.summary.enqueued += answer.enqueued;
                    self.summary.duplicates += answer.duplicates;
                    self.warn(answer.warnings);
                }
                Err(error) => return Err(self.refused(error, &numbers)),
            }
        }
        let Some(first) = self.summary.errors.first() else { return Ok(()) };
        Err(CliError::new(
            Exit::Invalid,
            format!("the load stopped at line {}", first.line),
            "nothing is stored of a chunk that has a line which is not valid",
            "correct the line and repeat the load with --idempotency-key-field, or add --keep-going",
        ))
    }

    /// Stores the good lines of a chunk, and names the others.
    async fn good_lines(&mut self, chunk: LineChunk) -> Result<(), CliError> {
        let mut lines = Vec::new();
        let mut numbers = Vec::new();
        let mut all_have_keys = true;
        for EventLine { number, event } in chunk.lines {
            match event {
                Ok(event) => {
                    all_have_keys &= event.idempotency_key.is_some();
                    numbers.push(number);
                    append(&event, &mut lines);
                }
                Err(errors) => {
                    self.summary.rejected += 1;
                    self.note_all(number, errors.into_iter());
                }
            }
        }
        if numbers.is_empty() {
            return Ok(());
        }
        let repeat = if all_have_keys { Repeat::Always } else { Repeat::IfNotApplied };
        let answer = match self.client.enqueue_lines(lines, repeat).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.refused(error, &numbers)),
        };
        self.summary.enqueued += answer.enqueued;
        self.summary.duplicates += answer.duplicates;
        self.summary.rejected += answer.rejected;
        self.warn(answer.warnings);
        for error in answer.errors {
            // The server has counted the lines of this request; people count those of the file.
            let place = usize::try_from(error.line).ok().and_then(|line| line.checked_sub(1));
            let number = place.and_then(|place| numbers.get(place)).copied().unwrap_or(error.line);
            self.note(LineError { line: number, ..error });
        }
        Ok(())
    }

    /// The error with a chunk that the server did not take. `numbers` are its lines in the file.
    fn refused(&mut self, error: Error, numbers: &[u64]) -> CliError {
        let (first, last) = (numbers.first().copied().unwrap_or(0), numbers.last().copied().unwrap_or(0));
        if let Error::Problem(problem) = &error {
            for bad in &problem.errors {
                // A pointer into a batch begins with `/events/` and the place.
                let (place, pointer) = match bad.pointer.strip_prefix("/events/") {
                    Some(rest) => {
                        rest.split_once('/').map_or((rest, String::new()), |(place, rest)| (place, format!("/{rest}")))
                    }
                    None => continue,
                };
                let Some(line) = place.parse().ok().and_then(|place: usize| numbers.get(place)) else { continue };
                self.note(LineError { line: *line, pointer, detail: bad.detail.clone() });
            }
        }
        let unsure = error.maybe_applied();
        let error = CliError::call(format!("the load stopped: lines {first} to {last} were not accepted"), error);
        if unsure {
            let hint = "they may be stored all the same: repeat the load with --idempotency-key-field, so that nothing is stored twice";
            return CliError { hint: hint.to_owned(), ..error };
        }
        error
    }

    fn note_all(&mut self, line: u64, errors: impl Iterator<Item = FieldError>) {
        for FieldError { pointer, detail } in errors {
            self.note(LineError { line, pointer, detail });
        }
    }

    fn note(&mut self, error: LineError) {
        let shown = self.summary.errors.len();
        if shown < MAX_SHOWN {
            let colon = if error.pointer.is_empty() { "" } else { ": " };
            let text = format!("line {}: {}{colon}{}", error.line, error.pointer, error.detail);
            self.bar.suspend(|| note(&text));
        } else if shown == MAX_SHOWN {
            self.bar.suspend(|| note("more lines are not valid; -o json keeps the first 1,000"));
        }
        if shown < MAX_KEPT {
            self.summary.errors.push(error);
        }
    }

    fn warn(&mut self, warnings: Vec<Warning>) {
        for warning in warnings {
            if !self.summary.warnings.contains(&warning) {
                self.summary.warnings.push(warning);
            }
        }
    }
}

fn append(event: &EnqueueRequest, lines: &mut Vec<u8>) {
    // A payload may have been written over several lines only within one line of the file, so that it has none.
    if serde_json::to_writer(&mut *lines, event).is_ok() {
        lines.push(b'\n');
    }
}
