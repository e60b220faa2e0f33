//! `enginehouse store`: a store as a whole, moved from one place to another.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Subcommand};
use enginehouse_store::copy::{Copied, CopyError, CopySide, Phase, Progress, copy};
use enginehouse_store::migrations::SchemaName;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::cli_error::CliError;
use super::open_error::unopened;
use super::output::{note, one};
use super::server_and_output::OutputArgs;
use crate::exit_codes::Exit;

const NOT_COPIED: &str = "the store was not copied";
/// Off a terminal, so many rows pass between two lines about one table.
const ROWS_PER_LINE: u64 = 100_000;

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    verb: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// Copy everything into an empty store, of the same kind or the other one
    #[command(after_help = "\
Stop the servers of both stores first. The same command goes on with a copy that was cut off.

Examples:
  enginehouse store copy --from sqlite:///var/lib/enginehouse/enginehouse.db \\
    --to postgres://queue@db/app
  enginehouse store copy --from postgres://queue@db/app --from-schema queue \\
    --to sqlite://enginehouse.db")]
    Copy(CopyArgs),
}

/// What is to be copied, and where to.
#[derive(Debug, Args)]
struct CopyArgs {
    /// The store to copy: sqlite://PATH, or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, value_name = "URL")]
    from: String,
    /// The store to fill, which must be empty; a file is made
    #[arg(long, value_name = "URL")]
    to: String,
    /// The schema of the database to copy, if it is not `enginehouse`
    #[arg(long, value_name = "NAME")]
    from_schema: Option<SchemaName>,
    /// The schema of the database to fill, if it is not `enginehouse`; it is made
    #[arg(long, value_name = "NAME")]
    to_schema: Option<SchemaName>,
}

pub(crate) async fn run(arguments: StoreArgs) -> Exit {
    let StoreArgs { output, verb: StoreCommand::Copy(arguments) } = arguments;
    let result = copy_store(&output, arguments).await;
    output.finish(result)
}

async fn copy_store(output: &OutputArgs, arguments: CopyArgs) -> Result<(), CliError> {
    // Not by clap, which would show a password.
    let side = |flag: &str, url: &str, schema| {
        CopySide::new(url, schema).map_err(|why| {
            let why = format!("{flag} {why}");
            CliError::new(Exit::Invalid, NOT_COPIED, why, "say where the store is, such as sqlite://enginehouse.db")
        })
    };
    let from = side("--from", &arguments.from, arguments.from_schema)?;
    let to = side("--to", &arguments.to, arguments.to_schema)?;
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let interrupt = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            asked.store(true, Ordering::Relaxed);
        }
    });
    let mut shown = CopyProgress::new(output);
    let copied = copy(&from, &to, |progress| {
        shown.show(progress);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .await;
    interrupt.abort();
    shown.bar.finish_and_clear();
    show(output, &copied.map_err(|error| not_copied(&error))?)
}

/// How far it has come: a bar on a terminal, and a line now and then elsewhere.
struct CopyProgress {
    bar: ProgressBar,
    has_lines: bool,
    last: Option<(Phase, &'static str, u64)>,
}

impl CopyProgress {
    fn new(output: &OutputArgs) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = if is_terminal && !output.quiet { ProgressBar::new(0) } else { ProgressBar::hidden() };
        // The template is right, or the default one shows.
        let style = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} rows, {msg}, {eta} to go");
        let bar = style.map(|style| bar.clone().with_style(style)).unwrap_or(bar);
        Self { bar, has_lines: !is_terminal && !output.quiet, last: None }
    }

    fn show(&mut self, progress: Progress) {
        let Progress { phase, table, done, total } = progress;
        let verb = match phase {
            Phase::Copying => "copying",
            Phase::Comparing => "comparing",
        };
        self.bar.set_length(total);
        self.bar.set_position(done);
        let step = (phase, table, done / ROWS_PER_LINE);
        if self.last == Some(step) {
            return;
        }
        if self.last.is_none_or(|last| last.0 != phase) {
            self.bar.reset_eta();
        }
        self.bar.set_message(format!("{verb} {table}"));
        if self.has_lines {
            note(&format!("{verb} {table}: {done} of {total} rows"));
        }
        self.last = Some(step);
    }
}

fn show(output: &OutputArgs, copied: &Copied) -> Result<(), CliError> {
    if copied.others > 0 {
        note(&format!(
            "warning: {} connections of servers to the source are open; what they write from now on is in the source only",
            copied.others
        ));
    }
    for row in &copied.unreadable {
        note(&format!("warning: {row}; it was copied as it is"));
    }
    let rows: u64 = copied.tables.iter().map(|table| table.rows).sum();
    let tables: Vec<_> = copied
        .tables
        .iter()
        .map(|table| json!({ "name": table.name, "rows": table.rows, "sha256": table.sha256 }))
        .collect();
    let document = json!({
        "from": copied.from, "to": copied.to, "resumed": copied.resumed, "rows": rows, "tables": tables,
        "open_connections": copied.others, "unreadable": copied.unreadable,
    });
    let mut fields = vec![("from", copied.from.clone()), ("to", copied.to.clone())];
    fields.extend(copied.tables.iter().map(|table| (table.name, table.rows.to_string())));
    fields.push(("rows", format!("{rows}, the same on both sides")));
    one(output, &document, &copied.to, &fields)
}

fn not_copied(error: &CopyError) -> CliError {
    let (exit, hint) = match error {
        CopyError::Open(error) => return CliError { what: NOT_COPIED.to_owned(), ..unopened(error) },
        CopyError::BadUrl(_) => (Exit::Invalid, "correct the URL of the database"),
        CopyError::Unreachable { .. } => {
            (Exit::Unreachable, "see that the database runs and lets this user in, then run the same command")
        }
        CopyError::Same(_) => (Exit::Invalid, "name two stores"),
        CopyError::NotEmpty { .. } => {
            (Exit::Conflict, "name a new file, or a schema that is not there yet with --to-schema")
        }
        CopyError::OtherSource { .. } | CopyError::UnfinishedSource(_) | CopyError::Schema { .. } => {
            (Exit::Conflict, "see what the message says")
        }
        CopyError::Stopped => (Exit::Partly, "run the same command to go on"),
        CopyError::TakenOver(_) => (Exit::Conflict, "let the other run go on"),
        CopyError::Differs { .. } => {
            (Exit::Failed, "remove the target, stop the servers of the source, and copy again")
        }
        CopyError::Failed { .. } => (Exit::Failed, "see what the message says, then run the same command to go on"),
    };
    CliError::new(exit, NOT_COPIED, error, hint)
}
